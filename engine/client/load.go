package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"perilune/engine/radius"
)

// A Load measures a server of any make: many Access-Requests by PAP, from several sockets, either with a
// fixed number outstanding (closed loop) or at a fixed rate (open loop, latency counted from the time at
// which a request was due). Every reply's authenticator is checked.
type Load struct {
	Address     string        // host:port
	Secret      radius.Secret //
	Duration    time.Duration
	Sockets     int    // at least 1
	Outstanding int    // closed loop: requests in flight over all sockets, at most 256 for each
	Rate        int    // open loop: requests a second over all sockets; 0: closed loop
	Users       int    // names are made by NameFormat with numbers from 0 to Users-1
	NameFormat  string // like "user%07d@example.org"; one without % is used as it is
	Password    string // like "pw%07d", with the same number
	Sign        bool   // send Message-Authenticator
	Wait        time.Duration
}

// A LoadResult sums up a run.
type LoadResult struct {
	Sent, Bad uint64
	Replies   map[radius.Code]uint64
	Lost      uint64 // no reply within Wait
	Took      time.Duration
	latencies histogram
}

// Quantile gives the latency that the fraction q of the replies did not exceed, within 3 %.
func (r *LoadResult) Quantile(q float64) time.Duration { return r.latencies.quantile(q) }

// Worst gives the highest latency.
func (r *LoadResult) Worst() time.Duration { return r.latencies.worst }

// Answered gives the number of valid replies.
func (r *LoadResult) Answered() (n uint64) {
	for _, c := range r.Replies {
		n += c
	}
	return n
}

// Run sends until Duration is over or ctx ends, then waits for what is still out.
func (l *Load) Run(ctx context.Context) (*LoadResult, error) {
	if l.Sockets < 1 || l.Users < 1 || l.Outstanding < 1 && l.Rate < 1 || l.Outstanding > 256*l.Sockets {
		return nil, errors.New("sockets, users and outstanding or rate must be positive, with at most 256 outstanding for each socket")
	}
	shooters := make([]*shooter, l.Sockets)
	for i := range shooters {
		s, err := l.shooter(i)
		if err != nil {
			return nil, err
		}
		defer s.conn.Close()
		shooters[i] = s
	}
	began := time.Now()
	var wg sync.WaitGroup
	for _, s := range shooters {
		wg.Go(func() { s.run(ctx, began) })
	}
	wg.Wait()
	result := &LoadResult{Replies: map[radius.Code]uint64{}, Took: min(time.Since(began), l.Duration)}
	for _, s := range shooters {
		result.add(s)
	}
	return result, nil
}

func (r *LoadResult) add(s *shooter) {
	r.Sent, r.Bad, r.Lost = r.Sent+s.sent, r.Bad+s.bad, r.Lost+s.lost
	for code, n := range s.replies {
		if n > 0 {
			r.Replies[radius.Code(code)] += n
		}
	}
	r.latencies.merge(&s.latencies)
}

// slot is one identifier of one socket.
type slot struct {
	out    bool
	due    time.Time
	packet []byte
}

// shooter is one socket with its 256 identifiers; one goroutine uses it.
type shooter struct {
	load    *Load
	index   int
	conn    *net.UDPConn
	burst   burst
	session radius.Session
	slots   [256]slot
	next    byte
	user    int
	inAir   int
	nonce   [16]byte

	sent, bad, lost uint64
	replies         [256]uint64
	latencies       histogram
	batch           [][]byte
}

func (l *Load) shooter(i int) (*shooter, error) {
	conn, err := net.Dial("udp", l.Address)
	if err != nil {
		return nil, err
	}
	s := &shooter{load: l, index: i, conn: conn.(*net.UDPConn), user: i}
	s.conn.SetReadBuffer(4 << 20)
	s.session.Use(l.Secret)
	rand.Read(s.nonce[:])
	s.burst, err = newBurst(s.conn)
	return s, err
}

// run shoots until the end, then collects.
func (s *shooter) run(ctx context.Context, began time.Time) {
	end := began.Add(s.load.Duration)
	due := began
	for {
		now := time.Now()
		if now.After(end) || ctx.Err() != nil {
			break
		}
		due = s.shoot(now, due)
		s.collect(now, s.pause(now, due))
	}
	for last := time.Now().Add(s.load.Wait); s.inAir > 0 && time.Now().Before(last); {
		s.collect(time.Now(), time.Millisecond)
	}
	s.lost += uint64(s.inAir)
}

