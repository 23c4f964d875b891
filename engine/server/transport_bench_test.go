package server

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A plainWay answers each request with a fixed reply, so that only the transport is measured.
type plainWay struct{ client nas.Client }

func (w *plainWay) receive(r *Request, datagram []byte) Reason {
	r.Client = &w.client
	r.Packet.Code, r.Packet.Identifier = radius.Code(datagram[0]), datagram[1]
	r.Packet.Authenticator = radius.Authenticator(datagram[4:20])
	r.Deadline = r.Arrival.Add(5 * time.Second)
	return ReasonNone
}

func (w *plainWay) process(r *Request) {
	r.Verdict = Accept
	fakeReply(r, radius.CodeAccessAccept)
}

func (w *plainWay) wait(*Request, *proxy.Sender)   {}
func (w *plainWay) resume(*Request)                {}
func (w *plainWay) sender() *proxy.Sender          { return nil }
func (*plainWay) conclude(*Request)                {}
func (w *plainWay) repeat(*proxy.Exchange, uint64) {}
func (w *plainWay) done(*Request)                  {}
func (w *plainWay) Drain()                         {}

// A nowhere is a batcher takes a batch from nowhere and sends it there.
type nowhere struct {
	next uint32
	sent int
}

func (m *nowhere) read(slots []slot) (int, error) {
	for i := range slots {
		s := &slots[i]
		m.next++
		s.n = copy(s.buf, "\x01\x00\x00\x14")
		s.n += copy(s.buf[4:], []byte{byte(m.next), byte(m.next >> 8), byte(m.next >> 16), 15: 0})
		s.buf[1] = byte(m.next >> 12)
		s.source = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(m.next)}), uint16(m.next>>8)&15+1000)
		s.local, s.reply = netip.Addr{}, nil
	}
	return len(slots), nil
}

func (m *nowhere) send(slots []slot) int {
	for i := range slots {
		if slots[i].reply != nil {
			m.sent++
		}
	}
	return 0
}

func (*nowhere) intake() intake { return intake{} }

func (*nowhere) steer([]held, float64) error { return nil }

// kernelessRole gives a role without a kernel under it.
func kernelessRole(t testing.TB, log *Log) (*role, *nowhere) {
	way := &plainWay{client: nas.Client{Name: "bench", Prefix: netip.MustParsePrefix("127.0.0.0/8")}}
	s, err := newServer(way, Options{Listeners: []Listener{listener("127.0.0.1:0")}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.closeSockets)
	s.Swap(new(Generation))
	m := new(nowhere)
	s.roles[0].batcher = m
	return s.roles[0], m
}

func (ro *role) oneBatch() {
	ro.fill()
	for ro.at < ro.n {
		s := &ro.slots[ro.order[ro.at]]
		ro.at++
		ro.handle(s)
	}
	ro.flush()
}

func TestBatchAllocatesNothing(t *testing.T) {
	log := NewLog(LogOptions{})
	defer log.Close(context.Background())
	ro, m := kernelessRole(t, log)
	for range 100 {
		ro.oneBatch()
	}
	if n := allocations(200, ro.oneBatch); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
	if m.sent == 0 {
		t.Error("no replies")
	}
}

// BenchmarkPacket is the cost of one packet in the transport, without the kernel and without policy.
func BenchmarkPacket(b *testing.B) {
	ro, _ := kernelessRole(b, nil)
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(ro.slots) {
		ro.oneBatch()
	}
}

// BenchmarkPacketLogged adds the log line.
func BenchmarkPacketLogged(b *testing.B) {
	log := NewLog(LogOptions{})
	defer log.Close(context.Background())
	ro, _ := kernelessRole(b, log)
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(ro.slots) {
		ro.oneBatch()
	}
}

// BenchmarkLoopback sends through real sockets, 64 requests outstanding; the sender is part of the figure.
func BenchmarkLoopback(b *testing.B) {
	for _, portable := range []bool{false, true} {
		name := "batch"
		if portable {
			name = "portable"
		}
		b.Run(name, func(b *testing.B) { benchLoopback(b, Options{Portable: portable}) })
	}
}

func benchLoopback(b *testing.B, o Options) {
	o.Listeners = []Listener{listener("127.0.0.1:0")}
	s, err := newServer(&plainWay{client: nas.Client{Name: "bench"}}, o)
	if err != nil {
		b.Fatal(err)
	}
	s.Swap(new(Generation))
	go s.Serve(context.Background())
	defer s.Shutdown(context.Background())
	n := newNAS(b, s.Addrs()[0])
	packet := makePacket(radius.CodeAccessRequest, 0, 0, "\x01\x05bob")
	reply := make([]byte, 4096)
	n.conn.SetDeadline(time.Now().Add(time.Minute))
	b.ReportAllocs()
	b.ResetTimer()
	sent, back := 0, 0
	for back < b.N {
		for ; sent < b.N && sent-back < 64; sent++ {
			packet[1], packet[4], packet[5], packet[6] = byte(sent), byte(sent), byte(sent>>8), byte(sent>>16)
			n.conn.Write(packet)
		}
		if _, _, err := n.conn.ReadFromUDPAddrPort(reply); err != nil {
			b.Fatal(err)
		}
		back++
	}
}

// TestLoopbackAllocatesNothing asks through real sockets.
func TestLoopbackAllocatesNothing(t *testing.T) {
	s, err := newServer(&plainWay{client: nas.Client{Name: "test"}}, Options{Listeners: []Listener{listener("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	s.Swap(new(Generation))
	go s.Serve(context.Background())
	defer s.Shutdown(context.Background())
	n := newNAS(t, s.Addrs()[0])
	n.conn.SetDeadline(time.Now().Add(time.Minute))
	packet := makePacket(radius.CodeAccessRequest, 0, 0, "\x01\x05bob")
	reply := make([]byte, 4096)
	ask := func() {
		packet[1]++
		packet[4]++
		if packet[4] == 0 {
			packet[5]++
		}
		n.conn.Write(packet)
		if _, err := n.conn.Read(reply); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		ask()
	}
	if n := allocations(1000, ask); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}
