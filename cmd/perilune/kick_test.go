package main

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// A fakeNAS takes CoA- and Disconnect-Requests on loopback. Acct-Session-Id says what it does: quiet is silence,
// nak503 and the like that NAK, anything else ACK.
type fakeNAS struct {
	conn *net.UDPConn
	mu   sync.Mutex
	seen []string
}

func startFakeNAS(t *testing.T) *fakeNAS {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	n := &fakeNAS{conn: conn}
	done := make(chan struct{})
	go n.run(done)
	t.Cleanup(func() { conn.Close(); <-done })
	return n
}

func (n *fakeNAS) run(done chan struct{}) {
	defer close(done)
	var s radius.Session
	s.Use(radius.NewSecret(loopSecret))
	b := make([]byte, radius.MaxPacketLen)
	for {
		size, from, err := n.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		p, err := radius.Parse(b[:size])
		if err != nil {
			continue
		}
		if _, err := s.VerifyRequest(b[:p.Len()]); err != nil {
			continue
		}
		id, _ := p.Attributes.Find(44)
		user, _ := p.Attributes.Find(radius.TypeUserName)
		filter, _ := p.Attributes.Find(11)
		n.mu.Lock()
		n.seen = append(n.seen, strings.TrimSpace(fmt.Sprintf("%v %s %s %s", p.Code, user, id, filter)))
		n.mu.Unlock()
		if string(id) == "quiet" {
			continue
		}
		reply := append([]byte{byte(p.Code) + 1, p.Identifier, 0, 0}, make([]byte, 16)...)
		var cause int
		if _, err := fmt.Sscanf(string(id), "nak%d", &cause); err == nil {
			reply[0]++
			reply = radius.AppendAttribute(reply, radius.TypeErrorCause, []byte{0, 0, byte(cause >> 8), byte(cause)})
		}
		radius.PutLength(reply)
		s.SignReply(reply, &p.Authenticator)
		n.conn.WriteToUDPAddrPort(reply, from)
	}
}

func (n *fakeNAS) port() int { return n.conn.LocalAddr().(*net.UDPAddr).Port }

func (n *fakeNAS) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := n.seen
	n.seen = nil
	return seen
}

// serveNAS serves a tree whose only client has the NAS behind it.
func serveNAS(t *testing.T, nas *fakeNAS, files map[string]string) *loopServer {
	t.Helper()
	all := map[string]string{
		"raddb/clients":     fmt.Sprintf("127.0.0.0/8 %q nas-1 coa=127.0.0.1:%d dynamic-authorization=yes\n", loopSecret, nas.port()),
		"raddb/config.toml": quietConfig + "[coa]\ntimeout = \"100ms\"\n",
	}
	for name, text := range files {
		all[name] = text
	}
	return serveOnLoopback(t, loopTree(t, all))
}

// sendAccounting sends an Accounting-Request.
func (s *loopServer) sendAccounting(t *testing.T, lines ...string) {
	t.Helper()
	s.must(t, exitOK, append([]string{"send", "acct", "-server", s.addrs["acct"], "-secret", loopSecret}, lines...)...)
}

func (s *loopServer) startSession(t *testing.T, user, id string, more ...string) {
	t.Helper()
	s.sendAccounting(t, append([]string{"Acct-Status-Type=Start", "User-Name=" + user, "Acct-Session-Id=" + id}, more...)...)
}

// waitSessions waits until a user has that many sessions, which accounting makes shortly after its answer.
func (s *loopServer) waitSessions(t *testing.T, n int, who ...string) {
	t.Helper()
	var list []kicked
	for range 1000 {
		r := newRemote(streams{strings.NewReader(""), s.log, s.log}, "kick", "", "")
		r.dir = s.raddb()
		if err := r.do("kick", map[string]string{"list": "true", "user": who[0]}, &list); err == nil && len(list) == n {
			return
		}
	}
	t.Fatalf("%d sessions of %s, want %d", len(list), who[0], n)
}

