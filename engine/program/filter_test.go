package program

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// spec is a filter made of a shell command.
func spec(text string) FilterSpec {
	return FilterSpec{Name: "test", Service: "auth", Command: "/bin/sh\x00-c\x00" + text, Account: own()}
}

func soon() time.Time { return time.Now().Add(10 * time.Second) }

func ask(t *testing.T, f *Filter, line string) string {
	t.Helper()
	status, rest, err := f.Ask([]byte(line), soon())
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", status, rest)
}

func TestFilterAnswers(t *testing.T) {
	r := newRunner(t, Options{})
	f := r.Filter(spec(`while read a b; do case $a in good) echo "0 Reply-Message = $b";; tab) printf '2\tx\n';; bare) echo 3;; *) echo "1 Reply-Message = no";; esac; done`))
	defer f.Release()
	for line, want := range map[string]string{
		"good bob": "0 Reply-Message = bob", "bad bob": "1 Reply-Message = no", "tab": "2 x", "bare": "3 ",
	} {
		if got := ask(t, f, line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if c := r.Counters(); c.Asked != 4 || c.Broken != 0 {
		t.Errorf("%+v", c)
	}
}

// TestFilterIsOneProcess: many ask at once, each gets its own answer, from the same process.
func TestFilterIsOneProcess(t *testing.T) {
	r := newRunner(t, Options{})
	f := r.Filter(spec(`while read a; do echo "0 $a $$"; done`))
	defer f.Release()
	if again := r.Filter(spec(`while read a; do echo "0 $a $$"; done`)); again != f {
		t.Error("an equal spec has a filter of its own")
	} else {
		again.Release()
	}
	var mu sync.Mutex
	pids := map[string]bool{}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			status, rest, err := f.Ask(fmt.Appendf(nil, "n%d", i), soon())
			words := strings.Fields(string(rest))
			if err != nil || status != 0 || len(words) != 2 || words[0] != fmt.Sprintf("n%d", i) {
				t.Errorf("%d %q %v", status, rest, err)
				return
			}
			mu.Lock()
			pids[words[1]] = true
			mu.Unlock()
		})
	}
	all.Wait()
	if len(pids) != 1 {
		t.Errorf("processes %v", pids)
	}
}

// TestFilterBreaks: whatever is no answer ends the process; the next question starts another one.
func TestFilterBreaks(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"garbage":      {`while read a; do echo garbage; done`, ErrBroken},
		"empty line":   {`while read a; do echo; done`, ErrBroken},
		"ends":         {`read a; exit 0`, ErrBroken},
		"ends at once": {`exit 1`, ErrBroken},
		"closes input": {`exec <&-; sleep 60`, ErrDeadline}, // unless it is quicker than the line
		"floods":       {`read a; while :; do printf 0000000000000000; done`, ErrOutput},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t, Options{})
			s := spec(c.text)
			s.Output = 4096
			f := r.Filter(s)
			defer f.Release()
			if _, _, err := f.Ask([]byte("x"), time.Now().Add(time.Second)); !errors.Is(err, c.want) && !errors.Is(err, ErrBroken) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if f.idle[0].process != nil {
				t.Error("the process is kept")
			}
			if _, _, err := f.Ask([]byte("x"), soon()); !errors.Is(err, ErrBroken) {
				t.Errorf("in the pause: %v", err)
			}
			if f.idle[0].fails != 1 {
				t.Errorf("%d failures: the pause counts as one", f.idle[0].fails)
			}
		})
	}
}

func TestFilterHangs(t *testing.T) {
	r := newRunner(t, Options{})
	mark := filepath.Join(t.TempDir(), "pid")
	f := r.Filter(spec("echo $$ > " + mark + "; read a; sleep 60"))
	defer f.Release()
	began := time.Now()
	if _, _, err := f.Ask([]byte("x"), time.Now().Add(200*time.Millisecond)); !errors.Is(err, ErrDeadline) || time.Since(began) > 3*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	gone(t, pidIn(t, mark))
}

