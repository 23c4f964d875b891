package users

import (
	"testing"
	"time"
	_ "time/tzdata" // the changes of the clocks are the same on every machine
)

func TestLoginTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04:05", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		text, now string
		left      time.Duration
		limited   bool
		ok        bool
	}{
		{"Any", "2026-01-05 09:00:00", 0, false, true},
		{"Never", "2026-01-05 09:00:00", 0, true, false},
		{"Never,Mo", "2026-01-05 09:00:00", 15 * time.Hour, true, true},
		{"Wk0855-2305,Su1655-2305|Sa", "2026-01-05 08:54:59", 0, true, false},
		{"Wk0855-2305,Su1655-2305|Sa", "2026-01-05 08:55:00", 14*time.Hour + 10*time.Minute, true, true},
		{"Wk0855-2305,Su1655-2305|Sa", "2026-01-05 23:04:58", 2 * time.Second, true, true},
		{"Wk0855-2305,Su1655-2305|Sa", "2026-01-05 23:05:00", 0, true, false},
		{"Wk0855-2305,Su1655-2305|Sa", "2026-01-10 12:00:00", 12 * time.Hour, true, true},
		{"Mo-Fr0800-1700", "2026-01-09 16:00:00", time.Hour, true, true},
		{"Fr-Mo", "2026-01-04 16:00:00", 32 * time.Hour, true, true},
		{"MoWe2200-0600", "2026-01-06 05:00:00", time.Hour, true, true},
		{"Sa2200-0600", "2026-01-11 05:00:00", time.Hour, true, true},
		{"any0000-2359", "2026-01-05 23:59:30", 0, false, true},
		{"Mo0000-2359", "2026-01-05 23:59:30", 30 * time.Second, true, true},
		{"Mo0000-2400,Tu0000-0100", "2026-01-05 23:00:00", 2 * time.Hour, true, true},
		// The clocks go forward on 29 March 2026 at 2:00 and back on 25 October at 3:00.
		{"Su0100-0500", "2026-03-29 01:00:00", 3 * time.Hour, true, true},
		{"Su0100-0500", "2026-10-25 01:00:00", 5 * time.Hour, true, true},
	} {
		l, err := ParseLoginTime(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		left, limited, ok := l.Within(at(c.now), berlin)
		if left != c.left || limited != c.limited || ok != c.ok {
			t.Errorf("%s at %s: %v %v %v, want %v %v %v", c.text, c.now, left, limited, ok, c.left, c.limited, c.ok)
		}
	}
}

func TestLoginTimeErrors(t *testing.T) {
	for _, text := range []string{"", ",", "0800-1700", "Mo0800", "Mo0860-0900", "Mo2500-2600", "Mo2400-0100", "Mo-", "Mo-Any", "Wk-Fr", "Mo0800-1700x", "Mox"} {
		if _, err := ParseLoginTime(text); err == nil {
			t.Errorf("%q is understood", text)
		}
	}
}

func TestExpiration(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, zone)
	for text, want := range map[string]time.Duration{
		"Jan 05 2026":          -9 * time.Hour,
		"Jan 06 2026":          15 * time.Hour,
		"5 January 2026 10:00": time.Hour,
		"2026-01-05T09:00:01Z": time.Hour + time.Second,
	} {
		at, err := ParseExpiration(text, zone)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := at.Sub(now); got != want {
			t.Errorf("%s: %v left, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "never", "tomorrow", "Feb 30 2026"} {
		if at, err := ParseExpiration(text, zone); err == nil {
			t.Errorf("%q is understood as %v", text, at)
		}
	}
}
