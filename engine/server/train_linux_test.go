package server

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// receivers opens sockets that read what a test's server sends.
func receivers(t *testing.T, network, host string, n int) (all []*net.UDPConn) {
	t.Helper()
	for range n {
		c, err := net.ListenUDP(network, &net.UDPAddr{IP: net.ParseIP(host)})
		if err != nil {
			t.Skipf("no %s here: %v", network, err)
		}
		t.Cleanup(func() { c.Close() })
		all = append(all, c)
	}
	return all
}

// passengers makes the slots of a batch: replies of the lengths that sizes gives in turn, to receivers in turn.
func passengers(m *mmsg, to []*net.UDPConn, sizes []int, n int, local netip.Addr) (slots []slot, want map[string]int) {
	want = map[string]int{}
	b := &burst{six: to[0].LocalAddr().(*net.UDPAddr).IP.To4() == nil}
	for i := range n {
		at := to[i%len(to)].LocalAddr().(*net.UDPAddr).AddrPort()
		at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
		reply := bytes.Repeat([]byte{byte(i)}, sizes[i/len(to)%len(sizes)])
		slots = append(slots, slot{response: response{at, local, reply}})
		m.in[i].header.Namelen = b.address(&m.names[i], at)
		want[fmt.Sprintf("%d: %d of %d", at.Port(), len(reply), i)]++
	}
	return slots, want
}

// arrived reads n datagrams.
func arrived(t *testing.T, to []*net.UDPConn, n int) map[string]int {
	t.Helper()
	got := map[string]int{}
	buf := make([]byte, 65536)
	deadline := time.Now().Add(5 * time.Second)
	for _, c := range to {
		c.SetReadDeadline(deadline)
		for range n / len(to) {
			k, err := c.Read(buf)
			if err != nil {
				t.Fatalf("%v; so far %v", err, got)
			}
			got[fmt.Sprintf("%d: %d of %d", c.LocalAddr().(*net.UDPAddr).Port, k, buf[0])]++
			if !bytes.Equal(buf[:k], bytes.Repeat(buf[:1], k)) {
				t.Errorf("octets of several replies in one datagram: %x", buf[:k])
			}
		}
	}
	return got
}

// TestTrains: each reply arrives as a datagram of its own, whatever their lengths and receivers, from the address asked,
// and also where the kernel takes no trains.
func TestTrains(t *testing.T) {
	for _, tc := range []struct {
		network, host, local string
		receivers            int
		sizes                []int
		messages             int // that the kernel gets, if it takes trains
	}{
		{"udp4", "127.0.0.1", "", 1, []int{80}, 1},
		{"udp4", "127.0.0.1", "", 4, []int{80}, 4},
		{"udp4", "127.0.0.1", "", 4, []int{80, 96}, 8},
		{"udp4", "127.0.0.1", "", 64, []int{80}, 64},
		{"udp4", "127.0.0.1", "", 2, []int{1201}, 64},
		{"udp4", "127.0.0.1", "", 2, []int{1200, 20}, 4},
		{"udp4", "127.0.0.1", "127.0.0.9", 2, []int{80}, 2},
		{"udp6", "::1", "", 2, []int{80}, 2},
		{"udp6", "::1", "::1", 2, []int{80}, 2},
	} {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprint(tc, alone), func(t *testing.T) {
				to := receivers(t, tc.network, tc.host, tc.receivers)
				anywhere := "0.0.0.0"
				if tc.network == "udp6" {
					anywhere = "::"
				}
				conn := receivers(t, tc.network, anywhere, 1)[0]
				m, err := newMmsg(&port{conns: []*net.UDPConn{conn}}, 0, 64, tc.local != "", new(Busy))
				if err != nil {
					t.Fatal(err)
				}
				m.out.alone = alone
				local, _ := netip.ParseAddr(tc.local)
				slots, want := passengers(m, to, tc.sizes, 64, local)
				for range 2 {
					if failed := m.send(slots); failed > 0 {
						t.Errorf("%d failed", failed)
					}
					if diff := cmp.Diff(want, arrived(t, to, 64)); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
				if n := len(m.trains.list); !m.out.alone && n != tc.messages {
					t.Errorf("%d messages, want %d", n, tc.messages)
				}
			})
		}
	}
}

// TestTrainRefused: a train that the kernel does not take goes out datagram by datagram, and there are no trains after it.
func TestTrainRefused(t *testing.T) {
	to := receivers(t, "udp4", "127.0.0.1", 2)
	conn := receivers(t, "udp4", "127.0.0.1", 1)[0]
	m, err := newMmsg(&port{conns: []*net.UDPConn{conn}}, 0, 64, false, new(Busy))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := conn.SyscallConn()
	// Without checksums there are no trains: RFC 768's zero is chosen for this socket.
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) })
	if err != nil {
		t.Fatal(err)
	}
	slots, want := passengers(m, to, []int{80}, 64, netip.Addr{})
	for i := range 2 {
		if failed := m.send(slots); failed > 0 {
			t.Errorf("%d failed", failed)
		}
		if diff := cmp.Diff(want, arrived(t, to, 64)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if i == 1 && (!m.out.alone || len(m.trains.list) != 64) {
			t.Errorf("trains go on: %v, %d", m.out.alone, len(m.trains.list))
		}
	}
}
