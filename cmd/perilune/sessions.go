package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"perilune/engine/acct"
)

// A shownSession is a session as the commands show it, in JSON by these names. Times are RFC 3339, in UTC.
type shownSession struct {
	User          string     `json:"user"`
	ReceivedUser  string     `json:"received_user,omitempty"`
	Realm         string     `json:"realm,omitempty"`
	Client        string     `json:"client"`
	NAS           string     `json:"nas"`
	NASAddress    string     `json:"nas_address"`
	NASPort       string     `json:"nas_port,omitempty"`
	ID            string     `json:"id"`
	Unique        string     `json:"unique"`
	Calling       string     `json:"calling,omitempty"`
	Called        string     `json:"called,omitempty"`
	FramedAddress string     `json:"framed_address,omitempty"`
	Started       time.Time  `json:"started"`
	Updated       time.Time  `json:"updated"`
	Ended         *time.Time `json:"ended,omitempty"`
	Seconds       int64      `json:"seconds"`
	Input         uint64     `json:"input"`
	Output        uint64     `json:"output"`
	Cause         string     `json:"cause,omitempty"`
}

// A sessionLine is one line of an answer: a session, or at the end the sums.
type sessionLine struct {
	Session *shownSession  `json:"session,omitempty"`
	Totals  *sessionTotals `json:"totals,omitempty"`
}

// sessionTotals are sums over all that match, not only over what is shown.
type sessionTotals struct {
	Sessions int        `json:"sessions"`
	Partial  bool       `json:"partial,omitempty"` // there may be more, which were not counted
	Open     int        `json:"open,omitempty"`
	Seconds  int64      `json:"seconds,omitempty"`
	Input    uint64     `json:"input,omitempty"`
	Output   uint64     `json:"output,omitempty"`
	First    *time.Time `json:"first,omitempty"`
	Last     *time.Time `json:"last,omitempty"`
}

func totalsOf(t acct.Totals) sessionTotals {
	out := sessionTotals{Sessions: t.Sessions, Open: t.Open, Seconds: int64(t.Time / time.Second), Input: t.Input, Output: t.Output}
	if t.Sessions > 0 {
		out.First, out.Last = &t.First, &t.Last
	}
	return out
}

func shownOf(s *acct.Session) *shownSession {
	out := &shownSession{
		User: s.User, Realm: s.Realm, Client: s.Client, NAS: s.NASIdentifier, NASAddress: s.NASAddress, NASPort: s.Port, ID: s.SessionID,
		Unique: s.Unique(), Calling: s.CallingStationID, Called: s.CalledStationID, FramedAddress: s.FramedAddress,
		Started: time.Unix(s.Begin, 0).UTC(), Updated: time.Unix(s.Updated, 0).UTC(), Seconds: s.Seconds, Input: s.Input, Output: s.Output,
		Cause: s.TerminateCause,
	}
	if s.UserName != s.User {
		out.ReceivedUser = s.UserName
	}
	if out.NAS == "" {
		out.NAS = s.Client
	}
	if out.FramedAddress == "" {
		out.FramedAddress = s.FramedIPv6Address
	}
	if !s.Open() {
		end := time.Unix(s.End, 0).UTC()
		out.Ended = &end
	}
	return out
}

// A sessionTable prints sessions as they come: a table of at most 100 columns, 80 where a terminal has no more, or a
// line of JSON each.
type sessionTable struct {
	w       io.Writer
	json    bool
	history bool
	narrow  bool // 80 columns are all there is
	now     time.Time
	rows    int
	totals  *sessionTotals
	each    func(*shownSession) // sees each; nil: nobody
}

// A column of the table: its widest text, cut with … beyond it, and that of 80 columns; 0: left out there.
type tableColumn struct {
	name          string
	width, narrow int
	text          func(t *sessionTable, s *shownSession) string
}

var whoColumns = []tableColumn{
	{"USER", 18, 17, func(_ *sessionTable, s *shownSession) string { return s.User }},
	{"NAS", 12, 10, func(_ *sessionTable, s *shownSession) string { return s.NAS }},
	{"PORT", 8, 5, func(_ *sessionTable, s *shownSession) string { return s.NASPort }},
	{"ADDRESS", 15, 15, func(_ *sessionTable, s *shownSession) string { return s.FramedAddress }},
	{"STATION", 17, 17, func(_ *sessionTable, s *shownSession) string { return s.Calling }},
	{"SINCE", 12, 0, func(t *sessionTable, s *shownSession) string { return t.when(s.Started) }},
	{"TIME", 6, 6, func(t *sessionTable, s *shownSession) string { return timeText(t.now.Sub(s.Started)) }},
}

