package server

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func listener(addr string) Listener {
	return Listener{Kind: "auth", Addr: netip.MustParseAddrPort(addr)}
}

func TestSecondInstanceIsRefused(t *testing.T) {
	for _, loops := range []int{1, 3} {
		o := Options{Listeners: []Listener{{Kind: "auth", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Loops: loops}}}
		ts := startServer(t, newFakeWay(), o)
		again := Listener{Kind: "auth", Addr: ts.Addrs()[0], Loops: loops}
		s, err := newServer(newFakeWay(), Options{Listeners: []Listener{again}})
		if err == nil {
			s.closeSockets()
			t.Fatalf("loops %d: a second server could bind %s", loops, again.Addr)
		}
		if !strings.Contains(err.Error(), again.Addr.String()) || !strings.Contains(err.Error(), "in use") {
			t.Errorf("loops %d: unclear error: %v", loops, err)
		}
	}
}

func TestFailedNewLeavesNothingOpen(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.LocalAddr().String()
	free.Close()
	_, err = newServer(newFakeWay(), Options{Listeners: []Listener{listener(addr), {Kind: "auth", Addr: ts.Addrs()[0]}}})
	if err == nil {
		t.Fatal("no error")
	}
	again, err := net.ListenPacket("udp4", addr)
	if err != nil {
		t.Fatalf("the first listener is still bound: %v", err)
	}
	again.Close()
}

func TestUnknownKind(t *testing.T) {
	_, err := newServer(newFakeWay(), Options{Listeners: []Listener{{Kind: "authn", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}})
	if err == nil || !strings.Contains(err.Error(), `"authn"`) {
		t.Fatalf("error %v", err)
	}
}

// TestReplyLeavesFromAddressAsked asks a wildcard socket at addresses that routing would not choose. The
// connected socket of the NAS takes answers from that address alone.
func TestReplyLeavesFromAddressAsked(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		for _, wildcard := range []string{"0.0.0.0:0", "[::]:0"} {
			o.Listeners = []Listener{listener(wildcard)}
			ts := startServer(t, newFakeWay(), o)
			port := ts.Addrs()[0].Port()
			for _, asked := range []string{"127.0.0.1", "127.0.0.2", "127.9.9.9", "::1"} {
				addr := netip.MustParseAddr(asked)
				if addr.Is6() && wildcard == "0.0.0.0:0" {
					continue
				}
				n := newNAS(t, netip.AddrPortFrom(addr, port))
				n.send(1, 1, "inline")
				n.expect("Access-Accept 1 inline")
				n.send(2, 1, "wait "+asked+wildcard)
				close(ts.way.gate(asked + wildcard))
				n.expect("Access-Accept 2 wait " + asked + wildcard)
			}
		}
	})
}

// TestDuplicateKeyHoldsAddressAsked sends the same request to two addresses of one socket.
func TestDuplicateKeyHoldsAddressAsked(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{Listeners: []Listener{listener("0.0.0.0:0")}})
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, asked := range []string{"127.0.0.1", "127.0.0.2"} {
		to := netip.AddrPortFrom(netip.MustParseAddr(asked), ts.Addrs()[0].Port())
		if _, err := conn.WriteToUDPAddrPort(makePacket(1, 1, 1, "x"), to); err != nil {
			t.Fatal(err)
		}
		if _, from, err := conn.ReadFromUDPAddrPort(make([]byte, 100)); err != nil || from != to {
			t.Fatalf("answer from %v, %v; want %v", from, err, to)
		}
	}
	if got := ts.way.computed.Load(); got != 2 {
		t.Errorf("%d requests computed, want 2", got)
	}
}

func TestSeveralListeners(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{Listeners: []Listener{
		listener("127.0.0.1:0"), {Kind: "acct", Addr: netip.MustParseAddrPort("127.0.0.1:0")}, listener("[::1]:0"),
		{Kind: "coa", Addr: netip.MustParseAddrPort("[::1]:0"), Loops: 2}}})
	for i, addr := range ts.Addrs() {
		n := newNAS(t, addr)
		n.send(byte(i), 1, "x")
		n.expect("Access-Accept " + string('0'+rune(i)) + " x")
	}
	for i, l := range ts.Snapshot().Listeners {
		if l.Addr != ts.Addrs()[i] || l.ReceiveBuffer == 0 || l.Loops == 0 {
			t.Errorf("listener %d: %v, %d loops, buffer %d", i, l.Addr, l.Loops, l.ReceiveBuffer)
		}
	}
}

// TestBothWildcards listens on one port for IPv4 and IPv6 apart.
func TestBothWildcards(t *testing.T) {
	s, err := newServer(newFakeWay(), Options{Listeners: []Listener{listener("0.0.0.0:0")}})
	if err != nil {
		t.Fatal(err)
	}
	four := s.Addrs()[0]
	s.closeSockets()
	six := netip.AddrPortFrom(netip.IPv6Unspecified(), four.Port())
	o := Options{Listeners: []Listener{{Kind: "auth", Addr: four}, {Kind: "auth", Addr: six}}}
	startServer(t, newFakeWay(), o)
	for _, asked := range []string{"127.0.0.1", "::1"} {
		n := newNAS(t, netip.AddrPortFrom(netip.MustParseAddr(asked), four.Port()))
		n.send(1, 1, asked)
		n.expect("Access-Accept 1 " + asked)
	}
}

func TestSourceIsUnmapped(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		way := newFakeWay()
		seen := make(chan netip.AddrPort, 2)
		way.after = func(r *Request) { seen <- r.Source; seen <- r.Peer.Local }
		o.Listeners = []Listener{listener("[::]:0")}
		ts := startServer(t, way, o)
		n := newNAS(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.3"), ts.Addrs()[0].Port()))
		n.send(1, 1, "x")
		n.expect("Access-Accept 1 x")
		if got, want := <-seen, n.conn.LocalAddr().(*net.UDPAddr).AddrPort(); got != want {
			t.Errorf("source %v, want %v", got, want)
		}
		if got, want := <-seen, n.conn.RemoteAddr().(*net.UDPAddr).AddrPort(); got != want {
			t.Errorf("local %v, want %v", got, want)
		}
	})
}

// TestSourceStaysOnItsLoop checks what duplicate detection over several loops relies on.
func TestSourceStaysOnItsLoop(t *testing.T) {
	if !reusable {
		t.Skip("one loop a listener here")
	}
	ts := startServer(t, newFakeWay(), Options{Listeners: []Listener{
		{Kind: "auth", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Loops: 4}}})
	for range 16 {
		n := newNAS(t, ts.Addrs()[0])
		for range 4 {
			n.send(1, 1, "x")
			n.expect("Access-Accept 1 x")
		}
	}
	if got := ts.way.computed.Load(); got != 16 {
		t.Errorf("%d requests computed, want 16: retransmissions met other loops", got)
	}
}

func TestErrClosedIsTheNets(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	ts.closeSockets() // as if somebody else closed them: the roles must end, not spin
	ts.working.Wait()
	if _, err := ts.roles[0].conn.Write(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v", err)
	}
}
