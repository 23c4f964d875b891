package main

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/radius"
)

// How a lane repeats, as a NAS does: once a second. What need not be answered is given up sooner.
const (
	repeatAfter   = time.Second
	mostTries     = 15
	giveUp        = 16 * time.Second
	mostTriesMute = 3
	giveUpMute    = 8 * time.Second
)

// An errand is one request and what may be answered.
type errand struct {
	packet []byte // complete but for identifier and signature
	sign   bool   // as an Accounting-Request: the authenticator is over the packet
	cheap  bool   // its latency is that of the server itself
	mute   int    // 0: it must be answered; mayBeMute, mustBeMute
	// judge says what is wrong with a reply, if anything. low and high are the trees that may have made it.
	judge func(p *radius.Packet, low, high int64) wrong
	done  func(answered bool) // once it is over; may be nil
}

const (
	mayBeMute  = 1
	mustBeMute = 2
)

// A wrong is what is wrong with a reply.
type wrong uint8

const (
	right wrong = iota
	wrongAuthenticator
	wrongVerdict
	wrongUser
	wrongTree
	wrongMixture
	wrongAnswer
	numWrongs
)

var (
	wrongs     = []wrong{wrongAuthenticator, wrongVerdict, wrongUser, wrongTree, wrongMixture, wrongAnswer}
	wrongNames = [numWrongs]string{"", "bad authenticator", "another verdict", "another user's attributes", "of a tree that was not active", "of two trees at once", "an answer where none can be"}
)

// A toll counts what a lane has seen.
type toll struct {
	sent, again, answered, silent, lost, stray uint64
	wrong                                      [numWrongs]uint64
	late                                       uint64   // cheap ones slower than lateAfter
	skipped                                    uint64   // no identifier was free
	latency                                    spectrum // of cheap ones that were answered at the first try
}

// lateAfter is when a cheap login counts as late, for the peak.
const lateAfter = 100 * time.Millisecond

func (t *toll) add(o *toll) {
	t.sent, t.again, t.answered, t.silent = t.sent+o.sent, t.again+o.again, t.answered+o.answered, t.silent+o.silent
	t.lost, t.stray, t.late, t.skipped = t.lost+o.lost, t.stray+o.stray, t.late+o.late, t.skipped+o.skipped
	for i, n := range o.wrong {
		t.wrong[i] += n
	}
	t.latency.merge(&o.latency)
}

// A lane is one socket of a NAS, with its 256 identifiers.
type lane struct {
	e    *endurance
	conn net.Conn
	next func() (errand, bool) // the next request, false if there is none now
	rate atomic.Int64          // thousandths of a request a second

	mu            sync.Mutex // protects all below
	slots         [256]outstanding
	at            byte
	gone          [256][]radius.Authenticator // of the last requests under each identifier that were given up, or sent again; the newest last
	session       radius.Session
	window, total toll
}

// An outstanding is a request that is out, or the last one that was.
type outstanding struct {
	errand
	out    bool
	auth   radius.Authenticator
	sent   time.Time // first
	tries  int
	lowest int64 // tree at the first try
}

func newLane(e *endurance, address string, next func() (errand, bool)) *lane {
	conn, err := net.Dial("udp", address)
	if err != nil {
		e.t.Fatal(err)
	}
	conn.(*net.UDPConn).SetReadBuffer(4 << 20)
	l := &lane{e: e, conn: conn, next: next}
	l.session.Use(radius.NewSecret(loopSecret))
	over := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() { l.send(over) })
	both.Go(l.receive)
	e.t.Cleanup(func() {
		close(over)
		conn.Close()
		both.Wait()
	})
	return l
}

// send sends at the rate, and again what is not answered.
func (l *lane) send(over <-chan struct{}) {
	ticks := time.NewTicker(2 * time.Millisecond)
	defer ticks.Stop()
	last, owed, swept := time.Now(), 0.0, time.Now()
	for {
		select {
		case <-over:
			return
		case <-ticks.C:
		}
		now := time.Now()
		owed = min(owed+float64(l.rate.Load())/1000*now.Sub(last).Seconds(), 64) // what was missed for long is not made up
		last = now
		for ; owed >= 1; owed-- {
			l.start()
		}
		if now.Sub(swept) > 100*time.Millisecond {
			swept = now
			l.sweep(now)
		}
	}
}

