package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"perilune/engine/config"
	"perilune/engine/radius"
	"perilune/policy/reload"
)

// Tests of reloading through the whole program: serve on loopback, its files, its signals and its commands.

// byCommand is quietConfig for tests in which nothing is loaded unless they say so.
const byCommand = quietConfig + "[reload]\nwatch = false\n"

// reloadTree writes a tree in which script and users file carry a number that both put into the reply.
func reloadTree(t *testing.T, settings string) string {
	t.Helper()
	dir := loopTree(t, map[string]string{"raddb/config.toml": settings})
	numbered(t, dir, 1)
	return dir
}

func numbered(t *testing.T, dir string, n int) {
	t.Helper()
	writeFiles(t, dir, map[string]string{
		"raddb/users":      fmt.Sprintf("$DIALECT freeradius\nbob Cleartext-Password := \"hello\"\n  Filter-Id = \"%d\"\n", n),
		"scripts/mark.lua": fmt.Sprintf("on(\"reply\", {name = \"mark\"}, function(req) req.reply[\"Reply-Message\"] = \"%d\" end)\n", n),
	})
}

// An asker is a NAS with one socket and one request at a time.
type asker struct {
	conn    net.Conn
	session radius.Session
	id      byte
}

func newAsker(t *testing.T, address string) *asker {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	a := &asker{conn: conn}
	a.session.Use(radius.NewSecret(loopSecret))
	return a
}

// request makes a signed Access-Request.
func (a *asker) request(user, password string, state []byte) (raw []byte, authenticator radius.Authenticator) {
	a.id++
	authenticator = radius.NewAuthenticator()
	raw = append([]byte{byte(radius.CodeAccessRequest), a.id, 0, 0}, authenticator[:]...)
	raw = radius.AppendAttribute(raw, radius.TypeUserName, []byte(user))
	raw = radius.AppendAttribute(raw, radius.TypeUserPassword, a.session.HidePassword(nil, []byte(password), &authenticator))
	if state != nil {
		raw = radius.AppendAttribute(raw, radius.TypeState, state)
	}
	raw = radius.AppendAttribute(raw, radius.TypeMessageAuthenticator, make([]byte, 16))
	radius.PutLength(raw)
	a.session.SignRequest(raw)
	return raw, authenticator
}

// send sends a request, once, and gives what comes back.
func (a *asker) send(raw []byte) ([]byte, error) {
	if _, err := a.conn.Write(raw); err != nil {
		return nil, err
	}
	a.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	reply := make([]byte, 4096)
	n, err := a.conn.Read(reply)
	return reply[:n], err
}

