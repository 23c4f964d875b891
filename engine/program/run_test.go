package program

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// own is the account of the tests: whoever runs them.
func own() Account { return Account{Name: "tests", Switch: os.Geteuid() == 0} }

// script writes a shell script and gives its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func newRunner(t *testing.T, o Options) *Runner {
	t.Helper()
	r := NewRunner(o)
	t.Cleanup(r.Close)
	return r
}

// job is a Job with much time.
func job(args ...string) Job {
	return Job{Args: args, Account: own(), Deadline: time.Now().Add(20 * time.Second)}
}

// gone fails unless the process ends soon.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || strings.Contains(string(status), ") Z") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives", pid)
}

func pidIn(t *testing.T, path string) int {
	t.Helper()
	for range 500 {
		text, _ := os.ReadFile(path)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s holds no number", path)
	return 0
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name, text string
		exit       int
		output     string
		errors     string
	}{
		{"success", "echo Reply-Message = ok", 0, "Reply-Message = ok\n", ""},
		{"failure", "echo no; echo why >&2; exit 3", 3, "no\n", "why\n"},
		{"exits at once", "", 0, "", ""},
		{"killed by itself", "kill -9 $$", 137, "", ""},
		{"garbage", `printf '\000\377\n'`, 0, "\x00\xff\n", ""},
		{"standard input is empty", "cat; echo end", 0, "end\n", ""},
		{"closes its output", "exec >&- 2>&-; exit 4", 4, "", ""},
		{"no end of line", "printf x", 0, "x", ""},
		{"much on standard error", "head -c 300000 /dev/zero | tr '\\0' e >&2; echo done", 0, "done\n", strings.Repeat("e", keptErrors)},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := newRunner(t, Options{}).Run(job(script(t, c.text)))
			if err != nil || res.Exit != c.exit || string(res.Output) != c.output || string(res.Errors) != c.errors {
				t.Errorf("exit %d, output %q, errors %.40q, error %v", res.Exit, res.Output, res.Errors, err)
			}
		})
	}
}

// TestInput: what a program is given to read, whatever it does with it.
func TestInput(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 20_000)
	for _, c := range []struct{ name, text, stdin, output string }{
		{"reads all", "cat", "one\ntwo", "one\ntwo"},
		{"counts much", "wc -c | tr -d ' '", large, "320000\n"},
		{"reads nothing", "echo done", large, "done\n"},
		{"closes it", "exec <&-; echo done", large, "done\n"},
		{"reads one line of it", "read line; echo $line", "first\n" + large, "first\n"},
		{"leaves it to a daemon", "setsid sleep 0.2 & echo done", large, "done\n"},
		{"has an empty one", "cat; echo end", "", "end\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := job(script(t, c.text))
			j.Stdin, j.Errors = []byte(c.stdin), 8
			res, err := newRunner(t, Options{}).Run(j)
			if err != nil || string(res.Output) != c.output {
				t.Errorf("output %.80q, errors %.40q, error %v", res.Output, res.Errors, err)
			}
		})
	}
	j := job(script(t, "sleep 60"))
	j.Stdin, j.Deadline = []byte(large), time.Now().Add(200*time.Millisecond)
	if _, err := newRunner(t, Options{}).Run(j); !errors.Is(err, ErrDeadline) {
		t.Errorf("one that never reads: %v", err)
	}
}

// TestSurroundings: arguments as given, PATH alone, the temporary directory, standard descriptors, an own group.
func TestSurroundings(t *testing.T) {
	t.Setenv("SECRET", "x")
	inherited, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	fd, err := syscall.Dup(int(inherited.Fd())) // without close-on-exec, as from a supervisor
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	path := script(t, `printf '%s|' "$@"; echo; env | grep -v '^_=\|^PWD=\|^SHLVL=\|^OLDPWD=' | cut -d= -f1; pwd; ps -o pgid= -p $$ | tr -d ' ' | sed "s/^$$\$/leads/"`)
	res, err := newRunner(t, Options{}).Run(job(path, "a b", "$HOME", "; rm", "", "é"))
	want := "a b|$HOME|; rm||é|\nPATH\n" + os.TempDir() + "\nleads\n"
	if d := cmp.Diff(want, string(res.Output)); d != "" || err != nil {
		t.Errorf("error %v, %s (-want +got)\n%s", err, res.Errors, d)
	}
	res, err = newRunner(t, Options{}).Run(job("/bin/ls", "/proc/self/fd"))
	if string(res.Output) != "0\n1\n2\n3\n" || err != nil { // 3 is the directory that is being listed
		t.Errorf("descriptors %q, %v", res.Output, err)
	}
}

