package server

import (
	"bytes"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"perilune/engine/radius"
)

func TestStatusServerGoesFirst(t *testing.T) {
	ro, _ := kernelessRole(t, nil)
	ro.generation = ro.server.Current()
	codes := []radius.Code{1, 1, radius.CodeStatusServer, 1, radius.CodeStatusServer, 1}
	for i, code := range codes {
		ro.slots[i].n = copy(ro.slots[i].buf, makePacket(code, byte(i), 0, ""))
		ro.slots[i].source = netip.MustParseAddrPort("127.0.0.1:5")
	}
	ro.n = len(codes)
	ro.touch()
	seen := make(map[uint16]bool)
	for i, at := range ro.order[:ro.n] {
		seen[at] = true
		if status := codes[at] == radius.CodeStatusServer; status != (i < 2) {
			t.Errorf("place %d has slot %d", i, at)
		}
	}
	if len(seen) != len(codes) {
		t.Errorf("order %v leaves slots out", ro.order[:ro.n])
	}
}

func TestExpiredIsNotComputed(t *testing.T) {
	way := newFakeWay()
	s, err := newServer(way, Options{Listeners: []Listener{listener("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeSockets()
	s.Swap(new(Generation))
	ro := s.roles[0]
	ro.batcher = new(nowhere)
	ro.fill()
	ro.clock = time.Now().Add(-time.Hour) // the batch waited behind a request before it changed hands
	ro.passed = true
	ro.handle(&ro.slots[0])
	if way.computed.Load() != 0 || ro.fast.Reasons[ReasonExpired] != 1 || ro.fast.Verdicts[Drop] != 1 {
		t.Errorf("computed %d, expired %d", way.computed.Load(), ro.fast.Reasons[ReasonExpired])
	}
	ro.flush()
}

func TestReceiveMayFail(t *testing.T) {
	s, err := newServer(&failingWay{newFakeWay()}, Options{Listeners: []Listener{listener("127.0.0.1:0")},
		Events: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeSockets()
	s.Swap(new(Generation))
	ro := s.roles[0]
	ro.batcher = new(nowhere)
	ro.fill()
	if !ro.handle(&ro.slots[0]) || ro.fast.Reasons[ReasonInternal] != 1 {
		t.Errorf("internal %d", ro.fast.Reasons[ReasonInternal])
	}
	ro.flush()
}

type failingWay struct{ *fakeWay }

func (f *failingWay) receive(*Request, []byte) Reason { panic("defect of the test") }

func TestUserName(t *testing.T) {
	tests := []struct{ body, want string }{
		{"\x01\x05bob", "bob"},
		{"\x04\x06\x7f\x00\x00\x01\x01\x05bob", "bob"},
		{"\x01\x05bo", ""},
		{"\x01\x01", ""},
		{"\x01", ""},
		{"", ""},
	}
	for _, test := range tests {
		if got := userName(makePacket(1, 0, 0, test.body)); string(got) != test.want {
			t.Errorf("%q: %q, want %q", test.body, got, test.want)
		}
	}
}

// FuzzUserName looks at packets before anybody has checked them.
func FuzzUserName(f *testing.F) {
	f.Add([]byte("\x01\x05bob"))
	f.Add([]byte("\x04\x06\x7f\x00\x00\x01\x01\x05bob"))
	f.Add([]byte("\x01\xff\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		packet := makePacket(1, 0, 0, string(body))
		if got := userName(packet); got != nil && !bytes.Contains(body, got) {
			t.Fatalf("%q is not in %q", got, body)
		}
	})
}

func TestStuck(t *testing.T) {
	ro, _ := kernelessRole(t, nil)
	if n := ro.server.Stuck(0); n != 0 {
		t.Errorf("%d idle loops are stuck", n)
	}
	ro.fill()
	if n := ro.server.Stuck(0); n != 1 {
		t.Errorf("%d loops in the middle of a batch, want 1", n)
	}
	if n := ro.server.Stuck(time.Hour); n != 0 {
		t.Errorf("%d loops are stuck for an hour", n)
	}
	ro.flush()
}
