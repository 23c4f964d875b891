package gnu

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// A caseWriter writes a file of tests: for each rule a request that fits it and one that just does not. What
// they expect is computed from the old rules.
type caseWriter struct {
	*source
	script   *script
	written  int
	computed bool // some case does without what rules compute
	called   bool // some case calls Rewrite functions
}

// maxCases bounds the rules of one file that get tests: they run at every reload.
const maxCases = 500

// requestTable gives a request as send takes it.
func requestTable(list heldList) string {
	var parts []string
	for _, v := range list {
		value := output.LuaString(v.text)
		if numeric(v.attr) && isDigits(v.text) == 1 {
			value = v.text
		}
		if v.attr.Number == 1 && v.attr.Vendor == nil && !v.attr.Internal {
			parts = append(parts, "user = "+value)
			continue
		}
		parts = append(parts, fmt.Sprintf("[%s] = %s", output.LuaString(v.attr.FullName()), value))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// title names the case of a rule. Labels of users are personal names and may be anything.
func (r *rule) title() string {
	return output.LuaString(output.UTF8(fmt.Sprintf("%s:%d: %s", r.file.name, r.at().Line, r.label.text)))
}

// begin begins the case of a rule.
func (w *caseWriter) begin(r *rule) {
	w.script.linef("")
	w.script.linef("test.case(%s, function()", r.title())
	w.script.indent++
	w.written++
}

func (w *caseWriter) end() {
	w.script.indent--
	w.script.linef("end)")
}

// noCase says why a rule has no test.
func (w *caseWriter) noCase(r *rule, why string) {
	w.script.linef("")
	w.script.comment(fmt.Sprintf("%s:%d has no test: %s.", r.file.name, r.at().Line, why))
}

// testable tells why nothing can be foretold of an outcome, "" if it can.
func (o *outcome) testable(s *source) string {
	user, _ := o.request.first(s.dict.Attribute("User-Name"))
	switch {
	case o.unsure != "":
		return o.unsure
	case user.text == "" || strings.Trim(strings.ToLower(user.text), "abcdefghijklmnopqrstuvwxyz0123456789.-_@") != "":
		return "the name has characters that may be refused"
	case s.denied(user.text):
		return "the name stands in access.deny"
	case s.forwarded(user.text):
		return "requests of that realm go to another server"
	}
	return ""
}

// denied reports whether a name stands in access.deny.
func (s *source) denied(name string) bool {
	return slices.ContainsFunc(s.linesOf("access.deny"), func(line []string) bool { return line[0] == name })
}

// forwarded reports whether the realms file may send requests of a user elsewhere, or change the name.
func (s *source) forwarded(name string) bool {
	realms := s.linesOf("realms")
	if strings.Contains(name, "@") {
		return len(realms) > 0
	}
	return slices.ContainsFunc(realms, func(line []string) bool {
		return line[0] == "NOREALM" && !(len(line) > 1 && line[1] == "LOCAL")
	})
}

// linesOf gives the words of each line of a file that has some. What is wrong with the file is told elsewhere.
func (s *source) linesOf(name string) [][]string {
	if words, ok := s.words[name]; ok {
		return words
	}
	var words [][]string
	text, _ := s.read(name)
	r := oldReader{s: s}
	r.read(name, string(text), raddb.Pos{})
	for _, l := range r.list {
		if len(l.words) > 0 {
			words = append(words, l.words)
		}
	}
	if s.words == nil {
		s.words = map[string][][]string{}
	}
	s.words[name] = words
	return words
}

// exactly finds a request that the rule fits; why says what prevents that.
func (s *source) exactly(r *rule, first wish, all bool) (heldList, *outcome, string) {
	for range 3 {
		list, ok := s.fulfil(first)
		if !ok {
			return nil, nil, "no request was found that fits it"
		}
		o := s.run(list, all)
		last := (*rule)(nil)
		if len(o.fits) > 0 {
			last = o.fits[len(o.fits)-1]
		}
		switch {
		case o.refused && last != nil && last != r: // huntgroups stand before it: fit those, too
			first.lists = append(slices.Clone(first.lists), last.rhs)
			continue
		case !o.has(r) && o.unsure == "":
			return nil, nil, "an earlier rule stands before it"
		case !o.has(r):
			return nil, nil, o.unsure
		}
		return list, o, o.testable(s)
	}
	return nil, nil, "huntgroups refuse what fits it"
}

// justNot finds a request that differs in one point from one that the rule fits, so that it does not.
func (s *source) justNot(r *rule, list heldList, all bool, not func(*outcome) bool) (heldList, *outcome) {
	for _, next := range s.misses(r, list) {
		if o := s.run(next, all); o.testable(s) == "" && not(o) {
			return next, o
		}
	}
	return nil, nil
}

func (r *rule) wish() wish {
	w := wish{lists: [][]pair{r.lhs}}
	if r.isNamed() {
		w.name = r.label.text
	}
	return w
}
