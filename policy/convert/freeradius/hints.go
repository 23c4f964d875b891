package freeradius

import (
	"fmt"
	"regexp"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertHints writes scripts/10-hints.lua.
func (s *source) convertHints() {
	name := s.moduleFile("preprocess", "mods-config/preprocess/hints", "hints")
	if s.tree.Absent(name) && !s.tree.Absent("hints") {
		name = "hints"
	}
	var body, hacks strings.Builder
	n := 0
	if m := s.module("preprocess"); m != nil {
		n += s.nameHacks(&hacks, m)
	}
	entries := s.entries(name)
	for _, e := range entries {
		e.leftOut = !s.hint(&body, e)
		if !e.leftOut {
			n++
		}
	}
	if n == 0 {
		return
	}
	f := s.out.File("scripts/10-hints.lua")
	f.Printf("-- Hints, from FreeRADIUS's %s: the first rule that holds changes the request, and ends the list unless it\n-- falls through.\n\n", output.Comment(name))
	f.Printf("on(\"hints\", {name = \"hints\"}, function(req)\n%s", hacks.String())
	if named.MatchString(body.String()) {
		f.Printf("  local name = req.user\n")
	}
	f.Printf("%send)\n", body.String())
	s.hintCases(entries)
	s.report.Donef(raddb.Pos{File: name}, "%d hints are in scripts/10-hints.lua", n)
	if strings.Contains(body.String(), "name:sub") {
		s.report.Differsf(raddb.Pos{File: name}, "Prefix and Suffix shorten User-Name itself, which is what users entries are found by; there they made Stripped-User-Name beside it")
	}
}

// nameHacks converts the settings of preprocess that mend names, and tells of the others that are on.
func (s *source) nameHacks(b *strings.Builder, m *item) (n int) {
	for _, it := range m.items {
		if it.section || yesNo(it.value) == "no" || !strings.HasPrefix(it.name, "with_") {
			continue
		}
		if it.name != "with_ntdomain_hack" {
			s.report.Lookf(it.at, "%s is left out: mend the attribute by on(\"hints\", ...)", it.name)
			continue
		}
		b.WriteString("  req.user = req.user:match(\"\\\\(.*)\") or req.user -- without DOMAIN\\\n")
		n++
	}
	return n
}

// hint writes one rule; false if it cannot be had.
func (s *source) hint(b *strings.Builder, e *entry) bool {
	cond, err := s.condition(e.checks, " and ")
	if err != nil {
		s.report.Lookf(e.at, "the hint %s is left out: %v", e.label, err)
		return false
	}
	if strings.Contains(cond, "req:huntgroup") {
		s.report.Lookf(e.at, "the hint %s is left out: huntgroups are found after hints", e.label)
		return false
	}
	if e.label != "DEFAULT" {
		cond = strings.TrimSuffix("name == "+output.LuaString(e.label)+" and "+cond, " and true")
	}
	comment(b, e)
	fmt.Fprintf(b, "  if %s then\n", cond)
	for _, line := range s.effects(e) {
		b.WriteString("    " + line + "\n")
	}
	if !yes(e.pairs, "Fall-Through", false) {
		b.WriteString("    return\n")
	}
	b.WriteString("  end\n")
	return true
}

// named finds the variable that holds the name as the rules so far have left it.
var named = regexp.MustCompile(`\bname(:sub| ==)`)

// comment writes the source of an entry above what it has become.
func comment(b *strings.Builder, e *entry) {
	fmt.Fprintf(b, "  -- %s:%d\n", output.Comment(e.at.File), e.at.Line)
	for _, line := range e.lines {
		b.WriteString("  --   " + output.Comment(strings.ReplaceAll(line, "\t", "  ")) + "\n")
	}
}

// effects gives the statements that change the request.
func (s *source) effects(e *entry) (lines []string) {
	if yes(e.checks, "Strip-User-Name", yes(e.pairs, "Strip-User-Name", true)) {
		if p, ok := get(e.checks, "Prefix"); ok {
			lines = append(lines, fmt.Sprintf("name = name:sub(%d)", len(p)+1))
		}
		if p, ok := get(e.checks, "Suffix"); ok {
			lines = append(lines, fmt.Sprintf("name = name:sub(1, -%d)", len(p)+1))
		}
		if len(lines) > 0 {
			lines = append(lines, "req.user = name")
		}
	}
	for _, p := range e.pairs {
		if orders[strings.ToLower(p.name)] {
			continue
		}
		a := s.dict.Attribute(p.name)
		if a == nil {
			s.report.Lookf(e.at, "there is no attribute %s in the dictionary; left out", p.name)
			continue
		}
		name, value := output.LuaString(a.Name), output.LuaString(p.value)
		if strings.Contains(p.value, "%{") {
			s.report.Lookf(e.at, "%s = %q is taken as it stands: texts with %%{...} are put together in Lua", p.name, p.value)
		}
		switch p.op {
		case ":=":
			lines = append(lines, fmt.Sprintf("req[%s] = %s", name, value))
		case "+=":
			lines = append(lines, fmt.Sprintf("req:add(%s, %s)", name, value))
		default:
			lines = append(lines, fmt.Sprintf("if not req:has(%s) then req[%s] = %s end", name, name, value))
		}
	}
	return lines
}
