package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeWay stands for Core. The body of a packet is a command: accept, reject, drop, wait NAME, record NAME.
type fakeWay struct {
	client   *nas.Client
	clients  map[netip.Addr]*nas.Client // instead of client
	delay    time.Duration
	drained  atomic.Bool
	computed atomic.Int64 // calls of process
	ended    atomic.Int64 // calls of done
	after    func(*Request)
	files    GroupWriter // nil: records are parked

	mu      sync.Mutex
	gates   map[string]chan struct{}
	entered chan string // names of wait commands that have detached
	waiting chan *Request
}

func newFakeWay() *fakeWay {
	return &fakeWay{client: &nas.Client{Name: "test", Prefix: netip.MustParsePrefix("127.0.0.0/8")},
		gates: make(map[string]chan struct{}), entered: make(chan string, 64), waiting: make(chan *Request, 64)}
}

func (f *fakeWay) gate(name string) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gates[name] == nil {
		f.gates[name] = make(chan struct{})
	}
	return f.gates[name]
}

func (f *fakeWay) receive(r *Request, datagram []byte) Reason {
	r.Client = f.client
	if f.clients != nil {
		if r.Client = f.clients[r.Source.Addr()]; r.Client == nil {
			return ReasonUnknownClient
		}
	}
	if len(datagram) < radius.HeaderLen {
		return ReasonMalformed
	}
	r.Packet.Code, r.Packet.Identifier = radius.Code(datagram[0]), datagram[1]
	r.Packet.Authenticator = radius.Authenticator(datagram[4:20])
	r.Packet.Attributes = datagram[20:]
	r.Deadline = r.Arrival.Add(5 * time.Second)
	return ReasonNone
}

func (f *fakeWay) process(r *Request) {
	f.computed.Add(1)
	body := r.Packet.Attributes
	switch {
	case bytes.HasPrefix(body, []byte("wait ")):
		f.linger(r, string(body[5:]))
	case bytes.HasPrefix(body, []byte("record")):
		r.pending, r.way.detail = waitRecord, append(r.way.detail[:0], body...)
	case bytes.Equal(body, []byte("drop")):
		r.Verdict, r.Cause = Drop, ReasonBackend
	case bytes.Equal(body, []byte("defect")):
		panic("defect of the test")
	case bytes.Equal(body, []byte("reject")):
		r.Verdict, r.Delay = Reject, f.delay
		fakeReply(r, radius.CodeAccessReject)
	default:
		r.Verdict = Accept
		fakeReply(r, radius.CodeAccessAccept)
	}
}

func (f *fakeWay) linger(r *Request, name string) {
	if r.Detach() != nil {
		r.Verdict = Drop
		return
	}
	gate := f.gate(name)
	f.entered <- name
	<-gate
	r.Verdict = Accept
	fakeReply(r, radius.CodeAccessAccept)
}

// fakeReply echoes the request's body, so that mixed-up buffers show.
func fakeReply(r *Request, code radius.Code) {
	r.Code = code
	r.out = append(r.out[:0], byte(code), r.Packet.Identifier, 0, 0)
	r.out = append(r.out, r.Packet.Authenticator[:]...)
	r.out = append(r.out, r.Packet.Attributes...)
	binary.BigEndian.PutUint16(r.out[2:], uint16(len(r.out)))
}

func (f *fakeWay) wait(r *Request, _ *proxy.Sender) { f.waiting <- r }

func (f *fakeWay) resume(r *Request) {
	r.pending, r.Verdict = waitNothing, Accept
	if r.way.failure != nil {
		r.Verdict, r.Cause = Drop, ReasonRecorder
		return
	}
	fakeReply(r, radius.CodeAccountingResponse)
}

func (f *fakeWay) done(r *Request) {
	if f.after != nil {
		f.after(r)
	}
	f.ended.Add(1)
}

func (f *fakeWay) groups() GroupWriter { return f.files }

func (f *fakeWay) sender() *proxy.Sender { return nil }

func (*fakeWay) conclude(*Request)                {}
func (f *fakeWay) repeat(*proxy.Exchange, uint64) {}

func (f *fakeWay) Drain() { f.drained.Store(true) }

// A testServer is a server on loopback with one listener.
type testServer struct {
	*Server
	t   *testing.T
	way *fakeWay
	end chan error
}

// bothBatchers runs a test with each batcher.
func bothBatchers(t *testing.T, test func(t *testing.T, o Options)) {
	t.Run("batch", func(t *testing.T) { test(t, Options{}) })
	t.Run("portable", func(t *testing.T) { test(t, Options{Portable: true}) })
}

