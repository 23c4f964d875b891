package server

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

func TestDuplicateIsAnsweredAgain(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		ts := startServer(t, newFakeWay(), o)
		n := newNAS(t, ts.Addrs()[0])
		for range 3 {
			n.send(1, 7, "bob")
			n.expect("Access-Accept 1 bob")
		}
		n.send(1, 8, "new") // same key, other authenticator: a new request
		n.expect("Access-Accept 1 new")
		n.send(1, 7, "bob") // the first one was purged
		n.expect("Access-Accept 1 bob")
		ts.eventually("resent", func(c Counters) bool { return c.Resent == 2 })
		if got := ts.way.computed.Load(); got != 3 {
			t.Errorf("%d requests computed, want 3", got)
		}
	})
}

func TestDropLeavesNoEntry(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	n := newNAS(t, ts.Addrs()[0])
	for range 3 {
		n.send(1, 7, "drop")
	}
	n.send(2, 7, "x")
	n.expect("Access-Accept 2 x")
	if got := ts.way.computed.Load(); got != 4 {
		t.Errorf("%d requests computed, want 4: a retransmission after a drop is worked on anew", got)
	}
}

func TestExpiryCountsFromTheAnswer(t *testing.T) {
	way := newFakeWay()
	s, err := newServer(way, Options{Listeners: []Listener{listener("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeSockets()
	ro := s.roles[0]
	sl := &slot{key: testKey(1)}
	sl.hash = ro.cache.hash(&sl.key)
	r := &Request{}
	arrival := ro.cache.epoch
	u := ro.waiting.file(ro, r, sl)
	u.reply, u.answered = append(u.reply, "late"...), arrival.Add(8*time.Second)
	ro.finished.post(u)
	ro.collect()
	if ro.cache.lookup(sl.hash, &sl.key, &r.Packet.Authenticator, arrival.Add(15*time.Second), 10*time.Second) == nil {
		t.Error("the answer of second 8 was forgotten in second 15")
	}
	if ro.cache.lookup(sl.hash, &sl.key, &r.Packet.Authenticator, arrival.Add(18*time.Second), 10*time.Second) != nil {
		t.Error("the answer of second 8 is known in second 18")
	}
}

// TestWaitingDelaysNobody lets one request wait in the middle of many.
func TestWaitingDelaysNobody(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		ts := startServer(t, newFakeWay(), o)
		n := newNAS(t, ts.Addrs()[0])
		for i := range byte(9) {
			if i == 3 || i == 5 {
				n.send(i, 1, fmt.Sprint("wait ", i))
				continue
			}
			n.send(i, 1, "x")
		}
		for _, i := range []int{0, 1, 2, 4, 6, 7, 8} {
			n.expect(fmt.Sprintf("Access-Accept %d x", i))
		}
		close(ts.way.gate("5"))
		n.expect("Access-Accept 5 wait 5")
		close(ts.way.gate("3"))
		n.expect("Access-Accept 3 wait 3")
		ts.posted(2)
		n.send(3, 1, "wait 3") // known from now on
		n.expect("Access-Accept 3 wait 3")
		ts.eventually("resent", func(c Counters) bool { return c.Resent == 1 && c.Detached == 2 })
	})
}

func TestRetransmissionOfWaiting(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 7, "wait a")
	<-ts.way.entered
	for range 3 {
		n.send(1, 7, "wait a")
	}
	n.send(2, 1, "x")
	n.expect("Access-Accept 2 x")
	ts.eventually("duplicates", func(c Counters) bool { return c.Reasons[ReasonDuplicate] == 3 })
	close(ts.way.gate("a"))
	n.expect("Access-Accept 1 wait a")
}

// TestNewRequestWins sends another request with the key of one that waits: its late answer is thrown away
// (RFC 5080 s2.2.2).
func TestNewRequestWins(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 7, "wait old")
	<-ts.way.entered
	n.send(1, 8, "new")
	n.expect("Access-Accept 1 new")
	close(ts.way.gate("old"))
	ts.eventually("superseded", func(c Counters) bool { return c.Superseded == 1 })
	n.send(1, 8, "new") // still the new one's answer
	n.expect("Access-Accept 1 new")
	ts.eventually("resent", func(c Counters) bool { return c.Resent == 1 })
}

