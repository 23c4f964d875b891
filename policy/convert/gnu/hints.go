package gnu

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

const (
	hintsScript = "scripts/10-hints.lua"
	hintsTests  = "scripts/10-hints_test.lua"
)

// hintsHead begins the script. The first handler is what the old server did before it read the file.
const hintsHead = `-- hints: the first look at every request.
--
-- Converted from the file hints of GNU Radius. The first rule that fits does its work and ends the search,
-- unless the old one had Fall-Through = Yes. Above each rule stand the lines that it was made of.
`

const serviceTypeHook = `
-- A Framed-Protocol that comes alone means a framed service.
on("hints", {name = "service-type", when = {["Framed-Protocol"] = true, ["Service-Type"] = false}}, function(req)
  req["Service-Type"] = "Framed-User"
end)
`

// convertHints writes the rules of hints as one handler.
func convertHints(s *source) {
	s.readRulebook()
	b := &script{}
	b.head.WriteString(hintsHead)
	b.body.WriteString(serviceTypeHook)
	w := hintsWriter{source: s, script: b, orig: s.mentioned("Orig-User-Name")}
	if s.hints != nil {
		requests, answers := w.answers(s.hints.all())
		w.rules(requests)
		w.answerRules(answers)
		s.report.Donef(raddb.Pos{File: s.hints.name}, "%s", count(w.written, "rule is", "rules are")+" in "+hintsScript)
	}
	b.write(s.out.File(hintsScript))
}

// A hintsWriter writes the handler of hints.
type hintsWriter struct {
	*source
	script  *script
	orig    bool // something asks for Orig-User-Name
	written int
}

// count gives a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// rules writes the handler. Rules of which none falls through are one chain of if and elseif; otherwise each
// is an if of its own.
func (w *hintsWriter) rules(all []*rule) {
	live, dead := w.sift(all)
	if len(all) == 0 {
		return
	}
	b := w.script
	b.linef("")
	if len(live) > 0 {
		b.linef(`on("hints", {name = "hints"}, function(req)`)
		b.indent++
	}
	chain := !slices.ContainsFunc(live, (*rule).fallsThrough)
	open := false
	for i, r := range all {
		if !b.shows(r) {
			continue
		}
		b.above(r, i == 0)
		if why := cmp.Or(r.dropped, dead[r]); why != "" {
			b.comment("Left out: " + why + ".")
			continue
		}
		w.rule(r, chain, &open, r == live[len(live)-1])
	}
	if open {
		b.linef("end")
	}
	if len(live) > 0 {
		b.indent--
		b.linef("end)")
		w.cases(live)
	}
}

// sift tells the rules that can ever fit from those that cannot.
func (w *hintsWriter) sift(all []*rule) (live []*rule, dead map[*rule]string) {
	dead = map[*rule]string{}
	var end *rule // fits always and ends the search
	for _, r := range all {
		if r.dropped != "" {
			continue
		}
		p, why := neverHolds(r.lhs)
		if groups := values(r.lhs, "Huntgroup-Name"); why == "" && len(groups) > 0 {
			p, why = groups[0], "huntgroups are asked after hints: write the condition itself"
		}
		if why != "" {
			dead[r] = why
			w.report.Lookf(p.name.at, "%s: the rule never fits: %s", r.name(), why)
			continue
		}
		if end != nil {
			dead[r] = fmt.Sprintf("the rule of line %d fits all requests and ends the search", end.at().Line)
			w.report.Lookf(r.at(), "%s: can never be reached: %s", r.name(), dead[r])
			continue
		}
		live = append(live, r)
		if r.isDefault() && condition(r.lhs) == "" && !r.fallsThrough() {
			end = r
		}
	}
	return live, dead
}

func (r *rule) fallsThrough() bool { return r.flag("Fall-Through", false) }

// above writes the comments before a rule: those of the old file, and the rule's own lines.
func (b *script) above(r *rule, first bool) {
	if !first {
		b.linef("")
	}
	if text := r.above(); text != "" {
		b.comment(text)
		b.comment("")
	}
	b.comment(fmt.Sprintf("%s:%d", r.file.name, r.at().Line))
	b.comment(r.shown())
	if r.dropped != "" {
		return
	}
	for _, list := range [...][]pair{r.lhs, r.rhs} {
		for i := range list {
			if p := &list[i]; p.dropped != "" {
				b.comment(fmt.Sprintf("%s left out: %s.", p.name.text, p.dropped))
			}
		}
	}
}

// rule writes one rule. open says whether an if of the chain waits for its end.
func (w *hintsWriter) rule(r *rule, chain bool, open *bool, last bool) {
	w.written++
	b := w.script
	cond := w.condition(r)
	body := w.work(r)
	switch {
	case cond == "" && *open:
		b.linef("else")
	case cond == "":
		b.lines(body...)
		return // all that follows falls through to here, or nothing follows
	case *open:
		b.linef("elseif %s then", cond)
	default:
		b.linef("if %s then", cond)
		*open = chain
	}
	b.indent++
	if !chain && !last && !r.fallsThrough() {
		body = append(body, "return")
	}
	if len(body) == 0 {
		b.comment("Nothing to do: the search ends here.")
	}
	b.lines(body...)
	b.indent--
	if !chain {
		b.linef("end")
	}
}

// condition gives the Lua for label and left side of a rule.
func (w *hintsWriter) condition(r *rule) string {
	cond := condition(r.lhs)
	label := r.label.text
	if r.isDefault() {
		return cond
	}
	if strings.HasPrefix(label, "DEFAULT") {
		w.differ("default-label", r.at(), "%s is the name of a user, as documented; the old server took any label that begins with DEFAULT for one", r.name())
	}
	if strings.ContainsAny(label, `*?[\`) {
		w.wildcard(r)
	}
	name := "req.user == " + output.LuaString(label)
	if cond == "" {
		return name
	}
	return name + " and " + cond
}

// wildcard tells of a label with signs that the old server took for a pattern. The manual says that names must
// be equal, so that is done; the way to have the pattern stands above the rule.
func (w *hintsWriter) wildcard(r *rule) {
	pattern := fmt.Sprintf(`req:is("User-Name", %s)`, output.LuaString(r.label.text))
	w.script.comment("The old server took the name for a pattern, against its manual. To have that, ask")
	w.script.comment(pattern + " instead.")
	w.differ("wildcard", r.at(), "names of rules are compared as they stand, as documented; the old server took * ? [ ] \\ in them for patterns")
	w.report.Lookf(r.at(), "%s: compared as it stands; if a pattern is meant write %s in %s", r.name(), pattern, hintsScript)
}
