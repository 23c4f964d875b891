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
	if !s.authorizes("preprocess") {
		return
	}
	name := s.preprocessFile("hints")
	var body strings.Builder
	n := 0
	entries := s.entries(name)
	for _, e := range entries {
		e.leftOut = !s.hint(&body, e)
		if !e.leftOut {
			n++
		}
	}
	if n == 0 {
		s.patterns = nil
		return
	}
	f := s.out.File("scripts/10-hints.lua")
	f.Printf("-- Hints, from FreeRADIUS's %s: the first rule that holds changes the request, and ends the list unless it\n-- falls through.\n\n", output.Comment(name))
	s.writePatterns(f)
	f.Printf("on(\"hints\", {name = \"hints\"}, function(req)\n")
	if named.MatchString(body.String()) {
		f.Printf("  local name = req.user\n  if not name then return end\n")
	}
	f.Printf("%send)\n", body.String())
	s.hintCases(entries)
	s.report.Donef(raddb.Pos{File: name}, "%s in scripts/10-hints.lua", count(n, "hint"))
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
		cond = strings.TrimSuffix("req.user == "+output.LuaString(e.label)+" and "+cond, " and true")
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

// named finds the variable that holds the name without what the rules so far have taken off.
var named = regexp.MustCompile(`\bname:sub`)

// comment writes the source of an entry above what it has become.
func comment(b *strings.Builder, e *entry) {
	fmt.Fprintf(b, "  -- %s:%d\n", output.Comment(e.at.File), e.at.Line)
	for _, line := range e.lines {
		b.WriteString("  --   " + output.Comment(strings.ReplaceAll(line, "\t", "  ")) + "\n")
	}
}

// strips reports whether the rule takes its Prefix and Suffix off the name.
func (e *entry) strips() bool {
	_, prefix := get(e.checks, "Prefix")
	_, suffix := get(e.checks, "Suffix")
	return (prefix || suffix) && yes(e.checks, "Strip-User-Name", yes(e.pairs, "Strip-User-Name", true))
}

// effects gives the statements that change the request.
func (s *source) effects(e *entry) (lines []string) {
	if e.strips() {
		prefix, _ := get(e.checks, "Prefix")
		suffix, _ := get(e.checks, "Suffix")
		switch {
		case suffix == "":
			lines = append(lines, fmt.Sprintf("name = name:sub(%d)", len(prefix)+1))
		default:
			lines = append(lines, fmt.Sprintf("name = name:sub(%d, -%d)", len(prefix)+1, len(suffix)+1))
		}
		if prefix != "" && suffix != "" {
			s.report.Differsf(e.at, "prefix and suffix are both taken off; there only the one that stood first was")
		}
		lines = append(lines, `req["Stripped-User-Name"] = name`)
	}
	for _, p := range e.pairs {
		if !orders[strings.ToLower(p.name)] {
			lines = append(lines, s.effect(e, p)...)
		}
	}
	return lines
}

// effect gives the statement of one pair, none if it cannot be had.
func (s *source) effect(e *entry, p pair) []string {
	a := s.dict.Attribute(p.name)
	if a == nil {
		s.report.Lookf(e.at, "there is no attribute %s in the dictionary; left out", p.name)
		return nil
	}
	name, value := output.LuaString(a.Name), s.expanded(e, p)
	switch p.op {
	case ":=":
		return []string{fmt.Sprintf("req[%s] = %s", name, value)}
	case "+=":
		return []string{fmt.Sprintf("req:add(%s, %s)", name, value)}
	}
	return []string{fmt.Sprintf("if not req:has(%s) then req[%s] = %s end", name, name, value)}
}

// expansion finds %{Attribute} in a text.
var expansion = regexp.MustCompile(`%\{([A-Za-z][A-Za-z0-9-]*)\}`)

// expanded gives the Lua expression for a value: attributes of the request are put in the place of their names.
func (s *source) expanded(e *entry, p pair) string {
	var parts []string
	rest := p.value
	for _, at := range expansion.FindAllStringSubmatchIndex(p.value, -1) {
		a := s.dict.Attribute(p.value[at[2]:at[3]])
		if a == nil {
			break
		}
		if before := p.value[len(p.value)-len(rest) : at[0]]; before != "" {
			parts = append(parts, output.LuaString(before))
		}
		parts = append(parts, "(req["+output.LuaString(a.Name)+`] or "")`)
		rest = p.value[at[1]:]
	}
	if strings.Contains(rest, "%{") {
		s.report.Lookf(e.at, "%s = %q is taken as it stands: write in Lua what it puts together", p.name, p.value)
		return output.LuaString(p.value)
	}
	if rest != "" || len(parts) == 0 {
		parts = append(parts, output.LuaString(rest))
	}
	return strings.Join(parts, " .. ")
}