var lastColumns = []tableColumn{
	{"USER", 18, 18, func(_ *sessionTable, s *shownSession) string { return s.User }},
	{"NAS", 12, 12, func(_ *sessionTable, s *shownSession) string { return s.NAS }},
	{"STATION", 17, 0, func(_ *sessionTable, s *shownSession) string { return s.Calling }},
	{"FROM", 12, 12, func(t *sessionTable, s *shownSession) string { return t.when(s.Started) }},
	{"TO", 12, 12, (*sessionTable).end},
	{"TIME", 6, 6, (*sessionTable).lasted},
	{"DATA", 6, 6, func(_ *sessionTable, s *shownSession) string { return octetsText(s.Input + s.Output) }},
}

func (t *sessionTable) columns() []tableColumn {
	if t.history {
		return lastColumns
	}
	return whoColumns
}

// line takes one line of an answer.
func (t *sessionTable) line(l sessionLine) error {
	if l.Totals != nil {
		t.totals = l.Totals
		if t.json && t.history {
			return json.NewEncoder(t.w).Encode(l)
		}
	}
	if l.Session == nil {
		return nil
	}
	t.rows++
	if t.each != nil {
		t.each(l.Session)
	}
	if t.json {
		return json.NewEncoder(t.w).Encode(l.Session)
	}
	if t.rows == 1 {
		if err := t.row(func(c *tableColumn) string { return c.name }); err != nil {
			return err
		}
	}
	return t.row(func(c *tableColumn) string { return printable(c.text(t, l.Session)) })
}

// row prints one row of columns of fixed width.
func (t *sessionTable) row(text func(*tableColumn) string) error {
	var b strings.Builder
	columns := t.columns()
	for i := range columns {
		c := &columns[i]
		width := c.width
		if t.narrow {
			width = c.narrow
		}
		if width == 0 {
			continue
		}
		cell := cut(text(c), width)
		if b.WriteString(cell); i < len(columns)-1 {
			b.WriteString(strings.Repeat(" ", width-utf8.RuneCountInString(cell)+2))
		}
	}
	_, err := fmt.Fprintln(t.w, strings.TrimRight(b.String(), " "))
	return err
}

// breaks reports whether w is a terminal in which a table of 100 columns would break its lines.
func breaks(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return err == nil && width < 100
}

func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// printable shows control characters and what else is no visible text as escapes: a name that a user has chosen must
// not command a terminal.
func printable(text string) string {
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case !unicode.IsPrint(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// when gives a time of this year with its minute, an older one with its day.
func (t *sessionTable) when(at time.Time) string {
	at = at.In(t.now.Location())
	if at.Year() != t.now.Year() {
		return at.Format(time.DateOnly)
	}
	return at.Format("Jan 02 15:04")
}

func (t *sessionTable) end(s *shownSession) string {
	if s.Ended == nil {
		return "still on"
	}
	return t.when(*s.Ended)
}

func (t *sessionTable) lasted(s *shownSession) string {
	if s.Ended == nil {
		return timeText(t.now.Sub(s.Started))
	}
	return timeText(time.Duration(s.Seconds) * time.Second)
}

// timeText gives a time in two units: 45s, 12m, 3h07m, 12d03h.
func timeText(d time.Duration) string {
	d = max(d, 0)
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d < 1000*day:
		return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
	}
	return fmt.Sprintf("%dd", d/day)
}

// octetsText gives an amount of data in at most six characters.
func octetsText(n uint64) string {
	if n < 1000 {
		return fmt.Sprintf("%dB", n)
	}
	v := float64(n)
	for _, unit := range "kMGTP" {
		if v /= 1000; v < 999.5 {
			return fmt.Sprintf("%.3g%c", v, unit)
		}
	}
	return fmt.Sprintf("%.3gE", v/1000)
}

// sum tells what stands below the table.
func (t *sessionTable) sum() {
	if t.json || t.totals == nil {
		return
	}
	s := t.totals
	switch {
	case t.rows == 0 && !t.history:
		fmt.Fprintln(t.w, "nobody is on")
	case t.rows == 0:
		fmt.Fprintln(t.w, "no sessions")
	case t.history && s.First != nil:
		fmt.Fprintf(t.w, "\n%s since %s, %d open; on for %s; %s in, %s out\n", several(s.Sessions, "session"), t.when(*s.First), s.Open,
			timeText(time.Duration(s.Seconds)*time.Second), octetsText(s.Input), octetsText(s.Output))
	case s.Partial:
		fmt.Fprintf(t.w, "\n%d are shown; --limit shows more\n", t.rows)
	case s.Sessions > t.rows:
		fmt.Fprintf(t.w, "\n%d of %d are shown; --limit shows more\n", t.rows, s.Sessions)
	}
}

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
