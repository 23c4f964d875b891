package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"
)

const hangScript = `-- Users whom a service knows.
local service = http.open("stuck")
on("authorize", {name="hang", when={user="h*"}, timeout="4s"}, function(req)
  service:get("/")
  return accept{["Filter-Id"]=req.user}
end)
`

// hangQueue is how many requests may wait; half of them in one handler.
const hangQueue = 1000

const hangSettings = `[server]
queue = 1000
max-inflight = 1000
[backend.http.stuck]
base = %q
connections = 1000
waiting = 8000
timeout = "10s"
breaker-fails = 0
`

// newStuckWeb is a service that answers nobody until it is let go.
func newStuckWeb(t *testing.T) (address string, release func()) {
	stuck := make(chan struct{})
	w := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
			fmt.Fprint(w, "yes")
		case <-r.Context().Done():
		}
	}))
	release = sync.OnceFunc(func() { close(stuck) })
	t.Cleanup(w.Close)
	t.Cleanup(release)
	return w.URL, release
}

// floodHooks lets hooks hang as many as may, and asks for far more. Those who ask for nothing of that kind notice little, and
// when the service is back everything is.
func floodHooks(t *testing.T) {
	address, release := newStuckWeb(t)
	f := newFloodTest(t, hangScript, fmt.Sprintf(hangSettings, address))
	tenth := *floodFor / 50
	before := f.quiet.watch(tenth)
	_, memory := f.server.resources(t)
	f.flood = newFlooder(t, "h", f.server.auth, "127.0.0.1", "127.0.0.2")
	var during *watched
	var most, octets float64
	flood, end := context.WithTimeout(t.Context(), 4*tenth)
	defer end()
	spent := f.measure(func() {
		ended := make(chan *watched)
		go func() { ended <- f.quiet.watch(4 * tenth) }()
		go f.flood.open(flood, hangRate())
		for ; during == nil; time.Sleep(10 * time.Millisecond) {
			_, resident := f.server.resources(t)
			most, octets = max(most, f.server.metrics(t).sum("perilune_waiting_requests")), max(octets, resident)
			select {
			case during = <-ended:
			default:
			}
		}
	})
	within(t, "others are answered while hooks hang", func() bool { return f.quiet.watch(20*time.Millisecond).latency.total > 0 })
	release()
	recovered := f.checkRecovery(before)
	within(t, "no request waits any more", func() bool { return f.server.metrics(t).sum("perilune_waiting_requests") == 0 })
	t.Logf("%v; %.0f waited at most; memory %.0f MiB before, %.0f at most", spent, most, memory/(1<<20), octets/(1<<20))
	t.Logf("before: %v; during: %v; as before %v after the service came back", before, during, recovered.Round(time.Millisecond))
	if most < 50 || most > hangQueue || octets > memory+(256<<20) && !raceDetector {
		t.Errorf("%.0f requests waited; at least 50 and at most %d are wanted, with 256 MiB at most", most, hangQueue)
	}
	f.addsUp()
}

// hangRate is ten times what may hang, each second.
func hangRate() float64 { return 10 * hangQueue }

// floodRecords stops the accounting database, lets NASes tell until the spool is full, and starts the database again: what
// was answered is there, once.
func floodRecords(t *testing.T) {
	foreignTool(t, "sqlite3")
	f := newFloodTest(t, "", "[acct]\nspool-size = \"1MiB\"\n")
	e := &endurance{t: t, dir: f.dir, server: f.server}
	for i := range 16 {
		l := newLedger(i)
		e.ledgers = append(e.ledgers, l)
		e.lanes = append(e.lanes, newLane(e, f.server.acct, l.next))
	}
	e.tell(1000)
	within(t, "records are in the database", func() bool { return f.server.metrics(t).sum("perilune_accounting_records_total") > 100 })
	unlock := lockDatabase(t, f.dir+"/state/acct/acct.db")
	e.tell(8000)
	var backlog float64
	within(t, "the spool is full, and records are dropped", func() bool {
		m := f.server.metrics(t)
		backlog = max(backlog, m.sum("perilune_accounting_backlog_bytes"))
		return m.sum("perilune_refusals_total", `reason="recorder"`) > 100
	})
	during := f.quiet.watch(*floodFor / 20)
	within(t, "logins are answered meanwhile", func() bool { return f.quiet.watch(20*time.Millisecond).latency.total > 0 })
	unlock()
	if raceDetector { // a server that is ten times slower does not catch up beside as many
		e.tell(100)
	}
	began := time.Now()
	within(t, "the database has all", func() bool { return f.server.metrics(t).sum("perilune_accounting_backlog_bytes") < backlog/10 })
	caught := time.Since(began)
	e.tell(8000)
	e.window()
	again := 0
	within(t, "records are answered again", func() bool {
		again += int(e.window().answered)
		return again > 100
	})
	e.settle()
	t.Logf("the spool had %.0f KiB at most; logins meanwhile: %v; the database has caught up after %v", backlog/1024, during, caught)
	if backlog > 2<<20 {
		t.Errorf("the spool had %.0f octets", backlog)
	}
	f.server.process.Signal(syscall.SIGTERM)
	if err := <-f.server.ended; err != nil {
		t.Errorf("the server ends with: %v", err)
	}
	t.Logf("%d records were answered, each is there once", e.checkRecords())
}

// tell sets the rate of lanes that are all of accounting.
func (e *endurance) tell(rate int) {
	for _, l := range e.lanes {
		l.rate.Store(int64(rate) * 1000 / int64(len(e.lanes)))
	}
}
