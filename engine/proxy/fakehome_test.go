package proxy

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// fakeHome is a home server that does what its script says with each request.
type fakeHome struct {
	conn   *net.UDPConn
	secret radius.Secret

	mu     sync.Mutex
	script func(h *fakeHome, q question)
	seen   []question
	came   chan question
}

// A question is one request as it arrived.
type question struct {
	raw    []byte
	packet radius.Packet
	from   netip.AddrPort
	n      int // how many came before it
}

const fakeSecret = "a secret of the two of us"

func newFakeHome(t testing.TB, script func(*fakeHome, question)) *fakeHome {
	return newFakeHomeWith(t, fakeSecret, script)
}

func newFakeHomeWith(t testing.TB, secret string, script func(*fakeHome, question)) *fakeHome {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	h := &fakeHome{conn: conn, secret: radius.NewSecret(secret), script: script, came: make(chan question, 1<<16)}
	done := make(chan struct{})
	go h.run(done)
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return h
}

func (h *fakeHome) addr() netip.AddrPort { return h.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (h *fakeHome) run(done chan struct{}) {
	defer close(done)
	buf := make([]byte, radius.MaxPacketLen)
	for n := 0; ; n++ {
		size, from, err := h.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		q := question{raw: bytes.Clone(buf[:size]), from: from, n: n}
		q.packet, _ = radius.Parse(q.raw)
		h.mu.Lock()
		h.seen = append(h.seen, q)
		script := h.script
		h.mu.Unlock()
		script(h, q)
		select {
		case h.came <- q:
		default:
		}
	}
}

// play changes the script.
func (h *fakeHome) play(script func(*fakeHome, question)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.script = script
}

func (h *fakeHome) requests() []question {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]question(nil), h.seen...)
}

// wait gives the next request.
func (h *fakeHome) wait(t testing.TB) question {
	t.Helper()
	select {
	case q := <-h.came:
		return q
	case <-time.After(10 * time.Second):
		t.Fatal("no request came")
	}
	return question{}
}

// An answering is how a fake answers.
type answering struct {
	code     radius.Code // 0: accept, or what fits the request
	attrs    []byte      // after Message-Authenticator, before Proxy-State
	unsigned bool        // no Message-Authenticator
	states   func(radius.Attributes) []byte
	secret   string
	id       byte // added to the identifier
	last     []byte
	change   func([]byte) []byte
}

// build makes a signed answer.
func (h *fakeHome) build(q question, a answering) []byte {
	if a.code == 0 {
		a.code = radius.CodeAccessAccept
		if q.packet.Code == radius.CodeAccountingRequest {
			a.code, a.unsigned = radius.CodeAccountingResponse, true
		}
	}
	b := append([]byte{byte(a.code), q.packet.Identifier + a.id, 0, 0}, make([]byte, 16)...)
	if !a.unsigned {
		b = radius.AppendAttribute(b, radius.TypeMessageAuthenticator, make([]byte, 16))
	}
	b = append(b, a.attrs...)
	if a.states == nil {
		a.states = statesOf
	}
	b = append(b, a.states(q.packet.Attributes)...)
	b = append(b, a.last...)
	radius.PutLength(b)
	var s radius.Session
	s.Use(h.secret)
	if a.secret != "" {
		s.Use(radius.NewSecret(a.secret))
	}
	s.SignReply(b, &q.packet.Authenticator)
	if a.change != nil {
		b = a.change(b)
	}
	return b
}

func (h *fakeHome) answer(q question, a answering) { h.conn.WriteToUDPAddrPort(h.build(q, a), q.from) }

// statesOf gives the Proxy-States in order.
func statesOf(attrs radius.Attributes) (b []byte) {
	for t, v := range attrs.All() {
		if t == radius.TypeProxyState {
			b = radius.AppendAttribute(b, t, v)
		}
	}
	return b
}

// Scripts.
func accepts(h *fakeHome, q question) { h.answer(q, answering{}) }
func silent(*fakeHome, question)      {}

// caller is what serves one request in these tests.
type caller struct {
	Exchange
	attrs    []byte // what Encode appends
	password string
	done     chan Outcome
	calls    int
}

func newCaller(r *Realm) *caller {
	c := &caller{done: make(chan Outcome, 1)}
	c.Code, c.Realm = radius.CodeAccessRequest, r
	c.attrs = radius.AppendAttribute(nil, radius.TypeUserName, []byte("bob"))
	c.Encode = c.encode
	c.Done = func(x *Exchange) { c.done <- x.Outcome }
	return c
}

func (c *caller) encode(dst []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
	c.calls++
	dst = append(dst, c.attrs...)
	if c.password != "" {
		dst = radius.AppendAttribute(dst, radius.TypeUserPassword, s.HidePassword(nil, []byte(c.password), auth))
	}
	return dst, nil
}

// wait gives the outcome that Done told.
func (c *caller) wait(t testing.TB) Outcome {
	t.Helper()
	select {
	case o := <-c.done:
		if o != c.Outcome {
			t.Errorf("Done told %v, the exchange says %v", o, c.Outcome)
		}
		return o
	case <-time.After(15 * time.Second):
		t.Fatal("Done was not called")
	}
	return 0
}

// send forwards and waits.
func (c *caller) send(t testing.TB, f *Forwarder) Outcome {
	t.Helper()
	if o := f.Forward(&c.Exchange); o != Pending {
		return o
	}
	return c.wait(t)
}

// hasty is the timeout of tests that wait for it; others have patience, or a busy machine would fail them.
const hasty = 100 * time.Millisecond

// realmOf gives a realm with the fakes as its servers, one of each kind.
func realmOf(homes ...*fakeHome) *Realm {
	r := &Realm{Name: "a.net", Timeout: 3 * time.Second, Retries: 3, Auth: true, Acct: true, Require: nas.No, binding: new(binding)}
	for _, h := range homes {
		r.Servers = append(r.Servers, Server{Name: h.addr().String(), Auth: h.addr(), Acct: h.addr(), Dynamic: h.addr(), Secret: h.secret})
	}
	return r
}

func realmsOf(list ...*Realm) *Realms {
	rs := &Realms{exact: map[string]*Realm{}, folded: map[string]*Realm{}}
	for _, r := range list {
		rs.add(r)
	}
	return rs
}

// startForwarder starts one with the realms configured.
func startForwarder(t testing.TB, o ForwarderOptions, realms ...*Realm) *Forwarder {
	t.Helper()
	f := NewForwarder(o)
	t.Cleanup(f.Close)
	f.Configure(realmsOf(realms...))
	return f
}

// homeIn gives the Forwarder's state of a fake.
func homeIn(t testing.TB, f *Forwarder, h *fakeHome, kind Kind) *home {
	t.Helper()
	for _, known := range *f.homes.Load() {
		if known.address == h.addr() && known.kind == kind {
			return known
		}
	}
	t.Fatalf("%v is not known", h.addr())
	return nil
}

func (h *home) tally() Tally {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}
