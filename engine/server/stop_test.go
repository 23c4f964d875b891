package server

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestShutdownAnswersWhatIsInHand fills the socket and shuts down: everything that was sent is answered.
func TestShutdownAnswersWhatIsInHand(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		ts := startServer(t, newFakeWay(), o)
		n := newNAS(t, ts.Addrs()[0])
		n.send(0, 1, "wait w")
		<-ts.way.entered
		const many = 150
		for i := range byte(many) {
			n.send(i+1, 1, "x")
		}
		end := make(chan error, 1)
		go func() { end <- ts.Shutdown(context.Background()) }()
		for range many {
			n.receive()
		}
		select {
		case err := <-end:
			t.Fatalf("Shutdown ended with %v before the request that waits", err)
		default:
		}
		close(ts.way.gate("w"))
		n.expect("Access-Accept 0 wait w")
		if err := <-end; err != nil {
			t.Fatal(err)
		}
		if !ts.way.drained.Load() {
			t.Error("Drain was not called")
		}
		if err := <-ts.end; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := ts.roles[0].conn.Write(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the socket is open: %v", err)
		}
	})
}

func TestShutdownIsNotHeldUpForEver(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(0, 1, "wait w")
	<-ts.way.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ts.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(ts.way.gate("w"))
	ts.inflight.Wait()
}