func TestDetachedAreBounded(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{Detached: 4})
	n := newNAS(t, ts.Addrs()[0])
	for i := range byte(8) {
		n.send(i, 1, "wait all")
	}
	n.send(9, 1, "x")
	n.expect("Access-Accept 9 x")
	ts.eventually("busy", func(c Counters) bool { return c.Reasons[ReasonBusy] == 4 && c.Verdicts[Drop] == 4 })
	if got := ts.Snapshot().Waiting; got != 4 {
		t.Errorf("%d wait, want 4", got)
	}
	close(ts.way.gate("all"))
	for range 4 {
		n.receive()
	}
	ts.eventually("all over", func(Counters) bool { return ts.Snapshot().Waiting == 0 })
}

func TestMaxInflight(t *testing.T) {
	way := newFakeWay()
	way.client.MaxInflight = 2
	ts := startServer(t, way, Options{})
	n := newNAS(t, ts.Addrs()[0])
	for i := range byte(5) {
		n.send(i, 1, "wait all")
	}
	ts.eventually("inflight", func(c Counters) bool { return c.Reasons[ReasonInflight] == 3 })
	close(way.gate("all"))
	n.receive()
	n.receive()
}

func TestNoisiestClientIsShed(t *testing.T) {
	a := admission{bound: 16}
	g := new(Generation)
	ask := func(client string, round bool) Reason {
		r := &Request{Generation: g}
		r.Client = &nas.Client{Prefix: netip.MustParsePrefix(client)}
		if round {
			r.Round = new(Round)
		}
		return a.admit(r, new(place), true)
	}
	for i := range 12 {
		if why := ask("10.0.0.0/24", false); why != ReasonNone {
			t.Fatalf("request %d of the noisy client: %v", i, why)
		}
	}
	steps := []struct {
		client string
		round  bool
		want   Reason
	}{
		{"10.0.1.0/24", false, ReasonNone}, // a quiet client gets in under pressure
		{"10.0.0.0/24", false, ReasonBusy}, // the noisy one's newest is shed
		{"10.0.1.0/24", false, ReasonNone},
		{"10.0.2.0/24", false, ReasonNone},
		{"10.0.3.0/24", false, ReasonBusy}, // the last place is for answers to challenges
		{"10.0.0.0/24", true, ReasonNone},
		{"10.0.0.0/24", true, ReasonBusy}, // full
	}
	for i, s := range steps {
		if got := ask(s.client, s.round); got != s.want {
			t.Errorf("step %d, %s: %q, want %q", i, s.client, got, s.want)
		}
	}
}

func TestAfterHandlersMayWait(t *testing.T) {
	way := newFakeWay()
	way.after = func(r *Request) {
		if string(r.Packet.Attributes) == "slow end" {
			if err := r.Detach(); err != nil {
				t.Error(err)
			}
			<-way.gate("end")
		}
	}
	ts := startServer(t, way, Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 1, "slow end")
	n.expect("Access-Accept 1 slow end")
	n.send(2, 1, "x")
	n.expect("Access-Accept 2 x")
	n.send(1, 1, "slow end") // answered already: from the cache
	n.expect("Access-Accept 1 slow end")
	close(way.gate("end"))
	ts.eventually("over", func(c Counters) bool { return ts.Snapshot().Waiting == 0 && way.ended.Load() == 2 && c.Resent == 1 })
}

