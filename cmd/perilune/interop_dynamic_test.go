package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pyradNASDictionary is what the NAS knows beside pyradDictionary.
const pyradNASDictionary = pyradDictionary + `
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Proxy-State 33 octets
VALUE Acct-Status-Type Stop 2
VALUE Acct-Status-Type Interim-Update 3
ATTRIBUTE Acct-Session-Time 46 integer
ATTRIBUTE Acct-Terminate-Cause 49 integer
ATTRIBUTE Event-Timestamp 55 integer
ATTRIBUTE Error-Cause 101 integer
`

// pyradNAS logs users in, tells their sessions, and takes CoA- and Disconnect-Requests: what it answers depends on
// the session. It tells what it has seen.
const pyradNAS = `
import hashlib, hmac, socket, sys, time
import pyrad.packet
from pyrad.client import Client
from pyrad.dictionary import Dictionary

auth, acct, coa, secret, names = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode(), Dictionary(sys.argv[5])
client = Client(server="127.0.0.1", authport=auth, acctport=acct, secret=secret, dict=names)
client.timeout, client.retries = 5, 1
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", coa))

def mac(octets):
    return hmac.new(secret, octets, hashlib.md5).digest()

def login(user, session, port):
    request = client.CreateAuthPacket(code=pyrad.packet.AccessRequest, User_Name=user)
    request["User-Password"] = request.PwCrypt("hello")
    request["Calling-Station-Id"] = "00-11-22-33-44-%02x" % port
    request["NAS-IP-Address"] = "192.0.2.10"
    request["NAS-Port"] = port
    reply = client.SendPacket(request)
    print("login", user, reply.code, flush=True)
    if reply.code == pyrad.packet.AccessAccept:
        account(user, session, port, "Start", Class=reply["Class"][0] if "Class" in reply else b"none")

def account(user, session, port, status, **more):
    record = client.CreateAcctPacket(User_Name=user)
    record["Acct-Status-Type"] = status
    record["Acct-Session-Id"] = session
    record["Calling-Station-Id"] = "00-11-22-33-44-%02x" % port
    record["NAS-IP-Address"] = "192.0.2.10"
    record["NAS-Port"] = port
    for key, value in more.items():
        record[key.replace("_", "-")] = value
    print(status, session, client.SendPacket(record).code, flush=True)

def answer(request, data, peer, code, cause=None, zeros=False):
    reply = pyrad.packet.CoAPacket(code, request.id, secret, request.authenticator, dict=names)
    if cause:
        reply["Error-Cause"] = cause
    for state in request.get(33, []):
        reply.AddAttribute("Proxy-State", state)
    reply[80] = [b"\0" * 16]
    octets = reply.ReplyPacket()
    reply[80] = [mac(octets[:4] + (b"\0" * 16 if zeros else request.authenticator) + octets[20:])]
    sock.sendto(reply.ReplyPacket(), peer)

def signed(data, value):
    return hmac.compare_digest(value, mac(data[:4] + b"\0" * 16 + data[20:].replace(value, b"\0" * 16)))

sessions = {}
for line in sys.argv[6:]:
    user, session, port = line.split(",")
    sessions[user] = session
    login(user, session, int(port))
print("ready", flush=True)
dropped = {}
while True:
    data, peer = sock.recvfrom(4096)
    request = pyrad.packet.CoAPacket(packet=data, secret=secret, dict=names)
    session = request["Acct-Session-Id"][0] if "Acct-Session-Id" in request else sessions.get(request["User-Name"][0], "")
    if session == "silent" and session not in dropped:
        dropped[session] = data
        continue
    print("got", request.code, session, "authentic", request.VerifyCoARequest(), "signed", signed(data, request[80][0]))
    for key in sorted(request.keys(), key=str):
        if key == "Event-Timestamp":
            print(" ", key, abs(request[key][0] - time.time()) < 60)
        elif key not in ("Message-Authenticator", "Acct-Session-Id"):
            print(" ", key, request[key][0])
    if session in dropped:
        print("  repeated", dropped[session] == data)
    if session == "refused":
        answer(request, data, peer, request.code + 2, cause=501)
    elif session == "unknown":
        answer(request, data, peer, request.code + 2, cause=503, zeros=True)
    elif session == "zeros":
        answer(request, data, peer, request.code + 1, zeros=True)
    else:
        answer(request, data, peer, request.code + 1)
    if session == "bobs":
        account(request["User-Name"][0], session, 1, "Stop", Acct_Terminate_Cause=6, Acct_Session_Time=5)
    print("done", session, flush=True)
`

// A pyradPeer is a NAS that is made of pyrad.
type pyradPeer struct {
	out   *watchedLog
	ended chan int
}

