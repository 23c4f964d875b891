package gnu

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

const (
	huntgroupsScript = "scripts/20-huntgroups.lua"
	huntgroupsTests  = "scripts/20-huntgroups_test.lua"
)

const huntgroupsHead = `-- huntgroups: where a request comes from, and who may come from there.
--
-- Converted from the file huntgroups of GNU Radius. The users file asks for a group by Huntgroup-Name. Above each
-- group stand the lines that it was made of.
`

const accessHead = `
-- Access: the first rule whose left side fits decides. Its right side must fit, too, else the request is refused.
`

// convertHuntgroups writes a function for each name and, if some rule restricts anything, the handler that
// refuses.
func convertHuntgroups(s *source) {
	s.readRulebook()
	b := &script{}
	b.head.WriteString(huntgroupsHead)
	w := huntgroupsWriter{source: s, script: b, asked: s.askedHuntgroups()}
	if s.huntgroups != nil {
		w.groups(s.huntgroups.all())
		w.access(rulesOf(s.huntgroups))
		s.report.Donef(raddb.Pos{File: s.huntgroups.name}, "%s in %s", count(w.written, "group is", "groups are"), huntgroupsScript)
	}
	w.unknown()
	if s.huntgroups != nil {
		w.cases(rulesOf(s.huntgroups))
	}
	if b.body.Len() > 0 {
		b.write(s.out.File(huntgroupsScript))
	}
}

// A huntgroupsWriter writes the script of huntgroups.
type huntgroupsWriter struct {
	*source
	script  *script
	asked   []*pair  // the Huntgroup-Name pairs of all files
	named   []string // the groups that have a function
	written int
}

// askedHuntgroups gives the Huntgroup-Name pairs that some rule compares.
func (s *source) askedHuntgroups() (pairs []*pair) {
	for _, r := range append(rulesOf(s.users), rulesOf(s.huntgroups)...) {
		pairs = append(append(pairs, values(r.lhs, "Huntgroup-Name")...), values(r.rhs, "Huntgroup-Name")...)
	}
	return pairs
}

func (w *huntgroupsWriter) isAsked(name string) bool {
	return slices.ContainsFunc(w.asked, func(p *pair) bool { return p.value.text == name })
}

// groups writes the functions, in the order in which the names come first.
func (w *huntgroupsWriter) groups(all []*rule) {
	members := map[string][]*rule{}
	var names []string
	for _, r := range all {
		name := r.label.text
		if members[name] == nil {
			names = append(names, name)
		}
		members[name] = append(members[name], r)
	}
	for _, name := range names {
		if numbered(name, "DEFAULT") && !w.isAsked(name) && slices.ContainsFunc(members[name], isUsed) {
			continue
		}
		w.group(name, members[name])
	}
}

func isUsed(r *rule) bool { return r.dropped == "" }

// group writes the function of one name: does one of its rules fit?
func (w *huntgroupsWriter) group(name string, members []*rule) {
	b := w.script
	var ways []string
	for _, r := range members {
		if !b.shows(r) {
			continue
		}
		b.above(r, false)
		if why := w.never(r); why != "" {
			b.comment("Left out: " + why + ".")
			continue
		}
		ways = append(ways, w.way(r))
	}
	if len(ways) == 0 && !slices.ContainsFunc(members, isUsed) && !w.isAsked(name) {
		return
	}
	w.named = append(w.named, name)
	w.written++
	b.linef("huntgroup(%s, function(%s)", output.LuaString(name), parameter(ways))
	b.indent++
	b.lines("return " + alternatives(ways))
	b.indent--
	b.linef("end)")
}

// parameter names the parameter of a function only if it is used.
func parameter(ways []string) string {
	if len(ways) == 0 || slices.Contains(ways, "true") {
		return ""
	}
	return "req"
}

// alternatives joins what may hold, one to a line.
func alternatives(ways []string) string {
	switch {
	case len(ways) == 0:
		return "false"
	case slices.Contains(ways, "true"):
		return "true"
	}
	return strings.Join(ways, "\n  or ")
}

// never tells why a rule never fits, "" if it may.
func (w *huntgroupsWriter) never(r *rule) string {
	if r.dropped != "" {
		return r.dropped
	}
	for _, list := range [...][]pair{r.lhs, r.rhs} {
		if p, why := neverHolds(list); why != "" {
			w.report.Lookf(p.name.at, "%s: the rule never fits: %s", r.name(), why)
			return why
		}
	}
	return ""
}

// way gives the condition of a rule for its name: both sides, as documented.
func (w *huntgroupsWriter) way(r *rule) string {
	left, right := condition(r.lhs), condition(r.rhs)
	if right != "" && w.isAsked(r.label.text) {
		w.differ("huntgroup-name", r.at(), "Huntgroup-Name asks for both sides of a rule, as documented; the old server looked at the left side only")
	}
	switch {
	case left == "" && right == "":
		return "true"
	case left == "" || right == "":
		return left + right
	}
	return left + " and " + right
}

// unknown writes a function for each name that rules ask for and none has: it never fits.
func (w *huntgroupsWriter) unknown() {
	for _, p := range w.asked {
		name := p.value.text
		if slices.Contains(w.named, name) {
			continue
		}
		w.named = append(w.named, name)
		w.report.Lookf(p.value.at, "no rule of huntgroups has the name %q: it never fits, as before", name)
		b := w.script
		b.linef("")
		b.comment(fmt.Sprintf("%s:%d asks for %s, which the old huntgroups did not have.", p.value.at.File, p.value.at.Line, name))
		b.linef("huntgroup(%s, function() return false end)", output.LuaString(name))
	}
}
