package proxy

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/radius"
)

// mirror is a home server that answers as fast as it can and allocates nothing: what is measured is the
// Forwarder, the mirror, and the kernel between them.
func mirror(t testing.TB, home *fakeHome) *net.UDPConn {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadBuffer(4 << 20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var s radius.Session
		s.Use(home.secret)
		in, out := make([]byte, radius.MaxPacketLen), make([]byte, 0, radius.MaxPacketLen)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(in)
			if err != nil {
				return
			}
			auth := radius.Authenticator(in[4:])
			out = append(out[:0], byte(radius.CodeAccessAccept), in[1], 0, 0)
			out = append(out, in[4:20]...)
			var zero [16]byte
			out = radius.AppendAttribute(out, radius.TypeMessageAuthenticator, zero[:])
			for attrs := radius.Attributes(in[20:n]); ; {
				t, v, rest, ok := attrs.Next()
				if !ok {
					break
				}
				if t == radius.TypeProxyState {
					out = radius.AppendAttribute(out, t, v)
				}
				attrs = rest
			}
			radius.PutLength(out)
			s.SignReply(out, &auth)
			conn.WriteToUDPAddrPort(out, from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn
}

func mirrored(t testing.TB) (*Forwarder, *Realm) {
	h := &fakeHome{secret: radius.NewSecret(fakeSecret)}
	h.conn = mirror(t, h)
	r := realmOf(h)
	r.Timeout = 5 * time.Second
	return startForwarder(t, ForwarderOptions{}, r), r
}

// benchCaller is a desk of a benchmark: what a server's encoder does, in small.
type benchCaller struct {
	Exchange
	attrs  []byte
	hidden []byte
	done   func(*benchCaller)
}

func newBenchCaller(r *Realm, done func(*benchCaller)) *benchCaller {
	c := &benchCaller{done: done}
	c.Code, c.Realm = radius.CodeAccessRequest, r
	c.attrs = append(attribute(radius.TypeUserName, "bob@example.net"), attribute(radius.TypeNASIdentifier, "nas-1.example.net")...)
	c.Received = &radius.Packet{Code: c.Code, Attributes: c.attrs}
	c.Encode = func(dst []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
		dst = append(dst, c.attrs...)
		c.hidden = s.HidePassword(c.hidden[:0], []byte("a password"), auth)
		return radius.AppendAttribute(dst, radius.TypeUserPassword, c.hidden), nil
	}
	c.Done = func(*Exchange) { c.done(c) }
	return c
}

func TestForwardAllocatesNothing(t *testing.T) {
	f, r := mirrored(t)
	wake := make(chan Outcome)
	c := newBenchCaller(r, func(c *benchCaller) { wake <- c.Outcome })
	s := f.NewSender()
	once := func() {
		if o := s.Forward(&c.Exchange); o != Pending {
			t.Fatalf("outcome %v", o)
		}
		s.Flush()
		if o := <-wake; o != Answered {
			t.Fatalf("outcome %v", o)
		}
	}
	for range 100 {
		once()
	}
	// The timers' goroutine and the runtime may allocate now and then.
	if n := testing.AllocsPerRun(2000, once); n > 0 {
		t.Errorf("%v allocations for each request", n)
	}
}

// BenchmarkForwardOne sends one request after the other: latency.
func BenchmarkForwardOne(b *testing.B) {
	f, r := mirrored(b)
	wake := make(chan struct{})
	c := newBenchCaller(r, func(*benchCaller) { wake <- struct{}{} })
	s := f.NewSender()
	b.ReportAllocs()
	for b.Loop() {
		s.Forward(&c.Exchange)
		s.Flush()
		<-wake
	}
}

// BenchmarkForwardBatch sends batches of 64 with up to 256 out, as a loop under load does.
func BenchmarkForwardBatch(b *testing.B) {
	f, r := mirrored(b)
	free := make(chan *benchCaller, 256)
	for range cap(free) {
		free <- newBenchCaller(r, func(c *benchCaller) { free <- c })
	}
	s := f.NewSender()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if o := s.Forward(&(<-free).Exchange); o != Pending {
			b.Fatal(o)
		}
		if n++; n%64 == 0 || len(free) == 0 {
			s.Flush()
		}
	}
	s.Flush()
}

// BenchmarkForwardSilent is what it costs to send, with thousands out and no answer: our own work alone and the
// system calls of sending.
func BenchmarkForwardSilent(b *testing.B) {
	h := newFakeHome(b, silent)
	r := realmOf(h)
	r.Timeout = 30 * time.Second
	f := startForwarder(b, ForwarderOptions{}, r)
	const out = 8192
	var dropped atomic.Int64
	list := make([]*benchCaller, out)
	for i := range list {
		list[i] = newBenchCaller(r, func(*benchCaller) { dropped.Add(1) })
	}
	s := f.NewSender()
	n := 0
	for b.Loop() {
		c := list[n%out]
		if home := c.home.Load(); home != nil {
			home.mu.Lock()
			home.take(&c.Exchange, f.now())
			home.mu.Unlock()
			c.route.inflight.Add(-1)
		}
		if o := s.Forward(&c.Exchange); o != Pending {
			b.Fatal(o)
		}
		n++
	}
	s.Flush()
}

func BenchmarkWheel(b *testing.B) {
	var w wheel
	list := make([]Exchange, 10_000)
	for i := range list {
		list[i].due = int64(i) * int64(3*time.Second) / int64(len(list))
		w.add(&list[i])
	}
	now, n := int64(0), 0
	for b.Loop() {
		x := &list[n%len(list)]
		w.remove(x)
		x.due = now + int64(3*time.Second)
		w.add(x)
		if n++; n%1000 == 0 {
			now += int64(tick)
			w.turn(now, 64, func(x *Exchange) { x.due = now + int64(3*time.Second); w.add(x) })
		}
	}
}
