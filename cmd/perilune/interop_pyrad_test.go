package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pyradDictionary is in the form that pyrad reads.
const pyradDictionary = `
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string
ATTRIBUTE CHAP-Password 3 octets
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE State 24 octets
ATTRIBUTE Class 25 octets
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Acct-Status-Type 40 integer
VALUE Acct-Status-Type Start 1
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE CHAP-Challenge 60 octets
ATTRIBUTE Tunnel-Type 64 octets
ATTRIBUTE Tunnel-Password 69 octets
ATTRIBUTE Message-Authenticator 80 octets
ATTRIBUTE Framed-IPv6-Prefix 97 ipv6prefix
`

// pyradScript asks the server and prints what came. Salted values (RFC 2868 s3.5) and Message-Authenticator
// are computed here: pyrad 2.1 does not know the latter, and its code for the former does not run under
// Python 3.
const pyradScript = `
import hashlib, hmac, sys
import pyrad.packet
from pyrad.client import Client
from pyrad.dictionary import Dictionary

auth, acct, coa, secret, names = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode(), sys.argv[5]
client = Client(server="127.0.0.1", authport=auth, acctport=acct, coaport=coa, secret=secret, dict=Dictionary(names))
client.timeout, client.retries = 5, 1

raw = {}
verify = pyrad.packet.Packet.VerifyReply
def remember(self, reply, rawreply=None):
    raw["reply"] = rawreply
    return verify(self, reply, rawreply)
pyrad.packet.Packet.VerifyReply = remember

def mac(octets):
    return hmac.new(secret, octets, hashlib.md5).digest()

def sign(request):
    request[80] = [b"\0" * 16]
    request[80] = [mac(request.RequestPacket())]

def signed(request, value):
    octets = raw["reply"]
    return octets.count(value) == 1 and hmac.compare_digest(
        value, mac(octets[:4] + request.authenticator + octets[20:].replace(value, b"\0" * 16)))

def salted(request, clear):
    salt = b"\x9a\x55"
    plain = bytes([len(clear)]) + clear
    plain += b"\0" * (-len(plain) % 16)
    last, out = request.authenticator + salt, b""
    for i in range(0, len(plain), 16):
        key = hashlib.md5(secret + last).digest()
        last = bytes(a ^ b for a, b in zip(key, plain[i:i+16]))
        out += last
    return salt + out

def show(name, request, reply):
    print(name, reply.code)
    for key in sorted(reply.keys(), key=str):
        if key == "Message-Authenticator":
            print(" signed", signed(request, reply[key][0]))
        elif key != "State":
            print("", key, reply[key])

def ask(name, user, password, prepare=None, **attributes):
    request = client.CreateAuthPacket(code=pyrad.packet.AccessRequest, User_Name=user)
    if password is not None:
        request["User-Password"] = request.PwCrypt(password)
    for key, value in attributes.items():
        request[key.replace("_", "-")] = value
    if prepare:
        prepare(request)
    sign(request)
    reply = client.SendPacket(request)
    show(name, request, reply)
    return reply

ask("pap", "bob", "hello")
ask("reject", "bob", "other")
ask("tunnel", "bob", "hello", lambda r: (r.__setitem__(69, [b"\x03" + salted(r, b"the secret of the NAS, 2 blocks")]), r.__setitem__(64, [b"\x03\0\0\x0d"])))

def chap(r):
    challenge = bytes(range(16))
    r["CHAP-Challenge"] = challenge
    r["CHAP-Password"] = b"\x07" + hashlib.md5(b"\x07" + b"hello" + challenge).digest()
ask("chap", "bob", None, chap)

reply = ask("challenge", "otp", "x")
state = reply["State"][0]
ask("wrong answer", "otp", "000000", State=state)
ask("answer", "otp", "123456", State=state)
ask("replay", "otp", "123456", State=state)

status = client.CreateAuthPacket(code=pyrad.packet.StatusServer)
sign(status)
show("status", status, client.SendPacket(status))

record = client.CreateAcctPacket(User_Name="bob")
record["Acct-Status-Type"] = "Start"
record["Acct-Session-Id"] = "p1"
show("accounting", record, client.SendPacket(record))

change = client.CreateCoAPacket(User_Name="bob")
show("coa", change, client.SendPacket(change))
`

// TestPyrad asks by the Python client, which verifies response authenticators and Message-Authenticators by
// code of its own.
func TestPyrad(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import pyrad.client").CombinedOutput(); err != nil {
		without(t, "%s has no pyrad: %v %s", python, err, out)
	}
	dir := loopTree(t, map[string]string{
		"raddb/users": interopUsers, "scripts/interop.lua": interopScripts,
		"pyrad/ask.py": pyradScript, "pyrad/dictionary": pyradDictionary,
	})
	s := serveOnLoopback(t, dir)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, filepath.Join(dir, "pyrad", "ask.py"),
		s.port("auth"), s.port("acct"), s.port("coa"), loopSecret, filepath.Join(dir, "pyrad", "dictionary"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, s.log)
	}
	const bob = ` Class [b'\x01\x02']
 Framed-IP-Address ['192.0.2.7']
 Framed-IPv6-Prefix ['2001:db8::/32']
 signed True
 Reply-Message ['hello bob']
 Session-Timeout [3600]
`
	want := "pap 2\n" + bob +
		"reject 3\n signed True\n Reply-Message ['hello bob']\n" +
		"tunnel 2\n signed True\n Reply-Message ['the NAS says the secret of the NAS, 2 blocks in VLAN']\n" +
		"chap 2\n" + bob +
		"challenge 11\n 76 [b'\\x00\\x00\\x00\\x01']\n signed True\n Reply-Message ['Code:']\n" +
		"wrong answer 3\n signed True\n Reply-Message ['wrong code']\n" +
		"answer 2\n signed True\n Reply-Message ['round two']\n" +
		"replay 3\n signed True\n" +
		"status 2\n signed True\n" +
		"accounting 5\n" +
		"coa 44\n"
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(out), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, s.log)
	}
}
