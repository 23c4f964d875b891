package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// A Captor takes requests that are over: to write them down, or to decide them again by other files. Its methods
// are called on the packet path by many goroutines and never block.
type Captor interface {
	// Wants chooses a request at its beginning.
	Wants(r *Request) bool
	// Take gets one that was chosen, once it is decided. It owns what it gets, and shares it with nobody.
	Take(*Captured)
}

// A Captured is one request that is over, with what it was told and what was decided. Its lists are its own; Received
// and Reply hold secrets in clear text, so it may be kept in memory alone.
type Captured struct {
	Peer
	Time          time.Time
	Serial        uint64
	Generation    uint64
	Hash          string                 // of the generation
	Dictionary    *dictionary.Dictionary // of the lists
	Listener      string
	Code          radius.Code
	Authenticator radius.Authenticator // CHAP without CHAP-Challenge is over it
	Wire          radius.Attributes    // as received
	Secret        radius.Secret        // of the client; of two the one that has fitted
	Signed        bool                 // Message-Authenticator was there and right
	Received      dictionary.List      // as it came
	Method        string
	Password      Truth
	Answers, Asks string // ids of the challenges that it answers and makes; "" for none

	Verdict Kind
	Answer  radius.Code // 0: none was sent
	Reason  string
	Rule    string // users:42
	Hook    string
	Reply   dictionary.List // as it was sent

	Home *CapturedAnswer // nil: no home server was asked
	NAS  *CapturedAnswer // nil: no NAS was asked
	Tape *Tape

	Secrets []string // texts that must not be written down, wherever they stand
}

// A CapturedAnswer is what a home server or NAS has said.
type CapturedAnswer struct {
	Name   string // of the realm, or of the client
	Server string
	Result string      // as Proxied.Result
	Code   radius.Code // 0: none came
	Cause  uint32      // Error-Cause of a NAK; 0: none
	Reply  dictionary.List
}

// maxCaptors bounds those who take requests at once.
const maxCaptors = 8

// Capture gives requests that begin from now on to a captor, until stop is called; requests that were chosen before
// may still come. ok is false if there are too many.
func (c *Core) Capture(to Captor) (stop func(), ok bool) {
	if !c.captors.add(to, maxCaptors) {
		return func() {}, false
	}
	return func() { c.captors.remove(to) }, true
}

// elect asks the captors at the beginning of a request.
func (c *Core) elect(r *Request) {
	list := c.captors.all()
	if len(list) == 0 || r.Packet.Code == radius.CodeStatusServer {
		return
	}
	for _, to := range list {
		if to.Wants(r) {
			r.way.captors = append(r.way.captors, to)
		}
	}
	if len(r.way.captors) > 0 {
		r.way.tape = new(Tape)
	}
}

// capture gives a finished request to those who chose it.
func (c *Core) capture(r *Request) {
	if len(r.way.captors) == 0 {
		return
	}
	for _, to := range r.way.captors {
		to.Take(c.captureOf(r))
	}
	clear(r.way.captors)
	r.way.captors = r.way.captors[:0]
}

// captureOf copies all that is worth keeping of a request.
func (c *Core) captureOf(r *Request) *Captured {
	d := r.Generation.Dictionary
	k := &Captured{
		Peer: r.Peer, Time: r.Arrival, Serial: r.Serial, Generation: r.Generation.Number, Hash: r.Generation.Hash, Dictionary: d,
		Listener: r.Listener, Code: r.Packet.Code, Authenticator: r.Packet.Authenticator, Signed: r.way.verified,
		Method: r.Method, Password: r.way.truth, Verdict: r.Verdict, Reason: r.Reason, Rule: r.Rule(), Hook: r.Hook,
	}
	if k.Secret = r.Client.Secret; r.way.second {
		k.Secret = r.Client.Second
	}
	k.Wire = bytes.Clone(r.Packet.Attributes)
	r.decodeInto(&k.Received, r.Packet.Attributes)
	if state, ok := r.Packet.Attributes.Find(radius.TypeState); ok {
		k.Answers = chainID(state)
	}
	if packet, err := radius.Parse(r.out); err == nil {
		k.Answer = packet.Code
		r.decodeInto(&k.Reply, packet.Attributes)
		if state, ok := packet.Attributes.Find(radius.TypeState); ok {
			k.Asks = chainID(state)
		}
	}
	if r.way.tape != nil { // `done` handlers write on
		tape := *r.way.tape
		k.Tape = &tape
	}
	k.Home, k.NAS = r.homeAnswer(), r.nasAnswer()
	k.Secrets = r.secrets(k)
	return k
}

// decodeInto reads attributes of the request's packet or of its reply into a list of its own.
func (r *Request) decodeInto(dst *dictionary.List, attrs radius.Attributes) {
	var shared dictionary.List
	r.Generation.Dictionary.Decode(&shared, attrs, &r.Session, &r.Packet.Authenticator)
	shared.CopyTo(dst)
}

// chainID stands for a State where that itself must not be seen.
func chainID(state []byte) string {
	sum := sha256.Sum256(state)
	return hex.EncodeToString(sum[:8])
}

func (r *Request) homeAnswer() *CapturedAnswer {
	p := r.Proxied
	if p == nil || r.way.told != nil { // a NAS was asked
		return nil
	}
	a := &CapturedAnswer{Name: p.Realm, Server: p.Server, Result: p.Result, Code: resultCode(p.Result)}
	p.Reply.CopyTo(&a.Reply)
	return a
}

// resultCode gives the code behind Proxied.Result, 0 where no answer came.
func resultCode(result string) radius.Code {
	for _, code := range [...]radius.Code{radius.CodeAccessAccept, radius.CodeAccessReject, radius.CodeAccessChallenge, radius.CodeAccountingResponse} {
		if resultOf(code) == result {
			return code
		}
	}
	return 0
}

func (r *Request) nasAnswer() *CapturedAnswer {
	t := r.way.told
	if t == nil {
		return nil
	}
	a := &CapturedAnswer{Name: t.Client, Code: t.Code, Cause: t.ErrorCause}
	t.Attributes.CopyTo(&a.Reply)
	return a
}

// A revealer is a Runner that knows which secrets its scripts have read.
type revealer interface{ Revealed() []string }

// secrets gives what must not be written down: values of secret attributes, stored passwords, what scripts revealed.
func (r *Request) secrets(k *Captured) (list []string) {
	for _, l := range [...]*dictionary.List{&k.Received, &r.Attributes, &r.Control, &r.Reply, &k.Reply} {
		for i := range l.Pairs {
			p := &l.Pairs[i]
			if (p.Attr.Secret || p.Attr.Encrypt != dictionary.EncryptNone) && len(p.Value) >= minSecret && !slices.Contains(list, string(p.Value)) {
				list = append(list, string(p.Value))
			}
		}
	}
	r.keepRevealed()
	if k.Tape != nil {
		list = append(list, r.way.tape.revealed...)
	}
	return list
}

// keepRevealed remembers what scripts have revealed in a state that the request is about to give away.
func (r *Request) keepRevealed() {
	if r.way.tape == nil {
		return
	}
	rn, ok := r.Runner.(revealer)
	if !ok {
		return
	}
	for _, text := range rn.Revealed() {
		if !slices.Contains(r.way.tape.revealed, text) {
			r.way.tape.revealed = append(r.way.tape.revealed, text)
		}
	}
}
