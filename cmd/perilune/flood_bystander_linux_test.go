package main

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/radius"
)

// A bystander is a NAS that asks a hundred times a second, whether it is answered or not. Every tenth is a Status-Server.
type bystander struct {
	conn    net.Conn
	logins  *logins
	session radius.Session
	id      byte
	out     map[byte]enquiry
	sent    atomic.Uint64
}

// An enquiry is a request that is out.
type enquiry struct {
	begun  time.Time
	auth   radius.Authenticator
	status bool
}

// patience is how long it waits: less than any NAS.
const patience = time.Second

func newBystander(t testing.TB, from, address string) *bystander {
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b := &bystander{conn: conn, logins: newLogins(99), out: map[byte]enquiry{}}
	b.session.Use(radius.NewSecret(loopSecret))
	return b
}

// A watched is what it has seen.
type watched struct {
	latency                spectrum
	asked, lost            uint64 // logins; those not answered within its patience
	status, statusAnswered uint64
}

func (w *watched) String() string {
	return fmt.Sprintf("%d logins answered, %d not within %v, p50 %v, p99 %v; Status-Server %d of %d", w.latency.total, w.lost, patience,
		w.latency.quantile(0.5), w.latency.quantile(0.99), w.statusAnswered, w.status)
}

// watch asks for a time, and waits for the last answers.
func (b *bystander) watch(duration time.Duration) *watched {
	w := &watched{}
	b.out = map[byte]enquiry{}
	begun := time.Now()
	for i := 1; i == 1 || time.Since(begun) < duration; i++ {
		next := time.Now().Add(10 * time.Millisecond)
		if i%10 == 0 {
			w.status++
			b.ask(b.statusServer())
		} else {
			w.asked++
			b.logins.n++
			b.ask(b.logins.pap(fmt.Sprintf("u%04d", i%enduranceUsers), fmt.Sprintf("pw%04d", i%enduranceUsers)))
		}
		b.listen(w, next, false)
	}
	b.listen(w, time.Now().Add(patience), true)
	w.lost = w.asked - w.latency.total
	return w
}

func (b *bystander) ask(packet []byte) {
	b.id++
	packet[1] = b.id
	if packet[0] == byte(radius.CodeStatusServer) {
		b.session.SignRequest(packet)
	}
	b.out[b.id] = enquiry{time.Now(), radius.Authenticator(packet[4:20]), packet[0] == byte(radius.CodeStatusServer)}
	b.conn.Write(packet)
	b.sent.Add(1)
}

// listen takes answers until a time, or until all have come.
func (b *bystander) listen(w *watched, until time.Time, last bool) {
	b.conn.SetReadDeadline(until)
	buf := make([]byte, radius.MaxPacketLen)
	for !last || len(b.out) > 0 {
		n, err := b.conn.Read(buf)
		if err != nil {
			return
		}
		b.take(w, buf[:n])
	}
}

func (b *bystander) take(w *watched, raw []byte) {
	p, err := radius.Parse(raw)
	if err != nil {
		return
	}
	a, ok := b.out[p.Identifier]
	if !ok {
		return
	}
	if _, err := b.session.VerifyReply(raw, &a.auth); err != nil {
		return
	}
	delete(b.out, p.Identifier)
	switch took := time.Since(a.begun); {
	case took >= patience:
	case a.status:
		w.statusAnswered++
	default:
		w.latency.add(took)
	}
}

// statusServer makes a Status-Server (RFC 5997), which ask signs.
func (b *bystander) statusServer() []byte {
	auth := radius.NewAuthenticator()
	p := append([]byte{byte(radius.CodeStatusServer), 0, 0, 0}, auth[:]...)
	p = radius.AppendAttribute(p, radius.TypeMessageAuthenticator, make([]byte, 16))
	radius.PutLength(p)
	return p
}
