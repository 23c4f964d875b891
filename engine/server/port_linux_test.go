package server

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"perilune/engine/radius"
)

// steered binds a port with lanes.
func steered(t *testing.T, listen string, loops int) *port {
	t.Helper()
	p, err := bind(Listener{Kind: "auth", Addr: netip.AddrPortFrom(netip.MustParseAddr(listen), 0), Loops: loops}, nil, true)
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	t.Cleanup(p.close)
	if p.unsteered != nil {
		t.Fatal(p.unsteered)
	}
	return p
}

// waits gives how many datagrams wait at each socket of a port, and takes them away.
func (p *port) waits(t *testing.T) (own, lanes []int) {
	t.Helper()
	take := func(conns []*net.UDPConn) (counts []int) {
		for _, conn := range conns {
			raw, err := conn.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			in := make([]message, 64)
			sum := 0
			raw.Control(func(fd uintptr) {
				for n := 1; n > 0; sum += n {
					n, _ = receive(fd, in)
				}
			})
			counts = append(counts, sum)
		}
		return counts
	}
	return take(p.conns), take(p.lanes)
}

// throw sends a packet so many times from an address and a port.
func throw(t *testing.T, from, to netip.AddrPort, times int, packet []byte) (port uint16) {
	t.Helper()
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(from), net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range times {
		conn.Write(packet)
	}
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func total(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

var aLogin = makePacket(radius.CodeAccessRequest, 1, 1, "\x01\x05bob\x02\x121234567812345678")

// TestSteering: a program meets the datagrams of its sources alone, on sockets of all kinds, and does not change the loop.
func TestSteering(t *testing.T) {
	for _, test := range []struct {
		listen, to, noisy, quiet string
		loops                    int
	}{
		{"127.0.0.1", "127.0.0.1", "127.0.0.3", "127.0.0.4", 1},
		{"127.0.0.1", "127.0.0.1", "127.0.0.3", "127.0.0.4", 3},
		{"::", "127.0.0.1", "127.0.0.3", "127.0.0.4", 2},
		{"::1", "::1", "::1", "", 1},
		{"::1", "::1", "::1", "", 2},
	} {
		t.Run(test.listen, func(t *testing.T) {
			p := steered(t, test.listen, test.loops)
			to := netip.AddrPortFrom(netip.MustParseAddr(test.to), p.conns[0].LocalAddr().(*net.UDPAddr).AddrPort().Port())
			noisy := netip.AddrPortFrom(netip.MustParseAddr(test.noisy), 0)
			port := throw(t, noisy, to, 20, aLogin)
			before, none := p.waits(t)
			if total(before) != 20 || total(none) != 0 {
				t.Fatalf("%v and in lanes %v without any source", before, none)
			}
			p.steerAll(t, held{addr: netip.MustParseAddr("192.0.2.1")}, held{addr: source(noisy.Addr())}, held{addr: netip.MustParseAddr("2001:db8::")})
			throw(t, netip.AddrPortFrom(noisy.Addr(), port), to, 20, aLogin)
			own, lanes := p.waits(t)
			for i := range own {
				if own[i] != 0 || lanes[i] != before[i] {
					t.Errorf("%v and in lanes %v of a source that had %v before", own, lanes, before)
					break
				}
			}
			if test.quiet != "" {
				throw(t, netip.MustParseAddrPort(test.quiet+":0"), to, 20, aLogin)
				if own, lanes := p.waits(t); total(own) != 20 {
					t.Errorf("%v and in lanes %v of another source", own, lanes)
				}
			}
			p.steerAll(t)
			throw(t, noisy, to, 20, aLogin)
			if own, lanes := p.waits(t); total(own) != 20 {
				t.Errorf("%v and in lanes %v after the end", own, lanes)
			}
		})
	}
}

// TestSteeringOfLoops: a source is steered where a loop has named it, and nowhere else.
func TestSteeringOfLoops(t *testing.T) {
	p := steered(t, "127.0.0.1", 2)
	to := p.conns[0].LocalAddr().(*net.UDPAddr).AddrPort()
	noisy := netip.MustParseAddrPort("127.0.0.3:0")
	var ports [2]uint16 // of which the datagrams come to a loop
	for ports[0] == 0 || ports[1] == 0 {
		port := throw(t, noisy, to, 1, aLogin)
		own, _ := p.waits(t)
		ports[own[1]] = port
	}
	for _, step := range []struct {
		loop    int
		sources []held
		want    [2]bool // steered
	}{
		{0, []held{{addr: noisy.Addr()}}, [2]bool{true, false}},
		{1, []held{{addr: netip.MustParseAddr("192.0.2.1")}, {addr: noisy.Addr()}}, [2]bool{true, true}},
		{0, nil, [2]bool{false, true}},
		{1, nil, [2]bool{false, false}},
	} {
		if err := p.steer(step.loop, step.sources); err != nil {
			t.Fatal(err)
		}
		for loop, port := range ports {
			throw(t, netip.AddrPortFrom(noisy.Addr(), port), to, 1, aLogin)
			if _, lanes := p.waits(t); (lanes[loop] == 1) != step.want[loop] || total(lanes) > 1 {
				t.Errorf("%v: loop %d: in lanes %v, want %t", step, loop, lanes, step.want[loop])
			}
		}
	}
}

// TestSteeringOfMany: the program is no larger than kernels take, and what they refuse is not kept.
func TestSteeringOfMany(t *testing.T) {
	for _, loops := range []int{1, 8, 64} {
		p := steered(t, "127.0.0.1", loops)
		many := make([]held, p.sources())
		for i := range many {
			many[i].addr = netip.AddrFrom16([16]byte{0x20, byte(i)})
		}
		for loop := range p.conns {
			if err := p.steer(loop, many); err != nil {
				t.Fatalf("loop %d of %d: %v", loop, loops, err)
			}
		}
		if err := p.steer(0, make([]held, 1000)); err == nil {
			t.Errorf("a program for 1000 sources is taken")
		}
		if err := p.steer(loops-1, many); err != nil {
			t.Errorf("after one that was refused: %v", err)
		}
	}
}

// steerAll steers sources at all loops.
func (p *port) steerAll(t *testing.T, sources ...held) {
	t.Helper()
	for loop := range p.conns {
		if err := p.steer(loop, sources); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLoopsShare: senders are spread over loops, by address and by port.
func TestLoopsShare(t *testing.T) {
	for _, listen := range []string{"127.0.0.1", "::1"} {
		p := steered(t, listen, 4)
		to := p.conns[0].LocalAddr().(*net.UDPAddr).AddrPort()
		for i := range 400 {
			from := to.Addr()
			if from.Is4() && i%2 == 0 {
				from = netip.AddrFrom4([4]byte{127, 0, 1, byte(i / 2)})
			}
			throw(t, netip.AddrPortFrom(from, 0), to, 1, aLogin)
		}
		own, lanes := p.waits(t)
		for _, n := range own {
			if n < 60 || n > 140 {
				t.Errorf("%s: loops have %v of 400 senders, lanes %v", listen, own, lanes)
				break
			}
		}
	}
}

// TestSteeringSpares: what says whether the server lives, and answers to challenges, are not steered.
func TestSteeringSpares(t *testing.T) {
	p := steered(t, "127.0.0.1", 1)
	from, to := netip.MustParseAddrPort("127.0.0.3:0"), p.conns[0].LocalAddr().(*net.UDPAddr).AddrPort()
	others := strings.Repeat("\x01\x05bob", stateWithin-1)
	for _, tc := range []struct {
		name   string
		packet []byte
		spared bool
	}{
		{"a login", aLogin, false},
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
		{"an octet", []byte{12}, false},
	} {
		for _, all := range []bool{false, true} {
			if err := p.steer(0, []held{{addr: from.Addr(), all: all}}); err != nil {
				t.Fatal(err)
			}
			throw(t, from, to, 1, tc.packet)
			own, lanes := p.waits(t)
			if want := tc.spared && !all; (own[0] == 1) != want || own[0]+lanes[0] != 1 {
				t.Errorf("%s, all %t: spared %v, steered %v", tc.name, all, own, lanes)
			}
		}
	}
}
