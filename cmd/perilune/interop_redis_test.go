package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A testRedis is a Redis or Valkey of the test's own, on a port of 127.0.0.1.
type testRedis struct {
	t    *testing.T
	addr string
	p    *exec.Cmd
}

func newRedis(t *testing.T) *testRedis {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &testRedis{t: t, addr: free.Addr().String()}
	free.Close()
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *testRedis) start() {
	r.t.Helper()
	program, err := exec.LookPath("valkey-server")
	if err != nil {
		program = foreignTool(r.t, "redis-server")
	}
	_, port, _ := net.SplitHostPort(r.addr)
	r.p = exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", r.t.TempDir(), "--requirepass", "a word for redis")
	if err := r.p.Start(); err != nil {
		r.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			r.t.Fatal("redis does not start")
		}
	}
}

func (r *testRedis) kill() {
	if r.p != nil {
		r.p.Process.Kill()
		r.p.Wait()
		r.p = nil
	}
}

// table gives the settings of a table that is kept there.
func (r *testRedis) table(name string) string {
	return fmt.Sprintf("[backend.kv.%s]\naddress = %q\npassword = \"a word for redis\"\nbreaker-cooldown = \"200ms\"\n", name, r.addr)
}

// A spareServer is `perilune serve` in a process of its own.
type spareServer struct {
	*crashServer
	auth string
}

func startSpare(t *testing.T, dir string) *spareServer {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeHelper$", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), "PERILUNE_SERVE="+filepath.Join(dir, "raddb"), "PERILUNE_ACCT=127.0.0.1:0")
	log := newWatchedLog()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &spareServer{crashServer: &crashServer{cmd}}
	t.Cleanup(s.kill)
	if !log.wait("perilune serves ", make(chan int, 1)) {
		t.Fatalf("serve does not start:\n%s", log)
	}
	m := regexp.MustCompile(`msg=listening kind=auth address=(\S+)`).FindStringSubmatch(log.String())
	if m == nil {
		t.Fatalf("it listens nowhere:\n%s", log)
	}
	s.auth = m[1]
	return s
}

// login asks a server on loopback and gives what perilune send says.
func login(t *testing.T, auth string, attributes ...string) string {
	t.Helper()
	args := append([]string{"send", "auth", "-server", auth, "-secret", loopSecret, "-timeout", "700ms", "-tries", "1"}, attributes...)
	var out strings.Builder
	run(args, streams{strings.NewReader(""), &out, &out})
	return out.String()
}

const fleetScript = `
on("authorize", {when = {user = "otp"}}, function(req)
  return challenge{next = "code", message = "Code:", timeout = "2m"}
end)
answer("code", function(req, text)
  if text == "123456" then return accept{} end
  return reject{message = "wrong code"}
end)
`