func TestServeEndsWithItsContext(t *testing.T) {
	s, err := newServer(newFakeWay(), Options{Listeners: []Listener{listener("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(context.Background()); err == nil {
		t.Error("Serve began without a generation")
	}
	s.Swap(new(Generation))
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error)
	go func() { end <- s.Serve(ctx) }()
	n := newNAS(t, s.Addrs()[0])
	n.send(1, 1, "x")
	n.expect("Access-Accept 1 x")
	cancel()
	if err := <-end; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := s.Serve(context.Background()); !errors.Is(err, ErrStopped) {
		t.Errorf("second Serve: %v", err)
	}
}

func TestShutdownWithoutServe(t *testing.T) {
	s, err := newServer(newFakeWay(), Options{Listeners: []Listener{listener("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	policy := new(closingPolicy)
	s.Swap(&Generation{Policy: policy})
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if policy.closed.Load() != 1 {
		t.Errorf("the generation was closed %d times, want 1", policy.closed.Load())
	}
}

// A closingPolicy has no handlers and knows whether it was closed.
type closingPolicy struct{ closed, runners, late atomic.Int64 }

func (p *closingPolicy) Has(Phase) bool { return false }
func (p *closingPolicy) Acquire() Runner {
	p.use()
	p.runners.Add(1)
	return nullRunner{}
}
func (p *closingPolicy) Release(Runner) { p.use(); p.runners.Add(-1) }
func (p *closingPolicy) Close()         { p.closed.Add(1) }

func (p *closingPolicy) use() {
	if p.closed.Load() > 0 {
		p.late.Add(1)
	}
}

type nullRunner struct{ Runner }

// TestShutdownWhileServeBegins: Shutdown waits for all that Serve has started, or Serve starts nothing.
func TestShutdownWhileServeBegins(t *testing.T) {
	for i := range 100 {
		ts := startServer(t, newFakeWay(), Options{})
		for range i % 20 { // so that it meets each moment of the beginning
			runtime.Gosched()
		}
		ts.close()
		if err := <-ts.end; err != nil && !errors.Is(err, ErrStopped) {
			t.Fatal(err)
		}
	}
}

// TestSwapUnderLoad swaps generations while requests are answered, some waiting: none is lost, each ends on
// the generation that it began with, and each old one is closed once, unused.
func TestSwapUnderLoad(t *testing.T) {
	way := newFakeWay()
	way.after = func(r *Request) {
		p := r.Generation.Policy.(*closingPolicy)
		p.use()
		r.runner()
	}
	s, err := newServer(way, Options{Listeners: []Listener{listener("127.0.0.1:0"), listener("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	policies := []*closingPolicy{new(closingPolicy)}
	s.Swap(&Generation{Policy: policies[0]})
	end := make(chan error)
	go func() { end <- s.Serve(context.Background()) }()
	stop := make(chan struct{})
	var nases sync.WaitGroup
	for l := range 2 {
		nases.Go(func() { pester(newNAS(t, s.Addrs()[l]), way, "nas"+strconv.Itoa(l), stop) })
	}
	for i := range uint64(300) {
		p := new(closingPolicy)
		policies = append(policies, p)
		s.Swap(&Generation{Number: i + 1, Policy: p})
		yield()
	}
	close(stop)
	nases.Wait()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-end
	for i, p := range policies {
		if p.closed.Load() != 1 || p.late.Load() != 0 || p.runners.Load() < 0 {
			t.Errorf("generation %d: closed %d times, used %d times after that, %d runners out", i, p.closed.Load(), p.late.Load(), p.runners.Load())
		}
	}
}

// pester asks and waits for the answer, until stop; every seventh request waits in the server.
func pester(n *testNAS, way *fakeWay, name string, stop chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		body := "x"
		if i%7 == 3 {
			body = "wait " + name + strconv.Itoa(i)
			close(way.gate(body[5:]))
		}
		n.send(byte(i%10), byte(i), body)
		n.expect("Access-Accept " + strconv.Itoa(i%10) + " " + body)
		select {
		case <-way.entered:
		default:
		}
	}
}

func TestHoldKeepsAGeneration(t *testing.T) {
	s, err := newServer(newFakeWay(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if g, release := s.Hold(); g != nil {
		t.Error("a generation before the first Swap")
	} else {
		release()
	}
	p := new(closingPolicy)
	s.Swap(&Generation{Policy: p})
	_, release := s.Hold()
	s.Swap(new(Generation))
	if p.closed.Load() != 0 {
		t.Fatal("closed while held")
	}
	release()
	s.closers.Wait()
	if p.closed.Load() != 1 {
		t.Error("not closed after the last release")
	}
}

// TestFloodIsCounted sends more than the smallest receive buffer takes while the loop is held up. What is
// lost is counted by the kernel, and all of the rest is answered.
func TestFloodIsCounted(t *testing.T) {
	if !reusable {
		t.Skip("the kernel's drops are known on Linux only")
	}
	way := newFakeWay()
	hold := make(chan struct{})
	way.after = func(r *Request) {
		if string(r.Packet.Attributes) == "hold" {
			<-hold
		}
	}
	l := listener("127.0.0.1:0")
	l.ReceiveBuffer = 1 // the kernel makes it its minimum
	ts := startServer(t, way, Options{Listeners: []Listener{l}, Batch: 1})
	n := newNAS(t, ts.Addrs()[0])
	n.sendCode(radius.CodeAccessRequest, 0, 1, "hold")
	const flood = 500
	for i := range flood {
		n.send(byte(i), byte(i>>8), "flood")
	}
	close(hold)
	// The kernel tells its count with the next datagram.
	deadline := time.Now().Add(5 * time.Second)
	for {
		n.send(255, 255, "more")
		snap := ts.Snapshot()
		c := snap.Total()
		if c.KernelDrops > 0 && c.Received+c.KernelDrops >= flood {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("received %d, dropped %d of more than %d", c.Received, c.KernelDrops, flood)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestReadersPollWhileBusy computes on all processors at once; answers must still come.
func TestReadersPollWhileBusy(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	busy := ts.Busy()
	stop := make(chan struct{})
	var burners, entered sync.WaitGroup
	entered.Add(4)
	for range 4 {
		burners.Go(func() {
			busy.Enter()
			defer busy.Leave()
			entered.Done()
			for {
				select {
				case <-stop:
					return
				default:
					busy.Yield()
				}
			}
		})
	}
	entered.Wait()
	n := newNAS(t, ts.Addrs()[0])
	for i := range byte(50) {
		n.send(i%10, i, "x")
		n.expect("Access-Accept " + strconv.Itoa(int(i%10)) + " x")
	}
	if ts.Snapshot().Busy != 4 {
		t.Errorf("busy %d, want 4", ts.Snapshot().Busy)
	}
	close(stop)
	burners.Wait()
	n.send(1, 200, "quiet")
	n.expect("Access-Accept 1 quiet")
}

func TestNilBusy(t *testing.T) {
	var b *Busy
	b.Enter()
	b.Yield()
	b.Leave()
	if b.Count() != 0 {
		t.Error("a nil Busy counts")
	}
}
