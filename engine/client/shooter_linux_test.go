package client

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestShooterAllocatesNothing: a generator that collects garbage measures that.
func TestShooterAllocatesNothing(t *testing.T) {
	for _, l := range []Load{
		{Method: MethodPAP, Sign: true, Outstanding: 32},
		{Method: MethodCHAP, Outstanding: 32},
		{Method: MethodAcct, Outstanding: 32, Sources: 10, Source: netip.MustParseAddr("127.16.0.0")},
		{Rate: 1e6},
	} {
		l.Sockets, l.Users, l.NameFormat, l.Password = 2, 100, "user%07d", "pw%d"
		l.Secret, l.Wait = radius.NewSecret(testSecret), time.Minute
		e := newEcho(t)
		s, err := l.shooter(e.conn.LocalAddr().(*net.UDPAddr).AddrPort(), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer s.burst.close()
		s.began = time.Now()
		if n := testing.AllocsPerRun(50, func() { e.serve(t, s) }); n > 0 || s.bad+s.lost > 0 || s.latencies.total == 0 {
			t.Errorf("%s: %v allocations, %d bad, %d lost of %d", l.Method, n, s.bad, s.lost, s.sent)
		}
	}
}

// echo answers in the test's own goroutine, without an allocation.
type echo struct {
	conn    *net.UDPConn
	session radius.Session
	buf     [radius.MaxPacketLen]byte
}

func newEcho(t *testing.T) *echo {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	e := &echo{conn: conn}
	e.session.Use(radius.NewSecret(testSecret))
	return e
}

// serve lets the shooter send, at most 32 requests, answers all, and lets it collect.
func (e *echo) serve(t *testing.T, s *shooter) {
	if s.load.Rate > 0 {
		s.shootDue(int64(s.schedule.due()) + 20_000) // 21 are due
	} else {
		s.shoot(time.Now())
	}
	for range s.inAir {
		n, from, err := e.conn.ReadFromUDPAddrPort(e.buf[:])
		if err != nil || n < radius.HeaderLen {
			t.Fatal(n, err)
		}
		request := radius.Authenticator(e.buf[4:])
		if e.buf[0]++; s.load.Method == MethodAcct {
			e.buf[0] = byte(radius.CodeAccountingResponse)
		}
		reply := e.buf[:radius.HeaderLen]
		radius.PutLength(reply)
		e.session.SignReply(reply, &request)
		if _, err := e.conn.WriteToUDPAddrPort(reply, from); err != nil {
			t.Fatal(err)
		}
	}
	for until := time.Now().Add(time.Minute); s.inAir > 0 && time.Now().Before(until); {
		s.collect(until)
	}
}

// TestArrivalSince takes the kernel's time, however late a datagram is read, and none that has not come.
func TestArrivalSince(t *testing.T) {
	began := time.Now()
	now := began.Add(5 * time.Millisecond)
	for _, tc := range []struct {
		at   int64
		want time.Duration
	}{
		{0, 5 * time.Millisecond},
		{now.UnixNano() - 2e6, 3 * time.Millisecond},
		{now.UnixNano() + 2e6, 5 * time.Millisecond},
	} {
		a := arrival{at: tc.at}
		if got := time.Duration(a.since(began, now)); got != tc.want {
			t.Errorf("%d: %v; want %v", tc.at, got, tc.want)
		}
	}
}

// TestBurstStamps: this kernel does say when a datagram came.
func TestBurstStamps(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", always(radius.CodeAccessAccept))
	b, err := newBurst(&Load{}, netip.MustParseAddrPort(p.address()), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	c := ordered(p).composer(0, 1)
	sent := time.Now()
	b.send(0, [][]byte{c.compose(nil, 1, &slot{})}, []int32{0})
	if len(b.wait(sent.Add(time.Minute))) != 1 {
		t.Fatal("no reply")
	}
	got := b.receive(0)
	if len(got) != 1 || got[0].at < sent.UnixNano()-int64(time.Second) || got[0].at > time.Now().UnixNano() {
		t.Errorf("%+v, sent at %d", got, sent.UnixNano())
	}
}
