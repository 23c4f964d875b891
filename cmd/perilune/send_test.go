package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/auth"
	"perilune/engine/radius"
)

const sendSecret = "xyzzy5461"

// loopback is a server for tests of send: bob's password is hello, by PAP or CHAP, and otp asks two
// questions.
type loopback struct {
	conn    *net.UDPConn
	address string
	mu      sync.Mutex // protects packets
	packets []radius.Packet
}

func newLoopback(t *testing.T) *loopback {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l := &loopback{conn: conn, address: conn.LocalAddr().String()}
	done := make(chan struct{})
	go func() { defer close(done); l.serve() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return l
}

func (l *loopback) serve() {
	var s radius.Session
	s.Use(radius.NewSecret(sendSecret))
	for {
		buf := make([]byte, radius.MaxPacketLen)
		n, from, err := l.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		q, err := radius.Parse(buf[:n])
		if err != nil {
			continue
		}
		l.mu.Lock()
		l.packets = append(l.packets, q)
		l.mu.Unlock()
		if _, err := s.VerifyRequest(buf[:n]); err != nil {
			continue
		}
		code, attrs := decide(&s, q)
		p := radius.Packet{Code: code, Identifier: q.Identifier, Attributes: attrs}
		raw, _ := p.AppendTo(nil)
		s.SignReply(raw, &q.Authenticator)
		l.conn.WriteToUDP(raw, from)
	}
}

// decide answers a request.
func decide(s *radius.Session, q radius.Packet) (radius.Code, radius.Attributes) {
	name, _ := q.Attributes.Find(radius.TypeUserName)
	signed := radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
	switch q.Code {
	case radius.CodeAccountingRequest:
		return radius.CodeAccountingResponse, nil
	case radius.CodeStatusServer:
		return radius.CodeAccessAccept, signed
	case radius.CodeCoARequest:
		return radius.CodeCoAACK, nil
	case radius.CodeDisconnectRequest:
		return radius.CodeDisconnectNAK, radius.AppendAttribute(nil, radius.TypeErrorCause, []byte{0, 0, 1, 0xf7})
	}
	if string(name) == "otp" {
		return talk(s, q, signed)
	}
	if !known(s, q) {
		return radius.CodeAccessReject, append(signed, "\x12\x05No!"...)
	}
	attrs := append(signed, "\x12\x0aHi \x1b[2J\x1b"...)
	attrs = append(attrs, 64, 6, 1, 0, 0, 13) // Tunnel-Type:1 = VLAN
	return radius.CodeAccessAccept, append(attrs, 27, 6, 0, 0, 14, 16)
}

func known(s *radius.Session, q radius.Packet) bool {
	if response, ok := q.Attributes.Find(3); ok {
		return auth.CHAP(response, q.Authenticator[:], []byte("hello"))
	}
	return clear(s, q) == "hello"
}

func clear(s *radius.Session, q radius.Packet) string {
	hidden, _ := q.Attributes.Find(radius.TypeUserPassword)
	password, _ := s.RevealPassword(nil, hidden, &q.Authenticator)
	return string(password)
}

// talk asks for two numbers.
func talk(s *radius.Session, q radius.Packet, signed []byte) (radius.Code, radius.Attributes) {
	state, _ := q.Attributes.Find(radius.TypeState)
	switch said := clear(s, q); string(state) + said {
	case "begin":
		return radius.CodeAccessChallenge, append(signed, "\x18\x05one\x12\x06One?"...)
	case "one111":
		return radius.CodeAccessChallenge, append(signed, "\x18\x05two\x12\x06Two?"...)
	case "two222":
		return radius.CodeAccessAccept, signed
	}
	return radius.CodeAccessReject, signed
}

// varying is what differs from run to run.
var varying = regexp.MustCompile(`127\.0\.0\.1:\d+|[\d.]+[mµn]?s\b|0x[0-9a-f]{32}|"id":\d+|"milliseconds":[\d.]+|"seconds":[\d.e-]+`)

// told is all that a command said, without what varies, and its exit code.
func told(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(args, streams{strings.NewReader(in), &o, &e})
	return code, varying.ReplaceAllString(o.String(), "*"), varying.ReplaceAllString(e.String(), "*")
}

func TestSend(t *testing.T) {
	l := newLoopback(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "bob")
	writeTest(t, file, "# bob\nUser-Name = \"bob\",\n\n  User-Password = hello\n")
	writeTest(t, filepath.Join(dir, "bad"), "User-Name = bob\nNAS-Prot = 1\n")
	writeTest(t, filepath.Join(dir, "secret"), sendSecret+"\n")
	hi := "  Message-Authenticator = *\n  Reply-Message = \"Hi \\033[2J\\033\"\n  Tunnel-Type:1 = VLAN\n  Session-Timeout = 3600\n"
	for _, tc := range []struct {
		name, args, in string
		code           int
		out, errs      string
	}{
		{"PAP", "auth User-Name=bob User-Password=hello", "", 0, "Access-Accept from * in *\n" + hi, ""},
		{"CHAP", "auth User-Name=bob CHAP-Password=hello", "", 0, "Access-Accept from * in *\n" + hi, ""},
		{"reject", "auth User-Name=bob User-Password=no", "", 1, "Access-Reject from * in *\n  Message-Authenticator = *\n  Reply-Message = \"No!\"\n", ""},
		{"options behind", "auth User-Name=bob User-Password=no -json", "", 1, `{"code":"Access-Reject",*,"server":"*","tries":1,*,"message_authenticator":true,"attributes":[["Message-Authenticator","*"],["Reply-Message","No!"]]}` + "\n", ""},
		{"JSON", "-json auth User-Name=bob User-Password=hello", "", 0, `{"code":"Access-Accept",*,"server":"*","tries":1,*,"message_authenticator":true,"attributes":[["Message-Authenticator","*"],["Reply-Message","Hi \u001b[2J\u001b"],["Tunnel-Type:1","VLAN"],["Session-Timeout","3600"]]}` + "\n", ""},
		{"file", "auth -f " + file, "", 0, "Access-Accept from * in *\n" + hi, ""},
		{"standard input", "auth -f -", "User-Name=bob\nUser-Password=hello\n", 0, "Access-Accept from * in *\n" + hi, ""},
		{"file and argument", "auth -f - User-Name=bob", "User-Password=hello\n", 0, "Access-Accept from * in *\n" + hi, ""},
		{"secret in a file", "auth -secret @" + dir + "/secret User-Name=bob User-Password=no -json -require-message-authenticator", "", 1, `{"code":"Access-Reject",*,"server":"*","tries":1,*,"message_authenticator":true,"attributes":[["Message-Authenticator","*"],["Reply-Message","No!"]]}` + "\n", ""},
		{"accounting", "acct Acct-Status-Type=Start Acct-Session-Id=1", "", 0, "Accounting-Response from * in *\n", ""},
		{"status", "status", "", 0, "Access-Accept from * in *\n  Message-Authenticator = *\n", ""},
		{"CoA", "coa User-Name=bob", "", 0, "CoA-ACK from * in *\n", ""},
		{"Disconnect", "disconnect User-Name=bob", "", 1, "Disconnect-NAK from * in *\n  Error-Cause = Session-Context-Not-Found\n", ""},
		{"challenges", "auth User-Name=otp User-Password=begin -answer 111 -answer 222", "", 0,
			"Access-Challenge from * in *\n  Message-Authenticator = *\n  State = 0x6f6e65\n  Reply-Message = \"One?\"\n" +
				"Access-Challenge from * in *\n  Message-Authenticator = *\n  State = 0x74776f\n  Reply-Message = \"Two?\"\n" +
				"Access-Accept from * in *\n  Message-Authenticator = *\n", ""},
		{"challenges, asked", "auth User-Name=otp User-Password=begin -answer 111", "222\n", 0,
			"Access-Challenge from * in *\n  Message-Authenticator = *\n  State = 0x6f6e65\n  Reply-Message = \"One?\"\n" +
				"Access-Challenge from * in *\n  Message-Authenticator = *\n  State = 0x74776f\n  Reply-Message = \"Two?\"\n" +
				"Access-Accept from * in *\n  Message-Authenticator = *\n", "answer: "},
		{"a challenge that nobody answers", "auth User-Name=otp User-Password=begin", "", 1,
			"Access-Challenge from * in *\n  Message-Authenticator = *\n  State = 0x6f6e65\n  Reply-Message = \"One?\"\n",
			"answer: \nperilune send: the server asks for an answer; give it with -answer\n"},
		{"count", "auth User-Name=bob User-Password=hello -count 20 -parallel 4", "", 0, "20 requests in *\n  Access-Accept        20\n", ""},
		{"count, rejects", "auth User-Name=bob User-Password=no -count 3", "", 1, "3 requests in *\n  Access-Reject        3\n", ""},
		{"count, JSON", "auth User-Name=bob User-Password=hello -count 5 -parallel 2 -json", "", 0, `{"sent":5,"replies":{"Access-Accept":5},"unanswered":0,*}` + "\n", ""},
		{"wrong secret", "auth -secret mistyped -tries 1 -timeout 30ms User-Name=bob", "", 1, "",
			"perilune send: no valid reply after 1 try: *: nothing within *\n"},
		{"a bad line", "auth -f " + dir + "/bad", "", 1, "", "perilune send: " + dir + `/bad:2: unknown attribute "NAS-Prot"; did you mean "NAS-Port"?` + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string{"send"}, strings.Fields(tc.args)...)
			args = append(args, "-server", l.address, "-d", dir)
			if !strings.Contains(tc.args, "-secret") {
				args = append(args, "-secret", sendSecret)
			}
			code, out, errs := told(t, tc.in, args...)
			if code != tc.code {
				t.Errorf("exit code %d; want %d", code, tc.code)
			}
			if diff := cmp.Diff(tc.out, out); diff != "" {
				t.Errorf("standard output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.errs, errs); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
		})
	}
}

func writeTest(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSendUsage(t *testing.T) {
	t.Setenv(secretVariable, "")
	for _, tc := range []struct{ args, want string }{
		{"", "what to send is missing; expected auth, acct, status, coa or disconnect"},
		{"ping", `"ping" cannot be sent; expected auth, acct, status, coa or disconnect`},
		{"auth NAS-Prot=1", `unknown attribute "NAS-Prot"; did you mean "NAS-Port"?`},
		{"auth Huntgroup-Name=x", "Huntgroup-Name is internal; it is never sent"},
		{"auth -server 127.0.0.1", "-server needs a secret; expected -secret @FILE, -secret SECRET or the variable PERILUNE_SECRET"},
		{"auth -server 127.0.0.1:x -secret s", `-server: "x" is no port; expected 1 to 65535`},
		{"auth -secret s", "-secret belongs to -server; the secrets of radius.conf are in the file"},
		{"auth -server ::1 -secret s -conf f", "-conf and -server exclude each other"},
		{"coa User-Name=bob", "CoA-Request goes to a NAS, which radius.conf does not name; expected -server HOST[:PORT]"},
		{"auth -count 0", "-count and -parallel must be positive"},
		{"auth -parallel 2", "-parallel 2 needs -count of as many at least"},
		{"auth -count 2 -answer x", "-answer goes with one request, not with -count"},
		{"auth -tries 0", "-tries and -timeout must be positive"},
		{"auth -timeout -1s", "-tries and -timeout must be positive"},
		{"auth -acct-port", "-acct-port belongs to status"},
		{"auth User-Password=x CHAP-Password=x", "User-Password and CHAP-Password exclude each other"},
		{"acct User-Password=x", "a password belongs in an Access-Request alone"},
	} {
		args := append([]string{"send", "-d", t.TempDir()}, strings.Fields(tc.args)...)
		code, out, errs := told(t, "", args...)
		want := "perilune send: " + tc.want + "\n`perilune send -h` shows how it is used\n"
		if diff := cmp.Diff(want, errs); diff != "" || code != exitUsage || out != "" {
			t.Errorf("%q: exit code %d, output %q (-want +got):\n%s", tc.args, code, out, diff)
		}
	}
}

// TestSendFileErrors: all mistakes of a file of attributes are told at once, each with its line.
func TestSendFileErrors(t *testing.T) {
	code, _, errs := told(t, "User-Nam=x\nNAS-Port=5\n# fine\nNAS-Prot=7\n", "send", "-d", t.TempDir(), "auth", "-f", "-")
	for _, want := range []string{`-:1: unknown attribute "User-Nam"`, `-:4: unknown attribute "NAS-Prot"`} {
		if !strings.Contains(errs, want) || code != exitFailed {
			t.Errorf("exit code %d, %q lacks %q", code, errs, want)
		}
	}
}

// TestSendConf asks the servers of radius.conf, in the configuration directory or where -conf says.
func TestSendConf(t *testing.T) {
	l := newLoopback(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "radius.conf")
	writeTest(t, conf, "acct "+l.address+" "+sendSecret+" 5 1\nauth "+l.address+" wrong 1 1\nauth "+l.address+" "+sendSecret+"\n")
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"acct", "Acct-Status-Type=Stop"}, 0, `"tries":1`},
		{[]string{"auth", "User-Name=bob", "User-Password=hello", "-timeout", "30ms", "-tries", "50"}, 0, `"tries":2`},
		{[]string{"acct", "Acct-Status-Type=Stop", "-conf", conf}, 0, `"tries":1`},
		{[]string{"acct", "-conf", conf + ".none"}, 1, ""},
	} {
		code, out, _ := told(t, "", append([]string{"send", "-json", "-d", dir}, tc.args...)...)
		if code != tc.code || !strings.Contains(out, tc.want) {
			t.Errorf("%q: exit code %d, %s", tc.args, code, out)
		}
	}
	os.Chmod(conf, 0o644)
	_, _, errs := told(t, "", "send", "-d", dir, "acct", "Acct-Status-Type=Stop")
	if want := "others can read the secrets in this file"; !strings.Contains(errs, want) {
		t.Errorf("%q; want %q", errs, want)
	}
	writeTest(t, conf, "auth h\nauth h s 0\n")
	code, _, errs := told(t, "", "send", "-d", dir, "auth")
	if code != exitFailed || !strings.Contains(errs, "radius.conf:1:1: a server without a secret") || !strings.Contains(errs, "radius.conf:2:10: ") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestSendSecretVariable keeps the secret out of the command line.
