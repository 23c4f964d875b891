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
	heights := make([]int, len(t.profiles))
	for i := range t.profiles {
		l.walkProfile(i, heights, nil)
	}
}

// maxProfiles is how deep profiles may name one another: each level may multiply the work of a match.
const maxProfiles = 8

// walkProfile looks for a way from a profile back to itself, and for one that is too long. It gives the
// length of the longest way from the profile; heights keeps the results, -1 for those on the way.
func (l *loader) walkProfile(i int, heights []int, way []string) int {
	t := l.table
	p := &t.profiles[i]
	way = append(way, p.label)
	switch {
	case heights[i] < 0:
		from := slices.Index(way, p.label)
		l.errs.Errorf(p.at, "Match-Profile goes round in a circle: %s", strings.Join(way[from:], " -> "))
		p.last = 0
	case heights[i] > 0:
		return heights[i]
	}
	heights[i] = -1
	height := 1
	for _, r := range t.ring(p.last) {
		for _, next := range t.profilesOf(r) {
			height = max(height, 1+l.walkProfile(next, heights, way))
		}
	}
	if height == maxProfiles+1 {
		l.errs.Errorf(p.at, "Match-Profile is nested more than %d deep", maxProfiles)
		p.last = 0
	}
	heights[i] = height
	return height
}

// profilesOf gives the profiles that a record names.
func (t *Table) profilesOf(r record) (numbers []int) {
	if !r.has(flagProfile) {
		return nil
	}
	var p pair
	for _, rest := range [...][]byte{r.checks(), r.reply()} {
		for len(rest) > 0 {
			if p, rest = t.nextPair(rest); p.kind == checkProfile || p.kind == runProfile {
				numbers = append(numbers, p.number())
			}
		}
	}
	return numbers
}
