package acct

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCrash kills a process that stores accounting, with SIGKILL at a random moment, round after round: every
// record that was answered is there, and none twice. PERILUNE_CRASHES sets the number of rounds.
func TestCrash(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 1
	}
	fmt.Sscan(os.Getenv("PERILUNE_CRASHES"), &rounds)
	dir := t.TempDir()
	answered := map[string]bool{}
	for round := range rounds {
		for _, id := range crash(t, dir, round) {
			answered[id] = true
		}
	}
	s := openTest(t, StoreOptions{Dir: dir})
	settle(t, s)
	if n := s.Status().Unreadable; n > 0 {
		t.Errorf("%d lines of the journal are unreadable", n)
	}
	path := filepath.Join(dir, "acct.db")
	events := map[string]int{}
	for _, id := range strings.Fields(sqlite(t, path, `SELECT acctuniqueid || ':' || status FROM acctevent`)) {
		events[id]++
	}
	ids := map[string]string{} // Acct-Session-Id to acctuniqueid
	for _, row := range strings.Fields(sqlite(t, path, `SELECT acctsessionid || '=' || acctuniqueid FROM radacct`)) {
		id, unique, _ := strings.Cut(row, "=")
		if ids[id] != "" {
			t.Errorf("two rows of %s", id)
		}
		ids[id] = unique
	}
	for id := range answered {
		session, status, _ := strings.Cut(id, ":")
		if n := events[ids[session]+":"+status]; n != 1 {
			t.Errorf("%s was answered and is there %d times", id, n)
		}
	}
	if len(answered) < 100*rounds {
		t.Errorf("only %d answers in %d rounds", len(answered), rounds)
	}
	open := sqlite(t, path, "SELECT count(*) FROM radacct WHERE acctstoptime IS NULL")
	if fmt.Sprint(s.Live().Len()) != open {
		t.Errorf("%d live, %s open rows", s.Live().Len(), open)
	}
	t.Logf("%d answers, %d rows, %s open", len(answered), len(ids), open)
}

// crash runs one round and gives what was answered.
func crash(t *testing.T, dir string, round int) (answered []string) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestCrashHelper$", "-test.timeout=60s")
	c.Env = append(os.Environ(), "ACCT_CRASH_DIR="+dir, fmt.Sprintf("ACCT_CRASH_ROUND=%d", round))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() { // the first answer: it is at work
		t.Fatal("helper answers nothing")
	}
	time.AfterFunc(time.Duration(50+rand.IntN(400))*time.Millisecond, func() { c.Process.Kill() })
	for ok := true; ok; ok = lines.Scan() {
		if id := lines.Text(); strings.HasSuffix(id, "!") {
			answered = append(answered, strings.TrimSuffix(id, "!"))
		}
	}
	c.Wait()
	return answered
}

// TestCrashHelper is the process that is killed.
func TestCrashHelper(t *testing.T) {
	dir, round := os.Getenv("ACCT_CRASH_DIR"), os.Getenv("ACCT_CRASH_ROUND")
	if dir == "" {
		t.Skip("runs only as a process of TestCrash")
	}
	s, err := OpenStore(StoreOptions{Dir: dir, Pace: 10 * time.Millisecond, Segment: 1 << 20})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	room := make(chan struct{}, 32)
	for i := 0; ; i++ {
		for _, status := range []Status{Start, Interim, Stop} {
			n := i - 50*int(status) // a window of sessions
			if n < 0 {
				continue
			}
			id := fmt.Sprintf("%s-%d", round, n)
			room <- struct{}{}
			s.Append([]byte(rec(10*int(status), status, bob, "44 Acct-Session-Id="+id, in(int(status)*100))), func(err error) {
				if err == nil {
					os.Stdout.WriteString(id + ":" + status.String() + "!\n")
				}
				<-room
			})
		}
	}
}