// startPyradNAS starts one that logs users in (user,session,port) and listens at port of 127.0.0.1.
func startPyradNAS(t *testing.T, s *loopServer, coa string, logins ...string) *pyradPeer {
	t.Helper()
	writeFiles(t, s.dir, map[string]string{"pyrad/nas.py": pyradNAS, "pyrad/dictionary": pyradNASDictionary})
	args := append([]string{filepath.Join(s.dir, "pyrad", "nas.py"), s.port("auth"), s.port("acct"), coa, loopSecret, filepath.Join(s.dir, "pyrad", "dictionary")}, logins...)
	n := &pyradPeer{newWatchedLog(), make(chan int, 1)}
	cmd := exec.Command(pythonWithPyrad(t), args...)
	cmd.Stdout, cmd.Stderr = n.out, n.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		n.ended <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-n.ended
	})
	n.expect(t, s, "ready\n")
	return n
}

func pythonWithPyrad(t *testing.T) string {
	t.Helper()
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import pyrad.client").CombinedOutput(); err != nil {
		without(t, "%s has no pyrad: %v %s", python, err, out)
	}
	return python
}

func (n *pyradPeer) expect(t *testing.T, s *loopServer, text string) {
	t.Helper()
	if !n.out.wait(text, n.ended) {
		t.Fatalf("the NAS does not say %q:\n%s\n%s", text, n.out, s.log)
	}
}

// dynamicTree is a tree with the NAS's port.
func dynamicTree(t *testing.T, coa string, files map[string]string) string {
	t.Helper()
	all := map[string]string{
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q nas coa=127.0.0.1:%s\n127.0.0.2 %q operator dynamic-authorization\n", loopSecret, coa, loopSecret),
		"raddb/users":   "DEFAULT User-Password = \"hello\"\n\tClass = 0x63616665\n",
	}
	for name, text := range files {
		all[name] = text
	}
	return loopTree(t, all)
}

// kick runs `perilune kick` and gives its exit code and output.
func (s *loopServer) kick(args ...string) (code int, text string) {
	return s.command(append([]string{"kick", "-d", s.raddb()}, args...)...)
}

// expectSessions waits until exactly these Acct-Session-Ids are open.
func (s *loopServer) expectSessions(t *testing.T, want ...string) {
	t.Helper()
	if got := s.openSessions(t, len(want)); !slices.Equal(want, got) {
		t.Errorf("open sessions: %q, expected %q\n%s", got, want, s.log)
	}
}

// openSessions waits until n sessions are open, and gives their Acct-Session-Ids in order.
func (s *loopServer) openSessions(t *testing.T, n int) (open []string) {
	t.Helper()
	var out string
	for late := time.Now().Add(10 * time.Second); time.Now().Before(late); time.Sleep(20 * time.Millisecond) {
		open = open[:0]
		_, out = s.command("who", "-d", s.raddb(), "-json")
		for _, m := range regexp.MustCompile(`"id":"([^"]*)"`).FindAllStringSubmatch(out, -1) {
			open = append(open, m[1])
		}
		slices.Sort(open)
		if len(open) == n {
			return open
		}
	}
	t.Fatalf("%d sessions are open, expected %d\n%s\n%s", len(open), n, out, s.log)
	return nil
}