func TestSendSecretVariable(t *testing.T) {
	l := newLoopback(t)
	t.Setenv(secretVariable, sendSecret)
	if code, _, errs := told(t, "", "send", "-server", l.address, "status"); code != exitOK {
		t.Errorf("exit code %d: %s", code, errs)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	writeTest(t, empty, "\n")
	code, _, errs := told(t, "", "send", "-server", l.address, "-secret", "@"+empty, "status")
	if code != exitFailed || !strings.Contains(errs, "the shared secret is empty") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// TestSendKeepsSecrets looks for a password and a shared secret in what wrong calls say.
func TestSendKeepsSecrets(t *testing.T) {
	const shared, password = "s3cr3t-shared", "p4ssw0rd-of-bob"
	dir := t.TempDir()
	writeTest(t, filepath.Join(dir, "radius.conf"), "auth h \""+shared+"\" never\nauth h "+shared+" 1 2 3 4\nauth \""+shared+"\n")
	for _, args := range [][]string{
		{"auth", "User-Name=bob", "User-Password=" + password},
		{"acct", "User-Password=" + password, "-server", "127.0.0.1:9", "-secret", shared},
		{"acct", "CHAP-Password=" + password, "-server", "127.0.0.1:9", "-secret", shared},
		{"auth", "User-Password=" + password, "CHAP-Password=" + password, "-server", "127.0.0.1:9", "-secret", shared},
		{"auth", "User-Password=" + strings.Repeat(password, 10), "-server", "127.0.0.1:9", "-secret", shared},
		{"auth", "User-Password=\"" + password, "-server", "127.0.0.1:9", "-secret", shared},
		{"auth", "User-Passwrod=" + password, "-server", "127.0.0.1:9", "-secret", shared},
		{"auth", "User-Password=" + password, "-server", "127.0.0.1:x", "-secret", shared},
		{"auth", "User-Password=" + password, "-server", "127.0.0.1:9", "-secret", shared, "-tries", "1", "-timeout", "1ms"},
	} {
		code, out, errs := told(t, "", append([]string{"send", "-d", dir}, args...)...)
		if code == exitOK || strings.Contains(out+errs, shared) || strings.Contains(out+errs, password) {
			t.Errorf("%q: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}

func TestClearCHAP(t *testing.T) {
	for text, want := range map[string]string{
		"CHAP-Password=hello":          "hello",
		"chap-password = hello":        "hello",
		`CHAP-Password := "a \"b\" ="`: `a "b" =`,
		`CHAP-Password="0x12"`:         "0x12",
		"CHAP-Password=0x1234":         "no",
		"CHAP-Passwords=x":             "no",
		"User-Password=x":              "no",
		"CHAP-Password":                "no",
	} {
		got, ok := clearCHAP(text)
		if !ok {
			got = "no"
		}
		if got != want {
			t.Errorf("%s: %q; want %q", text, got, want)
		}
	}
}

// TestSendDefaultPorts asks a NAS at 3799 (RFC 5176 s2.1) and servers at their own ports.
func TestSendDefaultPorts(t *testing.T) {
	for kind, want := range map[string]string{"auth": "[::1]:1812", "acct": "[::1]:1813", "status": "[::1]:1812", "coa": "[::1]:3799", "disconnect": "[::1]:3799"} {
		x := sender{sendOptions: sendOptions{server: "::1", secret: sendSecret}}
		if err := x.oneServer(sendKinds[kind]); err != nil || x.client.Servers[0].Address != want {
			t.Errorf("%s: %v, %v", kind, x.client.Servers, err)
		}
	}
}
