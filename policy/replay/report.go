package replay

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// A Report tells what would change.
type Report struct {
	Requests     int           `json:"requests"`
	Same         int           `json:"same"`
	OtherWay     int           `json:"other_way"` // the same answer by another rule or for another reason
	Changed      int           `json:"changed"`
	Incomparable int           `json:"not_comparable"`
	Following    int           `json:"following"` // rounds of challenges that are not made any more
	BrokenLines  int           `json:"broken"`
	Lost         uint64        `json:"lost,omitempty"` // of a shadow: requests that it had no room for
	Changes      []Group       `json:"changes"`
	Unknown      []Group       `json:"unknown"`
	Broken       []string      `json:"broken_lines,omitempty"`
	Took         time.Duration `json:"took"`
}

// A Group are the cases of one cause.
type Group struct {
	Cause    string    `json:"cause"`
	Count    int       `json:"count"`
	Examples []Example `json:"examples"`
}

// An Example is one case of a group.
type Example struct {
	Where    string    `json:"where,omitempty"`
	Time     time.Time `json:"time"`
	ID       uint64    `json:"id,omitempty"`
	Code     string    `json:"code"`
	Client   string    `json:"client"`
	Password string    `json:"password,omitempty"`
	Request  []string  `json:"request"`
	Before   Result    `json:"before"`
	After    Result    `json:"after"`
	Diff     []string  `json:"diff,omitempty"`

	serial int
}

// Bounds of a report.
const (
	maxGroups   = 1000
	maxBroken   = 100
	exampleEach = 3
	otherCauses = "other causes"
)

// gatherer makes a report of what workers find.
type gatherer struct {
	mu       sync.Mutex // protects all below
	r        Report
	changes  map[string]*Group
	unknown  map[string]*Group
	examples int
}

func newGatherer(examples int) *gatherer {
	if examples <= 0 {
		examples = exampleEach
	}
	return &gatherer{changes: map[string]*Group{}, unknown: map[string]*Group{}, examples: examples}
}

func (g *gatherer) broken(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.r.BrokenLines++
	if len(g.r.Broken) < maxBroken {
		g.r.Broken = append(g.r.Broken, err.Error())
	}
}

func (g *gatherer) add(c *Case, f Finding) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.r.Requests++
	switch f.Kind {
	case Same:
		g.r.Same++
	case OtherWay:
		g.r.OtherWay++
	case Following:
		g.r.Following++
	case Changed:
		g.r.Changed++
		g.group(g.changes, c, &f)
	case Incomparable:
		g.r.Incomparable++
		g.group(g.unknown, c, &f)
	}
}

// group files a case under its cause. Examples are the first ones, whichever worker has found them.
func (g *gatherer) group(groups map[string]*Group, c *Case, f *Finding) {
	group := groups[f.Cause]
	if group == nil && len(groups) >= maxGroups {
		f.Cause = otherCauses
		group = groups[f.Cause]
	}
	if group == nil {
		group = &Group{Cause: f.Cause}
		groups[f.Cause] = group
	}
	group.Count++
	at, _ := slices.BinarySearchFunc(group.Examples, c.serial, func(e Example, n int) int { return cmp.Compare(e.serial, n) })
	if at < g.examples {
		group.Examples = slices.Insert(group.Examples, at, exampleOf(c, f))
		group.Examples = group.Examples[:min(len(group.Examples), g.examples)]
	}
}

func exampleOf(c *Case, f *Finding) Example {
	e := Example{
		Where: c.Where, Time: c.Time, ID: c.ID, Code: c.Code.String(), Client: c.Client, Request: c.shown(), Before: c.Before, After: f.After,
		Diff: changes(&c.Before, &f.After, false), serial: c.serial,
	}
	if c.Code == radius.CodeAccessRequest && (c.Password != server.Unchecked || !c.Real) {
		e.Password = c.Password.String()
	}
	return e
}

