package server

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// Some NASes repeat a request under a new identifier and authenticator. To find such twins the attributes with
// one of the dictionary's PROPERTY flags 1 to 9 are compared: as a setting, for a server or a client. A twin of
// a request in work is discarded; the answer, when it comes, goes out for both. If a home server is asked, and repeated
// by the NAS alone (retransmit=client), the twin counts as a repetition too: what was sent goes out there once more. A
// twin of one that is answered gets the same answer, made valid for it.
//
// This is beside RFC 5080 s2.2.2, so it has a memory of its own: requests that no flag is set for cost one
// comparison. It is bounded like the duplicate cache: the answer that was given first is forgotten.

// A fingerprint stands for source address, code and the flagged attributes of a request. It is a keyed hash of 128
// bits, so that no passwords are kept.
type fingerprint [2]uint64

// twins remembers prints for all roles: a NAS may change its port, and so the role.
type twins struct {
	seeds [2]maphash.Seed

	mu     sync.Mutex // protects all below
	known  map[fingerprint]*twin
	order  []*twin // those answered, by time of the answer
	octets int     // of their replies
	bound  int
}

// A twin is one request as far as its repetitions need it.
type twin struct {
	print    fingerprint
	first    origin
	answered time.Time // zero: in work
	reply    []byte    // for first
	newest   *origin   // what repeated it last while it was in work
	serial   uint64
	exchange atomic.Pointer[proxy.Exchange] // with a home server, where the client alone repeats; as that of unanswered
}

// An origin is all that makes a reply valid for one packet.
type origin struct {
	role          *role
	source        netip.AddrPort
	local         netip.Addr
	identifier    byte
	authenticator radius.Authenticator
	secret        radius.Secret
	proxyStates   []byte // attributes as they stand in the packet
	dictionary    *dictionary.Dictionary
}

const (
	twinRoom = 512     // octets that a twin takes beside its reply
	twinLife = 5 * 60  // seconds; the longest that answers are kept
	maxTwins = 1 << 16 // in work at the same time; further ones are not compared
)

func newTwins(bound int) *twins {
	return &twins{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, known: map[fingerprint]*twin{}, bound: bound}
}

// compareFlag gives the PROPERTY flag by which the request is compared; 0 for none.
func (r *Request) compareFlag() uint8 {
	switch r.Packet.Code {
	case radius.CodeAccessRequest:
		return r.Client.CompareFlag(r.Client.CompareAuth, r.Generation.Settings.CompareAuth)
	case radius.CodeAccountingRequest:
		return r.Client.CompareFlag(r.Client.CompareAcct, r.Generation.Settings.CompareAcct)
	}
	return 0
}

// repeated reports whether the request repeats another under a new identifier. It is then answered, or
// discarded if the answer is still to come. Else its print is kept for file.
func (ro *role) repeated(r *Request, s *slot, flag uint8) bool {
	t := ro.server.twins
	ro.flagged.Reset()
	if r.Generation.Dictionary.Decode(&ro.flagged, r.Packet.Attributes, &r.Session, &r.Packet.Authenticator) != nil {
		return false
	}
	p, ok := t.print(r, &ro.flagged, flag)
	if !ok {
		return false
	}
	r.way.print = p
	w, reply := t.lookup(p, r, s.local, ro.clock, keep(ro.generation, r.Client, r.Packet.Code))
	switch {
	case w == nil:
		return false
	case reply == nil:
		if x := w.exchange.Load(); x != nil {
			ro.server.steps.repeat(x, w.serial)
		}
		ro.fast.refuse(ReasonDuplicate)
	default:
		s.reply = ro.cache.hold(reply)
		ro.fast.Resent++
	}
	return true
}

