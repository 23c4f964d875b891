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

// A fleet is two servers with the script of examples/lockout and fleetScript, which share a Redis and the key of State.
type fleet struct {
	t       *testing.T
	redis   *testRedis
	first   *loopServer
	servers [2]string // addresses of their authentication ports
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, redis: newRedis(t)}
	config := strings.Replace(quietConfig, "[state]", "[state]\nkey-file = \"key\"\nkv = \"fleet\"", 1) + f.redis.table("failures") + f.redis.table("fleet")
	tree := func() string {
		dir := exampleTree(t, "lockout", func(file, text string) string {
			switch file {
			case "raddb/config.toml":
				return config
			case "raddb/clients":
				return fmt.Sprintf("127.0.0.0/8 %q loop\n", loopSecret)
			}
			return text
		})
		writeFiles(t, dir, map[string]string{"raddb/key": strings.Repeat("0123456789abcdef", 4) + "\n", "scripts/fleet.lua": fleetScript})
		return dir
	}
	f.first = serveOnLoopback(t, tree())
	f.servers = [2]string{f.first.addrs["auth"], startSpare(t, tree()).auth}
	return f
}

// state begins a conversation at the first server.
func (f *fleet) state() string {
	f.t.Helper()
	text := login(f.t, f.servers[0], "User-Name=otp", "User-Password=x")
	m := regexp.MustCompile(`State = "?(0x[0-9a-f]+)`).FindStringSubmatch(text)
	if m == nil {
		f.t.Fatalf("no State: %s", text)
	}
	return m[1]
}

// answer answers a State at one of the servers.
func (f *fleet) answer(server int, state, code string) string {
	return login(f.t, f.servers[server], "User-Name=otp", "User-Password="+code, "State="+state)
}

// TestFleetLocksOut: wrong passwords at two servers count together.
func TestFleetLocksOut(t *testing.T) {
	f := newFleet(t)
	for i := range 5 {
		if text := login(t, f.servers[i%2], "User-Name=ann", "User-Password=wrong", "Calling-Station-Id=here"); !strings.Contains(text, "Access-Reject") {
			t.Fatalf("try %d: %s\n%s", i, text, f.first.log)
		}
	}
	for _, server := range f.servers {
		if text := login(t, server, "User-Name=ann", "User-Password=hello", "Calling-Station-Id=here"); !strings.Contains(text, "Access-Reject") {
			t.Errorf("it is not locked out: %s", text)
		}
		if text := login(t, server, "User-Name=ann", "User-Password=hello", "Calling-Station-Id=there"); !strings.Contains(text, "Access-Accept") {
			t.Errorf("it is locked out elsewhere: %s", text)
		}
	}
}

// TestFleetSpendsState: a State is spent at both servers, and its tries count together. Without the Redis no answer to one
// is let in, at once; when it is back all goes on.
func TestFleetSpendsState(t *testing.T) {
	f := newFleet(t)
	one := f.state()
	if text := f.answer(1, one, "123456"); !strings.Contains(text, "Access-Accept") {
		t.Errorf("the other server: %s", text)
	}
	for server := range f.servers {
		if text := f.answer(server, one, "123456"); !strings.Contains(text, "Access-Reject") {
			t.Errorf("it is not spent: %s", text)
		}
	}
	two := f.state()
	for i := range 3 {
		f.answer(i%2, two, "000000")
	}
	if text := f.answer(1, two, "123456"); !strings.Contains(text, "Access-Reject") {
		t.Errorf("three tries, and one more: %s", text)
	}

	three := f.state()
	f.redis.kill()
	for range 5 {
		if text := f.answer(0, three, "123456"); strings.Contains(text, "Access-") {
			t.Errorf("without the Redis: %s", text)
		}
	}
	f.first.expectLog(t, "verdict=drop reason=backend")
	f.redis.start()
	for end := time.Now().Add(10 * time.Second); ; {
		text := f.answer(0, three, "123456")
		if strings.Contains(text, "Access-Accept") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("when it is back: %s\n%s", text, f.first.log)
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