// TestKickAtPyrad has users of a home server log in at a NAS, and puts them off there.
func TestKickAtPyrad(t *testing.T) {
	coa := freePorts(t, 1)[0]
	home := newRadiusd(t, homeUsers, nil)
	s := serveOnLoopback(t, dynamicTree(t, coa, map[string]string{
		"raddb/realms": fmt.Sprintf("home.example %s secret=%q\n", home.server(), loopSecret),
	}))
	n := startPyradNAS(t, s, coa, "bob@home.example,bobs,1", "carl,refused,2", "dora,unknown,3", "emil,zeros,4", "fred,silent,5", "gina,changed,6", "eve@home.example,none,7")
	for _, want := range []string{"login bob@home.example 2\nStart bobs 5\n", "login gina 2\n", "login eve@home.example 3\n"} {
		n.expect(t, s, want)
	}
	s.expectSessions(t, "bobs", "changed", "refused", "silent", "unknown", "zeros")
	if got := home.last(t, "Accounting-Request"); !slices.Contains(got, `Class = 0x0102`) || !slices.Contains(got, `User-Name = "bob"`) {
		t.Errorf("the home server has got %q", got)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
		seen string
	}{
		{[]string{"bob@home.example"}, exitOK, "Disconnect-ACK", "got 40 bobs authentic True signed True\n  Calling-Station-Id 00-11-22-33-44-01\n  Event-Timestamp True\n  NAS-IP-Address 192.0.2.10\n  NAS-Port 1\n  User-Name bob@home.example\n"},
		{[]string{"carl"}, exitFailed, "Disconnect-NAK, Administratively-Prohibited (501)", "got 40 refused authentic True signed True\n"},
		{[]string{"-session", "unknown"}, exitFailed, "Disconnect-NAK, Session-Context-Not-Found (503)", "got 40 unknown authentic True signed True\n"},
		{[]string{"-mac", "00:11:22:33:44:04"}, exitOK, "Disconnect-ACK", "got 40 zeros authentic True signed True\n"},
		{[]string{"fred"}, exitOK, "Disconnect-ACK", "  repeated True\n"},
		{[]string{"gina", "-coa", "Session-Timeout=60", "-coa", "Class=0x63"}, exitOK, "CoA-ACK", "got 43 changed authentic True signed True\n  Calling-Station-Id 00-11-22-33-44-06\n  Class b'c'\n"},
		{[]string{"nobody"}, exitFailed, "no open session matches", ""},
	} {
		code, out := s.kick(test.args...)
		if code != test.code || !strings.Contains(out, test.want) {
			t.Errorf("kick %q: exit code %d, expected %d and %q\n%s\n%s\n%s", test.args, code, test.code, test.want, out, n.out, s.log)
		}
		n.expect(t, s, test.seen)
	}
	n.expect(t, s, "Stop bobs 5\n")
	s.expectSessions(t, "changed", "refused", "silent", "unknown", "zeros")
	if got := home.last(t, "Accounting-Request"); !slices.Contains(got, "Acct-Status-Type = Stop") {
		t.Errorf("the home server has got %q", got)
	}
}

// pyradSender asks the coa port as an operator's tool of another make, from an address of its own.
const pyradSender = `
import sys
from pyrad.client import Client
from pyrad.dictionary import Dictionary
import pyrad.packet

client = Client(server="127.0.0.1", coaport=int(sys.argv[1]), secret=sys.argv[2].encode(), dict=Dictionary(sys.argv[3]))
client.timeout, client.retries = 5, 1
client.bind(("127.0.0.2", 0))

def ask(name, code, **attributes):
    request = client.CreateCoAPacket(code=code)
    for key, value in attributes.items():
        request[key.replace("_", "-")] = value
    reply = client.SendPacket(request)
    print(name, reply.code, reply["Error-Cause"][0] if "Error-Cause" in reply else "", [s.hex() for s in reply.get(33, [])])

ask("disconnect", pyrad.packet.DisconnectRequest, User_Name="anna", Acct_Session_Id="anna1")
ask("coa", pyrad.packet.CoARequest, User_Name="gina", Session_Timeout=60, Proxy_State=b"\x01\x02")
ask("refused", pyrad.packet.DisconnectRequest, User_Name="carl")
ask("no session", pyrad.packet.DisconnectRequest, User_Name="nobody")
ask("too much", pyrad.packet.DisconnectRequest, User_Name="carl", State=b"\x01")
ask("nobody named", pyrad.packet.DisconnectRequest, NAS_IP_Address="192.0.2.10")
ask("wrong NAS", pyrad.packet.DisconnectRequest, User_Name="carl", NAS_IP_Address="192.0.2.11")
`

// TestDynamicFromPyrad has another program ask us for changes, which the NAS makes.
func TestDynamicFromPyrad(t *testing.T) {
	coa := freePorts(t, 1)[0]
	s := serveOnLoopback(t, dynamicTree(t, coa, map[string]string{"pyrad/ask.py": pyradSender}))
	n := startPyradNAS(t, s, coa, "anna,anna1,1", "carl,refused,2", "gina,changed,6")
	s.expectSessions(t, "anna1", "changed", "refused")
	out, err := exec.Command(pythonWithPyrad(t), filepath.Join(s.dir, "pyrad", "ask.py"), s.port("coa"), loopSecret, filepath.Join(s.dir, "pyrad", "dictionary")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s\n%s", err, out, n.out, s.log)
	}
	const want = "disconnect 41  []\ncoa 44  ['0102']\nrefused 42 501 []\nno session 42 503 []\ntoo much 42 401 []\nnobody named 42 402 []\nwrong NAS 42 403 []\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s\n%s", diff, n.out, s.log)
	}
	n.expect(t, s, "got 43 changed authentic True signed True\n  NAS-IP-Address 192.0.2.10\n  Session-Timeout 60\n  User-Name gina\n")
}

