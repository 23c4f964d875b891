package module

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/users"
	"perilune/policy/sandbox"
)

func timeFunctions() []Function {
	f := func(name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "time", Name: name, Signature: signature, Doc: doc, call: call}
	}
	return []Function{
		f("now", "time.now()", "Epoch seconds, with milliseconds behind the point.", timeNow),
		f("format", "time.format(t, format [, zone])", "Text by strftime's conversions, %Y-%m-%d %H:%M:%S and so on.", timeFormat),
		f("parse", "time.parse(text [, zone])", "Epoch seconds of RFC 3339, 2026-01-05 [09:00[:00]], Jan 05 2026 and the like; nil and why if it is none.", timeParse),
		f("within", "time.within(spec, t [, zone])", "Whether t lies in Mo-Fr 08:00-18:00 or Wk0800-1800,Sa, and the seconds to the next change (nil: never).", timeWithin),
	}
}

func timeNow(l *lua.LState) int {
	return pushed(l, lua.LNumber(float64(From(l).now().UnixMilli())/1000))
}

// checkTime gives argument n as a time.
func checkTime(l *lua.LState, n int) time.Time {
	whole, fraction := math.Modf(sandbox.CheckNumber(l, n))
	if whole != whole || math.Abs(whole) > 1<<40 {
		sandbox.ArgError(l, n, "epoch seconds")
	}
	return time.Unix(int64(whole), int64(fraction*1e9))
}

// maxTimeText bounds formats, spans and texts of times. Each conversion of a format may be twenty octets of text.
const maxTimeText = 4096

// shortText gives argument n, a string that a person wrote.
func shortText(l *lua.LState, n int) string {
	text := textOctets(l, n)
	if len(text) > maxTimeText {
		sandbox.RaiseMisuse(l, "argument %d has %d octets, %d are allowed", n, len(text), maxTimeText)
	}
	return text
}

// zone gives argument n as a time zone; the server's without one.
func (e *Env) zone(l *lua.LState, n int) *time.Location {
	if l.Get(n) == lua.LNil {
		if e.Zone != nil {
			return e.Zone
		}
		return time.Local
	}
	name := sandbox.CheckString(l, n)
	zone, err := cached(&e.zones, name, func() (*time.Location, error) { return time.LoadLocation(name) })
	if err != nil || name == "" {
		sandbox.RaiseMisuse(l, "time zone %q is not known; expected one as \"Europe/Berlin\" or \"UTC\"", name)
	}
	return zone
}

func timeFormat(l *lua.LState) int {
	t := checkTime(l, 1).In(From(l).zone(l, 3))
	text, bad := sandbox.Strftime(t, shortText(l, 2))
	if bad != 0 {
		sandbox.RaiseMisuse(l, "unknown conversion %%%c in the format", bad)
	}
	return pushedText(l, text)
}

// timeLayouts are the forms that parse knows; those without a zone are in the given one.
var timeLayouts = []string{
	time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04", "2006-01-02", "Jan 02 2006 15:04:05", "Jan 02 2006 15:04", "Jan _2 2006", "02 Jan 2006 15:04:05",
	"_2 Jan 2006", time.RFC1123, time.RFC1123Z,
}

func timeParse(l *lua.LState) int {
	text, zone := strings.TrimSpace(shortText(l, 1)), From(l).zone(l, 2)
	if n, err := strconv.ParseUint(text, 10, 40); err == nil && len(text) > 4 {
		return pushed(l, lua.LNumber(n))
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return pushed(l, lua.LNumber(float64(t.UnixMilli())/1000))
		}
	}
	return failed(l, fmt.Sprintf("%q is no time; expected a form as 2026-01-05T09:00:00Z or 2026-01-05 09:00", text))
}

// timeWithin takes Login-Time's form, and the same with blanks before the hours and colons in them.
func timeWithin(l *lua.LState) int {
	e, spec, t := From(l), shortText(l, 1), checkTime(l, 2)
	span, err := cached(&e.spans, spec, func() (*users.LoginTime, error) {
		parsed, err := users.ParseLoginTime(strings.NewReplacer(" ", "", ":", "").Replace(spec))
		return &parsed, err
	})
	if err != nil {
		sandbox.RaiseMisuse(l, "time %q: expected days and hours as Mo-Fr 08:00-18:00 or Wk0800-1800,Sa", spec)
	}
	zone := e.zone(l, 3)
	left, limited, inside := span.Within(t, zone)
	if !inside {
		outside := *span
		for i := range outside {
			outside[i] = ^outside[i]
		}
		left, limited, _ = outside.Within(t, zone)
	}
	l.Push(lua.LBool(inside))
	if !limited {
		return 1 + pushed(l, lua.LNil)
	}
	return 1 + pushed(l, lua.LNumber(left/time.Second))
}
