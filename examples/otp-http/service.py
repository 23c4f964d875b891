#!/usr/bin/python3
"""A service that takes the code 123456 from everybody, to try the example with: service.py [PORT]"""
import http.server
import json
import sys


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"ok": asked.get("code") == "123456"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9080), Service)
print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
server.serve_forever()