// TestFilterThatDoesNotRead: the pipe is full some time, and then the deadline counts.
func TestFilterThatDoesNotRead(t *testing.T) {
	r := newRunner(t, Options{})
	f := r.Filter(spec("exec sleep 60"))
	defer f.Release()
	if _, _, err := f.Ask(bytes.Repeat([]byte("x"), 200_000), time.Now().Add(200*time.Millisecond)); !errors.Is(err, ErrDeadline) {
		t.Error(err)
	}
}

// TestFilterRestarts: one that ends after its answer is there for the next question, without a failure.
func TestFilterRestarts(t *testing.T) {
	r := newRunner(t, Options{})
	f := r.Filter(spec(`read a; echo "0 $a"`))
	defer f.Release()
	for i := range 3 {
		if got, want := ask(t, f, fmt.Sprint(i)), fmt.Sprintf("0 %d", i); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		<-f.idle[0].process.done
	}
	if c := r.Counters(); c.Broken != 0 {
		t.Errorf("%+v", c)
	}
}

// TestFilterPauses: the pauses grow, and a good answer ends them.
func TestFilterPauses(t *testing.T) {
	r := newRunner(t, Options{})
	flag := filepath.Join(t.TempDir(), "flag")
	f := r.Filter(spec("while read a; do [ -e " + flag + " ] && echo 0 || echo broken; done"))
	defer f.Release()
	for i := range 3 {
		before := time.Now()
		if _, _, err := f.Ask(nil, soon()); !errors.Is(err, ErrBroken) {
			t.Fatal(err)
		}
		if pause, least := f.idle[0].next.Sub(before), firstPause<<i; pause < least {
			t.Errorf("pause %d is %v, want %v", i, pause, least)
		}
		f.idle[0].next = time.Time{}
	}
	os.WriteFile(flag, nil, 0o600)
	if got := ask(t, f, ""); got != "0 " || f.idle[0].fails != 0 {
		t.Errorf("%q, %d failures", got, f.idle[0].fails)
	}
}

// TestFilterTalksTooMuch: a second line would be the answer to the next question; so the process is changed.
func TestFilterTalksTooMuch(t *testing.T) {
	r := newRunner(t, Options{})
	f := r.Filter(spec(`n=0; while read a; do n=$((n+1)); echo "1 $a $n"; echo "0 stray"; done`))
	defer f.Release()
	for _, line := range []string{"a", "b"} {
		if got, want := ask(t, f, line), "1 "+line+" 1"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		for f.idle[0].reader.Buffered() == 0 && !readable(f.idle[0].out) {
			time.Sleep(time.Millisecond)
		}
	}
}

func TestFilterCannotRun(t *testing.T) {
	r := newRunner(t, Options{})
	for _, command := range []string{"/nonexistent/filter", "bin/filter", "/tmp"} {
		f := r.Filter(FilterSpec{Name: "x", Command: command, Account: own()})
		var start *StartError
		if _, _, err := f.Ask(nil, soon()); !errors.As(err, &start) {
			t.Errorf("%s: %v", command, err)
		}
		f.Release()
	}
	s := spec("cat")
	s.ErrorLog = "/nonexistent/log"
	f := r.Filter(s)
	defer f.Release()
	if _, _, err := f.Ask(nil, soon()); err == nil {
		t.Error("an error-log that cannot be opened: no error")
	}
}

