package server

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestControlMessages(t *testing.T) {
	m := new(mmsg)
	other, _ := appendControl(nil, unix.SOL_SOCKET, unix.SO_TIMESTAMP, 4)
	for _, addr := range []string{"192.0.2.1", "2001:db8::1"} {
		var s slot
		oob := appendSource(nil, netip.MustParseAddr(addr))
		m.controls(&s, append(oob, other...))
		if s.local.String() != addr {
			t.Errorf("address asked %v, want %s", s.local, addr)
		}
	}
	if got := appendSource(nil, netip.Addr{}); len(got) != 0 {
		t.Errorf("no address gives % x", got)
	}
}

// TestDropCounter: the kernel's counter has 32 bits, ours has 64.
func TestDropCounter(t *testing.T) {
	d := new(drops)
	for _, c := range []struct {
		kernel uint32
		want   uint64
	}{{7, 7}, {7, 7}, {3, 1<<32 + 3}} {
		if d.stands(c.kernel); d.sum != c.want {
			t.Errorf("lost %d, want %d", d.sum, c.want)
		}
	}
}

// TestKernelDrops overflows a socket and finds out how much was lost.
func TestKernelDrops(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadBuffer(1)
	m, err := newMmsg(&port{conns: []*net.UDPConn{conn}}, 0, 2, false, new(Busy))
	if err != nil {
		t.Fatal(err)
	}
	sent := uint64(0)
	slots := []slot{{buf: make([]byte, 4096)}, {buf: make([]byte, 4096)}}
	got := uint64(0)
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for m.drops.sum == 0 && sent < 10_000 {
		for range 20 {
			conn.WriteTo(make([]byte, 500), conn.LocalAddr())
		}
		sent += 20
		n, err := m.read(slots)
		if err != nil {
			t.Fatalf("%d read, %d lost, %v", got, m.drops.sum, err)
		}
		got += uint64(n)
	}
	if got == 0 || m.drops.sum == 0 || got+m.drops.sum > sent {
		t.Errorf("%d read and %d lost of %d", got, m.drops.sum, sent)
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

// TestUndivided: sockets of all kinds take replies in one piece, and let a large one go in several.
func TestUndivided(t *testing.T) {
	for _, listen := range []string{"127.0.0.1", "0.0.0.0", "::", "::1"} {
		p := steered(t, listen, 1)
		raw, err := p.conns[0].SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		mode := func() int {
			n, err := getOption(raw, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if got := mode(); got != unix.IP_PMTUDISC_DO {
			t.Errorf("%s: mode %d", listen, got)
		}
		sent := 0
		err = divided(raw, func() error {
			if sent++; sent == 1 || mode() != unix.IP_PMTUDISC_WANT {
				return unix.EMSGSIZE
			}
			return nil
		})
		if err != nil || sent != 2 || mode() != unix.IP_PMTUDISC_DO {
			t.Errorf("%s: %v after %d times, mode %d", listen, err, sent, mode())
		}
	}
}