// TestFleetSharesRedis: two servers with the example's script lock out together, and a State is spent at both. Without
// the Redis nothing is let in that depends on it, at once; when it is back all goes on.
func TestFleetSharesRedis(t *testing.T) {
	r := newRedis(t)
	key := strings.Repeat("0123456789abcdef", 4) + "\n"
	tree := func() string {
		return exampleTree(t, "lockout", func(file, text string) string {
			switch file {
			case "raddb/config.toml":
				return quietConfig + r.table("failures") + r.table("fleet")
			case "raddb/clients":
				return fmt.Sprintf("127.0.0.0/8 %q loop\n", loopSecret)
			}
			return text
		})
	}
	trees := [2]string{tree(), tree()}
	for _, dir := range trees {
		writeFiles(t, dir, map[string]string{
			"raddb/key":         key,
			"raddb/config.toml": strings.Replace(quietConfig, "[state]", "[state]\nkey-file = \"key\"\nkv = \"fleet\"", 1) + r.table("failures") + r.table("fleet"),
			"scripts/fleet.lua": fleetScript,
		})
	}
	a, b := serveOnLoopback(t, trees[0]), startSpare(t, trees[1])
	servers := [2]string{a.addrs["auth"], b.auth}

	for i := range 5 {
		if text := login(t, servers[i%2], "User-Name=ann", "User-Password=wrong", "Calling-Station-Id=here"); !strings.Contains(text, "Access-Reject") {
			t.Fatalf("try %d: %s\n%s", i, text, a.log)
		}
	}
	for _, server := range servers {
		if text := login(t, server, "User-Name=ann", "User-Password=hello", "Calling-Station-Id=here"); !strings.Contains(text, "Access-Reject") {
			t.Errorf("it is not locked out: %s", text)
		}
		if text := login(t, server, "User-Name=ann", "User-Password=hello", "Calling-Station-Id=there"); !strings.Contains(text, "Access-Accept") {
			t.Errorf("it is locked out elsewhere: %s", text)
		}
	}

	state := func() string {
		text := login(t, servers[0], "User-Name=otp", "User-Password=x")
		m := regexp.MustCompile(`State = "?(0x[0-9a-f]+)`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no State: %s", text)
		}
		return m[1]
	}
	one := state()
	answer := func(server, state, code string) string {
		return login(t, server, "User-Name=otp", "User-Password="+code, "State="+state)
	}
	if text := answer(servers[1], one, "123456"); !strings.Contains(text, "Access-Accept") {
		t.Errorf("the other server: %s", text)
	}
	for _, server := range servers {
		if text := answer(server, one, "123456"); !strings.Contains(text, "Access-Reject") {
			t.Errorf("it is not spent: %s", text)
		}
	}
	two := state()
	for i := range 3 {
		answer(servers[i%2], two, "000000")
	}
	if text := answer(servers[1], two, "123456"); !strings.Contains(text, "Access-Reject") {
		t.Errorf("three tries, and one more: %s", text)
	}

	three := state()
	r.kill()
	for range 5 {
		if text := answer(servers[0], three, "123456"); strings.Contains(text, "Access-") {
			t.Errorf("without the Redis: %s", text)
		}
	}
	a.expectLog(t, "verdict=drop reason=backend")
	r.start()
	for end := time.Now().Add(10 * time.Second); ; {
		text := answer(servers[0], three, "123456")
		if strings.Contains(text, "Access-Accept") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("when it is back: %s\n%s", text, a.log)
		}
	}
}

const countScript = `
local seen = kv.open("seen", {persist = true})
on("authorize", function(req)
  return accept{message = tostring(seen:incr(req.user))}
end)
`

// TestTablesSurviveKill: what was answered some time before a kill -9 is there afterwards, and a damaged file hinders no
// start.
func TestTablesSurviveKill(t *testing.T) {
	dir := loopTree(t, map[string]string{"scripts/a.lua": countScript})
	ask := func(s *spareServer, want int) {
		t.Helper()
		if text := login(t, s.auth, "User-Name=ann", "User-Password=x"); !strings.Contains(text, fmt.Sprintf(`Reply-Message = "%d"`, want)) {
			t.Fatalf("want %d: %s", want, text)
		}
	}
	file := filepath.Join(dir, "state", "kv", "seen.table")
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	n := 0
	for range 5 {
		s := startSpare(t, dir)
		before := size()
		for range 7 {
			n++
			ask(s, n)
		}
		// The seven changes are in the file, in one record each, as soon as it has stopped growing.
		for last, still := before, 0; still < 20; time.Sleep(10 * time.Millisecond) {
			if now := size(); now == last && now > before {
				still++
			} else {
				last, still = now, 0
			}
		}
		s.p.Process.Signal(syscall.SIGKILL)
		s.p.Wait()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string]string{"state/kv/seen.table": string(text[:len(text)-5]) + "nonsense" + string(text)})
	s := startSpare(t, dir)
	if text := login(t, s.auth, "User-Name=ann", "User-Password=x"); !strings.Contains(text, "Access-Accept") {
		t.Errorf("with a damaged file: %s", text)
	}
	if _, err := os.Stat(file + ".damaged"); err != nil {
		t.Error(err)
	}
}