func TestKick(t *testing.T) {
	nas := startFakeNAS(t)
	s := serveNAS(t, nas, nil)
	s.startSession(t, "bob", "0011", "NAS-Port=7", "Calling-Station-Id=02-00-00-00-00-01", "Framed-IP-Address=192.0.2.9")
	s.startSession(t, "two", "nak503", "NAS-Identifier=sw-1")
	s.startSession(t, "two", "0012", "NAS-Identifier=sw-2")
	s.startSession(t, "mute", "quiet")
	s.waitSessions(t, 1, "bob")
	s.waitSessions(t, 2, "two")
	s.waitSessions(t, 1, "mute")

	text := s.must(t, exitOK, "kick", "bob")
	contains(t, text, "USER  NAS    PORT  SESSION  STATION            ADDRESS    ANSWER\n", "bob   nas-1  7     0011     02-00-00-00-00-01  192.0.2.9  Disconnect-ACK\n")
	text = s.must(t, exitFailed, "kick", "two")
	contains(t, text, "2 sessions match; name one by -session, or take them all by -all")
	if got := nas.take(); len(got) != 1 {
		t.Errorf("the NAS was told %q", got)
	}
	text = s.must(t, exitFailed, "kick", "two", "-all")
	contains(t, text, "Disconnect-NAK, Session-Context-Not-Found (503)\n", "0012", "Disconnect-ACK\n")
	text = s.must(t, exitFailed, "kick", "-session", "quiet")
	contains(t, text, "has not answered 3 packets")
	s.must(t, exitOK, "kick", "--mac", "0200.0000.0001")
	s.must(t, exitOK, "kick", "-nas", "sw-2")
	text = s.must(t, exitOK, "kick", "bob", "-coa", "Filter-Id=slow", "-coa", "Session-Timeout=60")
	contains(t, text, "CoA-ACK")
	want := []string{
		"Disconnect-Request two 0012", "Disconnect-Request two nak503", "Disconnect-Request mute quiet", "Disconnect-Request mute quiet",
		"Disconnect-Request mute quiet", "Disconnect-Request bob 0011", "Disconnect-Request two 0012", "CoA-Request bob 0011 slow",
	}
	got := nas.take()
	if len(got) > 1 && got[0] > got[1] {
		got[0], got[1] = got[1], got[0] // both are told at the same time
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told (-want +got)\n%s", diff)
	}
	s.expectLog(t, `msg="Disconnect-Request by uid`)
}

func TestKickJSON(t *testing.T) {
	nas := startFakeNAS(t)
	s := serveNAS(t, nas, nil)
	s.startSession(t, "bob", "nak404")
	s.waitSessions(t, 1, "bob")
	var answers []kicked
	text := s.must(t, exitFailed, "kick", "bob", "-json")
	if err := json.Unmarshal([]byte(text), &answers); err != nil || len(answers) != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	k := answers[0]
	if k.User != "bob" || k.Client != "nas-1" || k.ID != "nak404" || k.Result != "nak" || k.Code != "Disconnect-NAK" ||
		k.Cause != "Invalid-Request" || k.CauseNumber != 404 || k.Attempts != 1 || k.Took <= 0 || len(k.Unique) != 32 || k.Started.IsZero() {
		t.Errorf("%+v", k)
	}
	s.must(t, exitFailed, "kick", "-session", k.Unique)

	// Scripts pipe one command into the other: a session has the same names and values in both.
	var told []map[string]any
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		t.Fatal(err)
	}
	var shown map[string]any
	if err := json.Unmarshal([]byte(s.must(t, exitOK, "who", "bob", "-json")), &shown); err != nil {
		t.Fatal(err)
	}
	for name, want := range shown {
		if got := told[0][name]; got != want && name != "updated" {
			t.Errorf("%s is %v of kick and %v of who", name, got, want)
		}
	}
}

