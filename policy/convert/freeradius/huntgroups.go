package freeradius

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertHuntgroups writes scripts/20-huntgroups.lua. There the first line that fits names the huntgroup of a
// request, and what stands below it says who may come that way.
func (s *source) convertHuntgroups() {
	name := s.moduleFile("preprocess", "mods-config/preprocess/huntgroups", "huntgroups")
	if s.tree.Absent(name) && !s.tree.Absent("huntgroups") {
		name = "huntgroups"
	}
	var body strings.Builder
	var labels []string
	restricted := false
	entries := s.entries(name)
	for _, e := range entries {
		allowed, ok := s.huntgroup(&body, e)
		if e.huntgroup, e.leftOut = true, !ok; !ok {
			continue
		}
		restricted = restricted || allowed
		if !slices.Contains(labels, e.label) {
			labels = append(labels, e.label)
		}
	}
	unknown := s.unknownHuntgroups(labels)
	if len(labels)+len(unknown) == 0 {
		return
	}
	f := s.out.File("scripts/20-huntgroups.lua")
	f.Printf("-- Huntgroups, from FreeRADIUS's %s: the first rule that holds names the huntgroup of a request, and\n-- says whether it may come that way.\n\n", output.Comment(name))
	if len(labels) > 0 {
		f.Printf("local function huntgroup_of(req)\n%s  return nil, true\nend\n", body.String())
	}
	for _, l := range unknown {
		f.Printf("\nhuntgroup(%s, function() return false end) -- no rule defines it\n", output.LuaString(l))
	}
	for _, l := range labels {
		f.Printf("\nhuntgroup(%s, function(req)\n  local name, allowed = huntgroup_of(req)\n  return name == %s and allowed\nend)\n", output.LuaString(l), output.LuaString(l))
	}
	if restricted {
		f.Printf("\non(\"huntgroups\", {name = \"access\"}, function(req)\n  local name, allowed = huntgroup_of(req)\n  if not allowed then\n    return reject{reason = \"huntgroup \" .. name}\n  end\nend)\n")
	}
	s.huntgroupCases(entries, labels)
	s.report.Donef(raddb.Pos{File: name}, "%d huntgroups are in scripts/20-huntgroups.lua", len(labels))
}

// huntgroup writes one rule. restricts: it says who may come that way.
func (s *source) huntgroup(b *strings.Builder, e *entry) (restricts, ok bool) {
	cond, err := s.condition(e.checks, " and ")
	allowed := "true"
	if err == nil {
		allowed, err = s.condition(e.pairs, " or ") // any one of them will do
	}
	if err == nil && strings.Contains(cond+allowed, "req:huntgroup") {
		err = fmt.Errorf("it asks for a huntgroup itself")
	}
	if err != nil {
		s.report.Lookf(e.at, "the huntgroup %s is left out: %v", e.label, err)
		return false, false
	}
	comment(b, e)
	if strings.Contains(cond+allowed, "name:sub") {
		b.WriteString("  local name = req.user\n")
	}
	fmt.Fprintf(b, "  if %s then return %s, %s end\n", cond, output.LuaString(e.label), allowed)
	return allowed != "true", true
}

// unknownHuntgroups gives the names that users entries use and no line defines: they never hold.
func (s *source) unknownHuntgroups(known []string) (unknown []string) {
	for _, file := range s.out.Names() {
		if file != "raddb/users" && !strings.HasPrefix(file, "raddb/users.d/") {
			continue
		}
		line := 0
		for text := range strings.Lines(s.out.File(file).String()) {
			line++
			for _, name := range huntgroupsIn(text) {
				if !slices.Contains(known, name) && !slices.Contains(unknown, name) {
					unknown = append(unknown, name)
					s.report.Lookf(raddb.Pos{File: file, Line: line}, "huntgroup %s is defined nowhere; as before it never holds", name)
				}
			}
		}
	}
	return unknown
}

// huntgroupsIn gives the values that a line compares Huntgroup-Name with.
func huntgroupsIn(line string) (names []string) {
	if strings.HasPrefix(line, "#") {
		return nil
	}
	const name = "huntgroup-name"
	for {
		i := strings.Index(strings.ToLower(line), name)
		if i < 0 {
			return names
		}
		p, rest, err := parsePair(line[i:])
		if err != nil {
			return names
		}
		names = append(names, p.value)
		line = rest
	}
}
