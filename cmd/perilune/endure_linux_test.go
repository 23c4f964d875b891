package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"perilune/policy/reload"
)

// An endurance is a server in a process of its own, and all that asks it, is asked by it and watches it.
type endurance struct {
	t       *testing.T
	dir     string
	server  *serverProcess
	web     *slowWeb
	home    *moodyHome
	lanes   []*lane
	ledgers []*ledger

	floor   atomic.Int64 // the number of the tree that is surely active: requests that come later must show it or a later one
	ceiling atomic.Int64 // the number of the tree that may be active already
	reloads atomic.Int64
	watch   *watcher
}

// TestEndurance holds a server at half of what the machine carries, with everything at once: right and wrong logins, hooks
// that wait, home servers that are silent at times, whole sessions, and reloads. No reply may be wrong, no record may be
// missing or there twice, and nothing may grow. -endure says how long:
//
//	go test ./cmd/perilune -run TestEndurance -endure 20m -timeout 30m -v
func TestEndurance(t *testing.T) {
	foreignTool(t, "sqlite3")
	e := newEndurance(t)
	peak := e.peak()
	if raceDetector {
		peak = min(peak, 800) // the detector's memory grows with what it sees
	}
	rate := peak / 2
	t.Logf("the machine carries some %d requests a second of this mixture; %d are sent for %v on %d processors", peak, rate, *endureFor, runtime.NumCPU())
	e.watch.full = *endureFor >= warm && e.watch.fill(rate)
	e.run(rate)
	e.settle()
	e.check(rate)
}

func newEndurance(t *testing.T) *endurance {
	e := &endurance{t: t, web: newSlowWeb(t), home: newMoodyHome(t)}
	e.dir = loopTree(t, enduranceTree(e.web.URL, e.home.address()))
	e.server = startServerProcess(t, e.dir, "GODEBUG=madvdontneed=1")
	for i := range authLanes {
		e.lanes = append(e.lanes, newLane(e, e.server.auth, newLogins(uint64(i)).next))
	}
	for i := range acctLanes {
		l := newLedger(i)
		e.ledgers = append(e.ledgers, l)
		e.lanes = append(e.lanes, newLane(e, e.server.acct, l.next))
	}
	e.watch = newWatcher(e)
	return e
}

// The lanes are sockets; of a hundred requests acctPercent go through those of accounting.
const (
	authLanes   = 12
	acctLanes   = 2
	acctPercent = 12
)

// pace sets the rate of all lanes, requests a second in all.
func (e *endurance) pace(rate int) {
	for i, l := range e.lanes {
		share := float64(rate) * (100 - acctPercent) / 100 / authLanes
		if i >= authLanes {
			share = float64(rate) * acctPercent / 100 / acctLanes
		}
		l.rate.Store(int64(share * 1000))
	}
}

// peak raises the rate by half until the server does not hold it, and gives the last one that it held.
func (e *endurance) peak() int {
	step, highest := 700*time.Millisecond, 400_000
	if *endureFor < time.Minute {
		step, highest = 250*time.Millisecond, 6_000
	}
	held := 0
	for rate := 300; rate <= highest; rate += rate / 2 {
		e.pace(rate)
		e.window() // forget the step before
		time.Sleep(step)
		w := e.window()
		if w.sent < uint64(float64(rate)*step.Seconds()*0.9) || w.late > w.sent/20 {
			break
		}
		held = rate
	}
	e.pace(0)
	if held == 0 {
		e.t.Log("the machine is too busy to carry 300 requests a second")
		held = 200
	}
	return held
}

// settle waits until nothing is out any more.
func (e *endurance) settle() {
	e.pace(0)
	for end := time.Now().Add(giveUp + 5*time.Second); ; time.Sleep(20 * time.Millisecond) {
		out := 0
		for _, l := range e.lanes {
			out += l.outNow()
		}
		if out == 0 {
			return
		}
		if time.Now().After(end) {
			e.t.Fatalf("%d requests are out for longer than they may", out)
		}
	}
}

// run is the time that counts.
func (e *endurance) run(rate int) {
	over := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { e.reloading(over) })
	e.window()
	e.pace(rate)
	e.watch.run(*endureFor)
	close(over)
	all.Wait()
}