func startServer(t *testing.T, way *fakeWay, o Options) *testServer {
	t.Helper()
	if o.Listeners == nil {
		o.Listeners = []Listener{{Kind: "auth", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}
	}
	o.Events = slog.New(slog.DiscardHandler)
	s, err := newServer(way, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Current() == nil {
		s.Swap(new(Generation))
	}
	ts := &testServer{Server: s, t: t, way: way, end: make(chan error, 1)}
	go func() { ts.end <- s.Serve(context.Background()) }()
	t.Cleanup(ts.close)
	return ts
}

func (ts *testServer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := ts.Shutdown(ctx); err != nil {
		ts.t.Errorf("Shutdown: %v", err)
	}
}

// eventually waits for a condition on the counters.
func (ts *testServer) eventually(what string, ok func(Counters) bool) {
	ts.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		snap := ts.Snapshot()
		total := snap.Total()
		if ok(total) {
			return
		}
		if time.Now().After(deadline) {
			ts.t.Fatalf("%s: not so after 5 s: %+v", what, total)
		}
		time.Sleep(time.Millisecond)
	}
}

// posted waits until n late answers are known to the first role: that is after they were sent.
func (ts *testServer) posted(n int32) {
	ts.t.Helper()
	ts.eventually("late answers posted", func(Counters) bool { return ts.roles[0].finished.n.Load() == n })
}

// A testNAS sends packets from one socket.
type testNAS struct {
	t    testing.TB
	conn *net.UDPConn
}

func newNAS(t testing.TB, to netip.AddrPort) *testNAS {
	t.Helper()
	return newNASFrom(t, netip.Addr{}, to)
}

func newNASFrom(t testing.TB, from netip.Addr, to netip.AddrPort) *testNAS {
	t.Helper()
	var local *net.UDPAddr
	if from.IsValid() {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	conn, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &testNAS{t, conn}
}

// makePacket makes a request whose authenticator is filled with one octet.
func makePacket(code radius.Code, id, auth byte, body string) []byte {
	b := []byte{byte(code), id, 0, 0}
	b = append(b, bytes.Repeat([]byte{auth}, 16)...)
	b = append(b, body...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

func (n *testNAS) send(id, auth byte, body string) {
	n.t.Helper()
	n.sendCode(radius.CodeAccessRequest, id, auth, body)
}

func (n *testNAS) sendCode(code radius.Code, id, auth byte, body string) {
	n.t.Helper()
	if _, err := n.conn.Write(makePacket(code, id, auth, body)); err != nil {
		n.t.Fatal(err)
	}
}

// receive gives the next reply as "CODE ID BODY".
func (n *testNAS) receive() string {
	n.t.Helper()
	n.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	var b [4096]byte
	size, err := n.conn.Read(b[:])
	if err != nil {
		n.t.Fatalf("no reply: %v", err)
	}
	return strings.TrimSpace(radius.Code(b[0]).String() + " " + string('0'+rune(b[1])) + " " + string(b[20:size]))
}

func (n *testNAS) expect(want string) {
	n.t.Helper()
	if got := n.receive(); got != want {
		n.t.Fatalf("reply %q, want %q", got, want)
	}
}

func TestAnswer(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		ts := startServer(t, newFakeWay(), o)
		n := newNAS(t, ts.Addrs()[0])
		n.send(1, 7, "bob")
		n.expect("Access-Accept 1 bob")
		n.send(2, 7, "reject")
		n.expect("Access-Reject 2 reject")
		n.send(3, 7, "drop")
		n.send(4, 7, "alice")
		n.expect("Access-Accept 4 alice")
		ts.eventually("counters", func(c Counters) bool {
			return c.Received == 4 && c.Requests[codeIndex(radius.CodeAccessRequest)] == 4 &&
				c.Replies[codeIndex(radius.CodeAccessAccept)] == 2 && c.Verdicts[Reject] == 1 &&
				c.Verdicts[Drop] == 1 && c.Reasons[ReasonBackend] == 1
		})
		if got := ts.way.ended.Load(); got != 4 {
			t.Errorf("done was called %d times, want 4", got)
		}
	})
}

// TestRepliesAreCounted: whoever has a reply finds it in the counters.
func TestRepliesAreCounted(t *testing.T) {
	bothBatchers(t, func(t *testing.T, o Options) {
		ts := startServer(t, newFakeWay(), o)
		n := newNAS(t, ts.Addrs()[0])
		for i := range uint64(2000) {
			n.send(byte(i), byte(i>>8), "bob")
			n.receive()
			snap := ts.Snapshot()
			if got := snap.Total().Verdicts[Accept]; got != i+1 {
				t.Fatalf("%d replies are counted, %d have come", got, i+1)
			}
		}
	})
}

func TestMalformedIsCounted(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.conn.Write([]byte("short"))
	n.conn.Write(nil) // an empty datagram
	n.send(1, 1, "x")
	n.expect("Access-Accept 1 x")
	ts.eventually("malformed", func(c Counters) bool { return c.Reasons[ReasonMalformed] == 2 })
}

func TestDefectCostsOneRequest(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 1, "defect")
	n.send(2, 1, "x")
	n.expect("Access-Accept 2 x")
	ts.eventually("defect", func(c Counters) bool { return c.Reasons[ReasonInternal] == 1 && c.Verdicts[Drop] == 1 })
}

func TestStatusServerIsLimited(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{StatusRate: 3})
	n := newNAS(t, ts.Addrs()[0])
	for range 20 { // two seconds at most: six answers
		n.sendCode(radius.CodeStatusServer, 1, 1, "s")
	}
	ts.eventually("rate limit", func(c Counters) bool {
		return c.Received == 20 && c.Reasons[ReasonRateLimit] >= 14 && c.Reasons[ReasonRateLimit] <= 17 && c.Resent == 0
	})
}

// RFC 2865 s4.1 wants a NAS to name itself; who does not is answered and counted, Status-Server apart.
func TestNamelessIsCounted(t *testing.T) {
	ts := startServer(t, newFakeWay(), Options{})
	n := newNAS(t, ts.Addrs()[0])
	n.send(1, 1, "bob")
	n.expect("Access-Accept 1 bob")
	n.sendCode(radius.CodeStatusServer, 2, 1, "s")
	ts.eventually("nameless", func(c Counters) bool { return c.Received == 2 && c.Nameless == 1 })
	for _, typ := range []radius.Type{radius.TypeNASIPAddress, radius.TypeNASIdentifier, typeNASIPv6Address} {
		var s seen
		if s.look(radius.AppendAttribute(nil, typ, []byte("name"))); !s.named {
			t.Errorf("attribute %d does not name a NAS", typ)
		}
	}
}
