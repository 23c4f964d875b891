package freeradius

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertHuntgroups writes scripts/20-huntgroups.lua. There the first line that fits names the huntgroup of a
// request, and what stands below it says who may come that way.
func (s *source) convertHuntgroups() {
	name := s.preprocessFile("huntgroups")
	var entries []*entry
	if s.authorizes("preprocess") {
		entries = s.entries(name)
	}
	body, labels, restricted := s.huntgroups(entries)
	unknown := s.unknownHuntgroups(labels)
	if len(labels)+len(unknown) == 0 {
		return
	}
	f := s.out.File("scripts/20-huntgroups.lua")
	f.Printf("-- Huntgroups, from FreeRADIUS's %s: the first rule that holds names the huntgroup of a request", output.Comment(name))
	if restricted {
		f.Printf(", and\n-- says whether it may come that way")
	}
	f.Printf(".\n")
	if len(labels) > 0 {
		f.Printf("\n")
		s.writePatterns(f)
		f.Printf("%s", body)
	}
	if len(unknown) > 0 {
		f.Printf("\n-- No rule gives: %s.", output.Comment(strings.Join(unknown, ", ")))
	}
	names := make([]string, 0, len(labels)+len(unknown))
	for _, l := range append(labels, unknown...) {
		names = append(names, output.LuaString(l))
	}
	f.Printf("\nfor _, name in ipairs{%s} do\n  huntgroup(name, function(req) return req[\"Huntgroup-Name\"] == name end)\nend\n", wrapped(names, 19, 118))
	s.huntgroupCases(entries, labels)
	s.report.Donef(raddb.Pos{File: name}, "%s in scripts/20-huntgroups.lua", count(len(labels), "huntgroup"))
}

// wrapped puts words with commas between them on lines of that width, the first of which has begun.
func wrapped(words []string, begun, width int) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && begun+len(w) > width:
			b.WriteString(",\n  ")
			begun = 2
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(w)
		begun += len(w) + 2
	}
	return b.String()
}

// manyAddresses is the number of rules in a row that only name addresses from which on they become a table.
const manyAddresses = 3

// huntgroups gives the Lua code that finds a request's huntgroup, the names of all, and whether some rule says
// who may come that way.
func (s *source) huntgroups(entries []*entry) (code string, labels []string, restricted bool) {
	var tables, body strings.Builder
	table := 0
	for i := 0; i < len(entries); {
		if n := addressesFrom(entries[i:]); n >= manyAddresses {
			table++
			s.addressTable(&tables, &body, entries[i:i+n], table)
			labels = addLabels(labels, entries[i:i+n])
			i += n
			continue
		}
		e := entries[i]
		restricts, ok := s.huntgroup(&body, e)
		if e.huntgroup, e.leftOut = true, !ok; ok {
			restricted = restricted || restricts
			labels = addLabels(labels, entries[i:i+1])
		}
		i++
	}
	code = tables.String() + "local function huntgroup_of(req)\n" + body.String() + "end\n\non(\"huntgroups\", {name = \"huntgroups\"}, function(req)\n"
	if !restricted {
		return code + "  req[\"Huntgroup-Name\"] = huntgroup_of(req)\nend)\n", labels, false
	}
	return code + "  local name, allowed = huntgroup_of(req)\n  if allowed == false then\n    return reject{reason = \"huntgroup \" .. name}\n  end\n" +
		"  req[\"Huntgroup-Name\"] = name\nend)\n", labels, true
}

func addLabels(labels []string, entries []*entry) []string {
	for _, e := range entries {
		if !slices.Contains(labels, e.label) {
			labels = append(labels, e.label)
		}
	}
	return labels
}

// addressesFrom gives the number of rules from the first on that ask for one address of the NAS alone.
func addressesFrom(entries []*entry) (n int) {
	for n < len(entries) {
		e := entries[n]
		if len(e.pairs) > 0 || len(e.checks) != 1 || !strings.EqualFold(e.checks[0].name, "NAS-IP-Address") || e.checks[0].op != "==" {
			break
		}
		if a, err := netip.ParseAddr(e.checks[0].value); err != nil || !a.Is4() {
			break
		}
		n++
	}
	return n
}

// addressTable writes rules that ask for one address each as a table. Of two for one address the first holds.
func (s *source) addressTable(tables, body *strings.Builder, entries []*entry, number int) {
	name := "by_address"
	if number > 1 {
		name += strconv.Itoa(number)
	}
	last := entries[len(entries)-1].at
	fmt.Fprintf(tables, "local %s = { -- %s:%d to %d\n", name, output.Comment(last.File), entries[0].at.Line, last.Line)
	seen := map[string]bool{}
	for _, e := range entries {
		e.huntgroup = true
		if address := e.checks[0].value; !seen[address] {
			seen[address] = true
			fmt.Fprintf(tables, "  [%s] = %s,\n", output.LuaString(address), output.LuaString(e.label))
		}
	}
	tables.WriteString("}\n\n")
	fmt.Fprintf(body, "  local known = %s[req[\"NAS-IP-Address\"] or \"\"]\n  if known then return known end\n", name)
}

// huntgroup writes one rule. restricts: it says who may come that way.
func (s *source) huntgroup(b *strings.Builder, e *entry) (restricts, ok bool) {
	cond, err := s.condition(e.checks, " and ")
	allowed := ""
	if err == nil && len(e.pairs) > 0 {
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
		b.WriteString("  local name = req[\"Stripped-User-Name\"] or req.user or \"\"\n")
	}
	result := output.LuaString(e.label)
	if allowed != "" {
		result += ", " + allowed
	}
	fmt.Fprintf(b, "  if %s then return %s end\n", cond, result)
	return allowed != "", true
}

// unknownHuntgroups gives the names that users entries use and no line defines: they never hold.
func (s *source) unknownHuntgroups(known []string) (unknown []string) {
	for _, file := range s.newUsers() {
		line := 0
		for text := range strings.Lines(s.out.File(file).String()) {
			line++
			for _, name := range huntgroupsIn(text) {
				if !slices.Contains(known, name) && !slices.Contains(unknown, name) && !slices.Contains(s.sources, strings.TrimPrefix(name, sourceGroup)) {
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
		if p.op != "=*" && p.op != "!*" {
			names = append(names, p.value)
		}
		line = rest
	}
}
