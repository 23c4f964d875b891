package server

import "testing"

// never is a Captor that wants nothing.
type never struct{ asked int }

// Wants implements Captor.
func (n *never) Wants(*Request) bool { n.asked++; return false }

// Take implements Captor.
func (n *never) Take(*Captured) { panic("nothing was wanted") }

// captured takes one request through a Core.
func captured(c *Core, r *Request, g *Generation, datagram []byte) {
	ready(r, g, "auth")
	c.receive(r, datagram)
	c.process(r)
	c.done(r)
}

// TestNoCaptureIsFree: requests that nobody records allocate nothing, neither while there is no captor nor where it
// does not want them.
func TestNoCaptureIsFree(t *testing.T) {
	g := load(t, someUsers, nil)
	c := core(t, CoreOptions{})
	r, n := new(Request), new(never)
	datagram := wire(t, g, homeSecret, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = hello")})
	free := func(when string) {
		t.Helper()
		captured(c, r, g, datagram)
		if each := allocations(200, func() { captured(c, r, g, datagram) }); each != 0 || r.Verdict != Accept || r.Tape() != nil {
			t.Errorf("%s: %v allocations, %v, tape %v", when, each, r.Verdict, r.Tape())
		}
	}
	free("off")
	stop, _ := c.Capture(n)
	free("not wanted")
	stop()
	asked := n.asked
	free("off again")
	if asked == 0 || n.asked != asked {
		t.Errorf("asked %d times, then %d", asked, n.asked)
	}
}

// BenchmarkCaptureOff is the way of a request while nothing is recorded: one atomic load more than without capture;
// and with a captor that wants nothing.
func BenchmarkCaptureOff(b *testing.B) {
	g := load(b, someUsers, nil)
	c := core(b, CoreOptions{})
	datagram := wire(b, g, homeSecret, Question{Attributes: attrs(b, g, "User-Name = bob", "User-Password = hello")})
	run := func(b *testing.B) {
		r := new(Request)
		b.ReportAllocs()
		for b.Loop() {
			captured(c, r, g, datagram)
		}
	}
	b.Run("off", run)
	stop, _ := c.Capture(new(never))
	b.Run("not wanted", run)
	stop()
	b.Run("check alone", func(b *testing.B) {
		r := new(Request)
		b.ReportAllocs()
		for b.Loop() {
			c.elect(r)
			c.capture(r)
		}
	})
}
