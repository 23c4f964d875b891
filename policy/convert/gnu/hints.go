package gnu

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
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
		w.rules(s.hints.all())
		s.report.Donef(raddb.Pos{File: s.hints.name}, "%s", count(w.written, "rule is", "rules are")+" in "+hintsScript)
	}
	s.out.File(hintsScript).WriteString(b.String())
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
		w.script.above(r, i == 0)
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
		if p, why := neverHolds(r.lhs); why != "" {
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
		w.body(body)
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
	w.body(body)
	b.indent--
	if !chain {
		b.linef("end")
	}
}

func (w *hintsWriter) body(lines []string) {
	for _, line := range lines {
		w.script.linef("%s", line)
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
	name := "req.user == " + luaString(label)
	if cond == "" {
		return name
	}
	return name + " and " + cond
}

// wildcard tells of a label with signs that the old server took for a pattern. The manual says that names must
// be equal, so that is done; the way to have the pattern stands above the rule.
func (w *hintsWriter) wildcard(r *rule) {
	pattern := fmt.Sprintf(`req:is("User-Name", %s)`, luaString(r.label.text))
	w.script.comment("The old server took the name for a pattern, against its manual. To have that, ask")
	w.script.comment(pattern + " instead.")
	w.differ("wildcard", r.at(), "names of rules are compared as they stand, as documented; the old server took * ? [ ] \\ in them for patterns")
	w.report.Lookf(r.at(), "%s: compared as it stands; if a pattern is meant write %s in %s", r.name(), pattern, hintsScript)
}

// work gives the statements that a rule makes.
func (w *hintsWriter) work(r *rule) (lines []string) {
	if w.orig {
		lines = append(lines, `req["Orig-User-Name"] = req.received_user`)
	}
	lines = append(lines, w.names(r)...)
	lines = append(lines, w.calls(r)...)
	for _, p := range kept(r.rhs) {
		lines = append(lines, w.add(p)...)
	}
	return lines
}

// names strips and replaces User-Name.
func (w *hintsWriter) names(r *rule) (lines []string) {
	replace := append(values(r.rhs, "Replace-User-Name"), values(r.lhs, "Replace-User-Name")...)
	strip := w.strip(r)
	if len(replace) == 0 {
		if strip != "" {
			lines = append(lines, strip)
		}
		return lines
	}
	value, before := w.newName(replace[0])
	if strip != "" && (strings.Contains(value, "req.user") || strings.Contains(value, "functions.") || strings.Contains(value, "User-Name")) {
		lines = append(lines, strip)
	}
	if value != "" {
		lines = append(append(lines, before...), "req.user = "+value)
	}
	return lines
}

// newName gives the Lua of a Replace-User-Name, and what has to be done before.
func (w *hintsWriter) newName(p *pair) (value string, before []string) {
	if p.expr != "" {
		return w.expression(p), nil
	}
	m := w.macro(p.value.text)
	for _, problem := range m.problems {
		w.report.Lookf(p.value.at, "Replace-User-Name: %s", problem)
	}
	return m.value, m.before
}

// strip gives the statement that takes the prefix and the suffix of a rule off the name, "" if there is none.
func (w *hintsWriter) strip(r *rule) string {
	if !r.flag("Strip-User-Name", true) {
		return ""
	}
	from, to := affixes(r)
	switch {
	case from == 0 && to == 0:
		return ""
	case to == 0:
		return fmt.Sprintf("req.user = req.user:sub(%d)", from+1)
	case from > 0:
		w.differ("strip", r.at(), "a rule with Prefix and Suffix takes both off the name, as documented; the old server took off only the one listed last")
	}
	return fmt.Sprintf("req.user = req.user:sub(%d, -%d)", from+1, to+1)
}

// affixes gives the lengths of the prefix and the suffix that a rule demands.
func affixes(r *rule) (prefix, suffix int) {
	for _, p := range values(r.lhs, "Prefix") {
		if !p.negated() && prefix == 0 {
			prefix = len(p.value.text)
		}
	}
	for _, p := range values(r.lhs, "Suffix") {
		if !p.negated() && suffix == 0 {
			suffix = len(p.value.text)
		}
	}
	return prefix, suffix
}

// calls gives the calls of Rewrite functions: those of the right side, then of the left one.
func (w *hintsWriter) calls(r *rule) (lines []string) {
	return w.source.calls(w.script, r)
}

// calls gives the calls of a rule's Rewrite functions.
func (s *source) calls(b *script, r *rule) (lines []string) {
	for _, list := range [...][]pair{r.rhs, r.lhs} {
		for _, p := range values(list, "Rewrite-Function") {
			name, err := s.share(strings.TrimSuffix(p.value.text, "()"))
			if err != nil {
				s.report.Lookf(p.value.at, "Rewrite-Function = %q: %v", p.value.text, err)
				lines = append(lines, fmt.Sprintf("-- Rewrite-Function = %s: %v", luaString(p.value.text), err))
				continue
			}
			b.shared = true
			lines = append(lines, name+"(req)")
		}
	}
	return lines
}

// share gives the Lua name of a Rewrite function.
func (s *source) share(name string) (string, error) {
	if s.rewrite == nil || !s.rewrite.Has(name) {
		return "", fmt.Errorf("no Rewrite source has a function %q", name)
	}
	return s.rewrite.Share(name)
}

// expression gives the Lua of a computed value, "" if it cannot be translated.
func (w *hintsWriter) expression(p *pair) string {
	lua, err := w.inline(p)
	if err != nil {
		w.report.Lookf(p.value.at, "%s: the value cannot be translated: %v", p.name.text, err)
		return ""
	}
	w.script.shared = w.script.shared || strings.Contains(lua, "functions.")
	return lua
}

func (s *source) inline(p *pair) (string, error) {
	return s.rewrite.Inline(p.expr, p.value.at, p.now)
}

// silent are the attributes that hints obey in another way, or that nothing ever looked for in a request.
var silent = []string{"Strip-User-Name", "Replace-User-Name", "Rewrite-Function", "Fall-Through"}

// orders are those that the server obeys: they go to the control list.
var orders = []string{"Acct-Type", "Acct-Ext-Program", "Log-Mode-Mask"}

// inert tells why a pair of the right side of hints does nothing to the request, "" if it does something.
func (p *pair) inert() string {
	name := p.attr.Name
	switch {
	case slices.Contains(silent, name), slices.Contains(orders, name):
		return "it is obeyed in another way"
	case !p.compared():
		return "the old server never looked for it in a request"
	case name == "Exec-Program-Wait":
		return `scripts cannot start programs yet: start it from users, or do its work here`
	case strings.HasPrefix(name, "Scheme-"):
		return "write the procedure in Lua"
	case p.host:
		return "it is a host name, which was looked up when the file was read: write its address"
	}
	return ""
}

// computed reports whether a value of the right side depends on the request.
func (p *pair) computed() bool {
	return p.expr != "" || address(p.attr) && strings.HasSuffix(p.value.text, "+")
}

// add gives the statements that put a pair of the right side into the request.
func (w *hintsWriter) add(p *pair) []string {
	name, value := p.attr.Name, p.luaValue()
	switch why := p.inert(); {
	case slices.Contains(silent, name):
		return nil
	case slices.Contains(orders, name):
		return []string{fmt.Sprintf("req.control:add(%s, %s)", luaString(p.now.FullName()), value)}
	case why != "":
		return w.without(p, why)
	case p.expr != "":
		if value = w.expression(p); value == "" {
			return w.without(p, "the value could not be translated")
		}
	case p.computed():
		value = fmt.Sprintf(`net.ntoa(net.aton(%s) + (req:int("NAS-Port") or 0))`, luaString(dotted(p.num)))
	}
	return []string{assignment(p.now, p.attr.Additivity, value)}
}

func (w *hintsWriter) without(p *pair, why string) []string {
	w.report.Lookf(p.name.at, "%s left out: %s", p.name.text, why)
	return []string{fmt.Sprintf("-- %s left out: %s.", p.text(), why)}
}

// assignment adds a value by its attribute's additivity.
func assignment(a *dictionary.Attribute, how dictionary.Additivity, value string) string {
	switch {
	case how == dictionary.Replace:
		return field(a) + " = " + value
	case how == dictionary.None:
		return fmt.Sprintf("req:merge{[%s] = %s}", luaString(a.FullName()), value)
	}
	return fmt.Sprintf("req:add(%s, %s)", luaString(a.FullName()), value)
}