// start sends a new request under a free identifier.
func (l *lane) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range len(l.slots) {
		if l.at++; !l.slots[l.at].out {
			break
		}
	}
	s := &l.slots[l.at]
	if s.out {
		l.count(func(t *toll) { t.skipped++ })
		return
	}
	errand, ok := l.next()
	if !ok {
		l.count(func(t *toll) { t.skipped++ })
		return
	}
	errand.packet[1] = l.at
	if errand.sign {
		l.session.SignRequest(errand.packet)
	}
	*s = outstanding{errand: errand, out: true, auth: radius.Authenticator(errand.packet[4:20]), sent: time.Now(), tries: 1, lowest: l.e.floor.Load()}
	l.count(func(t *toll) { t.sent++ })
	l.conn.Write(s.packet)
}

func (l *lane) count(f func(*toll)) {
	f(&l.window)
	f(&l.total)
}

// sweep repeats, and gives up.
func (l *lane) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.slots {
		s := &l.slots[i]
		tries, limit := mostTries, giveUp
		if s.mute > 0 {
			tries, limit = mostTriesMute, giveUpMute
		}
		switch waited := now.Sub(s.sent); {
		case !s.out:
		case waited >= limit:
			l.forget(i, s)
			l.end(s, false)
			l.count(func(t *toll) {
				if s.mute == 0 {
					t.lost++
				} else {
					t.silent++
				}
			})
		case waited >= time.Duration(s.tries)*repeatAfter && s.tries < tries:
			s.tries++
			l.count(func(t *toll) { t.again++ })
			l.conn.Write(s.packet)
		}
	}
}

// forget notes a request to which an answer may come later, when its identifier is another's.
func (l *lane) forget(id int, s *outstanding) {
	l.gone[id] = append(l.gone[id][max(0, len(l.gone[id])-7):], s.auth)
}

func (l *lane) end(s *outstanding, answered bool) {
	s.out = false
	if s.done != nil {
		s.done(answered)
	}
}

// receive judges the replies.
func (l *lane) receive() {
	buf := make([]byte, radius.MaxPacketLen)
	var session radius.Session
	session.Use(radius.NewSecret(loopSecret))
	for {
		n, err := l.conn.Read(buf)
		if err != nil {
			return
		}
		l.take(&session, buf[:n], time.Now())
	}
}

func (l *lane) take(session *radius.Session, raw []byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := radius.Parse(raw)
	if err != nil {
		l.count(func(t *toll) { t.wrong[wrongAuthenticator]++ })
		return
	}
	s := &l.slots[p.Identifier]
	if l.late(session, raw[:p.Len()], p.Identifier) {
		l.count(func(t *toll) { t.stray++ })
		return
	}
	if _, err := session.VerifyReply(raw[:p.Len()], &s.auth); err != nil || s.packet == nil || !p.Code.Answers(radius.Code(s.packet[0])) {
		l.count(func(t *toll) { t.wrong[wrongAuthenticator]++ })
		return
	}
	what := s.judge(&p, s.lowest, l.e.ceiling.Load())
	if s.mute == mustBeMute {
		what = wrongAnswer
	}
	took := now.Sub(s.sent)
	l.count(func(t *toll) {
		t.wrong[what]++
		if !s.out { // it was answered or given up before
			t.stray++
			return
		}
		t.answered++
		if s.cheap && s.tries == 1 {
			t.latency.add(took)
		}
		if s.cheap && took > lateAfter {
			t.late++
		}
	})
	if s.out {
		if s.tries > 1 { // each try may be answered
			l.forget(int(p.Identifier), s)
		}
		l.end(s, true)
	}
}

// late reports whether a reply is a right one to a request that is over.
func (l *lane) late(session *radius.Session, raw []byte, id byte) bool {
	for _, auth := range l.gone[id] {
		if _, err := session.VerifyReply(raw, &auth); err == nil {
			return true
		}
	}
	return false
}

func (l *lane) outNow() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.slots {
		if l.slots[i].out {
			n++
		}
	}
	return n
}

// window gives what was seen since the last call.
func (e *endurance) window() (sum toll) {
	for _, l := range e.lanes {
		l.mu.Lock()
		sum.add(&l.window)
		l.window = toll{}
		l.mu.Unlock()
	}
	return sum
}