// pause gives how long to wait for replies before there is something to send again.
func (s *shooter) pause(now, due time.Time) time.Duration {
	if s.load.Rate == 0 {
		return s.load.Wait
	}
	return max(due.Sub(now), 50*time.Microsecond)
}

// shoot sends what is due and gives the time when the next request is.
func (s *shooter) shoot(now, due time.Time) time.Time {
	s.batch = s.batch[:0]
	if s.load.Rate == 0 {
		for share := s.load.Outstanding / s.load.Sockets; s.inAir < max(share, 1); {
			s.aim(now)
		}
	} else {
		for gap := time.Second * time.Duration(s.load.Sockets) / time.Duration(s.load.Rate); !due.After(now) && len(s.batch) < 128; {
			s.aim(due)
			due = due.Add(gap)
		}
	}
	if len(s.batch) > 0 {
		s.burst.send(s.batch)
		s.sent += uint64(len(s.batch))
	}
	return due
}

// aim makes the next identifier's packet. One that is still out is given up.
func (s *shooter) aim(due time.Time) {
	at := &s.slots[s.next]
	if at.out {
		s.lost++
		s.inAir--
	}
	at.packet = s.packet(at.packet[:0], s.next)
	at.out, at.due = true, due
	s.batch = append(s.batch, at.packet)
	s.next++
	s.inAir++
}

// packet makes an Access-Request with an authenticator that was never used: a counter in random octets is
// unique, which is all that a measurement needs.
func (s *shooter) packet(dst []byte, id byte) []byte {
	binary.BigEndian.PutUint64(s.nonce[8:], binary.BigEndian.Uint64(s.nonce[8:])+1)
	auth := radius.Authenticator(s.nonce)
	n := s.user % s.load.Users
	s.user += s.load.Sockets
	dst = append(dst, byte(radius.CodeAccessRequest), id, 0, 0)
	dst = append(dst, auth[:]...)
	if s.load.Sign {
		dst = radius.AppendAttribute(dst, radius.TypeMessageAuthenticator, make([]byte, 16))
	}
	name := len(dst)
	dst = append(dst, byte(radius.TypeUserName), 0)
	dst = numbered(dst, s.load.NameFormat, n)
	dst[name+1] = byte(len(dst) - name)
	hidden := len(dst)
	dst = append(dst, byte(radius.TypeUserPassword), 0)
	dst = s.session.HidePassword(dst, numbered(nil, s.load.Password, n), &auth)
	dst[hidden+1] = byte(len(dst) - hidden)
	dst = radius.AppendAttribute(dst, radius.TypeNASIPAddress, []byte{127, 0, 0, 1})
	dst = append(dst, 5, 6, 0, 0, 0, id) // NAS-Port
	radius.PutLength(dst)
	if s.load.Sign {
		s.session.SignRequest(dst)
	}
	return dst
}

// numbered appends the text with n in the place of its %d, or as it is without one.
func numbered(dst []byte, format string, n int) []byte {
	if strings.Contains(format, "%") {
		return fmt.Appendf(dst, format, n)
	}
	return append(dst, format...)
}

// collect takes the replies that come within wait.
func (s *shooter) collect(now time.Time, wait time.Duration) {
	replies := s.burst.receive(now.Add(wait))
	if len(replies) == 0 {
		if s.load.Rate == 0 && s.inAir > 0 && time.Since(now) >= s.load.Wait {
			s.giveUp()
		}
		return
	}
	got := time.Now()
	for _, raw := range replies {
		s.take(raw, got)
	}
}

func (s *shooter) giveUp() {
	for i := range s.slots {
		if s.slots[i].out {
			s.slots[i].out = false
			s.inAir--
			s.lost++
		}
	}
}

func (s *shooter) take(raw []byte, got time.Time) {
	if len(raw) < radius.HeaderLen || !s.slots[raw[1]].out {
		s.bad++
		return
	}
	at := &s.slots[raw[1]]
	var auth radius.Authenticator
	copy(auth[:], at.packet[4:])
	if _, err := s.session.VerifyReply(raw, &auth); err != nil {
		s.bad++
		return
	}
	at.out = false
	s.inAir--
	s.replies[raw[0]]++
	s.latencies.add(got.Sub(at.due))
}
