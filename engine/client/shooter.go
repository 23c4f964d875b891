package client

import (
	"context"
	"net/netip"
	"time"
)

// Bounds of one turn of a shooter.
const (
	longestPause  = 50 * time.Millisecond  // so that the end of the run is not missed
	shortestPause = 100 * time.Microsecond // at high rates what is due within it goes out together
	longestRest   = time.Millisecond       // without a look for replies
	fewestOut     = 16                     // requests in flight from which on a closed loop lingers
	fewestFires   = 16                     // calls into which a backlog of an open loop is parted
)

// shooter is some of the sockets of a load; one goroutine uses it.
type shooter struct {
	load     *Load
	composer composer
	burst    *burst
	ports    []port
	schedule schedule
	turn     int   // the port whose turn it is in an open loop
	hungry   []int // ports that may send more in a closed loop
	began    time.Time
	stopped  time.Time // the end of sending
	sweeper  sweeper
	inAir    int
	buf      [burstSize][]byte
	from     [burstSize]int32
	batch    [][]byte
	verifier verifier
	looked   time.Time     // when replies were last read
	linger   time.Duration // a closed loop's, for more replies to come

	sent, bad, lost uint64
	wrong, late     uint64
	replies         [256]uint64
	latencies       histogram
}

// shooter makes the i-th of n. Sockets and requests in flight are dealt out evenly.
func (l *Load) shooter(server netip.AddrPort, i, n int) (*shooter, error) {
	s := &shooter{
		load: l, composer: l.composer(i, n), schedule: schedule{next: i, stride: n, rate: l.Rate},
		ports: make([]port, (l.Sockets+n-1-i)/n), batch: make([][]byte, 0, burstSize),
		verifier: newVerifier(),
	}
	for j := range s.ports {
		s.ports[j].share = l.share(i + j*n)
		s.hungry = append(s.hungry, j)
	}
	var err error
	s.burst, err = newBurst(l, server, len(s.ports))
	return s, err
}

// share gives how many requests socket i may have in flight in a closed loop.
func (l *Load) share(i int) int { return (l.Outstanding + l.Sockets - 1 - i) / l.Sockets }

