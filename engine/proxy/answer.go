package proxy

import (
	"errors"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// receiveSize is the number of datagrams of one system call.
const receiveSize = 16

// A reader takes the answers of one socket. Its goroutine ends when the socket is closed.
type reader struct {
	socket   *socket
	home     *home
	session  radius.Session
	receiver *receiver
	answers  [receiveSize]answer
	n        int
}

// An answer is one datagram on its way from the socket to its exchange.
type answer struct {
	packet radius.Packet
	raw    []byte // to the packet's Length
	slot   slot   // as it was when the answer was verified, without x
	signed bool
	late   bool      // it answers the request that had the identifier before
	x      *Exchange // taken: the answer is for it
}

func newReader(k *socket) *reader {
	r := &reader{socket: k, home: k.home}
	r.session.Use(k.home.secret)
	return r
}

// run reads until the socket is closed.
func (r *reader) run() {
	r.receiver = newReceiver(r.socket.raw, r.socket.conn, r.home.forwarder.o.Poll)
	for {
		n, err := r.receiver.receive()
		switch {
		case err == nil && n > 0:
			r.batch(n)
		case err == nil:
			runtime.Gosched()
		case errors.Is(err, os.ErrDeadlineExceeded): // Wake
			r.socket.conn.SetReadDeadline(time.Time{})
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, syscall.ECONNREFUSED):
			r.home.unreachable()
		default:
			time.Sleep(tick) // an error that lasts must not spin
		}
	}
}

// unreachable takes the message of the network that nobody listens there. It is not proved, so it kills nobody.
func (h *home) unreachable() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count.Unreachable++
	if Health(h.health.Load()) == Up {
		h.doubt(h.forwarder.now())
	}
}

// batch takes n datagrams through: parse, look up, verify without the lock, take, done.
func (r *reader) batch(n int) {
	r.n = 0
	bad := uint64(0)
	for i := range n {
		if !r.parse(r.receiver.datagram(i)) {
			bad++
		}
	}
	r.lookUp(bad)
	for i := range r.n {
		r.verify(&r.answers[i])
	}
	now := r.home.forwarder.now()
	r.settle(now)
	for i := range r.n {
		if a := &r.answers[i]; a.x != nil {
			r.home.deliver(a, now)
			a.x = nil
		}
	}
}

// parse takes a datagram that is a reply.
func (r *reader) parse(datagram []byte) bool {
	p, err := radius.Parse(datagram)
	if err != nil || !p.Code.IsReply() {
		return false
	}
	r.answers[r.n] = answer{packet: p, raw: datagram[:p.Len()]}
	r.n++
	return true
}

// lookUp copies what the answers are to be verified with.
func (r *reader) lookUp(malformed uint64) {
	h := r.home
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count.Malformed += malformed
	for i := range r.n {
		a := &r.answers[i]
		a.slot = r.socket.slots[a.packet.Identifier]
		a.slot.x = nil // it would keep the exchange in memory until the next batch that is as large
	}
}

// verify checks what proves that the home server sent the answer, to this very request (RFC 2865 s3, 3579 s3.2).
// An answer to nothing is left without slot.code.
func (r *reader) verify(a *answer) {
	s := &a.slot
	if s.code == 0 { // the identifier was never used
		return
	}
	v, err := r.session.VerifyReply(a.raw, &s.auth)
	if err == radius.ErrBadAuthenticator && s.late {
		a.late = true
		v, err = r.session.VerifyReply(a.raw, &s.old)
	}
	a.signed = v.MessageAuthenticator
	if err != nil || !a.late && !a.packet.Code.Answers(s.code) { // RFC 2865 s4, 2866 s4, 5176 s2.1, 5997 s3
		s.code = 0
	}
}

// settle finds the exchanges that are answered and takes them out.
func (r *reader) settle(now int64) {
	h := r.home
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range r.n {
		a := &r.answers[i]
		s := &r.socket.slots[a.packet.Identifier]
		switch {
		case a.slot.code == 0:
			h.count.Invalid++
		case a.late:
			h.belated(&s.late, s.old == a.slot.old, now)
		case s.mark != a.slot.mark: // given to another request since
			h.belated(&s.late, s.old == a.slot.auth, now)
		case s.x == nil || !s.open:
			h.belated(&s.open, true, now)
		default:
			h.settled(s, a, now)
		}
	}
}

// belated counts a valid answer that nobody waits for. Once only: a repetition of it proves no life.
func (h *home) belated(open *bool, same bool, now int64) {
	h.count.Late++
	if same && *open {
		*open = false
		h.alive(now)
	}
}

// settled takes the exchange out whose answer this is, unless the answer cannot be taken; then it waits on.
func (h *home) settled(s *slot, a *answer, now int64) {
	x := s.x
	if h.unsigned(x, a) {
		h.count.Unsigned++
		return
	}
	h.alive(now)
	if !x.probe && !x.Direct && !marked(a.packet.Attributes, &s.mark) {
		h.count.Foreign++
		return
	}
	h.learn(a)
	h.count.answer(a.packet.Code, x.probe)
	if x.tries == 1 { // which of several sendings an answer is to cannot be told
		h.count.latency(now - x.sent)
	}
	s.open = false
	h.take(x, now)
	if !x.probe {
		a.x = x
	}
}

// unsigned reports whether the answer must carry Message-Authenticator and does not (RFC 3579 s3.2 for EAP;
// CVE-2024-3596). Answers to accounting never need one.
func (h *home) unsigned(x *Exchange, a *answer) bool {
	if a.signed || x.Code != radius.CodeAccessRequest {
		return false
	}
	mode := x.Realm.Require
	if mode == nas.Inherit {
		mode = h.forwarder.o.Require
	}
	return mode == nas.Yes || mode == nas.Auto && h.learnt.Load() || a.packet.Attributes.Offset(radius.TypeEAPMessage) >= 0 ||
		a.packet.Code != radius.CodeAccessReject && x.asksEAP()
}

// asksEAP reports a request with EAP-Message. Of the answers to it only a reject may do without EAP-Message, so that who
// forges an accept cannot get around Message-Authenticator by leaving both out (RFC 3579 s3.1).
func (x *Exchange) asksEAP() bool {
	return x.Received != nil && x.Received.Attributes.Offset(radius.TypeEAPMessage) >= 0
}

// learn turns the ratchet: a home server that signs one answer to a plain Access-Request signs all. EAP and
// Status-Server always demand it, so that they teach nothing.
func (h *home) learn(a *answer) {
	if a.signed && a.slot.code == radius.CodeAccessRequest && a.packet.Attributes.Offset(radius.TypeEAPMessage) < 0 {
		h.learnt.Store(true)
	}
}

// deliver ends an exchange with its reply. Nothing is locked.
func (h *home) deliver(a *answer, now int64) {
	x := a.x
	x.reply = append(x.reply[:0], a.raw...)
	x.Outcome, x.Signed, x.Reply = Answered, a.signed, a.packet
	x.Reply.Attributes = x.reply[radius.HeaderLen:]
	if !x.Direct {
		x.Reply.Attributes = unmark(x.Reply.Attributes)
	}
	var state uint64
	if x.Reply.Code == radius.CodeAccessChallenge {
		if value, ok := x.Reply.Attributes.Find(radius.TypeState); ok {
			state = h.forwarder.hash(value)
		}
	}
	h.converse(x.state, state)
	h.forwarder.finish(x, now)
}
