package server

import (
	"net"
	"net/netip"
	"testing"
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
				if err := m.sieve(source(netip.MustParseAddr(test.noisy)), pass); err != nil {
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
			if err := m.sieve(netip.Addr{}, 0); err != nil {
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

// through sends 200 datagrams from an address, and gives how many arrive.
func through(t *testing.T, m *mmsg, to *net.UDPAddr, from string) (got int) {
	t.Helper()
	conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 200 {
		conn.Write([]byte("some octets"))
	}
	slots := make([]slot, 64)
	for i := range slots {
		slots[i].buf = make([]byte, 64)
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
