package main

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"perilune/engine/radius"
)

// A flooder is a NAS that sends as many Access-Requests as it can. Each is new: its authenticator has a serial, which comes
// back as Proxy-State, so that each reply can be judged though nothing is remembered of the requests. All have one length,
// and the kernel cuts them out of large ones (UDP_SEGMENT), so that the sender costs less than the server.
type flooder struct {
	letter  string // users are u0000 and so on, or begin with another letter
	all     [][]byte
	prefix  [8]byte // of the authenticators
	sockets []*floodSocket
	serial  atomic.Uint64
	sent    atomic.Uint64
	sparing bool // in a flood only the first reply of each batch is judged, so that more can be sent
	floods  atomic.Bool
	wrong   atomic.Uint64
	both    sync.WaitGroup
}

// A floodSocket is one port. Its buffer belongs to whoever sends.
type floodSocket struct {
	conn  *net.UDPConn
	burst []byte
	got   atomic.Uint64
	sent  uint64
	id    byte
}

const (
	floodSockets = 16
	floodBurst   = 32 // datagrams of one system call
	floodUsers   = enduranceUsers
)

// floodPacket is a request by CHAP, whose challenge is an attribute: nothing in it depends on the authenticator.
func floodPacket(letter string, user int) []byte {
	const challenge = "sixteen octets.."
	sum := md5.Sum([]byte(fmt.Sprintf("cpw%04d%s", user, challenge)))
	p := append([]byte{byte(radius.CodeAccessRequest), 0, 0, 0}, make([]byte, 16)...)
	for _, a := range [][]byte{avp(33, "8 octets"), avp(1, fmt.Sprintf("%s%04d", letter, user)), avp(3, "c"+string(sum[:])), avp(60, challenge), avp(5, 1)} {
		p = append(p, a...)
	}
	radius.PutLength(p)
	return p
}

// floodSerial is where Proxy-State has its octets.
const floodSerial = 22

// newFlooder has sockets at the addresses in turn.
func newFlooder(t testing.TB, letter, address string, from ...string) *flooder {
	f := &flooder{letter: letter}
	for user := range floodUsers {
		f.all = append(f.all, floodPacket(letter, user))
	}
	rand.Read(f.prefix[:])
	for i := range floodSockets {
		s := newFloodSocket(t, from[i%len(from)], address, len(f.all[0]))
		f.sockets = append(f.sockets, s)
		f.both.Go(func() { f.receive(s) })
	}
	t.Cleanup(f.close)
	return f
}

func newFloodSocket(t testing.TB, from, address string, size int) *floodSocket {
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &floodSocket{conn: conn.(*net.UDPConn)}
	s.conn.SetReadBuffer(4 << 20)
	s.conn.SetWriteBuffer(4 << 20)
	raw, err := s.conn.SyscallConn()
	if err == nil {
		if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, size) }); e != nil {
			err = e
		}
	}
	if err != nil {
		t.Skipf("the kernel cuts no datagrams (UDP_SEGMENT): %v", err)
	}
	return s
}

func (f *flooder) close() {
	for _, s := range f.sockets {
		s.conn.Close()
	}
	f.both.Wait()
}

// shoot sends n new requests through a socket.
func (f *flooder) shoot(s *floodSocket, n int) {
	first := f.serial.Add(uint64(n)) - uint64(n)
	s.burst = s.burst[:0]
	for i := range uint64(n) {
		at := len(s.burst)
		s.burst = append(s.burst, f.all[(first+i)%floodUsers]...)
		p := s.burst[at:]
		s.id++
		p[1] = s.id
		copy(p[4:12], f.prefix[:])
		binary.BigEndian.PutUint64(p[12:20], first+i)
		binary.BigEndian.PutUint64(p[floodSerial:], first+i)
	}
	if _, err := s.conn.Write(s.burst); err == nil {
		f.sent.Add(uint64(n))
		s.sent += uint64(n)
	}
}

// receive judges replies: all must be accepts for the user of their serial.
func (f *flooder) receive(s *floodSocket) {
	conn := ipv4.NewPacketConn(s.conn)
	messages := make([]ipv4.Message, 64)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, radius.MaxPacketLen)}
	}
	var session radius.Session
	session.Use(radius.NewSecret(loopSecret))
	for {
		n, err := conn.ReadBatch(messages, 0)
		if err != nil {
			return
		}
		judged := n
		if f.floods.Load() && f.sparing {
			judged = 1
		}
		for i := range judged {
			if !f.judge(&session, messages[i].Buffers[0][:messages[i].N]) {
				f.wrong.Add(1)
			}
		}
		s.got.Add(uint64(n))
	}
}

func (f *flooder) judge(session *radius.Session, raw []byte) bool {
	p, err := radius.Parse(raw)
	if err != nil || p.Code != radius.CodeAccessAccept {
		return false
	}
	state, _ := p.Attributes.Find(radius.TypeProxyState)
	if len(state) != 8 {
		return false
	}
	var auth radius.Authenticator
	copy(auth[:], f.prefix[:])
	copy(auth[8:], state)
	if _, err := session.VerifyReply(raw, &auth); err != nil {
		return false
	}
	filter, _ := p.Attributes.Find(11)
	return string(filter) == fmt.Sprintf("%s%04d", f.letter, binary.BigEndian.Uint64(state)%floodUsers)
}

// closed keeps a number of requests out on each socket for a time.
func (f *flooder) closed(window int, duration time.Duration) {
	var all sync.WaitGroup
	for _, s := range f.sockets {
		all.Go(func() {
			base := s.got.Load()
			s.sent = 0
			for end, last := time.Now().Add(duration), time.Now(); time.Now().Before(end); {
				switch got := s.got.Load() - base; {
				case s.sent-min(got, s.sent) <= uint64(window-floodBurst):
					f.shoot(s, floodBurst)
					last = time.Now()
				case time.Since(last) > time.Second/2: // lost
					base, s.sent = s.got.Load(), 0
				default:
					time.Sleep(50 * time.Microsecond)
				}
			}
		})
	}
	all.Wait()
}

// settle waits until no more replies come.
func (f *flooder) settle() {
	for last := uint64(0); ; time.Sleep(300 * time.Millisecond) {
		got := uint64(0)
		for _, s := range f.sockets {
			got += s.got.Load()
		}
		if got == last {
			return
		}
		last = got
	}
}

// open sends at a rate until ctx ends, whatever comes back.
func (f *flooder) open(ctx context.Context, rate float64) {
	f.floods.Store(true)
	defer f.floods.Store(false)
	begun := time.Now()
	due, at := 0.0, 0
	for ctx.Err() == nil {
		owed := rate*time.Since(begun).Seconds() - due
		if owed < floodBurst {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		if owed > rate/100 { // it cannot send as much: what is missed is not made up
			due += owed - rate/100
		}
		f.shoot(f.sockets[at%floodSockets], floodBurst)
		due += floodBurst
		at++
	}
}
