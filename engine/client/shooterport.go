package client

import (
	"time"

	"perilune/engine/radius"
)

// slot is one identifier of one socket and what its request was.
type slot struct {
	out     bool
	wrong   bool  // the password is not the user's
	from    int32 // which of the load's sources it left from
	due     int64 // nanoseconds since the run began
	auth    radius.Authenticator
	session session
}

// port is one socket's 256 identifiers.
type port struct {
	slots [256]slot
	next  byte
	inAir int
	share int // requests in flight in a closed loop
}

// skip goes to an identifier that is not out: a slow answer must not be counted as a lost one because
// others were quick.
func (p *port) skip() {
	for p.slots[p.next].out {
		p.next++
	}
}

func (s *shooter) giveUp(p *port, at *slot) {
	if at.out {
		at.out = false
		s.lost++
		p.inAir--
		s.inAir--
	}
}

// sweeper goes round the ports, a few at a time, so that thousands of them never hold up the sending.
type sweeper struct {
	at   time.Time // the last step
	port int       // the next one
}

// sweep gives up what waits too long, so that lost requests do not take the places of others.
func (s *shooter) sweep(now time.Time) {
	round := min(s.load.Wait/8, 2*longestPause)
	steps := min(int(now.Sub(s.sweeper.at)*time.Duration(len(s.ports))/round), len(s.ports))
	if steps == 0 {
		return
	}
	s.sweeper.at = now
	oldest := int64(now.Sub(s.began) - s.load.Wait)
	for range steps {
		s.sweepPort(s.sweeper.port, oldest)
		s.sweeper.port = (s.sweeper.port + 1) % len(s.ports)
	}
}

func (s *shooter) sweepPort(i int, oldest int64) {
	p := &s.ports[i]
	if p.inAir == 0 {
		return
	}
	for j := range p.slots {
		if at := &p.slots[j]; at.out && at.due <= oldest {
			s.giveUp(p, at)
			s.hungry = append(s.hungry, i)
		}
	}
}