// TestKickMisuse: what cannot be done, before and after the server was asked.
func TestKickMisuse(t *testing.T) {
	nas := startFakeNAS(t)
	s := serveNAS(t, nas, nil)
	s.startSession(t, "bob", "1")
	s.waitSessions(t, 1, "bob")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"kick", exitUsage, "expected USER, -session ID, -mac MAC or -nas NAS"},
		{"kick a b", exitUsage, `unexpected argument "b"`},
		{"kick bob -coa Filter-Id", exitUsage, `-coa "Filter-Id"; expected NAME=VALUE`},
		{"kick bob -al", exitUsage, `did you mean "all"?`},
		{"kick bo", exitFailed, "no open session matches"}, // never a prefix
		{"kick BOB", exitFailed, "no open session matches"},
		{"kick -session 2", exitFailed, "no open session matches"},
		{"kick bob -nas elsewhere", exitFailed, "no open session matches"},
		{"kick bob -coa Filter-Idd=x", exitFailed, "unknown attribute \"Filter-Idd\"; did you mean \"Filter-Id\"?"},
		{"kick bob -coa Session-Timeout=soon", exitFailed, "Session-Timeout"},
		{"kick bob -coa User-Password=x", exitFailed, "User-Password does not belong into a CoA-Request"},
		{"kick bob -coa Auth-Type=Local", exitFailed, "Auth-Type is internal; it is never sent"},
	} {
		contains(t, s.must(t, c.code, strings.Fields(c.args)...), c.want)
	}
	if got := nas.take(); len(got) != 0 {
		t.Errorf("told %q", got)
	}
	if code, text := s.command("kick", "bob", "-socket", filepath.Join(s.dir, "nowhere")); code != exitFailed || !strings.Contains(text, "no server answers") {
		t.Errorf("%d: %s", code, text)
	}
}

// TestStopAfterKick: without a Stop the row is closed as Admin-Reset.
func TestStopAfterKick(t *testing.T) {
	nas := startFakeNAS(t)
	s := serveNAS(t, nas, map[string]string{"raddb/config.toml": quietConfig + "[coa]\nstop-wait = \"50ms\"\n"})
	s.startSession(t, "bob", "1")
	s.waitSessions(t, 1, "bob")
	s.must(t, exitOK, "kick", "bob")
	s.expectLog(t, "its session is closed as Admin-Reset")
	s.waitSessions(t, 0, "bob")
}

// TestScriptDisconnects: the module radius in a running server.
func TestScriptDisconnects(t *testing.T) {
	nas := startFakeNAS(t)
	s := serveNAS(t, nas, map[string]string{"scripts/kick.lua": `
on("done", {when={code="Access-Request", user="out"}}, function(req)
  for _, s in ipairs(radius.sessions{user="bob"}) do
    local r = radius.disconnect{session=s}
    log.info("told " .. r.code .. " " .. tostring(r.ok) .. " " .. radius.count{} .. " " .. radius.client("127.0.0.1").name)
  end
end)
`})
	s.startSession(t, "bob", "1")
	s.waitSessions(t, 1, "bob")
	s.command("send", "auth", "-d", s.raddb(), "-server", s.addrs["auth"], "-secret", loopSecret, "User-Name=out", "User-Password=x")
	s.expectLog(t, "told Disconnect-ACK true 1 nas-1")
}

// TestSendToCoAPort: send shows ACK, and NAK with the name of its Error-Cause.
func TestSendToCoAPort(t *testing.T) {
	nas := startFakeNAS(t)
	s := serveNAS(t, nas, nil)
	s.startSession(t, "bob", "1")
	s.startSession(t, "ann", "nak506")
	s.waitSessions(t, 1, "bob")
	s.waitSessions(t, 1, "ann")
	at := []string{"-server", s.addrs["coa"], "-secret", loopSecret}
	contains(t, s.must(t, exitOK, append([]string{"send", "disconnect", "User-Name=bob"}, at...)...), "Disconnect-ACK from")
	contains(t, s.must(t, exitFailed, append([]string{"send", "coa", "User-Name=ann", "Acct-Session-Id=nak506", "Filter-Id=slow"}, at...)...), "CoA-NAK from", "Error-Cause = Resources-Unavailable")
	contains(t, s.must(t, exitFailed, append([]string{"send", "coa", "User-Name=nobody"}, at...)...), "Error-Cause = Session-Context-Not-Found")
}

// TestKickPrintsPlainly: a name that a user has chosen neither commands the terminal nor turns the text of a row around.
func TestKickPrintsPlainly(t *testing.T) {
	for text, want := range map[string]string{"": "-", "bob": "bob", "\x1b[2J": `\x1b[2J`, "a\u202eb": `a\u202eb`, "Änn": "Änn"} {
		if got := plainOr(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
