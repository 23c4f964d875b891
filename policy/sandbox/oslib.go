package sandbox

import (
	"math"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// osFunctions are what is left of section 5.8 of the Lua manual.
var osFunctions = map[string]lua.LGFunction{"time": osTime, "date": osDate}

func osTime(l *lua.LState) int {
	if l.Get(1) == lua.LNil {
		impure(l, "os.time")
		l.Push(lua.LNumber(Of(l).host.Now().Unix()))
		return 1
	}
	t := CheckTable(l, 1)
	at := time.Date(
		timeField(l, t, "year", math.MinInt), time.Month(timeField(l, t, "month", math.MinInt)),
		timeField(l, t, "day", math.MinInt), timeField(l, t, "hour", 12), timeField(l, t, "min", 0),
		timeField(l, t, "sec", 0), 0, time.Local)
	l.Push(lua.LNumber(at.Unix()))
	return 1
}

// timeField reads a field of a date table; MinInt as default says that it must be there.
func timeField(l *lua.LState, t *lua.LTable, key string, def int) int {
	v := t.RawGetString(key)
	if n, ok := numberOf(v); ok {
		return integerOf(n)
	}
	if v != lua.LNil || def == math.MinInt {
		RaiseMisuse(l, "field '%s' is %s in the date table, expected number", key, v.Type().String())
	}
	return def
}

func osDate(l *lua.LState) int {
	format := OptString(l, 1, "%c")
	at := Of(l).host.Now()
	if l.Get(2) != lua.LNil {
		at = time.Unix(int64(CheckInt(l, 2)), 0)
	} else {
		impure(l, "os.date")
	}
	if rest, utc := strings.CutPrefix(format, "!"); utc {
		format, at = rest, at.UTC()
	} else {
		at = at.Local()
	}
	if strings.HasPrefix(format, "*t") {
		l.Push(dateTable(l, at))
		return 1
	}
	text, bad := Strftime(at, format)
	if bad != 0 {
		RaiseMisuse(l, "unknown conversion %%%c in the date format", bad)
	}
	PushString(l, text)
	return 1
}

func dateTable(l *lua.LState, at time.Time) *lua.LTable {
	t := l.NewTable()
	for _, f := range []struct {
		key string
		n   int
	}{
		{"year", at.Year()}, {"month", int(at.Month())}, {"day", at.Day()}, {"hour", at.Hour()}, {"min", at.Minute()},
		{"sec", at.Second()}, {"wday", int(at.Weekday()) + 1}, {"yday", at.YearDay()},
	} {
		t.RawSetString(f.key, lua.LNumber(f.n))
	}
	t.RawSetString("isdst", lua.LBool(at.IsDST()))
	return t
}

// dateLayouts are the conversions of C's strftime that Go's layouts can say.
var dateLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02",
	'D': "01/02/06", 'e': "_2", 'F': "2006-01-02", 'h': "Jan", 'H': "15", 'I': "03", 'j': "002", 'm': "01",
	'M': "04", 'p': "PM", 'r': "03:04:05 PM", 'R': "15:04", 'S': "05", 'T': "15:04:05", 'x': "01/02/06",
	'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

// Strftime writes a time by C's strftime conversions, in the C locale. bad is the first conversion that it does
// not know, 0 if there is none.
func Strftime(at time.Time, format string) (text string, bad byte) {
	var out []byte
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out = append(out, format[i])
			continue
		}
		i++
		layout, ok := dateLayouts[format[i]]
		if ok {
			out = at.AppendFormat(out, layout)
			continue
		}
		if out, ok = appendDate(out, at, format[i]); !ok {
			return "", format[i]
		}
	}
	return string(out), 0
}

// appendDate writes the conversions that no layout says.
func appendDate(out []byte, at time.Time, conversion byte) ([]byte, bool) {
	switch conversion {
	case '%':
		return append(out, '%'), true
	case 'n':
		return append(out, '\n'), true
	case 't':
		return append(out, '\t'), true
	case 's':
		return appendNumber(out, float64(at.Unix())), true
	case 'u':
		return append(out, '1'+byte((at.Weekday()+6)%7)), true
	case 'w':
		return append(out, '0'+byte(at.Weekday())), true
	case 'V':
		_, week := at.ISOWeek()
		return append(out, '0'+byte(week/10), '0'+byte(week%10)), true
	case 'G':
		year, _ := at.ISOWeek()
		return appendNumber(out, float64(year)), true
	}
	return out, false
}
