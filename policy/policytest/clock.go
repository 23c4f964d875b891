package policytest

import (
	"time"

	lua "github.com/yuin/gopher-lua"

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

func (c *clock) set(l *lua.LState) int {
	switch v := l.Get(1).(type) {
	case lua.LNumber:
		c.t = time.Unix(0, int64(float64(v)*float64(time.Second))).In(c.zone)
		return 0
	case lua.LString:
		for _, layout := range clockLayouts {
			if t, err := time.ParseInLocation(layout, string(v), c.zone); err == nil {
				c.t = t
				return 0
			}
		}
	}
	sandbox.RaiseMisuse(l, `clock.set: got %v, expected epoch seconds or "2024-01-01 12:00"`, l.Get(1))
	return 0
}

func (c *clock) advance(l *lua.LState) int {
	d, err := module.Duration("clock.advance", l.Get(1))
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	c.t = c.t.Add(d)
	return 0
}