// print is that of the flagged pairs; false if there are none. Two requests are twins if each flagged pair of
// the one equals the first pair of that attribute in the other, and the reverse: so one that holds an
// attribute twice, with different values, has no twin.
func (t *twins) print(r *Request, l *dictionary.List, flag uint8) (sum fingerprint, ok bool) {
	for i := range l.Pairs {
		p, flagged := &l.Pairs[i], l.Pairs[i].Attr.UserFlags&(1<<flag) != 0
		if !flagged && !r.proves(p) {
			continue
		}
		ok = ok || flagged
		if first := firstPair(l.Pairs, p.Attr); first == p {
			t.mix(&sum, p.Attr.Name, p.Value)
		} else if !bytes.Equal(first.Value, p.Value) {
			return fingerprint{}, false
		}
	}
	known := &r.Generation.Dictionary.Known
	if _, chap := l.First(known.CHAPPassword); chap {
		t.mix(&sum, "challenge", r.chapChallenge(l, known.CHAPChallenge))
	}
	source := r.Source.Addr().As16()
	t.mix(&sum, r.Source.Addr().Zone(), append(source[:], byte(r.Packet.Code), flag))
	return sum, ok
}

// firstPair gives the first pair of an attribute, which there is.
func firstPair(pairs []Pair, a *dictionary.Attribute) *Pair {
	i := 0
	for pairs[i].Attr != a {
		i++
	}
	return &pairs[i]
}

// proves reports attributes that are compared without a flag too: the answer to one credential must not be
// given to another. Of CHAP the challenge is a part: else a response that was overheard would be good for any.
func (r *Request) proves(p *Pair) bool {
	known := &r.Generation.Dictionary.Known
	switch p.Attr {
	case known.UserPassword, known.CHAPPassword, known.State, known.EAPMessage:
		return true
	}
	return p.Attr.Secret || p.Attr.Vendor != nil && p.Attr.Vendor.ID == vendorMicrosoft
}

// mix adds one part to a print; the order of the parts does not matter.
func (t *twins) mix(p *fingerprint, name string, value []byte) {
	for i := range p {
		var h maphash.Hash
		h.SetSeed(t.seeds[i])
		h.WriteString(name)
		h.WriteByte(0)
		h.Write(value)
		p[i] += h.Sum64()
	}
}

// lookup finds the request that r repeats; nil if there is none. reply is nil while that one is in work.
func (t *twins) lookup(p fingerprint, r *Request, local netip.Addr, now time.Time, keep time.Duration) (w *twin, reply []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w = t.known[p]
	if w == nil || !w.answered.IsZero() && now.Sub(w.answered) >= keep {
		return nil, nil
	}
	o := r.origin(local)
	if w.answered.IsZero() {
		if !o.same(&w.first) {
			w.newest = o
		}
		return w, nil
	}
	reply, err := w.first.resign(w.reply, o)
	if err != nil {
		return nil, nil
	}
	return w, reply
}

// file marks a request as in work, if its print was taken.
func (t *twins) file(r *Request, local netip.Addr) {
	if r.way.print == (fingerprint{}) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known)-len(t.order) >= maxTwins {
		return
	}
	w := &twin{print: r.way.print, first: *r.origin(local), serial: r.Serial}
	t.known[w.print] = w
	r.way.twin = w
}

