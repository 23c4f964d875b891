package proxy

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestDefects: a panic of Encode or Done costs its request alone, and no identifier.
func TestDefects(t *testing.T) {
	var log strings.Builder
	var mu sync.Mutex
	h := newFakeHome(t, accepts)
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{Log: slog.New(slog.NewTextHandler(&lockedWriter{&mu, &log}, nil))}, r)
	c := newCaller(r)
	c.Encode = func([]byte, *radius.Session, *radius.Authenticator) ([]byte, error) { panic("in Encode") }
	if o := c.send(t, f); o != Unsendable || !strings.Contains(c.Err.Error(), "in Encode") {
		t.Errorf("%v, %v", o, c.Err)
	}
	c = newCaller(r)
	c.Done = func(*Exchange) { panic("in Done") }
	f.Forward(&c.Exchange)
	eventually(t, "the log", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(log.String(), "in Done")
	})
	if o := newCaller(r).send(t, f); o != Answered || f.Counters().Outstanding != 0 {
		t.Errorf("%v, %+v", o, f.Counters())
	}
}

// busyCount counts what a Busy is told.
type busyCount struct{ enter, yield, leave atomic.Int64 }

func (b *busyCount) Enter() { b.enter.Add(1) }
func (b *busyCount) Yield() { b.yield.Add(1) }
func (b *busyCount) Leave() { b.leave.Add(1) }

// TestManyTimersAtOnce: thousands of requests leave a server in one moment, all move on, and Busy is told.
func TestManyTimersAtOnce(t *testing.T) {
	const out = 4000
	var b busyCount
	first, second := newFakeHome(t, silent), newFakeHome(t, silent)
	r := realmOf(first, second)
	r.Timeout, r.Retries = time.Second, 1
	f, c := still(t, ForwarderOptions{Busy: &b, Window: time.Hour}, r)
	list := make([]*caller, out)
	for i := range list {
		list[i] = newCaller(r)
		f.Forward(&list[i].Exchange)
	}
	s := f.NewSender()
	c.advance(1500 * time.Millisecond)
	f.turn(s, f.now())
	if n := homeIn(t, f, second, KindAuth).statusNow(); n.Outstanding != out {
		t.Errorf("%d are out to the second server", n.Outstanding)
	}
	if b.enter.Load() != 1 || b.leave.Load() != 1 || b.yield.Load() < out/senderSize-2 {
		t.Errorf("busy: %d, %d, %d", b.enter.Load(), b.yield.Load(), b.leave.Load())
	}
	c.advance(1500 * time.Millisecond)
	f.turn(s, f.now())
	for _, c := range list {
		if o := c.wait(t); o != Timeout || c.Attempts != 2 {
			t.Fatalf("%v after %d attempts", o, c.Attempts)
		}
	}
}

// TestDeathRenewsSockets: requests to a server that comes back leave from new ports; the old ones are closed.
func TestDeathRenewsSockets(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Timeout, r.Retries, r.Status = time.Second, 1, true
	f, c := still(t, ForwarderOptions{Window: time.Second}, r)
	known := homeIn(t, f, h, KindAuth)
	for range 10 {
		f.Forward(&newCaller(r).Exchange)
		turnFor(f, c, 2*time.Second)
	}
	if known.state() != Down {
		t.Fatalf("it is %v", known.state())
	}
	turnFor(f, c, time.Minute)
	ports := map[uint16]bool{}
	n := known.tally()
	for range n.Sent + n.Probes {
		ports[h.wait(t).from.Port()] = true
	}
	if len(ports) < 4 {
		t.Errorf("%d ports", len(ports))
	}
	if n := known.statusNow().Sockets; n > 4 {
		t.Errorf("%d sockets are open", n)
	}
}
