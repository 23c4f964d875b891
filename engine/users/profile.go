package users

import (
	"slices"
	"strings"

	"perilune/engine/raddb"
)

// A profile is a label that some Match-Profile names.
type profile struct {
	label string
	at    raddb.Pos // of the first Match-Profile that names it
	last  place     // the last record of that label
}

// profileNumber gives the number of a profile, made on first use.
func (t *Table) profileNumber(label string, at raddb.Pos) int {
	i := slices.IndexFunc(t.profiles, func(p profile) bool { return p.label == label })
	if i < 0 {
		i = len(t.profiles)
		t.profiles = append(t.profiles, profile{label: label, at: at})
	}
	return i
}

// resolveProfiles finds the entries of each profile, and tells of those without and of loops.
func (l *loader) resolveProfiles() {
	t := l.table
	for i := range t.profiles {
		p := &t.profiles[i]
		if p.last = t.lookup([]byte(p.label)); p.last == 0 {
			l.errs.Errorf(p.at, "Match-Profile names %q; no entry has that label", p.label)
		}
	}
	state := make([]byte, len(t.profiles))
	for i := range t.profiles {
		l.walkProfile(i, state, nil)
	}
}

// walkProfile looks for a way from a profile back to itself.
func (l *loader) walkProfile(i int, state []byte, way []string) {
	const walking, done = 1, 2
	t := l.table
	p := &t.profiles[i]
	way = append(way, p.label)
	switch state[i] {
	case done:
		return
	case walking:
		from := slices.Index(way, p.label)
		l.errs.Errorf(p.at, "Match-Profile goes round in a circle: %s", strings.Join(way[from:], " -> "))
		return
	}
	state[i] = walking
	for r := range t.ring(p.last) {
		for _, next := range named(r) {
			l.walkProfile(next, state, way)
		}
	}
	state[i] = done
}

// named gives the profiles that a record names.
func named(r record) (numbers []int) {
	if !r.has(flagProfile) {
		return nil
	}
	var p pair
	for _, rest := range [...][]byte{r.checks(), r.reply()} {
		for len(rest) > 0 {
			if p, rest = nextPair(rest); p.kind == checkProfile || p.kind == runProfile {
				numbers = append(numbers, p.number())
			}
		}
	}
	return numbers
}
