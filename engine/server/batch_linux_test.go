package server

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestControlMessages(t *testing.T) {
	m := new(mmsg)
	drops, data := appendControl(nil, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 4)
	binary.NativeEndian.PutUint32(data, 7)
	for _, addr := range []string{"192.0.2.1", "2001:db8::1"} {
		var s slot
		oob := appendSource(nil, netip.MustParseAddr(addr))
		m.controls(&s, append(oob, drops...))
		if s.local.String() != addr {
			t.Errorf("address asked %v, want %s", s.local, addr)
		}
	}
	if m.lost() != 7 {
		t.Errorf("lost %d, want 7", m.lost())
	}
	binary.NativeEndian.PutUint32(data, 3) // the kernel's counter has 32 bits
	m.controls(new(slot), drops)
	if m.lost() != 1<<32+3 {
		t.Errorf("lost %d, want %d", m.lost(), uint64(1)<<32+3)
	}
	if got := appendSource(nil, netip.Addr{}); len(got) != 0 {
		t.Errorf("no address gives % x", got)
	}
}

func FuzzControlMessages(f *testing.F) {
	f.Add(appendSource(nil, netip.MustParseAddr("192.0.2.1")))
	f.Add(appendSource(nil, netip.MustParseAddr("fe80::1")))
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, oob []byte) {
		if len(oob) == 0 || len(oob) > controlRoom {
			return
		}
		var room [controlRoom]byte // aligned as the kernel's are
		new(mmsg).controls(new(slot), room[:copy(room[:], oob)])
	})
}

func TestZones(t *testing.T) {
	var z zones
	z.names = map[uint32]string{3: "eth0"}
	tests := []struct {
		addr  string
		scope uint32
		want  string
	}{
		{"fe80::1", 3, "fe80::1%eth0"},
		{"fe80::1", 0, "fe80::1"},
		{"2001:db8::1", 3, "2001:db8::1"},
		{"10.0.0.1", 3, "10.0.0.1"},
		{"fe80::1", 4_000_000, "fe80::1%4000000"},
	}
	for _, test := range tests {
		if got := z.with(netip.MustParseAddr(test.addr), test.scope).String(); got != test.want {
			t.Errorf("%s in zone %d: %s, want %s", test.addr, test.scope, got, test.want)
		}
	}
}
