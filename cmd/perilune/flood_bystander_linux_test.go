package main

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/radius"
)

// A bystander is a NAS that asks now and then, one request after the other, and waits a little for each. Every tenth is a
// Status-Server.
type bystander struct {
	conn    net.Conn
	logins  *logins
	session radius.Session
	id      byte
	sent    atomic.Uint64
}

// patience is how long it waits: less than any NAS.
const patience = 300 * time.Millisecond

func newBystander(t testing.TB, from, address string) *bystander {
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b := &bystander{conn: conn, logins: newLogins(99)}
	b.session.Use(radius.NewSecret(loopSecret))
	return b
}

// A watched is what it has seen.
type watched struct {
	latency                spectrum
	lost                   uint64 // not answered within its patience
	status, statusAnswered uint64
}

func (w *watched) String() string {
	return fmt.Sprintf("%d logins answered, %d not within %v, p50 %v, p99 %v; Status-Server %d of %d", w.latency.total, w.lost, patience,
		w.latency.quantile(0.5), w.latency.quantile(0.99), w.statusAnswered, w.status)
}

// watch asks a hundred times a second at most.
func (b *bystander) watch(duration time.Duration) *watched {
	w := &watched{}
	begun := time.Now()
	for i := 1; time.Since(begun) < duration; i++ {
		next := time.Now().Add(10 * time.Millisecond)
		if i%10 == 0 {
			w.status++
			if took := b.ask(b.statusServer()); took < patience {
				w.statusAnswered++
			}
			continue
		}
		b.logins.n++
		if took := b.ask(b.logins.pap(fmt.Sprintf("u%04d", i%enduranceUsers), fmt.Sprintf("pw%04d", i%enduranceUsers))); took < patience {
			w.latency.add(took)
		} else {
			w.lost++
		}
		time.Sleep(time.Until(next))
	}
	return w
}

// ask gives how long the reply took, patience if none came.
func (b *bystander) ask(packet []byte) time.Duration {
	b.id++
	packet[1] = b.id
	if packet[0] == byte(radius.CodeStatusServer) {
		b.session.SignRequest(packet)
	}
	begun := time.Now()
	b.conn.SetReadDeadline(begun.Add(patience))
	b.conn.Write(packet)
	b.sent.Add(1)
	auth := radius.Authenticator(packet[4:20])
	buf := make([]byte, radius.MaxPacketLen)
	for {
		n, err := b.conn.Read(buf)
		if err != nil {
			return patience
		}
		if p, err := radius.Parse(buf[:n]); err == nil && p.Identifier == b.id {
			if _, err := b.session.VerifyReply(buf[:n], &auth); err == nil {
				return min(time.Since(begun), patience)
			}
		}
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
