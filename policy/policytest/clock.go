package policytest

import (
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// A clock stands until it is moved.
type clock struct {
	zone *time.Location
	t    time.Time
}

func newClock(zone *time.Location) *clock {
	if zone == nil {
		zone = time.Local
	}
	c := &clock{zone: zone}
	c.reset()
	return c
}

// reset puts the clock to a Monday noon in the server's zone.
func (c *clock) reset() { c.t = time.Date(2024, 1, 1, 12, 0, 0, 0, c.zone) }

func (c *clock) now() time.Time { return c.t }

// clockLayouts are the forms that clock.set reads beside epoch seconds; those without a zone are in the
// server's.
var clockLayouts = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02"}

// lastSecond is the end of the year 9999.
const lastSecond = 253_402_300_799

// read gives the time that a script writes.
func (c *clock) read(v lua.LValue) (time.Time, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		if !(v >= 0 && v <= lastSecond) { // a NaN, too
			return time.Time{}, false
		}
		whole, part := math.Modf(float64(v))
		return time.Unix(int64(whole), int64(part*float64(time.Second))).In(c.zone), true
	case lua.LString:
		for _, layout := range clockLayouts {
			if t, err := time.ParseInLocation(layout, string(v), c.zone); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// clockSet is clock.set(time). It jumps: a timer that is overdue then runs once, as after a machine has slept.
func (f *file) clockSet(l *lua.LState) int {
	f.running(l, "clock.set")
	t, ok := f.clock.read(l.Get(1))
	if !ok {
		sandbox.RaiseMisuse(l, `clock.set: got %v, expected epoch seconds or "2024-01-01 12:00"`, l.Get(1))
	}
	f.clock.t = t
	for i := range f.timers {
		due := &f.timers[i]
		if due.at.After(t) {
			due.at = minTime(due.at, t.Add(due.Interval))
			continue
		}
		due.at = t.Add(due.Interval)
		f.tick(l, due)
	}
	return 0
}

// clockAdvance is clock.advance(duration).
func (f *file) clockAdvance(l *lua.LState) int {
	f.running(l, "clock.advance")
	d, err := module.Duration("clock.advance", l.Get(1))
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	f.runTimers(l, f.clock.t.Add(d))
	return 0
}

// A due is when a timer runs next.
type due struct {
	policy.Timer
	at time.Time
}

// startTimers makes each due one interval from now, as the first load of a server does.
func (f *file) startTimers() {
	f.timers = f.timers[:0]
	for _, t := range f.view.Every() {
		f.timers = append(f.timers, due{t, f.clock.t.Add(t.Interval)})
	}
}

// maxTicks bounds what one advance runs of timers.
const maxTicks = 1_000

// runTimers moves the clock to a time, and runs each timer whenever it becomes due on the way.
func (f *file) runTimers(l *lua.LState, until time.Time) {
	for ticks := 0; ; ticks++ {
		var next *due
		for i := range f.timers {
			if t := &f.timers[i]; !t.at.After(until) && (next == nil || t.at.Before(next.at)) {
				next = t
			}
		}
		if next == nil {
			f.clock.t = until
			return
		}
		if ticks == maxTicks {
			sandbox.RaiseMisuse(l, "clock.advance: timers would run more than %d times, every(%q) among them; clock.set jumps and runs each once", maxTicks, next.Name)
		}
		f.clock.t = next.at
		next.at = next.at.Add(next.Interval)
		f.tick(l, next)
	}
}

// tick runs one timer. Its failure is logged, as the server does; what no mock answers ends the case.
func (f *file) tick(l *lua.LState, t *due) {
	sandbox.Charge(l, stepsPerTick)
	f.calling = l
	_ = f.view.Fire("every", t.Name)
	if f.astray != nil {
		sandbox.RaiseMisuse(l, "every %s: %s", t.Name, f.astray)
	}
}

// stepsPerTick is what a run of a timer costs the case, beside the steps of the timer itself.
const stepsPerTick = 1_000

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