func TestRecorder(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{Listeners: []Listener{{Kind: "acct", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}})
	n := newNAS(t, ts.Addrs()[0])
	const code = radius.CodeAccountingRequest
	for i := range byte(4) {
		n.sendCode(code, i, 1, "record")
	}
	n.sendCode(code, 0, 1, "record") // a retransmission: not answered before the record is durable
	n.sendCode(code, 9, 1, "x")
	n.expect("Access-Accept 9 x")
	if got := ts.Snapshot().Recording; got != 4 {
		t.Errorf("%d with the recorder, want 4", got)
	}
	for i := range 4 {
		(<-ts.way.waiting).resume()
		n.expect(fmt.Sprintf("Accounting-Response %d record", i))
	}
	ts.posted(4)
	n.sendCode(code, 2, 1, "record")
	n.expect("Accounting-Response 2 record")
	ts.eventually("counted", func(c Counters) bool { return c.Reasons[ReasonDuplicate] == 1 && c.Resent == 1 })
}

func TestDesksAreTrimmed(t *testing.T) {
	var ds desks
	var taken []*desk
	for range 10 {
		taken = append(taken, ds.get())
	}
	for _, d := range taken {
		ds.put(d)
	}
	for range 3 {
		ds.put(ds.get())
	}
	for range 8 {
		ds.trim()
	}
	if got := ds.len(); got > 1 {
		t.Errorf("%d idle desks are kept", got)
	}
}

// TestComputeTellsReaders lets a request compute, wait and compute again.
func TestComputeTellsReaders(t *testing.T) {
	way := newFakeWay()
	counts, busy := make(chan int, 4), new(Busy)
	way.after = func(r *Request) {
		look := func() { counts <- busy.Count() }
		for range 2 {
			if err := r.Compute(); err != nil {
				t.Error(err)
			}
		}
		look()
		if err := r.Detach(); err != nil { // about to wait
			t.Error(err)
		}
		look()
		r.Compute()
		look()
	}
	ts := startServer(t, way, Options{Busy: busy})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 1, "x")
	n.expect("Access-Accept 1 x")
	for i, want := range []int{1, 0, 1} {
		if got := <-counts; got != want {
			t.Errorf("look %d: %d are busy, want %d", i, got, want)
		}
	}
	ts.eventually("calm", func(Counters) bool { return ts.Busy().Count() == 0 && ts.Snapshot().Waiting == 0 })
}

// TestComputeWithoutRoom goes on computing on the loop.
func TestComputeWithoutRoom(t *testing.T) {
	way := newFakeWay()
	refused := make(chan error, 1)
	way.after = func(r *Request) {
		if string(r.Packet.Attributes) == "compute" {
			refused <- r.Compute()
		}
	}
	ts := startServer(t, way, Options{Detached: 1})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 1, "wait w")
	<-way.entered
	n.send(2, 1, "compute")
	n.expect("Access-Accept 2 compute")
	n.send(3, 1, "x")
	n.expect("Access-Accept 3 x")
	if err := <-refused; err != ErrBusy || ts.Busy().Count() != 0 {
		t.Errorf("Compute gave %v, %d are busy", err, ts.Busy().Count())
	}
	close(way.gate("w"))
	n.expect("Access-Accept 1 wait w")
}

func TestRequestWithoutServer(t *testing.T) {
	r := new(Request)
	if r.Detach() != nil || r.Compute() != nil {
		t.Error("a request without a server cannot detach")
	}
}

// TestOthersFirst: with one processor the answers of a batch, a request's own among them, are sent before that request
// goes on after it has left the loop. The scheduler may break a few of many.
func TestOthersFirst(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var sent atomic.Int64
	way := newFakeWay()
	way.after = func(r *Request) {
		ro := r.desk.role
		if err := r.Detach(); err == nil && ro.since.Load() == 0 {
			sent.Add(1)
		}
	}
	ts := startServer(t, way, Options{})
	n := newNAS(t, ts.Addrs()[0])
	const requests = 200
	for i := range byte(requests) {
		n.send(i%10, i, "x")
		n.expect(fmt.Sprintf("Access-Accept %d x", i%10))
	}
	if got := sent.Load(); got < requests/2 {
		t.Errorf("%d of %d batches were sent first", got, requests)
	}
}
