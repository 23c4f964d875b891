package backend

import (
	"errors"
	"sync"
	"time"

	"perilune/policy/module"
)

// A breaker stops calls to what has failed often: after so many failures in a row it is open for a while, then lets
// one call through, and closes if that goes well.
type breaker struct {
	fails    int // 0: it never opens
	cooldown time.Duration
	now      func() time.Time

	mu     sync.Mutex // protects all below
	row    int        // failures in a row
	until  time.Time  // when it is open: till then
	trying bool       // one call is under way that decides
}

var errOpen = errors.New("it has failed too often of late and is left alone for a while")

// allow reports whether a call may be made. done must be told how it went, and whether it was the one to try.
func (b *breaker) allow() (trial bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fails == 0 || b.row < b.fails:
		return false, nil
	case b.trying || b.now().Before(b.until):
		return false, &module.Failure{Kind: "breaker", Err: errOpen}
	}
	b.trying = true
	return true, nil
}

// done takes the outcome of a call that allow has let through. A trial that tells nothing leaves it to the next one.
func (b *breaker) done(trial bool, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if trial {
		b.trying = false
	}
	switch {
	case o == good:
		b.row = 0
	case o == bad:
		if b.row++; b.row >= b.fails {
			b.until = b.now().Add(b.cooldown)
		}
	}
}

// open reports whether calls are refused.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fails > 0 && b.row >= b.fails
}

// An outcome is what a call tells of its server.
type outcome int

const (
	mute outcome = iota // nothing: it was not asked, or had no time
	good
	bad
)

// guarded makes a call if the breaker lets it, and tells it the outcome. patience is the time that the call has at most.
func guarded[T any](b *breaker, patience time.Duration, call func() (T, error)) (v T, err error) {
	trial, err := b.allow()
	if err != nil {
		return v, err
	}
	began := time.Now()
	v, err = call()
	b.done(trial, judge(err, time.Since(began), patience))
	return v, err
}

// fairTime is how long a server must have had for its silence to count against it.
const fairTime = 100 * time.Millisecond

// judge says what the end of a call tells of the server.
func judge(err error, took, patience time.Duration) outcome {
	var misuse *module.Misuse
	if err == nil || errors.As(err, &misuse) {
		return good
	}
	switch kind := module.AsFailure(err).Kind; {
	case kind == "busy", kind == "timeout" && took < min(fairTime, patience):
		return mute
	}
	return bad
}