func TestCannotRun(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(binary, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	interpreter := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(interpreter, []byte("#!/nonexistent\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/nonexistent/prog": "no such file", "bin/true": "absolute", plain: "not executable", "/tmp": "not executable",
		binary: "no program", interpreter: "interpreter",
	} {
		r := newRunner(t, Options{})
		_, err := r.Run(job(path))
		var start *StartError
		if !errors.As(err, &start) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
		if c := r.Counters(); c.Missing != 1 {
			t.Errorf("%s: %+v", path, c)
		}
	}
	if _, err := newRunner(t, Options{}).Run(Job{Account: own(), Deadline: time.Now().Add(time.Second)}); err == nil {
		t.Error("no arguments: no error")
	}
}

// TestRootNeedsAnAccount: what was never said does not run programs as root.
func TestRootNeedsAnAccount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	j := job("/bin/true")
	j.Account = Account{}
	if _, err := newRunner(t, Options{}).Run(j); err == nil || !strings.Contains(err.Error(), "root") {
		t.Error(err)
	}
}

func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	a, err := Lookup("")
	if err != nil {
		t.Skip(err)
	}
	j := job("/bin/sh", "-c", "id -u; id -G; cat /etc/shadow 2>/dev/null | wc -l")
	j.Account = a
	res, err := newRunner(t, Options{}).Run(j)
	if want := fmt.Sprintf("%d\n%d\n0\n", a.UID, a.GID); string(res.Output) != want || err != nil {
		t.Errorf("%q, want %q, %v", res.Output, want, err)
	}
}

func TestLookup(t *testing.T) {
	find := func(name string) (*user.User, error) {
		switch name {
		case "daemon":
			return &user.User{Uid: "1", Gid: "2"}, nil
		case "odd":
			return &user.User{Uid: "x", Gid: "2"}, nil
		case "down":
			return nil, errors.New("no answer")
		}
		return nil, user.UnknownUserError(name)
	}
	for _, c := range []struct {
		name string
		own  int
		want Account
		err  string
	}{
		{"", 0, Account{"daemon", 1, 2, true}, ""},
		{"daemon", 0, Account{"daemon", 1, 2, true}, ""},
		{"", 1000, Account{}, ""},
		{"daemon", 1, Account{"daemon", 1, 2, false}, ""},
		{"daemon", 1000, Account{}, "only if the server is root"},
		{"nobody", 0, Account{}, `no user "nobody"`},
		{"odd", 0, Account{}, `number "x"`},
		{"down", 0, Account{}, "no answer"},
	} {
		got, err := lookup(c.name, c.own, find)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q as %d: %v", c.name, c.own, err)
		}
		if d := cmp.Diff(c.want, got); d != "" && err == nil {
			t.Errorf("%q as %d (-want +got)\n%s", c.name, c.own, d)
		}
	}
}