// answered tells what became of a request; reply is empty if it got no answer. It gives a second reply and
// its addressee if the request was repeated meanwhile.
func (t *twins) answered(w *twin, reply []byte, now time.Time) (again []byte, to *origin) {
	w.exchange.Store(nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(reply) == 0 { // a discard or a drop leaves no entry
		if t.known[w.print] == w {
			delete(t.known, w.print)
		}
		return nil, nil
	}
	w.answered, w.reply = now, append([]byte(nil), reply...)
	to, w.newest = w.newest, nil
	t.order = append(t.order, w)
	t.octets += twinRoom + len(reply)
	for t.octets > t.bound || now.Sub(t.order[0].answered) > twinLife*time.Second {
		t.forget()
	}
	if to != nil {
		again, _ = w.first.resign(w.reply, to)
	}
	return again, to
}

// forget drops the oldest answer. The caller holds mu.
func (t *twins) forget() {
	w := t.order[0]
	t.order[0] = nil
	t.order = t.order[1:]
	t.octets -= twinRoom + len(w.reply)
	if t.known[w.print] == w {
		delete(t.known, w.print)
	}
}

// origin gives what a reply to the request needs, independent of the request's memory.
func (r *Request) origin(local netip.Addr) *origin {
	o := &origin{role: r.desk.role, source: r.Source, local: local, identifier: r.Packet.Identifier,
		authenticator: r.Packet.Authenticator, secret: r.Client.Secret, dictionary: r.Generation.Dictionary}
	if r.way.second {
		o.secret = r.Client.Second
	}
	for t, v := range r.Packet.Attributes.All() {
		if t == radius.TypeProxyState {
			o.proxyStates = radius.AppendAttribute(o.proxyStates, t, v)
		}
	}
	return o
}

func (o *origin) same(other *origin) bool {
	return o.identifier == other.identifier && o.authenticator == other.authenticator && o.source == other.source
}

// resign makes a reply to o valid for another packet: identifier, Proxy-State, what is encrypted with the
// Request Authenticator, Message-Authenticator and Response Authenticator.
func (o *origin) resign(reply []byte, to *origin) ([]byte, error) {
	packet, err := radius.Parse(reply)
	if err != nil {
		return nil, err
	}
	var was, is radius.Session
	was.Use(o.secret)
	is.Use(to.secret)
	b := append(make([]byte, 0, len(reply)+len(to.proxyStates)), byte(packet.Code), to.identifier, 0, 0)
	b = append(b, to.authenticator[:]...) // SignReply replaces it
	var list dictionary.List
	if err := to.dictionary.Decode(&list, packet.Attributes, &was, &o.authenticator); err != nil {
		return nil, err
	}
	if encrypted(&list) {
		b, err = to.encode(b, &list, &is)
	} else {
		b = appendWithout(b, packet.Attributes, radius.TypeProxyState)
	}
	if err != nil {
		return nil, err
	}
	if b, err = finish(append(b, to.proxyStates...)); err != nil {
		return nil, err
	}
	is.SignReply(b, &to.authenticator)
	return b, nil
}

// encode appends a reply's pairs but for Proxy-State, hidden anew.
func (o *origin) encode(b []byte, l *dictionary.List, s *radius.Session) (_ []byte, err error) {
	var salted Request
	for i := range l.Pairs {
		if p := &l.Pairs[i]; p.Attr != o.dictionary.Known.ProxyState {
			if b, err = dictionary.Encode(b, p, s, &o.authenticator, salted.nextSalt); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}

func encrypted(l *dictionary.List) bool {
	for i := range l.Pairs {
		if l.Pairs[i].Attr.Encrypt != dictionary.EncryptNone {
			return true
		}
	}
	return false
}

// appendWithout appends attributes as they stand, but for those of one type.
func appendWithout(b []byte, attrs radius.Attributes, without radius.Type) []byte {
	for t, v := range attrs.All() {
		if t != without {
			b = radius.AppendAttribute(b, t, v)
		}
	}
	return b
}

// repetitions tells a request's twin of its answer, and answers the packet that has repeated it meanwhile.
func (s *Server) repetitions(w *twin, reply []byte, now time.Time) {
	if w == nil {
		return
	}
	again, to := s.twins.answered(w, reply, now)
	if to == nil || len(again) == 0 {
		return
	}
	var oob [128]byte
	if err := sendTo(to.role.conn, again, to.source, to.local, oob[:0]); err != nil {
		to.role.late.failed(1)
	}
}

// repetitions does that for a late answer; one that nobody wants any more counts as none.
func (u *unanswered) repetitions() {
	if u.twin == nil {
		return
	}
	reply := u.reply
	if u.dead.Load() {
		reply = nil
	}
	u.role.server.repetitions(u.twin, reply, u.answered)
}
