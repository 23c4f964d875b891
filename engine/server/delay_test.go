package server

import (
	"context"
	"testing"
	"time"
)

func TestRejectIsDelayed(t *testing.T) {
	way := newFakeWay()
	way.delay = 100 * time.Millisecond
	ts := startServer(t, way, Options{})
	n := newNAS(t, ts.Addrs()[0])
	begin := time.Now()
	n.send(1, 1, "reject")
	n.send(1, 1, "reject") // counts as in progress
	n.send(2, 1, "x")
	n.expect("Access-Accept 2 x")
	n.expect("Access-Reject 1 reject")
	if d := time.Since(begin); d < way.delay-grain {
		t.Errorf("the reject came after %v, want %v", d, way.delay)
	}
	ts.posted(1)
	n.send(1, 1, "reject") // answered: at once and from the cache
	n.expect("Access-Reject 1 reject")
	ts.eventually("counters", func(c Counters) bool { return c.Reasons[ReasonDuplicate] == 1 && c.Resent == 1 })
}

func TestDelayedRejectIsSuperseded(t *testing.T) {
	way := newFakeWay()
	way.delay = 50 * time.Millisecond
	ts := startServer(t, way, Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 1, "reject")
	n.send(1, 2, "x")
	n.expect("Access-Accept 1 x")
	ts.eventually("the reject is due", func(Counters) bool { return ts.Snapshot().Delayed == 0 })
	n.send(1, 3, "y")
	n.expect("Access-Accept 1 y") // and no reject before it
}

func TestDelaysAreBounded(t *testing.T) {
	way := newFakeWay()
	way.delay = time.Hour
	ts := startServer(t, way, Options{Delayed: 2})
	n := newNAS(t, ts.Addrs()[0])
	for i := range byte(3) {
		n.send(i, 1, "reject")
	}
	n.expect("Access-Reject 0 reject") // the first one made room
	ts.eventually("two are left", func(Counters) bool { return ts.Snapshot().Delayed == 2 })
}

func TestDelayedRejectsGoOutAtTheEnd(t *testing.T) {
	way := newFakeWay()
	way.delay = time.Hour
	ts := startServer(t, way, Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 1, "reject")
	ts.eventually("delayed", func(Counters) bool { return ts.Snapshot().Delayed == 1 })
	if err := ts.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	n.expect("Access-Reject 1 reject")
}

// TestDelayHidesTheDecision: a reject goes out as long after its arrival whether much was computed for it or nothing.
func TestDelayHidesTheDecision(t *testing.T) {
	d := newDelays(2)
	r := &Request{Arrival: time.Now().Add(-70 * time.Millisecond), Delay: 100 * time.Millisecond}
	d.enqueue(&unanswered{}, r.due())
	if due, next, _ := d.take(time.Now()); len(due) > 0 || next > 30*time.Millisecond {
		t.Errorf("%d are due, the next in %v", len(due), next)
	}
}
