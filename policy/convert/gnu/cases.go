package gnu

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/dictionary"
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
		value := luaString(v.text)
		if numeric(v.attr) && isDigits(v.text) == 1 {
			value = v.text
		}
		if v.attr.Number == 1 && v.attr.Vendor == nil && !v.attr.Internal {
			parts = append(parts, "user = "+value)
			continue
		}
		parts = append(parts, fmt.Sprintf("[%s] = %s", luaString(v.attr.FullName()), value))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// title names the case of a rule. Labels of users are personal names and may be anything.
func (r *rule) title() string {
	return luaString(output.UTF8(fmt.Sprintf("%s:%d: %s", r.file.name, r.at().Line, r.label.text)))
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
func (s *source) denied(name string) bool { return slices.Contains(s.firstWords("access.deny"), name) }

// forwarded reports whether the realms file may send requests of a user elsewhere.
func (s *source) forwarded(name string) bool {
	realms := s.firstWords("realms")
	return strings.Contains(name, "@") && len(realms) > 0 || slices.Contains(realms, "NOREALM")
}

// firstWords gives the first word of each line of a file. What is wrong with the file is told elsewhere.
func (s *source) firstWords(name string) []string {
	if words, ok := s.words[name]; ok {
		return words
	}
	var words []string
	text, _ := s.read(name)
	r := oldReader{s: s}
	r.read(name, string(text), raddb.Pos{})
	for _, l := range r.list {
		if len(l.words) > 0 {
			words = append(words, l.words[0])
		}
	}
	if s.words == nil {
		s.words = map[string][]string{}
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
	if !numbered(r.label.text, "DEFAULT") && !numbered(r.label.text, "BEGIN") {
		w.name = r.label.text
	}
	return w
}

const hintsTestsHead = `-- Tests of 10-hints.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The one entry answers with what has become of the request.
test.users [[
$DIALECT gnu
DEFAULT Auth-Type = Accept
        Reply-Message = "=req.user"`

const hintsTestsHelper = `
]]

local function becomes(request, want)
  request.password = "x"
  expect(send(request)):accept():has("Reply-Message", want)
end
`

const testsCalled = `
-- What a Rewrite function does with the request, only its author knows: it runs without an error.
local function runs(request)
  request.password = "x"
  test.equal(send(request).reason ~= "hook-failed", true)
end
`

const hintsTestsComputed = `
-- What a rule computes is not among what is wanted here.
local function becomesAtLeast(request, want)
  request.password = "x"
  local r = expect(send(request)):accept()
  for _, text in ipairs(want) do
    r:has("Reply-Message", text)
  end
end
`

// hintsCases writes the tests of hints.
func (w *hintsWriter) cases(live []*rule) {
	c := caseWriter{source: w.source, script: &script{}}
	shown := w.shown(live)
	c.script.head.WriteString(hintsTestsHead)
	for _, a := range shown {
		name := strings.ReplaceAll(luaString(a.FullName()), `"`, "'")
		fmt.Fprintf(&c.script.head, ",\n        Reply-Message = \"=req[%s] and '%s ' .. table.concat(req:all(%s), ' ')\"", name, a.FullName(), name)
	}
	c.script.head.WriteString(hintsTestsHelper)
	for _, r := range live[:min(len(live), maxCases)] {
		c.hint(r, shown)
	}
	if c.computed {
		c.script.head.WriteString(hintsTestsComputed)
	}
	if c.called {
		c.script.head.WriteString(testsCalled)
	}
	if c.written > 0 {
		w.out.File(hintsTests).WriteString(c.script.String())
	}
}

// shown gives the attributes that the rules of hints add to requests.
func (w *hintsWriter) shown(live []*rule) (list []*dictionary.Attribute) {
	list = append(list, w.dict.Attribute("Service-Type"))
	for _, r := range live {
		for _, p := range kept(r.rhs) {
			if p.inert() == "" && p.attr.Name != "User-Name" && !slices.Contains(list, p.now) {
				list = append(list, p.now)
			}
		}
	}
	return list
}

func (w *caseWriter) hint(r *rule, shown []*dictionary.Attribute) {
	list, o, why := w.exactly(r, r.wish(), false)
	if why == "" && o.refused {
		why = "huntgroups refuse what fits it"
	}
	called := why == callsRewrite
	if why != "" && !called {
		w.noCase(r, why)
		return
	}
	w.begin(r)
	if called {
		w.called = true
		w.script.linef("runs(%s)", requestTable(list))
	} else {
		w.becomes(list, o, shown)
	}
	if next, o := w.justNot(r, list, false, func(o *outcome) bool { return !o.has(r) && !o.refused }); next != nil {
		w.becomes(next, o, shown)
	}
	w.end()
}

func (w *caseWriter) becomes(list heldList, o *outcome, shown []*dictionary.Attribute) {
	user, _ := o.request.first(w.dict.Attribute("User-Name"))
	want, call := []string{luaString(user.text)}, "becomes"
	for _, a := range shown {
		var texts []string
		for _, v := range o.request {
			if v.attr == a {
				texts = append(texts, v.text)
			}
		}
		switch {
		case slices.Contains(texts, unforetold):
			call = "becomesAtLeast"
			w.computed = true
		case len(texts) > 0:
			want = append(want, luaString(a.FullName()+" "+strings.Join(texts, " ")))
		}
	}
	w.script.linef("%s(%s, {%s})", call, requestTable(list), strings.Join(want, ", "))
}
