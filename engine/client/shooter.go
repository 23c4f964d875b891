package client

import (
	"context"
	"net"
	"time"

	"perilune/engine/radius"
)

// Bounds of one turn of a shooter.
const (
	longestPause = 50 * time.Millisecond // so that the end of the run is not missed
	largestBatch = 128                   // under 256, so that a batch never has one identifier twice
)

// shooter is one socket with its 256 identifiers; one goroutine uses it.
type shooter struct {
	load     *Load
	conn     *net.UDPConn
	burst    burst
	composer composer
	share    int // requests in flight in a closed loop
	slots    [256]slot
	next     byte
	inAir    int
	began    time.Time
	swept    time.Time
	stopped  time.Time // the end of sending
	buf      [largestBatch][]byte
	batch    [][]byte

	sent, bad, lost uint64
	wrong, late     uint64
	replies         [256]uint64
	latencies       histogram
}

// shooter makes the i-th; the requests in flight are dealt out evenly.
func (l *Load) shooter(i int) (*shooter, error) {
	conn, err := net.Dial("udp", l.Address)
	if err != nil {
		return nil, err
	}
	s := &shooter{
		load: l, conn: conn.(*net.UDPConn), composer: l.composer(i, l.Sockets),
		share: (l.Outstanding + l.Sockets - 1 - i) / l.Sockets,
	}
	s.conn.SetReadBuffer(4 << 20) // the kernel may grant less
	if s.burst, err = newBurst(s.conn); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// run shoots until the end, then collects.
func (s *shooter) run(ctx context.Context, began time.Time) {
	end, due := began.Add(s.load.Duration), began
	s.began, s.swept = began, began
	for {
		now := time.Now()
		if !now.Before(end) || ctx.Err() != nil {
			s.stopped = now
			break
		}
		due = s.shoot(now, due)
		s.collect(now.Add(s.pause(now, due)))
		s.sweep(time.Now())
	}
	for last := s.stopped.Add(s.load.Wait); s.inAir > 0 && time.Now().Before(last); {
		s.collect(earlier(last, time.Now().Add(longestPause)))
		s.sweep(time.Now())
	}
	s.lost += uint64(s.inAir)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// pause gives how long to wait for replies before there is something to send again.
func (s *shooter) pause(now, due time.Time) time.Duration {
	if s.load.Rate == 0 {
		return min(s.load.Wait, longestPause)
	}
	return min(max(due.Sub(now), 50*time.Microsecond), longestPause)
}

// shoot sends what is due and gives the time when the next request is.
func (s *shooter) shoot(now, due time.Time) time.Time {
	s.batch = s.batch[:0]
	if s.load.Rate == 0 {
		for s.inAir < s.share && len(s.batch) < largestBatch {
			s.skip()
			s.aim(now)
		}
	} else {
		for gap := time.Second * time.Duration(s.load.Sockets) / time.Duration(s.load.Rate); !due.After(now) && len(s.batch) < largestBatch; {
			if now.Sub(due) > LateAfter {
				s.late++
			}
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

// skip goes to an identifier that is not out: a slow answer must not be counted as a lost one because
// others were quick.
func (s *shooter) skip() {
	for s.slots[s.next].out {
		s.next++
	}
}

// aim makes the next identifier's packet. One that is still out is given up.
func (s *shooter) aim(due time.Time) {
	at := &s.slots[s.next]
	s.giveUp(at)
	buf := &s.buf[len(s.batch)]
	*buf = s.composer.compose((*buf)[:0], s.next, at, [4]byte{127, 0, 0, 1})
	at.out, at.due = true, int64(due.Sub(s.began))
	s.batch = append(s.batch, *buf)
	s.next++
	s.inAir++
}

func (s *shooter) giveUp(at *slot) {
	if at.out {
		at.out = false
		s.lost++
		s.inAir--
	}
}

// sweep gives up what waits too long, so that lost requests do not take the places of others.
func (s *shooter) sweep(now time.Time) {
	if now.Sub(s.swept) < min(s.load.Wait/8, longestPause) {
		return
	}
	s.swept = now
	oldest := int64(now.Sub(s.began) - s.load.Wait)
	for i := range s.slots {
		if at := &s.slots[i]; at.out && at.due <= oldest {
			s.giveUp(at)
		}
	}
}

// collect takes the replies that have come, at least one unless the deadline comes first.
func (s *shooter) collect(deadline time.Time) {
	replies := s.burst.receive(deadline)
	got := time.Now()
	for _, raw := range replies {
		s.take(raw, got)
	}
}

func (s *shooter) take(raw []byte, got time.Time) {
	p, err := radius.Parse(raw)
	if err != nil || !p.Code.Answers(s.load.code()) || !s.slots[p.Identifier].out {
		s.bad++
		return
	}
	at := &s.slots[p.Identifier]
	if _, err := s.composer.session.VerifyReply(raw[:p.Len()], &at.auth); err != nil {
		s.bad++
		return
	}
	at.out = false
	s.inAir--
	s.replies[p.Code]++
	if s.load.wrongly(p.Code, at.wrong) {
		s.wrong++
	}
	s.latencies.add(got.Sub(s.began) - time.Duration(at.due))
}