func (a *asker) exchange(t *testing.T, raw []byte) []byte {
	t.Helper()
	reply, err := a.send(raw)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// ask gives Reply-Message and Filter-Id of the verified Access-Accept.
func (a *asker) ask(user, password string) (message, filter string, err error) {
	raw, authenticator := a.request(user, password, nil)
	reply, err := a.send(raw)
	if err != nil {
		return "", "", err
	}
	if _, err := a.session.VerifyReply(reply, &authenticator); err != nil {
		return "", "", err
	}
	p, err := radius.Parse(reply)
	if err != nil || p.Code != radius.CodeAccessAccept || p.Identifier != a.id {
		return "", "", fmt.Errorf("%v %d: %w", p.Code, p.Identifier, err)
	}
	m, _ := p.Attributes.Find(radius.Type(18)) // Reply-Message
	f, _ := p.Attributes.Find(radius.Type(11)) // Filter-Id
	return string(m), string(f), nil
}

// must runs a command on the server's directory, demands its exit code, and gives what it wrote.
func (s *loopServer) must(t *testing.T, code int, args ...string) string {
	t.Helper()
	got, text := s.command(append(args, "-d", s.raddb())...)
	if got != code {
		t.Fatalf("%v: exit code %d, want %d:\n%s\n%s", args, got, code, text, s.log)
	}
	return text
}

// wasLast waits until `explain -last` tells of a user's request: its line is written behind the reply.
func (s *loopServer) wasLast(t *testing.T, user, want, and string) {
	t.Helper()
	within(t, "explain -last "+user+" says "+want+" and "+and, func() bool {
		_, text := s.command("explain", "-last", user, "-d", s.raddb())
		return strings.Contains(text, "user="+user) && strings.Contains(text, want) && strings.Contains(text, and)
	})
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

// TestReloadsUnderLoad: a hundred reloads while requests come in steadily. None is lost, none is decided by
// half of one generation and half of another, and none by a generation that is over.
func TestReloadsUnderLoad(t *testing.T) {
	s := serveOnLoopback(t, reloadTree(t, byCommand))
	var current, answered atomic.Int64
	current.Store(1)
	over := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		a := newAsker(t, s.addrs["auth"])
		all.Go(func() {
			pace := time.NewTicker(8 * time.Millisecond) // 500 requests a second together
			defer pace.Stop()
			for {
				select {
				case <-over:
					return
				case <-pace.C:
				}
				least := current.Load()
				message, filter, err := a.ask("bob", "hello")
				n, _ := strconv.ParseInt(message, 10, 64)
				if err != nil || message != filter || n < least {
					t.Errorf("lost or mixed: script %q, users %q, at least %d: %v", message, filter, least, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	for n := 2; n <= 101; n++ {
		numbered(t, s.dir, n)
		s.must(t, exitOK, "reload")
		current.Store(int64(n))
	}
	close(over)
	all.Wait()
	if answered.Load() < 50 {
		t.Errorf("%d requests only", answered.Load())
	}
	contains(t, s.must(t, exitOK, "status"), "generation 101,")
}

// TestReloadCommands: reload, status, generations and rollback as an operator uses them.
func TestReloadCommands(t *testing.T) {
	settings := strings.Replace(byCommand, "listen = []", "listen = [\"127.0.0.1:0\"]", 1)
	s := serveOnLoopback(t, reloadTree(t, settings))
	contains(t, s.must(t, exitOK, "reload"), "nothing has changed: generation 1 serves on")
	contains(t, s.must(t, exitOK, "reload", "-force"), "generation 1 → 2")

	numbered(t, s.dir, 7)
	contains(t, s.must(t, exitOK, "reload"), "generation 2 → 3 in ", "changed raddb/users", "changed scripts/mark.lua")

	writeFiles(t, s.dir, map[string]string{"raddb/users": "bob Cleartext-Pasword := \"x\"\n", "scripts/mark.lua": "on(\n"})
	contains(t, s.must(t, exitFailed, "reload"), "users:1:5: ", "mark.lua:2", "refused: generation 3 serves on (2 errors")
	contains(t, s.must(t, exitFailed, "status"), "generation 3,", "DEGRADED: the files on disk are broken", "users:1:5: ")
	if message, filter, err := newAsker(t, s.addrs["auth"]).ask("bob", "hello"); message != "7" || filter != "7" || err != nil {
		t.Errorf("while degraded: %q %q %v", message, filter, err)
	}
	contains(t, s.get(t, "/ready"), "degraded: the files on disk are broken")
	contains(t, s.get(t, "/metrics"), "perilune_degraded 1\n", "perilune_generation 3\n", "perilune_reload_success 0\n", `perilune_reloads_total{result="refused"} 1`)

	contains(t, s.must(t, exitOK, "rollback", "1"), "generation 3 → 4")
	contains(t, s.must(t, exitOK, "status"), "rolled back to generation 1")
	contains(t, s.must(t, exitFailed, "rollback", "77"), "generation 77 is not kept")
	contains(t, s.must(t, exitFailed, "rollback", "x"), "is no number of a generation")
	contains(t, s.must(t, exitUsage, "rollback"), "expected the number of a generation")

	numbered(t, s.dir, 8)
	var report reload.Report
	if err := json.Unmarshal([]byte(s.must(t, exitOK, "reload", "-json")), &report); err != nil || !report.OK || report.To != 5 || !strings.HasPrefix(report.Trigger, "command by uid ") {
		t.Errorf("report %+v, %v", report, err)
	}
	if text := s.get(t, "/ready"); text != "ok\n" {
		t.Errorf("ready: %s", text)
	}
	if lines := strings.Count(s.must(t, exitOK, "generations"), "\n"); lines != 6 {
		t.Errorf("%d lines of generations", lines)
	}
	if lines := strings.Count(s.must(t, exitOK, "generations", "-wipe"), "\n"); lines != 2 {
		t.Errorf("%d lines of generations after wiping", lines)
	}
}

// get asks the HTTP listener.
func (s *loopServer) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + s.addrs["http"] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d", path, resp.StatusCode)
	}
	return string(b)
}

// TestSaveIsDeploy: saving a script is enough.
func TestSaveIsDeploy(t *testing.T) {
	s := serveOnLoopback(t, reloadTree(t, quietConfig))
	numbered(t, s.dir, 2)
	s.expectLog(t, "trigger=\"files changed\"")
	a := newAsker(t, s.addrs["auth"])
	for late := time.Now().Add(10 * time.Second); ; {
		message, filter, err := a.ask("bob", "hello")
		if err != nil || time.Now().After(late) {
			t.Fatalf("%q %q %v", message, filter, err)
		}
		if message == "2" && filter == "2" { // the two files may have been loaded one after the other
			break
		}
	}
}

// TestHangup: SIGHUP reloads, with the errors in the log; what needs a restart is among them.
func TestHangup(t *testing.T) {
	s := serveOnLoopback(t, reloadTree(t, byCommand))
	numbered(t, s.dir, 2)
	syscall.Kill(os.Getpid(), syscall.SIGHUP)
	s.expectLog(t, "generation=1→2")
	s.expectLog(t, "trigger=SIGHUP")
	writeFiles(t, s.dir, map[string]string{"raddb/config.toml": strings.Replace(byCommand, "reject-delay = 0", "reject-delay = 0\nbatch = 7", 1)})
	syscall.Kill(os.Getpid(), syscall.SIGHUP)
	s.expectLog(t, "server.batch changed from 64 to 7: that needs a restart of the server")
	s.expectLog(t, "policy reload refused: the old generation serves on")
}

// TestOutlives: a retransmission gets the same answer, and a challenge goes on, over a reload between.
func TestOutlives(t *testing.T) {
	dir := reloadTree(t, byCommand)
	writeFiles(t, dir, map[string]string{"scripts/code.lua": `
on("authorize", {when = {user = "eve"}}, function(req) return challenge{next = "code", message = "Code:"} end)
answer("code", function(req, text) if text == "42" then return accept{} end return reject{} end)
`})
	s := serveOnLoopback(t, dir)
	a := newAsker(t, s.addrs["auth"])
	raw, authenticator := a.request("bob", "hello", nil)
	first := a.exchange(t, raw)
	question, of := a.request("eve", "", nil)
	p, err := radius.Parse(a.exchange(t, question))
	state, ok := p.Attributes.Find(radius.TypeState)
	if err != nil || p.Code != radius.CodeAccessChallenge || !ok || of == authenticator {
		t.Fatalf("%v without State: %v", p.Code, err)
	}
	numbered(t, dir, 2)
	s.must(t, exitOK, "reload")
	if again := a.exchange(t, raw); !bytes.Equal(again, first) {
		t.Errorf("a retransmission got\n%x, before\n%x", again, first)
	}
	answer, _ := a.request("eve", "42", state)
	p, err = radius.Parse(a.exchange(t, answer))
	if message, _ := p.Attributes.Find(radius.Type(18)); err != nil || p.Code != radius.CodeAccessAccept || string(message) != "2" {
		t.Errorf("the answer got %v %q, %v", p.Code, message, err)
	}
}

// TestSecondInstance: neither the state directory nor a port is shared by accident.
func TestSecondInstance(t *testing.T) {
	dir := reloadTree(t, byCommand)
	s := serveOnLoopback(t, dir)
	serve := []string{"serve", "-d", s.raddb(), "-auth-listen", s.addrs["auth"], "-acct-listen", "127.0.0.1:0"}
	code, text := s.command(serve...)
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	contains(t, text, "another server uses this state directory")
	code, text = s.command(append(serve, "-state", t.TempDir())...)
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	contains(t, text, "the address is in use")
	s.must(t, exitOK, "status")
}

// TestStartOnBrokenFiles: the last good generation serves, unless -strict forbids it.
func TestStartOnBrokenFiles(t *testing.T) {
	dir := reloadTree(t, byCommand)
	t.Run("good", func(t *testing.T) { serveOnLoopback(t, dir) })
	b, err := os.ReadFile(filepath.Join(dir, "raddb/config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string]string{"raddb/users": "nonsense\n", "raddb/config.toml": string(b) + "[server\n"})
	t.Run("strict", func(t *testing.T) {
		var out bytes.Buffer
		if code := run([]string{"serve", "-strict", "-d", filepath.Join(dir, "raddb"), "-auth-listen", "127.0.0.1:0"}, streams{nil, &out, &out}); code != exitFailed {
			t.Errorf("exit code %d", code)
		}
		contains(t, out.String(), "users:2:1", "config.toml:")
	})
	t.Run("broken", func(t *testing.T) {
		s := serveOnLoopback(t, dir)
		s.expectLog(t, "DEGRADED: the files are broken; serving the last good generation")
		contains(t, s.must(t, exitFailed, "status"), "DEGRADED: the files on disk are broken; serving generation 1 as it was kept", "users:2:1")
		if message, _, err := newAsker(t, s.addrs["auth"]).ask("bob", "hello"); message != "1" || err != nil {
			t.Errorf("%q %v", message, err)
		}
		numbered(t, dir, 2)
		writeFiles(t, dir, map[string]string{"raddb/config.toml": byCommand})
		s.must(t, exitOK, "reload")
		s.must(t, exitOK, "status")
	})
}

// TestTraceAndLast: what happens and what has happened can be asked of a running server.
func TestTraceAndLast(t *testing.T) {
	s := serveOnLoopback(t, reloadTree(t, byCommand))
	traced := make(chan string, 1)
	go func() {
		var out bytes.Buffer
		run([]string{"trace", "-d", s.raddb(), "-user", "bob", "-count", "1"}, streams{nil, &out, &out})
		traced <- out.String()
	}()
	a := newAsker(t, s.addrs["auth"])
	for late := time.After(10 * time.Second); ; { // until the trace has begun
		if _, _, err := a.ask("bob", "hello"); err != nil {
			t.Fatal(err)
		}
		select {
		case text := <-traced:
			contains(t, text, "bob", "mark", "users:2")
			if strings.Contains(text, "hello") {
				t.Errorf("the password is in the trace:\n%s", text)
			}
		case <-late:
			t.Fatal("no trace")
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	s.wasLast(t, "bob", "Access-Request accept", "client=loop")
	s.must(t, exitFailed, "explain", "-last", "nobody")
}

// TestLogSettings: names can be hidden in the lines of requests, and the level changes with a reload.
func TestLogSettings(t *testing.T) {
	settings := byCommand + "[log]\nidentity = \"hash\"\n"
	s := serveOnLoopback(t, reloadTree(t, settings))
	a := newAsker(t, s.addrs["auth"])
	a.ask("bob", "hello")
	s.expectLog(t, "msg=Access-Request")
	if line := regexp.MustCompile(`msg=Access-Request.* user=([0-9a-f]{16}) `).FindString(s.log.String()); line == "" || strings.Contains(s.log.String(), "user=bob") {
		t.Errorf("the log:\n%s", s.log)
	}
	if st, err := os.Stat(filepath.Join(s.dir, "state", "identity.key")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key: %v %v", st, err)
	}
	writeFiles(t, s.dir, map[string]string{"raddb/config.toml": settings + "level = \"warn\"\n"})
	s.must(t, exitOK, "reload")
	before := strings.Count(s.log.String(), "msg=Access-Request")
	a.ask("bob", "hello")
	writeFiles(t, s.dir, map[string]string{"raddb/config.toml": settings})
	s.must(t, exitOK, "reload")
	a.ask("bob", "hello")
	s.expectLog(t, "id="+strconv.Itoa(int(a.id)))
	if n := strings.Count(s.log.String(), "msg=Access-Request"); n != before+1 {
		t.Errorf("%d lines, want %d:\n%s", n, before+1, s.log)
	}
}

// TestNoIPv6: a machine without IPv6 loses the default address of that family, not the start.
func TestNoIPv6(t *testing.T) {
	log := newWatchedLog()
	d := &daemon{o: &serveOptions{}, log: newSinks(config.Log{Format: "text"}, log).logger, bindable: func(netip.Addr) bool { return false }}
	c := config.Default()
	if got := d.listeners(c); len(got) != 2 || !got[0].Addr.Addr().Is4() || !got[1].Addr.Addr().Is4() {
		t.Errorf("listeners %+v", got)
	}
	contains(t, log.String(), "this machine has no IPv6", "[::1]:1812", "[::1]:1813")
	d.bindable = bindable
	if addr := netip.MustParseAddr("127.0.0.1"); !d.bindable(addr) {
		t.Errorf("%v cannot be bound", addr)
	}
}
