package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// twoHomes starts two FreeRADIUS of one realm and a server before them.
func twoHomes(t *testing.T, options string) (first, second *radiusd, s *loopServer) {
	t.Helper()
	user := "bob\tCleartext-Password := \"hello\"\n\tReply-Message = \"%s\"\n"
	first = newRadiusd(t, fmt.Sprintf(user, "first"), nil)
	second = newRadiusd(t, fmt.Sprintf(user, "second"), nil)
	s = serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/realms": fmt.Sprintf("home.example %s,%s %s secret=%q\n", first.server(), second.server(), options, loopSecret),
	}))
	return first, second, s
}

// asked gives who has answered a login of bob's: first, second or nobody.
func asked(t *testing.T, s *loopServer) string {
	t.Helper()
	reply := radclient(t, s, "auth", "auth", "User-Name = bob@home.example", "User-Password = hello")
	for _, line := range reply {
		if text, ok := strings.CutPrefix(line, "Reply-Message = "); ok {
			return strings.Trim(text, `"`)
		}
	}
	return "nobody"
}

// askedSoon asks again and again until the wanted one answers.
func askedSoon(t *testing.T, s *loopServer, want string, patience time.Duration) {
	t.Helper()
	var got string
	for late := time.Now().Add(patience); time.Now().Before(late); {
		if got = asked(t, s); got == want {
			return
		}
		if got == "nobody" {
			break
		}
		time.Sleep(50 * time.Millisecond) // so as not to be a load
	}
	t.Fatalf("%s has answered, not %s within %v\n%s", got, want, patience, s.log)
}

// health gives the state of a home server's port as `perilune status` shows it.
func (s *loopServer) health(t *testing.T, address string) homeStatus {
	t.Helper()
	var report statusReport
	code, out := s.command("status", "-d", s.raddb(), "-json")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("status: exit code %d, %v\n%s", code, err, out)
	}
	for _, h := range report.Homes {
		if h.Address == address {
			return h
		}
	}
	t.Fatalf("status has no home server %s:\n%s", address, out)
	return homeStatus{}
}

// TestProxyFailsOver: the second home server answers while the first is frozen, and the first again when it is not: its
// late answers and those to Status-Server tell that it lives.
func TestProxyFailsOver(t *testing.T) {
	first, second, s := twoHomes(t, "timeout=200ms,retries=2,status-server")
	if got := asked(t, s); got != "first" {
		t.Fatalf("%s has answered\n%s", got, s.log)
	}
	freeze(t, first.cmd.Process)
	for range 3 {
		if got := asked(t, s); got != "second" {
			t.Fatalf("%s has answered with the first frozen\n%s\n%s", got, s.log, second.said())
		}
	}
	if h := s.health(t, first.auth); h.Health == "up" || h.Timeouts == 0 {
		t.Errorf("status of the frozen one: %+v", h)
	}
	if reply := radclient(t, s, "acct", "acct", "User-Name = bob@home.example", "Acct-Status-Type = Start", "Acct-Session-Id = f1"); reply[0] != "Accounting-Response" {
		t.Errorf("accounting with the first frozen: %v", reply)
	}
	if got := second.got("Accounting-Request"); len(got) != 1 {
		t.Errorf("the second has got %d accounting requests\n%s", len(got), second.said())
	}
	first.cmd.Process.Signal(syscall.SIGCONT)
	askedSoon(t, s, "first", 20*time.Second)
	if got := first.got("Status-Server"); len(got) == 0 {
		t.Errorf("the first was not probed\n%s", first.said())
	}
	if h := s.health(t, first.auth); h.Health != "up" || h.Refused != 0 {
		t.Errorf("status of the first: %+v", h)
	}
}

// TestProxyFailsOverFromTheStopped: nobody listens at the first one's ports, then a new process does.
func TestProxyFailsOverFromTheStopped(t *testing.T) {
	first, _, s := twoHomes(t, "timeout=500ms,retries=2")
	first.stop()
	for range 3 {
		if got := asked(t, s); got != "second" {
			t.Fatalf("%s has answered with the first stopped\n%s", got, s.log)
		}
	}
	if h := s.health(t, first.auth); h.Health == "up" {
		t.Errorf("status of the stopped one: %+v", h)
	}
	first.start(t)
	askedSoon(t, s, "first", 20*time.Second)
}

// TestProxyWithoutHome: with all home servers stopped the NAS gets nothing, or a reject where the realm says so.
func TestProxyWithoutHome(t *testing.T) {
	home := newRadiusd(t, homeUsers, nil)
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/realms": fmt.Sprintf(
		"home.example %[1]s timeout=200ms,retries=1 secret=%[2]q\nrejecting.example %[1]s timeout=200ms,retries=1,dead=reject secret=%[2]q\n", home.server(), loopSecret)}))
	home.stop()
	ask := func(realm string) string {
		out := runRadclient(t, s, "auth", "auth", []string{"User-Name = bob@" + realm, "User-Password = hello"}, "-x", "-r", "1", "-t", "1")
		return received(out)[0]
	}
	if got := ask("home.example"); got != "no reply" {
		t.Errorf("dead=drop: %s\n%s", got, s.log)
	}
	if got := ask("rejecting.example"); got != "Access-Reject" {
		t.Errorf("dead=reject: %s\n%s", got, s.log)
	}
	if out := runRadclient(t, s, "acct", "acct", []string{"User-Name = bob@home.example", "Acct-Status-Type = Start", "Acct-Session-Id = n1"}, "-x", "-r", "1", "-t", "1"); received(out)[0] != "no reply" {
		t.Errorf("accounting that no home server has taken is answered: %s", out)
	}
}

// freeze stops a process in its tracks: on a busy machine it still answers a while after the signal was sent.
func freeze(t *testing.T, p *os.Process) {
	t.Helper()
	p.Signal(syscall.SIGSTOP)
	waitFor(t, "the process stands still", func() bool {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Pid))
		return len(stats) > 0 && !slices.ContainsFunc(stats, runs)
	})
}

// runs tells whether a thread has not been stopped yet. Its state is behind the name in brackets: proc_pid_stat(5).
func runs(stat string) bool {
	text, err := os.ReadFile(stat)
	_, state, _ := strings.Cut(string(text), ") ")
	return err != nil || !strings.HasPrefix(state, "T")
}
