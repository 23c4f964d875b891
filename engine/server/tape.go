package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"perilune/engine/auth"
)

// A Truth is what is known of a request's password.
type Truth uint8

// The truths. A password that was compared with several stored ones is right if one of them fits.
const (
	Unchecked Truth = iota
	Wrong
	Right
)

// String gives the truth as records spell it.
func (t Truth) String() string { return [...]string{"not checked", "wrong", "right"}[t] }

// A Tape is what one request has met: the handlers that changed or decided something, and what backends told them.
// All methods may be called on nil, and then do nothing.
type Tape struct {
	Hooks []string
	Calls []BackendCall
	Lost  int // calls beyond the bounds

	revealed []string // secrets that scripts have read in states that the request has given away
}

// A BackendCall is one call of a backend. Ask and Answer may hold secrets.
type BackendCall struct {
	Of     string // "http otp"
	Ask    string // stands for the whole call; equal calls have equal ones
	Answer []byte // JSON, as the taker of it has made it; nil after a failure
	Fail   string // kind of the failure; "" for none
	Why    string // its text
	Misuse bool   // the script was to blame

	Answered bool // as module.Failure has it
}

// Bounds of a Tape.
const (
	tapeHooks  = 32
	tapeCalls  = 32
	tapeAnswer = 64 << 10 // octets of all answers together
)

// Note adds a call.
func (t *Tape) Note(c BackendCall) {
	if t == nil {
		return
	}
	size := len(c.Answer)
	for i := range t.Calls {
		size += len(t.Calls[i].Answer)
	}
	if len(t.Calls) >= tapeCalls || size > tapeAnswer {
		t.Lost++
		return
	}
	t.Calls = append(t.Calls, c)
}

func (t *Tape) touched(hook string) {
	if t != nil && hook != "" && len(t.Hooks) < tapeHooks && !slices.Contains(t.Hooks, hook) {
		t.Hooks = append(t.Hooks, hook)
	}
}

// Touched tells that a handler has changed or decided something. It costs a comparison if nobody wants to know.
func (r *Request) Touched(hook string) {
	if r.way.tape != nil {
		r.way.tape.touched(hook)
	}
}

// Tape gives what backends tell the request; nil if nobody wants to know.
func (r *Request) Tape() *Tape { return r.way.tape }

// Recorded is what is known of a request from the time when it was decided first. It takes the place of what cannot
// be had again, and gathers what was wanted and is not known.
type Recorded struct {
	Password Truth
	Real     bool  // the credentials are the real ones: they are compared anew, costly hashes aside
	Tape     *Tape // what backends said
	Missing  []string
	used     []bool // of Tape.Calls
	guessed  bool   // the last comparison had nothing to go by
	decided  bool   // the answer is made: what handlers want from now on cannot change it
}

// Missed notes what was wanted and is not known.
func (k *Recorded) Missed(what string) {
	if !k.decided && !slices.Contains(k.Missing, what) && len(k.Missing) < tapeCalls {
		k.Missing = append(k.Missing, what)
	}
}

// Recorded gives what is known of the request from before; nil for a request of today.
func (r *Request) Recorded() *Recorded { return r.way.recorded }

// Recall gives what was told to an equal call; of several equal calls each is given once, and then the last again.
// ok is false, and the call is noted as missing, if there was none.
func (k *Recorded) Recall(of, ask string) (c BackendCall, ok bool) {
	last := -1
	calls := k.calls()
	for i := range calls {
		if t := &calls[i]; t.Of == of && t.Ask == ask {
			last = i
			if !k.used[i] {
				break
			}
		}
	}
	if last >= 0 && calls[last].told() {
		k.used[last] = true
		return calls[last], true
	}
	k.Missed("the answer of " + of)
	return c, false
}

// RecallNext is Recall for a backend whose answers depend on the calls before: the call must be the next of that
// backend, as if nothing else had been asked.
func (k *Recorded) RecallNext(of, ask string) (c BackendCall, ok bool) {
	calls := k.calls()
	for i := range calls {
		t := &calls[i]
		if t.Of != of || k.used[i] {
			continue
		}
		if t.Ask != ask || !t.told() {
			break
		}
		k.used[i] = true
		return *t, true
	}
	k.Missed("the answer of " + of)
	return c, false
}

// calls gives what the tape has; used has a place for each of them.
func (k *Recorded) calls() []BackendCall {
	if k.Tape == nil {
		return nil
	}
	if k.used == nil {
		k.used = make([]bool, len(k.Tape.Calls))
	}
	return k.Tape.Calls
}

// told reports whether the call's answer or failure was kept.
func (b *BackendCall) told() bool { return b.Answer != nil || b.Fail != "" }

// compared remembers whether the password was right.
func (r *Request) compared(right bool) {
	if k := r.way.recorded; k != nil && k.guessed {
		k.Missed("whether the password is right")
		return
	}
	switch {
	case r.way.guess.throttled: // nobody has looked
	case right:
		r.way.truth = Right
	case r.way.truth == Unchecked:
		r.way.truth = Wrong
	}
}

// remembered gives the truth of a comparison from when the request was decided first. known is false if it is to be
// compared now.
func (r *Request) remembered(stored *auth.Stored) (right, known bool) {
	k := r.way.recorded
	if k == nil || k.Real && !stored.Costly() {
		return false, false
	}
	k.guessed = k.Password == Unchecked
	return k.Password == Right, true
}

type requestKey struct{}

// WithRequest gives a context that knows the request it is for. ctx itself if nobody wants to know what backends say.
func WithRequest(ctx context.Context, r *Request) context.Context {
	if r == nil || r.way.tape == nil && r.way.recorded == nil {
		return ctx
	}
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf gives the request that a context is for; nil if that does not matter.
func RequestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// KeyedAsk stands for a call where that itself must not be guessed from.
func KeyedAsk(key []byte, ask string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(ask))
	return hex.EncodeToString(m.Sum(nil)[:12])
}