// TestHangs: at the deadline the whole group goes, and the caller with it.
func TestHangs(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "pid")
	for name, text := range map[string]string{
		"sleeps":                  "echo $$ > " + mark + "; exec sleep 60",
		"has closed its output":   "echo $$ > " + mark + "; exec >&- 2>&-; sleep 60",
		"ignores signals":         "trap '' TERM INT HUP; echo $$ > " + mark + "; sleep 60; sleep 60",
		"waits for its child":     "sh -c 'echo $$ > " + mark + "; sleep 60'; true",
		"child in the background": "sleep 60 & echo $! > " + mark + "; wait",
	} {
		t.Run(name, func(t *testing.T) {
			os.Remove(mark)
			r := newRunner(t, Options{})
			j := job(script(t, text))
			j.Deadline = time.Now().Add(300 * time.Millisecond)
			began := time.Now()
			_, err := r.Run(j)
			if took := time.Since(began); !errors.Is(err, ErrDeadline) || took > 3*time.Second {
				t.Errorf("%v after %v", err, took)
			}
			gone(t, pidIn(t, mark))
			if c := r.Counters(); c.Deadline != 1 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestLeavesChildren: a child in the background that keeps the pipe open does not hold the result up, and does not
// outlive the program.
func TestLeavesChildren(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "pid")
	began := time.Now()
	res, err := newRunner(t, Options{}).Run(job(script(t, "sleep 60 & echo $! > "+mark+"; echo out; exit 5")))
	if took := time.Since(began); err != nil || res.Exit != 5 || string(res.Output) != "out\n" || took > 10*time.Second {
		t.Errorf("exit %d, %q, %v after %v", res.Exit, res.Output, err, took)
	}
	gone(t, pidIn(t, mark))
}

// TestDaemon: a child that has left the group keeps the pipe and lives, but holds nobody up.
func TestDaemon(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "pid")
	began := time.Now()
	res, err := newRunner(t, Options{}).Run(job(script(t, "setsid sh -c 'echo $$ > "+mark+"; exec sleep 60' & while [ ! -s "+mark+" ]; do sleep 0.01; done; echo out")))
	pid := pidIn(t, mark)
	defer syscall.Kill(pid, syscall.SIGKILL)
	if took := time.Since(began); err != nil || string(res.Output) != "out\n" || took > 10*time.Second {
		t.Errorf("%q, %v after %v", res.Output, err, took)
	}
}

func TestFlood(t *testing.T) {
	r := newRunner(t, Options{})
	j := job("/bin/sh", "-c", "while :; do echo flood flood flood; done")
	j.Output = 4096
	res, err := r.Run(j)
	if !errors.Is(err, ErrOutput) || res.Output != nil {
		t.Errorf("%d octets, %v", len(res.Output), err)
	}
	j.Args = []string{"/usr/bin/head", "-c", "4096", "/dev/zero"}
	if res, err = r.Run(j); len(res.Output) != 4096 || err != nil {
		t.Errorf("as much as allowed: %d octets, %v", len(res.Output), err)
	}
	if c := r.Counters(); c.Failed != 1 || c.OK != 1 {
		t.Errorf("%+v", c)
	}
}

// TestManyAtOnce: no more than allowed run; the rest waits, and is not run if no turn comes.
func TestManyAtOnce(t *testing.T) {
	r := newRunner(t, Options{Max: 2, Waiting: 3})
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 2 {
		mark := filepath.Join(dir, strconv.Itoa(i))
		path := script(t, "echo $$ > "+mark+"; while [ ! -e "+dir+"/go ]; do sleep 0.01; done")
		all.Go(func() { r.Run(job(path)) })
		pidIn(t, mark)
	}
	j := job("/bin/true")
	j.Deadline = time.Now().Add(50 * time.Millisecond)
	if _, err := r.Run(j); !errors.Is(err, ErrBusy) {
		t.Errorf("third: %v", err)
	}
	for range 3 {
		all.Go(func() { r.Run(job("/bin/true")) })
	}
	for r.waiting.Load() != 3 {
		time.Sleep(time.Millisecond)
	}
	if _, err := r.Run(job("/bin/true")); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond those that may wait: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "go"), nil, 0o600)
	all.Wait()
	if c := r.Counters(); c.Busy != 2 || c.OK != 5 {
		t.Errorf("%+v", c)
	}
}

func TestAside(t *testing.T) {
	r := newRunner(t, Options{Max: 1, Backlog: 2})
	type end struct {
		res Result
		err error
	}
	ends := make(chan end, 3)
	report := func(res Result, err error) { ends <- end{res, err} }
	for range 2 {
		if !r.RunAside(Job{Args: []string{"/bin/sh", "-c", "sleep 0.1; exit 7"}, Account: own()}, 10*time.Second, report) {
			t.Fatal("no room")
		}
	}
	if r.RunAside(job("/bin/true"), time.Second, report) {
		t.Error("there was room for a third")
	}
	for range 2 {
		if e := <-ends; e.err != nil || e.res.Exit != 7 {
			t.Errorf("%+v", e)
		}
	}
	for r.backlog.Load() != 0 {
		time.Sleep(time.Millisecond)
	}
	r.RunAside(Job{Args: []string{"/bin/sleep", "60"}, Account: own()}, 100*time.Millisecond, report)
	if e := <-ends; !errors.Is(e.err, ErrDeadline) {
		t.Errorf("%+v", e)
	}
}

// TestClose: what runs is killed, what waits is not run, what comes later is refused.
func TestClose(t *testing.T) {
	r := NewRunner(Options{Max: 1})
	mark := filepath.Join(t.TempDir(), "pid")
	path := script(t, "echo $$ > "+mark+"; exec sleep 60")
	results := make(chan error, 3)
	go func() { _, err := r.Run(job(path)); results <- err }()
	pid := pidIn(t, mark)
	go func() { _, err := r.Run(job("/bin/true")); results <- err }()
	for r.waiting.Load() != 1 {
		time.Sleep(time.Millisecond)
	}
	r.RunAside(job("/bin/sleep", "60"), time.Minute, func(_ Result, err error) { results <- err })
	f := r.Filter(spec("cat"))
	if _, _, err := f.Ask([]byte("0"), time.Now().Add(10*time.Second)); err != nil {
		t.Error(err)
	}
	r.Close()
	for range 3 {
		if err := <-results; !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	}
	gone(t, pid)
	if _, err := r.Run(job("/bin/true")); !errors.Is(err, ErrClosed) {
		t.Errorf("Run after Close: %v", err)
	}
	if r.RunAside(job("/bin/true"), time.Second, nil) {
		t.Error("RunAside after Close")
	}
	if _, _, err := f.Ask([]byte("0"), time.Now().Add(time.Second)); !errors.Is(err, ErrClosed) {
		t.Errorf("Ask after Close: %v", err)
	}
	f.Release()
	r.Close()
}