// shown gives the request for people.
func (c *Case) shown() []string {
	texts := c.Texts
	if c.Wire != nil {
		texts = c.wireTexts()
	}
	shown := make([]string, len(texts))
	for i, t := range texts {
		shown[i] = t
		if name, _, is := strings.Cut(t, " ?"); is && !strings.ContainsAny(name, "= \"") {
			shown[i] = name + " = " + hidden
		}
	}
	return shown
}

func (c *Case) wireTexts() []string {
	l := decoded(c.Dictionary, c.Wire, c)
	return pairTexts(c.Dictionary, &l, c.Secrets)
}

// report gives the whole, the largest groups first.
func (g *gatherer) report(took time.Duration) *Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.r
	r.Took, r.Changes, r.Unknown = took, ordered(g.changes), ordered(g.unknown)
	return &r
}

func ordered(groups map[string]*Group) []Group {
	list := make([]Group, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Cause, b.Cause))
	})
	return list
}

// Differs reports whether something would change.
func (r *Report) Differs() bool { return r.Changed > 0 || r.Following > 0 }

// Write gives the report for people: the sum, then each cause with examples. What a record says is shown, whoever wrote
// it, but does not reach the terminal as an order.
func (r *Report) Write(w io.Writer) {
	var b strings.Builder
	r.write(&b)
	io.WriteString(w, legible(b.String()))
}

// legible writes out control characters but ends of lines, and what turns the direction of text.
func legible(text string) string {
	var b strings.Builder
	for _, c := range text {
		if c < ' ' && c != '\n' || c >= 0x7f && c < 0xa0 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
			fmt.Fprintf(&b, `\x%02x`, c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (r *Report) write(w io.Writer) {
	fmt.Fprintf(w, "%d requests: %d the same, %d changed", r.Requests, r.Same+r.OtherWay, r.Changed)
	for _, n := range [...]struct {
		count int
		text  string
	}{
		{r.OtherWay, "%d of the same decided by another rule or for another reason"},
		{r.Following, "%d rounds of challenges that are not made any more"},
		{r.Incomparable, "%d not comparable"}, {r.BrokenLines, "%d lines cannot be read"}, {int(r.Lost), "%d had no room and were left out"},
	} {
		if n.count > 0 {
			fmt.Fprintf(w, ", "+n.text, n.count)
		}
	}
	fmt.Fprintln(w)
	for i := range r.Changes {
		r.Changes[i].write(w, "changed")
	}
	for i := range r.Unknown {
		r.Unknown[i].write(w, "not comparable")
	}
}

func (g *Group) write(w io.Writer, what string) {
	fmt.Fprintf(w, "\n%d %s: %s\n", g.Count, what, g.Cause)
	for i := range g.Examples {
		g.Examples[i].write(w)
	}
}

func (e *Example) write(w io.Writer) {
	fmt.Fprintf(w, "  %s", e.Time.UTC().Format("2006-01-02 15:04:05"))
	if e.Where != "" {
		fmt.Fprintf(w, " %s", e.Where)
	}
	fmt.Fprintf(w, " %s client=%s", e.Code, e.Client)
	if e.Password != "" {
		fmt.Fprintf(w, " password=%q", e.Password)
	}
	fmt.Fprintf(w, "\n    %s\n", strings.Join(e.Request, ", "))
	if e.After.Verdict == "" {
		fmt.Fprintf(w, "    %s\n", e.Before.oneLine())
		return
	}
	fmt.Fprintf(w, "    %s  →  %s\n", e.Before.oneLine(), e.After.oneLine())
	for _, line := range e.Diff {
		fmt.Fprintf(w, "      %s\n", line)
	}
}

func (r *Result) oneLine() string {
	text := r.Verdict
	for _, f := range [...]struct{ name, value string }{{"reason", r.Reason}, {"rule", r.Rule}, {"hooks", strings.Join(r.Hooks, ",")}} {
		if f.value != "" {
			text += " " + f.name + "=" + f.value
		}
	}
	return text
}
