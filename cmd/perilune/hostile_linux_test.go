package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// bombs are bodies of handlers that want all memory, all time or all stack, each in its way.
var bombs = []string{
	`local s, k = ("x"):rep(1e6), {} for i = 1, 1e6 do k[i] = s .. i end`,
	`local k = {} for i = 1, 1e6 do k[i] = {a = 1, b = 2, c = {}} end`,
	`local k = {} for i = 1, 1e6 do local t = {} t[65000] = 1 k[i] = t end`,
	`local s, k = ("x"):rep(1000), {} for i = 1, 1e6 do k[i] = s:gsub(".", ("y"):rep(1000)) end`,
	`local s = ("a"):rep(500) while true do s:find(".-.-.-.-b") end`,
	`local function f() return 1 + f() end while true do pcall(f) end`,
	`local k = {} for i = 1, 1e6 do k[i] = function() return i, k end end`,
	`local k = {} for i = 1, 1e6 do k[i] = pcall(coroutine.wrap(function() local t = {} t[65000] = 1 coroutine.yield(t) end)) end`,
	`local t = {} for i = 1, 5e4 do t[i] = ("x"):rep(100) end local k = {} while true do k[#k + 1] = json.encode(t) end`,
	`local s = ("["):rep(60) .. ("1,"):rep(2e4) .. "1" .. ("]"):rep(60) local k = {} while true do k[#k + 1] = json.decode(s) end`,
	`local s = ("x"):rep(5e5) while true do pcall(error, {s .. s:sub(1, 4e5), s:upper(), s:reverse()}) end`,
	`local k = {} while true do k[#k + 1] = ("x"):rep(1e6) end`,
	`local k = {} while true do k[#k + 1] = ("%s%s"):format(("x"):rep(4e5), ("y"):rep(4e5)) end`,
	`local t, k = {}, {} for i = 1, 1e4 do t[i] = "0123456789" end while true do k[#k + 1] = table.concat(t, "----------") end`,
	`local k = {} for i = 1, 1e6 do k[i] = re.compile(("(a|b)"):rep(100) .. i) end`,
	`::a:: goto a`,
	`local n = 0 while true do pcall(function() local k = {} while true do k[#k + 1] = ("x"):rep(1e6) end end) n = n + 1 end`,
	`for i = 1, 1e6 do req.ctx[i] = ("x"):rep(1e6) .. i end`,
	`while true do req.reply:add("Reply-Message", ("x"):rep(200)) end`,
	`local t = {} for i = 1, 5e4 do t["k" .. i] = i end while true do for k in pairs(t) do t[k] = nil end end`,
	`error(setmetatable({}, {__tostring = function() return ("x"):rep(1e6) end}))`,
	`local s = ("ab"):rep(4e5) while true do bytes.base64(s) bytes.hex(s) crypto.sha256(s) end`,
	`local k = {} while true do pcall(function() while true do k[#k + 1] = ("z"):rep(900000 + #k) end end) end`,
	`local k = {} for i = 1, 20 do k[i] = ("z"):rep(900000 + i) end net.try_lookup("nowhere.invalid") while true do k[#k + 1] = ("z"):rep(900000 + #k) end`,
	`while true do local s = ("%s"):format(("ab"):rep(4e5)):upper():reverse():gsub("A", "zz") end`,
}

// bombScript has a handler for each of n users bomb0, bomb1 … and lets everybody else in.
func bombScript(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "on(\"authorize\", {name=\"bomb%d\", when={user=\"bomb%d\"}, timeout=\"4s\"}, function(req) %s end)\n", i, i, bombs[i%len(bombs)])
	}
	b.WriteString("on(\"authorize\", function(req) return accept{[\"Reply-Message\"]=req.user:upper()} end)\n")
	return b.String()
}

// A watchedServer is a server in a process of its own.
type watchedServer struct {
	process *exec.Cmd
	auth    string
	said    *watchedLog
}

func startWatchedServer(t *testing.T, dir string) *watchedServer {
	t.Helper()
	s := &watchedServer{process: exec.Command(os.Args[0], "-test.run=^TestServeHelper$", "-test.timeout=300s"), said: newWatchedLog()}
	s.process.Env = append(os.Environ(), "PERILUNE_SERVE="+dir+"/raddb", "PERILUNE_ACCT=127.0.0.1:0")
	out, err := s.process.StdoutPipe()
	if err == nil {
		err = s.process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.process.Process.Kill(); s.process.Wait() })
	go io.Copy(s.said, bufio.NewReader(out))
	ended := make(chan int)
	if !s.said.wait("perilune serves ", ended) {
		t.Fatalf("serve does not start:\n%s", s.said)
	}
	m := regexp.MustCompile(`msg=listening kind=auth address=(\S+)`).FindStringSubmatch(s.said.String())
	if m == nil {
		t.Fatalf("no address:\n%s", s.said)
	}
	s.auth = m[1]
	return s
}

// peak gives the most memory that the process has had, in MiB.
func (s *watchedServer) peak(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		t.Fatalf("the server is gone: %v\n%s", err, s.said)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	n, _ := strconv.Atoi(string(m[1]))
	return n / 1024
}

// TestHostileScripts lets 64 handlers of all kinds take all that they can get, all at once and again, in a server with a
// limit of memory. It keeps to the limit, and each request that comes beside is answered; none is lost.
func TestHostileScripts(t *testing.T) {
	const (
		limit = 256 // MiB
		all   = 64
	)
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	dir := loopTree(t, map[string]string{
		"raddb/config.toml": strings.Replace(quietConfig, "[server]\n", fmt.Sprintf("[server]\nmemory = \"%dMiB\"\naccess-deadline = \"10s\"\n", limit), 1),
		"scripts/bombs.lua": bombScript(all),
	})
	s := startWatchedServer(t, dir)
	before := s.peak(t)
	var cheap, worst atomic.Int64
	over := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() {
		for n := newAsker(t, s.auth); ; {
			select {
			case <-over:
				return
			default:
			}
			begun := time.Now()
			if message, _, err := n.ask("cheap", "x"); err != nil || message != "CHEAP" {
				t.Errorf("a cheap request was lost: %q, %v", message, err)
				return
			}
			cheap.Add(1)
			worst.Store(max(worst.Load(), int64(time.Since(begun))))
		}
	})
	for n := 0; n < rounds || cheap.Load() < 100 && n < 20; n++ {
		var bombers sync.WaitGroup
		for i := range all {
			n := newAsker(t, s.auth)
			bombers.Go(func() {
				raw, _ := n.request(fmt.Sprintf("bomb%d", i), "x", nil)
				n.conn.Write(raw)
				n.conn.SetReadDeadline(time.Now().Add(12 * time.Second)) // a drop is not answered
				n.conn.Read(make([]byte, 4096))
			})
		}
		bombers.Wait()
	}
	close(over)
	beside.Wait()
	peak := s.peak(t)
	t.Logf("%d MiB before, %d MiB at most; %d cheap requests, the slowest took %v", before, peak, cheap.Load(), time.Duration(worst.Load()))
	if peak > limit && !raceDetector { // which takes several times the memory
		t.Errorf("the server has had %d MiB, its limit is %d", peak, limit)
	}
	if cheap.Load() < 100 {
		t.Errorf("only %d cheap requests were answered", cheap.Load())
	}
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("the server is gone: %v", err)
	}
}
