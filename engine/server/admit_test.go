package server

import (
	"net/netip"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"pgregory.net/rapid"

	"perilune/engine/nas"
)

// TestAdmissionModel takes and gives places in any order: the bounds hold, and at the end nothing is left.
func TestAdmissionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := admission{bound: rapid.IntRange(1, 40).Draw(t, "bound"), memory: rapid.IntRange(0, 40).Draw(t, "memory") * waitingOctets}
		g := &Generation{Settings: Settings{MaxInflight: rapid.IntRange(0, 10).Draw(t, "inflight")}}
		clients := make([]*nas.Client, 4)
		for i := range clients {
			clients[i] = &nas.Client{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)}
		}
		mine := make(map[*nas.Client]int)
		type held struct {
			client *nas.Client
			place  *place
		}
		var all []held
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			if len(all) > 0 && rapid.Bool().Draw(t, "leave") {
				i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
				a.leave(all[i].place)
				a.leave(all[i].place) // further calls do nothing
				mine[all[i].client]--
				all = append(all[:i], all[i+1:]...)
				continue
			}
			r := &Request{Generation: g}
			r.Client = rapid.SampledFrom(clients).Draw(t, "client")
			p := new(place)
			switch why := a.admit(r, p, true); {
			case why == ReasonNone:
				mine[r.Client]++
				all = append(all, held{r.Client, p})
			case why == ReasonInflight && (g.Settings.MaxInflight == 0 || mine[r.Client] < g.Settings.MaxInflight):
				t.Fatalf("inflight with %d of %d", mine[r.Client], g.Settings.MaxInflight)
			case why == ReasonMemory && (a.memory == 0 || (len(all)+1)*waitingOctets <= a.memory):
				t.Fatalf("no memory with %d waiting and %d octets", len(all), a.memory)
			case why == ReasonBusy && len(all) < a.bound-a.bound/4 && len(all) < a.bound-a.bound/16:
				t.Fatalf("busy with %d of %d", len(all), a.bound)
			}
			if len(all) > a.bound || g.Settings.MaxInflight > 0 && mine[r.Client] > g.Settings.MaxInflight {
				t.Fatalf("%d of %d, %d of the client", len(all), a.bound, mine[r.Client])
			}
			if n, octets := a.detached(); n != len(all) || octets != len(all)*waitingOctets || a.memory > 0 && octets > a.memory {
				t.Fatalf("counts %d of %d octets, want %d", n, octets, len(all))
			}
		}
		for _, h := range all {
			a.leave(h.place)
		}
		if a.total != 0 || a.octets != 0 || len(a.clients) != 0 {
			t.Fatalf("left over: %d, %v", a.total, a.clients)
		}
	})
}

// TestFullHeapAdmitsNoWaiting: what waits is refused while the process has nearly all its memory; what computes is not.
func TestFullHeapAdmitsNoWaiting(t *testing.T) {
	r := &Request{Generation: new(Generation), Peer: Peer{Client: &nas.Client{Prefix: netip.MustParsePrefix("192.0.2.1/32")}}}
	a := admission{bound: 4, heap: NewHeap(1)}
	if why := a.admit(r, new(place), true); why != ReasonMemory {
		t.Errorf("a request that waits: %q", why)
	}
	if why := a.admit(r, new(place), false); why != ReasonNone {
		t.Errorf("a request that computes: %q", why)
	}
	for _, h := range []*Heap{nil, NewHeap(0), NewHeap(1 << 40)} {
		if h.Full() {
			t.Errorf("%+v is full", h)
		}
	}
}

// TestFullHeapIsCollected: what nobody has any more is freed though nobody allocates, and waiting is allowed again.
func TestFullHeapIsCollected(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h := NewHeap(int64(m.HeapAlloc+(32<<20)) / 3 * 4)
	if h.Full() {
		t.Fatal("full from the beginning")
	}
	h.looked.Store(0)
	waste := make([]byte, 128<<20)
	if full := h.Full(); !full {
		t.Errorf("%d octets more, and it is not full", len(waste))
	}
	for end := time.Now().Add(10 * time.Second); h.Full(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still full")
		}
	}
}

func TestStatusLimitIsPerClient(t *testing.T) {
	l := statusLimit{rate: 2}
	now := time.Unix(1000, 0)
	a, b := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.2/32")
	for i, want := range []bool{true, true, false, false} {
		if got := l.allow(a, now); got != want {
			t.Errorf("packet %d: %v", i, got)
		}
	}
	if !l.allow(b, now) {
		t.Error("another client is limited too")
	}
	if !l.allow(a, now.Add(time.Second)) {
		t.Error("still limited in the next second")
	}
}

func TestRecorderPlacesAreBounded(t *testing.T) {
	var a admission
	a.parked[waitRecord].Store(maxRecording)
	r := &Request{pending: waitRecord}
	if a.park(r) || r.pending != waitNothing || r.Verdict != Drop || r.Cause != ReasonBusy {
		t.Errorf("pending %v, verdict %v, cause %v", r.pending, r.Verdict, r.Cause)
	}
	r.pending = waitRecord
	a.unpark(r)
	if !a.park(r) {
		t.Error("no place after one was given back")
	}
}

// TestParkedRequestsOfAClient: max-inflight= of a client counts what is at home servers and the recorder, too.
func TestParkedRequestsOfAClient(t *testing.T) {
	a := admission{out: 100}
	few := &nas.Client{Prefix: netip.MustParsePrefix("192.0.2.1/32"), MaxInflight: 2}
	parked := func(client *nas.Client) *Request {
		r := &Request{pending: waitHome, Peer: Peer{Client: client}}
		if !a.park(r) && (r.Verdict != Drop || r.Cause != ReasonInflight) {
			t.Errorf("verdict %v, cause %v", r.Verdict, r.Cause)
		}
		return r
	}
	first, second, third := parked(few), parked(few), parked(few)
	if first.pending != waitHome || second.pending != waitHome || third.pending != waitNothing {
		t.Fatalf("pending %v, %v, %v", first.pending, second.pending, third.pending)
	}
	if other := parked(&nas.Client{Prefix: netip.MustParsePrefix("192.0.2.2/32")}); other.pending != waitHome {
		t.Error("another client is limited")
	}
	a.unpark(first)
	if again := parked(few); again.pending != waitHome {
		t.Error("no place after one was given back")
	}
}