// run shoots until the end, then collects.
func (s *shooter) run(ctx context.Context, began time.Time) {
	s.began, s.sweeper.at, s.looked = began, began, began
	end := began.Add(s.load.Duration)
	now := time.Now()
	for ; now.Before(end) && ctx.Err() == nil; now = time.Now() {
		s.shoot(now)
		if s.load.Rate > 0 {
			s.openPause(now, end)
		} else {
			s.closedPause(now, end)
		}
		s.sweep(now)
	}
	s.stopped = now
	for last := now.Add(s.load.Wait); s.inAir > 0 && now.Before(last); now = time.Now() {
		s.collect(earlier(last, now.Add(longestPause)))
		s.sweep(now)
	}
	s.lost += uint64(s.inAir)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// openPause waits for what is due next. At high rates it sleeps meanwhile, and replies, whose time the kernel keeps, are
// read now and then: to wake for each would cost more than all else.
func (s *shooter) openPause(now, end time.Time) {
	left := s.schedule.due() - now.Sub(s.began)
	if left > longestRest {
		s.collect(earlier(now.Add(min(left, longestPause)), end))
		return
	}
	if left > 0 {
		s.burst.rest(max(left, shortestPause))
	}
	// Before others are sent, as the pause may have been a long one.
	if now = time.Now(); now.Sub(s.looked) > s.patience() {
		s.collect(now)
	}
}

// patience is how long an open loop may leave replies unread: not until a socket's identifiers come round again.
func (s *shooter) patience() time.Duration {
	return min(longestRest, time.Duration(64*s.load.Sockets)*time.Second/time.Duration(s.load.Rate))
}

// closedPause waits for replies. Where few come at a time it lets more of them come together, but never so many that the
// server could run out of requests.
func (s *shooter) closedPause(now, end time.Time) {
	out := s.inAir
	s.burst.rest(s.linger)
	s.collect(earlier(now.Add(min(s.load.Wait, longestPause)), end))
	switch came := out - s.inAir; {
	case out < fewestOut || came > out/2:
		s.linger /= 2
	case came < out/8:
		s.linger = min(max(2*s.linger, shortestPause/8), 2*shortestPause)
	}
	if s.linger < shortestPause/8 {
		s.linger = 0
	}
}

// shoot sends what is due.
func (s *shooter) shoot(now time.Time) {
	at := int64(now.Sub(s.began))
	if s.load.Rate > 0 {
		s.hungry = s.hungry[:0]
		s.shootDue(at)
		return
	}
	for _, i := range s.hungry {
		for p := &s.ports[i]; p.inAir < p.share; {
			for p.inAir < p.share && len(s.batch) < burstSize {
				p.skip()
				s.aim(p, at)
			}
			s.fire(i)
		}
	}
	s.hungry = s.hungry[:0]
}

// shootDue sends what an open loop has to send by now, in turns over the sockets, but one round of them at most, so
// that replies are read meanwhile. A backlog goes out in runs on each socket, for fewer system calls.
func (s *shooter) shootDue(now int64) {
	run := min(1+s.schedule.backlog(now)/fewestFires, burstSize)
	for range s.ports {
		p := &s.ports[s.turn]
		for len(s.batch) < run && int64(s.schedule.due()) <= now {
			due := int64(s.schedule.due())
			if now-due > int64(LateAfter) {
				s.late++
			}
			s.aim(p, due)
			s.schedule.next += s.schedule.stride
		}
		if len(s.batch) == 0 {
			return
		}
		s.fire(s.turn)
		s.turn = (s.turn + 1) % len(s.ports)
	}
}

// aim makes the next request of a port. One with its identifier that is still out is given up.
func (s *shooter) aim(p *port, due int64) {
	at := &p.slots[p.next]
	s.giveUp(p, at)
	n := len(s.batch)
	s.buf[n] = s.composer.compose(s.buf[n][:0], p.next, at)
	s.from[n] = at.from
	s.batch = append(s.batch, s.buf[n])
	at.out, at.due = true, due
	p.next++
	p.inAir++
	s.inAir++
}

// fire sends the batch through socket i.
func (s *shooter) fire(i int) {
	s.burst.send(i, s.batch, s.from[:len(s.batch)])
	s.sent += uint64(len(s.batch))
	s.batch = s.batch[:0]
}

// collect takes the replies that have come, at least one unless the time comes first.
func (s *shooter) collect(until time.Time) {
	ready := s.burst.wait(until)
	for _, i := range ready {
		for range 256 / burstSize {
			if s.read(i) < burstSize {
				break
			}
		}
		s.hungry = append(s.hungry, i)
	}
	s.verify()
	if len(ready) < burstSize { // else others may have something, too
		s.looked = time.Now()
	}
}

// read takes a burst of datagrams of socket i.
func (s *shooter) read(i int) int {
	datagrams := s.burst.receive(i)
	now := time.Now()
	for _, d := range datagrams {
		s.take(i, d.raw, d.since(s.began, now))
	}
	return len(datagrams)
}

// schedule says when each request of an open loop is due: request n of all shooters n/rate seconds after the
// beginning, so that sockets do not send in step.
type schedule struct{ next, stride, rate int }

func (s *schedule) due() time.Duration {
	seconds, part := s.next/s.rate, s.next%s.rate
	return time.Duration(seconds)*time.Second + time.Duration(part)*time.Second/time.Duration(s.rate)
}

// backlog gives about how many requests are due by now.
func (s *schedule) backlog(now int64) int {
	return max(int((now-int64(s.due()))/(int64(time.Second)*int64(s.stride)/int64(s.rate)+1)), 0)
}
