package dictionary

import (
	"strings"
	"time"
)

// dateLayouts are the forms of a date, with a zone, then without: those mean local time. The GNU form
// writes the month by three letters or more.
var dateLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
	"Jan 2 2006 15:04:05 MST", "Jan 2 2006 15:04:05", "Jan 2 2006 15:04", "Jan 2 2006",
	"2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006",
}

// ParseDate reads a date as Expiration and the attributes of type date take it: "2026-01-05T09:00:00Z",
// "2026-01-05 09:00", "Jan 05 2026", "January 5 2026 09:00:00", "5 Jan 2026". Without a zone zone is meant.
func ParseDate(text string, zone *time.Location) (time.Time, bool) {
	text = shortMonth(text)
	for _, layout := range dateLayouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// shortMonth joins the words of a date by one space, cuts a month to three letters and drops commas.
func shortMonth(text string) string {
	words := strings.Fields(strings.ReplaceAll(text, ",", " "))
	for i, w := range words {
		for m := time.January; len(w) >= 3 && m <= time.December; m++ {
			if len(w) <= len(m.String()) && strings.EqualFold(w, m.String()[:len(w)]) {
				words[i] = m.String()[:3]
			}
		}
	}
	return strings.Join(words, " ")
}
