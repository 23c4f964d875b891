package freeradius

import (
	"fmt"
	"slices"
	"strings"

	"perilune/policy/convert/output"
)

// hintCases writes the tests of the hints: for each rule a request that fits it and one that just does not. The
// users file of the test shows in the answer what the rules have left.
func (s *source) hintCases(entries []*entry) {
	shown := []string{"User-Name"}
	var cases strings.Builder
	for _, e := range entries {
		if e.leftOut {
			continue
		}
		if e.strips() && !slices.Contains(shown, "Stripped-User-Name") {
			shown = append(shown, "Stripped-User-Name")
		}
		for _, p := range e.pairs {
			if a := s.dict.Attribute(p.name); a != nil && !orders[strings.ToLower(p.name)] && !slices.Contains(shown, a.Name) {
				shown = append(shown, a.Name)
			}
		}
		s.hintCase(&cases, entries, e)
	}
	if cases.Len() == 0 {
		return
	}
	f := s.out.File("scripts/10-hints_test.lua")
	f.Printf("-- A request for each hint, and one that just does not fit. The entry shows what the hints have left.\n\n")
	users := "DEFAULT Auth-Type := Accept\n"
	for i, name := range shown {
		comma := ","
		if i == len(shown)-1 {
			comma = ""
		}
		users += fmt.Sprintf("\tReply-Message += \"%s=%%{%s}\"%s\n", name, name, comma)
	}
	f.Printf("test.users%s\n%s", output.LuaLong(users), cases.String())
}

func (s *source) hintCase(b *strings.Builder, entries []*entry, e *entry) {
	q, ok := sampleOf(e.label, e.checks)
	met, sure := first(entries, q)
	mark := s.mark(e, q)
	if !ok || !sure || met != e || mark == "" || s.refused(q.user) {
		return
	}
	fmt.Fprintf(b, "\ntest.case(%s, function()\n  expect(%s):accept():has(\"Reply-Message\", %s)\n", output.LuaString(title(e)), q.send(s), output.LuaString(mark))
	always := strings.HasPrefix(mark, "Stripped-User-Name=") && s.strippedAlways()
	if miss, ok := q.miss(e.checks); ok && !always {
		if met, sure := first(entries, miss); sure && met != e && (met == nil || s.mark(met, miss) != mark) {
			fmt.Fprintf(b, "  test.equal(%s:is(\"Reply-Message\", %s), false)\n", miss.send(s), output.LuaString(output.LiteralGlob(mark)))
		}
	}
	b.WriteString("end)\n")
}

// mark gives the line of the answer that shows that a hint was applied, "" if none can.
func (s *source) mark(e *entry, q sample) string {
	for _, p := range e.pairs {
		a := s.dict.Attribute(p.name)
		if a == nil || orders[strings.ToLower(p.name)] {
			continue
		}
		if _, given := get(q.pairs, p.name); given && p.op == "=" {
			continue
		}
		if strings.Contains(p.value, "%{") {
			continue
		}
		return a.Name + "=" + p.value
	}
	if label := e.label; e.strips() {
		if label == "DEFAULT" {
			label = "bob"
		}
		return "Stripped-User-Name=" + label
	}
	return ""
}

func title(e *entry) string { return fmt.Sprintf("%s:%d %s", e.at.File, e.at.Line, e.label) }

// huntgroupCases writes the tests of the huntgroups.
func (s *source) huntgroupCases(entries []*entry, labels []string) {
	var cases strings.Builder
	for _, e := range entries {
		if !e.leftOut {
			s.huntgroupCase(&cases, entries, e)
		}
	}
	if cases.Len() == 0 {
		return
	}
	f := s.out.File("scripts/20-huntgroups_test.lua")
	f.Printf("-- A request for each huntgroup, and one that just does not fit.\n\n")
	users := ""
	for _, l := range labels {
		users += fmt.Sprintf("DEFAULT Huntgroup-Name == %s, Auth-Type := Accept\n\tReply-Message = %s\n", output.Quote(l), output.Quote(l))
	}
	f.Printf("test.users%s\n%s", output.LuaLong(users+"DEFAULT Auth-Type := Accept\n"), cases.String())
}

func (s *source) huntgroupCase(b *strings.Builder, entries []*entry, e *entry) {
	q, ok := sampleOf("", e.checks)
	met, sure := first(entries, q)
	if !ok || !sure || met != e || s.refused(q.user) {
		return
	}
	allowed, plain := q, true
	if len(e.pairs) > 0 { // the first of those who may come that way
		one, ok := sampleOf("", e.pairs[:1])
		plain = ok
		allowed.pairs = append(append([]pair{}, q.pairs...), one.pairs...)
		if one.user != "bob" {
			allowed.user = one.user
		}
	}
	if met, sure := first(entries, allowed); !plain || !sure || met != e {
		return
	}
	label := output.LuaString(e.label)
	fmt.Fprintf(b, "\ntest.case(%s, function()\n  expect(%s):accept():has(\"Reply-Message\", %s)\n", output.LuaString(title(e)), allowed.send(s), label)
	if miss, ok := allowed.miss(e.checks); ok {
		if met, sure := first(entries, miss); sure && met == nil {
			fmt.Fprintf(b, "  test.equal(%s:is(\"Reply-Message\", %s), false)\n", miss.send(s), output.LuaString(output.LiteralGlob(e.label)))
		}
	}
	if fits, sure := q.mayCome(e); len(e.pairs) > 0 && sure && !fits {
		fmt.Fprintf(b, "  expect(%s):reject()\n", q.send(s))
	}
	b.WriteString("end)\n")
}

// mayCome reports whether a request that fits the checks of a huntgroup may come that way.
func (q sample) mayCome(e *entry) (fits, sure bool) {
	for _, p := range e.pairs {
		is, known := q.fitsPair(p)
		if !known {
			return false, false
		}
		fits = fits || is
	}
	return fits, true
}
