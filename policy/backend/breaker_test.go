package backend

import (
	"errors"
	"testing"
	"time"

	"perilune/policy/module"
)

// TestBreaker: one call at a time tries an open breaker; one that tells nothing leaves it to the next.
func TestBreaker(t *testing.T) {
	now := time.Unix(0, 0)
	b := &breaker{fails: 2, cooldown: time.Minute, now: func() time.Time { return now }}
	call := func(want string, o outcome) {
		t.Helper()
		trial, err := b.allow()
		got := "call"
		if trial {
			got = "trial"
		}
		if err != nil {
			got = module.AsFailure(err).Kind
		}
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if err == nil {
			b.done(trial, o)
		}
	}
	call("call", bad)
	call("call", mute)
	call("call", good)
	call("call", bad)
	call("call", bad)
	call("breaker", good)
	now = now.Add(time.Minute)
	call("trial", mute)
	if trial, err := b.allow(); !trial || err != nil {
		t.Errorf("the next trial: %t, %v", trial, err)
	}
	call("breaker", good) // while the trial is under way
	b.done(false, bad)    // a call from before the breaker opened
	call("breaker", good)
	b.done(true, good)
	call("call", bad)
	if b.open() {
		t.Error("open after one failure")
	}
	never := &breaker{now: func() time.Time { return now }}
	for range 5 {
		if _, err := never.allow(); err != nil || never.open() {
			t.Error("a breaker without a bound opens")
		}
		never.done(false, bad)
	}
}

// TestJudge: what the end of a call says of its server.
func TestJudge(t *testing.T) {
	timeout := &module.Failure{Kind: "timeout", Err: errors.New("x")}
	for _, c := range []struct {
		err  error
		took time.Duration
		want outcome
	}{
		{nil, 0, good}, {timeout, time.Second, bad}, {timeout, 200 * time.Millisecond, bad}, {timeout, 20 * time.Millisecond, mute},
		{&module.Failure{Kind: "status", Err: errors.New("503")}, 0, bad}, {errors.New("refused"), 0, bad},
		{&module.Misuse{Err: errors.New("x")}, 0, good}, {module.ErrBusy, 0, mute},
	} {
		if got := judge(c.err, c.took, time.Second); got != c.want {
			t.Errorf("%v after %v: %v", c.err, c.took, got)
		}
	}
	if judge(timeout, 16*time.Millisecond, 15*time.Millisecond) != bad {
		t.Error("a server that had all its time is not blamed")
	}
}
