package server

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"perilune/engine/radius"
)

// TestSieve: a filter meets the datagrams of its source alone, on sockets of all kinds, and what it drops is counted.
func TestSieve(t *testing.T) {
	for _, test := range []struct{ network, listen, to, noisy, quiet string }{
		{"udp4", "127.0.0.1", "127.0.0.1", "127.0.0.3", "127.0.0.4"},
		{"udp", "::", "127.0.0.1", "127.0.0.3", "127.0.0.4"},
		{"udp6", "::1", "::1", "::1", ""},
	} {
		t.Run(test.network+" "+test.listen, func(t *testing.T) {
			conn, err := net.ListenUDP(test.network, &net.UDPAddr{IP: net.ParseIP(test.listen)})
			if err != nil {
				t.Skipf("no IPv6 here: %v", err)
			}
			defer conn.Close()
			m, err := newMmsg(conn, 64, false, new(Busy))
			if err != nil {
				t.Fatal(err)
			}
			to := &net.UDPAddr{IP: net.ParseIP(test.to), Port: conn.LocalAddr().(*net.UDPAddr).Port}
			for _, pass := range []float64{0, 0.5, 1} {
				if err := m.sieve([]held{{netip.MustParseAddr("192.0.2.1"), 0}, {source(netip.MustParseAddr(test.noisy)), pass}, {netip.MustParseAddr("2001:db8::"), 0}}); err != nil {
					t.Fatal(err)
				}
				if got := through(t, m, to, test.noisy); got < int(pass*200)-60 || got > int(pass*200)+60 {
					t.Errorf("%d of 200 pass at %v", got, pass)
				}
				if test.quiet == "" {
					continue
				}
				if got := through(t, m, to, test.quiet); got != 200 {
					t.Errorf("%d of 200 of another source pass at %v", got, pass)
				}
			}
			if err := m.sieve(nil); err != nil {
				t.Fatal(err)
			}
			if got := through(t, m, to, test.noisy); got != 200 {
				t.Errorf("%d of 200 pass without a filter", got)
			}
			m.raw.Control(m.count)
			if lost := m.lost(); lost < 250 || lost > 350 {
				t.Errorf("%d are counted as dropped, some 300 were", lost)
			}
		})
	}
}

// TestSieveSpares: what says whether the server lives, and answers to challenges, pass a filter that nothing else does.
func TestSieveSpares(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m, err := newMmsg(conn, 64, false, new(Busy))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.sieve([]held{{netip.MustParseAddr("127.0.0.3"), 0}}); err != nil {
		t.Fatal(err)
	}
	others := strings.Repeat("\x01\x05bob", stateWithin-1)
	for _, tc := range []struct {
		name   string
		packet []byte
		passes bool
	}{
		{"a login", makePacket(radius.CodeAccessRequest, 1, 1, "\x01\x05bob\x02\x121234567812345678"), false},
		{"no attributes", makePacket(radius.CodeAccessRequest, 1, 1, ""), false},
		{"State first", makePacket(radius.CodeAccessRequest, 1, 1, "\x18\x03x\x01\x05bob"), true},
		{"State last", makePacket(radius.CodeAccessRequest, 1, 1, others+"\x18\x03x"), true},
		{"State beyond where it is looked for", makePacket(radius.CodeAccessRequest, 1, 1, others+"\x01\x05bob\x18\x03x"), false},
		{"as many others", makePacket(radius.CodeAccessRequest, 1, 1, others+"\x01\x05bob"), false},
		{"a 24 within a value", makePacket(radius.CodeAccessRequest, 1, 1, "\x01\x05\x18\x18\x18"), false},
		{"an attribute without length", makePacket(radius.CodeAccessRequest, 1, 1, "\x01\x00\x18\x03x"), false},
		{"an attribute that is cut off", makePacket(radius.CodeAccessRequest, 1, 1, "\x01"), false},
		{"Status-Server", makePacket(radius.CodeStatusServer, 1, 1, "\x01\x05bob"), true},
		{"nothing", nil, false},
	} {
		want := 0
		if tc.passes {
			want = 200
		}
		if got := throughOf(t, m, conn.LocalAddr().(*net.UDPAddr), "127.0.0.3", tc.packet); got != want {
			t.Errorf("%s: %d of 200 pass, want %d", tc.name, got, want)
		}
	}
}

// through sends 200 datagrams from an address, and gives how many arrive.
func through(t *testing.T, m *mmsg, to *net.UDPAddr, from string) int {
	t.Helper()
	return throughOf(t, m, to, from, makePacket(radius.CodeAccessRequest, 1, 1, "\x01\x05bob"))
}

func throughOf(t *testing.T, m *mmsg, to *net.UDPAddr, from string, packet []byte) (got int) {
	t.Helper()
	conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 200 {
		conn.Write(packet)
	}
	slots := make([]slot, 64)
	for i := range slots {
		slots[i].buf = make([]byte, 256)
	}
	m.used = len(slots)
	for {
		n := 0
		err := m.raw.Control(func(fd uintptr) {
			m.arm(slots)
			m.receive(fd)
			n = m.got
		})
		if err != nil {
			t.Fatal(err)
		}
		if m.used = n; n == 0 {
			return got
		}
		for i := range n {
			m.take(i, &slots[i])
			if slots[i].source.Addr().String() != from {
				t.Errorf("one is of %v", slots[i].source)
			}
		}
		got += n
	}
}
