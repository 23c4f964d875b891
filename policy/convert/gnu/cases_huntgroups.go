package gnu

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

const huntgroupsTestsHead = `-- Tests of 20-huntgroups.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The entries answer with the groups that a request is in.
test.users `

const huntgroupsTestsHelper = `
local function isIn(request, groups)
  request.password = "x"
  local r = expect(send(request)):accept()
  if groups[1] then
    r:has("Reply-Message", groups)
  else
    r:lacks("Reply-Message")
  end
end

local function isRefused(request)
  request.password = "x"
  expect(send(request)):reject("huntgroup")
end
`

// cases writes the tests of huntgroups.
func (w *huntgroupsWriter) cases(rules []*rule) {
	c := caseWriter{source: w.source, script: &script{}}
	b := &c.script.head
	b.WriteString(huntgroupsTestsHead)
	const most = 50 // entries that each of these requests goes through
	groups := w.named[:min(len(w.named), most)]
	var entries strings.Builder
	for _, name := range groups {
		name = output.GNUText(name)
		fmt.Fprintf(&entries, "DEFAULT Huntgroup-Name = %s\n        Reply-Message = %s, Fall-Through = Yes\n", name, name)
	}
	b.WriteString(output.LuaLong(dialectLine+entries.String()+"DEFAULT Auth-Type = Accept\n        NULL\n") + "\n" + huntgroupsTestsHelper)
	for _, r := range rules[:min(len(rules), maxCases)] {
		c.huntgroup(r, groups)
	}
	if c.called {
		b.WriteString(testsCalled)
	}
	if c.written > 0 {
		w.out.File(huntgroupsTests).WriteString(c.script.String())
	}
}

// huntgroup writes the case of one rule: what fits both sides, what misses the left one, what misses the right
// one.
func (w *caseWriter) huntgroup(r *rule, groups []string) {
	first := wish{lists: [][]pair{r.lhs, r.rhs}}
	list, ok := w.fulfil(first)
	if !ok {
		w.noCase(r, "no request was found that fits it")
		return
	}
	o := w.run(list, false)
	why := o.testable(w.source)
	if why != "" && (why != callsRewrite || !o.has(r)) {
		w.noCase(r, why)
		return
	}
	w.begin(r)
	if why != "" {
		w.called = true
		w.script.linef("runs(%s)", requestTable(list))
	} else {
		w.isIn(list, o, groups)
	}
	if next, o := w.justNot(&rule{lhs: r.lhs, label: token{text: "DEFAULT"}, file: r.file}, list, false,
		func(o *outcome) bool { return !w.fitsNow(r.lhs, o) }); next != nil {
		w.isIn(next, o, groups)
	}
	if next, o := w.justNot(&rule{lhs: r.rhs, label: token{text: "DEFAULT"}, file: r.file}, list, false,
		func(o *outcome) bool { return w.fitsNow(r.lhs, o) && !w.fitsNow(r.rhs, o) }); next != nil {
		w.isIn(next, o, groups)
	}
	w.end()
}

// fitsNow compares a list with a request as it was when huntgroups were asked.
func (s *source) fitsNow(list []pair, o *outcome) bool {
	return s.newModel(o.request).all(list)
}

func (w *caseWriter) isIn(list heldList, o *outcome, groups []string) {
	if o.refused {
		w.script.linef("isRefused(%s)", requestTable(list))
		return
	}
	m := w.newModel(o.request)
	var in []string
	for _, name := range groups {
		if m.inGroup(name) {
			in = append(in, output.LuaString(name))
		}
	}
	w.script.linef("isIn(%s, {%s})", requestTable(list), strings.Join(in, ", "))
}
