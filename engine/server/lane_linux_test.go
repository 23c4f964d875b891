package server

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// laned makes a batcher of eight with a lane, and gives it a source to steer.
func laned(t *testing.T, noisy netip.Addr) (m *mmsg, slots []slot, to netip.AddrPort) {
	t.Helper()
	p := steered(t, "127.0.0.1", 1)
	m, err := newMmsg(p, 0, 8, false, new(Busy))
	if err != nil {
		t.Fatal(err)
	}
	slots = make([]slot, 8)
	for i := range slots {
		slots[i].buf = make([]byte, 4096)
	}
	if err := m.steer([]held{{addr: noisy}}, 0); err != nil {
		t.Fatal(err)
	}
	return m, slots, p.conns[0].LocalAddr().(*net.UDPAddr).AddrPort()
}

// TestLaneComesLast: each batch has what came by the loop's own socket first, and at least one datagram of the lane.
func TestLaneComesLast(t *testing.T) {
	noisy, quiet := netip.MustParseAddrPort("127.0.0.3:0"), netip.MustParseAddrPort("127.0.0.4:0")
	m, slots, to := laned(t, noisy.Addr())
	throw(t, noisy, to, 20, aLogin)
	throw(t, quiet, to, 10, aLogin)
	for i, want := range []struct{ quiet, lane int }{{7, 1}, {3, 5}, {0, 8}, {0, 6}} {
		n, err := m.read(slots)
		if err != nil || n != want.quiet+want.lane || m.intake().lane != want.lane {
			t.Fatalf("batch %d: %d datagrams, %d by the lane, %v; want %v", i, n, m.intake().lane, err, want)
		}
		for at, s := range slots[:n] {
			if from := s.source.Addr(); (from == noisy.Addr()) != (at >= want.quiet) || s.n != len(aLogin) {
				t.Errorf("batch %d: at %d one of %v with %d octets", i, at, from, s.n)
			}
		}
	}
	if err := m.steer([]held{{addr: noisy.Addr()}}, 0.5); err != nil {
		t.Fatal(err)
	}
	throw(t, noisy, to, 8, aLogin)
	throw(t, quiet, to, 8, aLogin)
	if n, err := m.read(slots); n != 8 || err != nil || m.intake().lane != 4 {
		t.Errorf("%d datagrams, %d by the lane, %v", n, m.intake().lane, err)
	}
}

// TestLaneIsSeen: what comes by the lane alone is not waited for by the loop, and found soon; after the end of the steering the
// lane is read empty, and then no looks are taken.
func TestLaneIsSeen(t *testing.T) {
	noisy := netip.MustParseAddrPort("127.0.0.3:0")
	m, slots, to := laned(t, noisy.Addr())
	if n, err := m.read(slots); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d datagrams, %v", n, err)
	}
	throw(t, noisy, to, 1, aLogin)
	if n, err := m.read(slots); n != 1 || err != nil {
		t.Fatalf("%d datagrams, %v", n, err)
	}
	throw(t, noisy, to, 1, aLogin)
	if err := m.steer(nil, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := m.read(slots); n != 1 || err != nil {
		t.Fatalf("%d datagrams, %v", n, err)
	}
	for range laneLooks {
		m.lane.own.SetReadDeadline(time.Time{})
		if n, err := m.read(slots); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d datagrams, %v", n, err)
		}
	}
	if m.lane.open() {
		t.Error("the lane is looked at still")
	}
}

// TestLaneDropsAreCounted: what finds no room in the lane is counted apart.
func TestLaneDropsAreCounted(t *testing.T) {
	noisy := netip.MustParseAddrPort("127.0.0.3:0")
	m, slots, to := laned(t, noisy.Addr())
	m.lane.port.lanes[0].SetReadBuffer(1)
	throw(t, noisy, to, 500, aLogin)
	got := 0
	for {
		n, err := m.read(slots)
		if got += n; errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	m.lane.raw.Control(m.lane.drops.ask)
	if in := m.intake(); in.lost != 0 || in.lostInLane == 0 || int(in.lostInLane)+got != 500 {
		t.Errorf("%d came, %+v", got, in)
	}
}

// TestLaneForgets: copies of broadcasts that came while nobody looked are not handled later.
func TestLaneForgets(t *testing.T) {
	noisy := netip.MustParseAddrPort("127.0.0.3:0")
	m, slots, to := laned(t, noisy.Addr())
	throw(t, noisy, to, 5, aLogin) // as if it were one
	m.lane.steering, m.lane.looks = false, 0
	if err := m.steer([]held{{addr: noisy.Addr()}}, 0); err != nil {
		t.Fatal(err)
	}
	throw(t, noisy, to, 1, aLogin)
	if n, err := m.read(slots); n != 1 || err != nil {
		t.Errorf("%d datagrams, %v", n, err)
	}
}
