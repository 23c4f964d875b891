package users

import (
	"fmt"
	"strings"
	"time"
)

const (
	dayMinutes  = 24 * 60
	weekMinutes = 7 * dayMinutes
)

// A LoginTime says in which minutes of the week a user may log in: a bit for each, from Sunday 00:00 on.
// The zero LoginTime allows none.
type LoginTime [(weekMinutes + 63) / 64]uint64

// ParseLoginTime reads the value of Login-Time: spans separated by commas or bars, each one or more days
// (Su Mo Tu We Th Fr Sa, Wk for Monday to Friday, Any or Al for all, ranges as Mo-Fr) and perhaps hours
// as 0855-2305, which may pass midnight. The end is not in the span, except that 2359 means the end of the
// day. "Never" allows nothing. Case does not count.
func ParseLoginTime(text string) (LoginTime, error) {
	var l LoginTime
	for span := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '|' }) {
		if err := l.add(strings.TrimSpace(span)); err != nil {
			return LoginTime{}, fmt.Errorf(`Login-Time is %q; %v`, text, err)
		}
	}
	if strings.Trim(text, " ,|") == "" {
		return l, fmt.Errorf(`Login-Time is %q; expected spans such as "Wk0855-2305,Sa"`, text)
	}
	return l, nil
}

func (l *LoginTime) add(span string) error {
	if foldEqual(span, "never") {
		return nil
	}
	days, hours, err := parseDays(span)
	if err != nil {
		return err
	}
	from, to, err := parseHours(hours)
	if err != nil {
		return err
	}
	for day := range 7 {
		if days&(1<<day) != 0 {
			l.fill(day*dayMinutes+from, day*dayMinutes+to)
		}
	}
	return nil
}

// fill sets the minutes from one to before the other; they may go beyond the week's end.
func (l *LoginTime) fill(from, to int) {
	for m := from; m < to; m++ {
		i := m % weekMinutes
		l[i/64] |= 1 << (i % 64)
	}
}

func (l *LoginTime) allows(minute int) bool {
	minute %= weekMinutes
	return l[minute/64]&(1<<(minute%64)) != 0
}

// dayWords are the words for days, with the days they mean, Sunday in bit 0.
var dayWords = []struct {
	word string
	days uint8
	day  int // for ranges; -1 where there is none
}{
	{"any", 0x7f, -1}, {"al", 0x7f, -1}, {"wk", 0x3e, -1},
	{"su", 1 << 0, 0}, {"mo", 1 << 1, 1}, {"tu", 1 << 2, 2}, {"we", 1 << 3, 3},
	{"th", 1 << 4, 4}, {"fr", 1 << 5, 5}, {"sa", 1 << 6, 6},
}

// parseDays reads the days at the beginning of a span and gives what follows them.
func parseDays(span string) (days uint8, rest string, err error) {
	rest = span
	for first := true; ; first = false {
		i, n := dayWord(rest)
		if i < 0 && first {
			return 0, "", fmt.Errorf(`found %q, expected a day: Su Mo Tu We Th Fr Sa, Wk, Any or Never`, span)
		}
		if i < 0 {
			return days, rest, nil
		}
		days, rest = days|dayWords[i].days, rest[n:]
		if from := dayWords[i].day; from >= 0 && strings.HasPrefix(rest, "-") {
			j, n := dayWord(rest[1:])
			if j < 0 || dayWords[j].day < 0 {
				return 0, "", fmt.Errorf("found %q, expected a range of days such as Mo-Fr", span)
			}
			for d := from; d != dayWords[j].day; d = (d + 1) % 7 {
				days |= 1 << d
			}
			days, rest = days|dayWords[j].days, rest[1+n:]
		}
	}
}

func dayWord(s string) (i, length int) {
	for i, w := range dayWords {
		if n := len(w.word); len(s) >= n && foldEqual(s[:n], w.word) {
			return i, n
		}
	}
	return -1, 0
}

// parseHours reads "0855-2305" as minutes of the day; to is beyond the day if the span passes midnight.
func parseHours(s string) (from, to int, err error) {
	if s == "" {
		return 0, dayMinutes, nil
	}
	a, b, ok := strings.Cut(s, "-")
	from, ok1 := parseHour(a)
	to, ok2 := parseHour(b)
	if !ok || !ok1 || !ok2 || from == dayMinutes {
		return 0, 0, fmt.Errorf("found %q, expected hours such as 0855-2305", s)
	}
	if to <= from {
		to += dayMinutes
	}
	return from, to, nil
}

func parseHour(s string) (minutes int, ok bool) {
	if len(s) != 4 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	if n == 2359 {
		n = 2400
	}
	return n/100*60 + n%100, n <= 2400 && n%100 < 60
}

// Within reports whether now lies in the allowed time and how long that lasts from now, in whole seconds as
// they really pass: across a change of the clocks they differ from those on the wall. limited is false if
// the time never ends.
func (l *LoginTime) Within(now time.Time, zone *time.Location) (left time.Duration, limited, ok bool) {
	if zone == nil {
		zone = time.Local
	}
	now = now.In(zone)
	start := int(now.Weekday())*dayMinutes + now.Hour()*60 + now.Minute()
	if !l.allows(start) {
		return 0, true, false
	}
	n := 1
	for n < weekMinutes && l.allows(start+n) {
		n++
	}
	if n == weekMinutes {
		return 0, false, true
	}
	end := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute()+n, 0, 0, zone)
	left = end.Sub(now).Truncate(time.Second)
	return max(left, time.Second), true, true
}