// TestDynamicFromRadclient does the same by FreeRADIUS's client, which may not: it comes from the NAS's address.
func TestDynamicFromRadclient(t *testing.T) {
	foreignTool(t, "radclient")
	coa := freePorts(t, 1)[0]
	s := serveOnLoopback(t, dynamicTree(t, coa, map[string]string{
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q nas coa=127.0.0.1:%s dynamic-authorization\n", loopSecret, coa),
	}))
	n := startPyradNAS(t, s, coa, "bob,bobs,1", "carl,refused,2", "gina,changed,6")
	s.expectSessions(t, "bobs", "changed", "refused")
	for _, test := range []struct {
		name, kind string
		send, want []string
	}{
		{"disconnect", "disconnect", []string{"User-Name = bob", "Acct-Session-Id = bobs"}, []string{"Disconnect-ACK"}},
		{"signed", "coa", []string{"User-Name = gina", "Session-Timeout = 60", "Message-Authenticator = 0x00"}, []string{"CoA-ACK", "Message-Authenticator"}},
		{"NAK", "disconnect", []string{"User-Name = carl", "Proxy-State = 0x0a"}, []string{"Disconnect-NAK", "Error-Cause = Administratively-Prohibited", "Proxy-State = 0x0a"}},
		{"no session", "coa", []string{"Acct-Session-Id = other", "Session-Timeout = 60"}, []string{"CoA-NAK", "Error-Cause = Session-Context-Not-Found"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, radclient(t, s, test.kind, "coa", test.send...)); diff != "" {
				t.Errorf("(-want +got)\n%s\n%s\n%s", diff, n.out, s.log)
			}
		})
	}
}

// coaSections make FreeRADIUS a NAS that refuses to put carl off, or a proxy towards us.
const coaSections = `
	recv-coa {
		@recv coa@
	}
`

const coaToUs = `
home_server coa {
	type = coa
	ipaddr = 127.0.0.1
	port = @behind coa@
	secret = "@secret@"
	coa {
		irt = 2
		mrt = 16
		mrc = 5
		mrd = 30
	}
}
home_server_pool coa {
	type = fail-over
	home_server = coa
}
`

// TestDynamicWithFreeRADIUS has FreeRADIUS on both sides: as the NAS that we tell, and as a proxy that passes on to us
// what its client says.
func TestDynamicWithFreeRADIUS(t *testing.T) {
	nas := newRadiusd(t, "", map[string]string{"client": "", "sections": coaSections, "recv coa": `
		if (&User-Name == "carl") {
			reject
		}
		ok`, "modules": "always reject {\nrcode = reject\n}"})
	s := serveOnLoopback(t, dynamicTree(t, port(nas.dyna), map[string]string{
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q nas coa=%s dynamic-authorization\n", loopSecret, nas.dyna),
	}))
	front := newRadiusd(t, "", map[string]string{"client": "", "sections": coaSections, "recv coa": `
		update control {
			Home-Server-Pool := "coa"
		}`, "more": coaToUs, "behind coa": s.port("coa")})
	for _, user := range []string{"bob", "carl", "dora"} {
		radclient(t, s, "acct", "acct", "User-Name = "+user, "Acct-Status-Type = Start", "Acct-Session-Id = "+user+"1", "NAS-IP-Address = 192.0.2.10")
	}
	s.expectSessions(t, "bob1", "carl1", "dora1")
	for user, want := range map[string]string{"bob": "Disconnect-ACK", "carl": "Disconnect-NAK"} {
		if _, text := s.kick(user); !strings.Contains(text, want) {
			t.Errorf("kick %s: expected %s\n%s\n%s", user, want, text, nas.said())
		}
	}
	for _, test := range []struct {
		kind       string
		send, want []string
	}{
		{"disconnect", []string{"User-Name = dora", "Proxy-State = 0x6f6e65"}, []string{"Disconnect-ACK", "Proxy-State = 0x6f6e65"}},
		{"coa", []string{"User-Name = carl", "Session-Timeout = 60"}, []string{"CoA-NAK"}},
		{"disconnect", []string{"User-Name = nobody"}, []string{"Disconnect-NAK", "Error-Cause = Session-Context-Not-Found"}},
	} {
		if diff := cmp.Diff(test.want, received(radclientTo(t, front.dyna, test.kind, test.send, "-x", "-r", "1", "-t", "5"))); diff != "" {
			t.Errorf("%q (-want +got)\n%s\n%s\n%s\n%s", test.send, diff, s.log, front.said(), nas.said())
		}
	}
	if got := nas.last(t, "CoA-Request"); slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "Proxy-State") }) {
		t.Errorf("a NAS has got Proxy-States: %q", got)
	}
}