// reloading exchanges a script and the users file, and waits until the server has both, again and again.
func (e *endurance) reloading(over <-chan struct{}) {
	every := time.NewTicker(min(max(*endureFor/6, 200*time.Millisecond), 10*time.Second))
	defer every.Stop()
	for n := 1; ; n++ {
		select {
		case <-over:
			return
		case <-every.C:
		}
		writeFiles(e.t, e.dir, generationFiles(n))
		e.ceiling.Store(int64(n))
		code, out, errs := execute("reload", "-d", e.server.raddb, "-json")
		var r reload.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || !r.OK {
			e.t.Errorf("reload %d: %d %v %s%s", n, code, err, out, errs)
			return
		}
		e.floor.Store(int64(n))
		e.reloads.Add(1)
	}
}

// check ends the server and looks at all that was seen.
func (e *endurance) check(rate int) {
	e.checkCounters()
	e.watch.check()
	if err := e.server.process.Signal(syscall.SIGTERM); err != nil {
		e.t.Error(err)
	}
	if err := <-e.server.ended; err != nil {
		e.t.Errorf("the server ends with: %v", err)
	}
	records := e.checkRecords()
	var sum toll
	for _, l := range e.lanes {
		sum.add(&l.total)
	}
	for _, what := range wrongs {
		if n := sum.wrong[what]; n > 0 {
			e.t.Errorf("%d replies were wrong: %s", n, wrongNames[what])
		}
	}
	if sum.lost > 0 {
		e.t.Errorf("%d requests that must be answered were not, in %v and with %d tries", sum.lost, giveUp, mostTries)
	}
	if e.reloads.Load() < 2 || sum.answered < uint64(float64(rate)*endureFor.Seconds())/2 {
		e.t.Errorf("only %d reloads and %d answers: the machine was too busy", e.reloads.Load(), sum.answered)
	}
	e.t.Logf("%d reloads; %d requests, %d sent again, %d answered, %d rightly without an answer, %d late; %d records, each there once\n%s",
		e.reloads.Load(), sum.sent, sum.again, sum.answered, sum.silent, sum.stray, records, e.watch.table())
}

// checkCounters compares what the server has counted with what was sent: each datagram has become one thing.
func (e *endurance) checkCounters() {
	var sum toll
	for _, l := range e.lanes {
		sum.add(&l.total)
	}
	var last string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		m := e.server.metrics(e.t)
		sent, received := float64(sum.sent+sum.again), m.sum("perilune_datagrams_total")
		became := m.sum("perilune_verdicts_total") + m.sum("perilune_duplicates_answered_total")
		replies := m.sum("perilune_replies_total") + m.sum("perilune_duplicates_answered_total")
		drops := m.sum("perilune_kernel_drops_total")
		got := float64(sum.answered + sum.stray)
		// One that a newer request has superseded counts as a reply that was made, and was not sent.
		if sent == received+drops && received == became && got <= replies && replies-got <= m.sum("perilune_send_errors_total") {
			e.t.Logf("%.0f datagrams sent = %.0f received + %.0f dropped by the kernel; %.0f received = %s", sent, received, drops, received, m.became())
			return
		}
		last = fmt.Sprintf("sent %.0f, received %.0f, dropped %.0f; verdicts and duplicates %.0f; %.0f replies, %.0f of them came\n%s", sent, received, drops, became, replies, got, m.became())
	}
	e.t.Errorf("the counters do not add up: %s", last)
}

// became tells what has become of the datagrams.
func (m samples) became() string {
	parts := []string{}
	for _, verdict := range []string{"accept", "reject", "challenge", "discard", "drop"} {
		parts = append(parts, fmt.Sprintf("%.0f %s", m.sum("perilune_verdicts_total", `verdict="`+verdict+`"`), verdict))
	}
	text := strings.Join(append(parts, fmt.Sprintf("%.0f answered again", m.sum("perilune_duplicates_answered_total"))), " + ")
	for _, s := range m.reasons() {
		text += "; " + s
	}
	return text
}

// files gives the number of file descriptors of the server, and its resident memory in octets.
func (s *serverProcess) resources(t testing.TB) (descriptors int, resident float64) {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.process.Pid))
	if err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.process.Pid))
	var size, pages float64
	fmt.Sscan(string(text), &size, &pages)
	return len(list), pages * float64(os.Getpagesize())
}
