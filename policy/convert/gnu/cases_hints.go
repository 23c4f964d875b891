package gnu

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/policy/convert/output"
)

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

// cases writes the tests of hints.
func (w *hintsWriter) cases(live []*rule) {
	c := caseWriter{source: w.source, script: &script{}}
	shown := w.shown(live)
	c.script.head.WriteString(hintsTestsHead)
	for _, a := range shown {
		name := strings.ReplaceAll(output.LuaString(a.FullName()), `"`, "'")
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
	called := why == callsRewrite && list != nil // a rule before it may be the one that calls
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
	want, call := []string{output.LuaString(user.text)}, "becomes"
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
			want = append(want, output.LuaString(a.FullName()+" "+strings.Join(texts, " ")))
		}
	}
	w.script.linef("%s(%s, {%s})", call, requestTable(list), strings.Join(want, ", "))
}