func TestSilentFilter(t *testing.T) {
	r := newRunner(t, Options{})
	got := filepath.Join(t.TempDir(), "got")
	s := spec("while read a; do echo noise; echo $a >> " + got + "; done")
	s.Silent = true
	f := r.Filter(s)
	defer f.Release()
	for _, line := range []string{"one", "two"} {
		if answer := ask(t, f, line); answer != "0 " {
			t.Error(answer)
		}
	}
	for range 500 {
		if b, _ := os.ReadFile(got); string(b) == "one\ntwo\n" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the lines did not arrive")
}

func TestFilterErrors(t *testing.T) {
	var said lockedBuffer
	r := newRunner(t, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
	s := spec(`while read a; do echo "about $a" >&2; echo 0; done`)
	f := r.Filter(s)
	ask(t, f, "bob")
	f.Release()
	file := filepath.Join(t.TempDir(), "errors")
	s.ErrorLog = file
	f = r.Filter(s)
	ask(t, f, "ann")
	f.Release()
	s.ErrorLog = "none"
	f = r.Filter(s)
	ask(t, f, "eve")
	f.Release()
	if b, _ := os.ReadFile(file); string(b) != "about ann\n" {
		t.Errorf("file: %q", b)
	}
	for range 500 {
		if strings.Contains(said.String(), "about bob") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if text := said.String(); !strings.Contains(text, "about bob") || strings.Contains(text, "about eve") {
		t.Errorf("log: %s", text)
	}
}

// TestFilterQueue: only so many wait for one filter.
func TestFilterQueue(t *testing.T) {
	r := newRunner(t, Options{})
	hold := filepath.Join(t.TempDir(), "hold")
	f := r.Filter(spec("while read a; do while [ ! -e " + hold + " ]; do sleep 0.01; done; echo 0; done"))
	defer f.Release()
	var all sync.WaitGroup
	for range filterQueue {
		all.Go(func() {
			if _, _, err := f.Ask([]byte("x"), time.Now().Add(30*time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	for f.queued.Load() != filterQueue {
		time.Sleep(time.Millisecond)
	}
	if _, _, err := f.Ask([]byte("x"), soon()); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond the queue: %v", err)
	}
	os.WriteFile(hold, nil, 0o600)
	all.Wait()
}

// TestFilterWorkers: two questions at once have a process each, and one after the other the same.
func TestFilterWorkers(t *testing.T) {
	r := newRunner(t, Options{})
	dir := t.TempDir()
	s := spec("while read a b; do if [ $a != - ]; then touch $a; while [ ! -e $b ]; do sleep 0.01; done; fi; echo 0 $$; done")
	s.Workers = 2
	f := r.Filter(s)
	defer f.Release()
	one := ask(t, f, "-")
	if again := ask(t, f, "-"); again != one {
		t.Errorf("%q, then %q", one, again)
	}
	var all sync.WaitGroup
	got := make([]string, 2)
	for i, line := range []string{dir + "/a " + dir + "/b", dir + "/b " + dir + "/a"} { // each waits for the other
		all.Go(func() { got[i] = ask(t, f, line) })
	}
	all.Wait()
	if got[0] == got[1] || got[0] != one && got[1] != one || !strings.HasPrefix(got[0], "0 ") || !strings.HasPrefix(got[1], "0 ") {
		t.Errorf("%q, first %q", got, one)
	}
}

// TestFilterIsRetired: one that nobody has is ended after a while, and not if it is wanted again.
func TestFilterIsRetired(t *testing.T) {
	r := newRunner(t, Options{})
	mark := filepath.Join(t.TempDir(), "pid")
	f := r.Filter(spec("echo $$ > " + mark + "; while read a; do echo 0; done"))
	ask(t, f, "x")
	pid := pidIn(t, mark)
	f.Release()
	f = r.Filter(f.spec)
	f.retire()
	if got := ask(t, f, "x"); got != "0 " || pidIn(t, mark) != pid {
		t.Errorf("%q, another process", got)
	}
	f.Release()
	f.retire()
	gone(t, pid)
	if len(r.filters) != 0 {
		t.Errorf("%d filters", len(r.filters))
	}
}

func FuzzCutStatus(f *testing.F) {
	for _, s := range []string{"0", "1 Reply-Message = x", " 0\tx", "", "x", "99999999999999999999", "-1 a"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, rest, ok := cutStatus(answer); ok && len(rest) >= len(answer) && len(answer) > 0 {
			t.Errorf("%q: %q", answer, rest)
		}
	})
}

// lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
