package gnu

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/policy/convert/output"
)

// work gives the statements that a rule makes.
func (w *hintsWriter) work(r *rule) (lines []string) {
	if w.orig {
		lines = append(lines, `req["Orig-User-Name"] = req.received_user`)
	}
	lines = append(lines, w.names(r)...)
	lines = append(lines, w.calls(w.script, r)...)
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

// calls gives the calls of a rule's Rewrite functions: those of the right side, then of the left one.
func (s *source) calls(b *script, r *rule) (lines []string) {
	for _, list := range [...][]pair{r.rhs, r.lhs} {
		for _, p := range values(list, "Rewrite-Function") {
			name, err := s.share(strings.TrimSuffix(p.value.text, "()"))
			if err != nil {
				s.report.Lookf(p.value.at, "Rewrite-Function = %q: %v", p.value.text, err)
				lines = append(lines, fmt.Sprintf("-- Rewrite-Function = %s: %v", output.LuaString(p.value.text), err))
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
var orders = []string{"Acct-Type", "Acct-Ext-Program", "Exec-Program-Wait", "Log-Mode-Mask"}

// inert tells why a pair of the right side of hints does nothing to the request, "" if it does something.
func (p *pair) inert() string {
	name := p.attr.Name
	switch {
	case slices.Contains(silent, name), slices.Contains(orders, name):
		return "it is obeyed in another way"
	case !p.compared():
		return "the old server never looked for it in a request"
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

// withPort gives the Lua of an address that the port is added to.
func (p *pair) withPort() string {
	return `net.ntoa(net.aton(` + output.LuaString(dotted(p.num)) + `) + (req:int("NAS-Port") or 0))`
}

// add gives the statements that put a pair of the right side into the request.
func (w *hintsWriter) add(p *pair) []string {
	name, value := p.attr.Name, p.luaValue()
	switch why := p.inert(); {
	case slices.Contains(silent, name):
		return nil
	case slices.Contains(orders, name):
		if value = w.order(p); value == "" {
			return w.without(p, "the value could not be translated")
		}
		return []string{fmt.Sprintf("req.control:add(%s, %s)", output.LuaString(p.now.FullName()), value)}
	case why != "":
		return w.without(p, why)
	case p.expr != "":
		if value = w.expression(p); value == "" {
			return w.without(p, "the value could not be translated")
		}
	case p.computed():
		value = p.withPort()
	}
	return []string{assignment(p.now, p.attr.Additivity, value)}
}

// order gives the Lua of the value of an order, "" if it cannot be translated.
func (w *hintsWriter) order(p *pair) string {
	name := p.attr.Name
	if name == "Exec-Program-Wait" {
		w.differ("hints-exec", p.name.at, "programs of hints run when all rules of hints have done their work, not between them")
	}
	switch {
	case p.expr != "":
		return w.expression(p)
	case name == "Exec-Program-Wait", name == "Acct-Ext-Program":
		return output.LuaString(w.mendMacros(p.value.text, p.value.at, name))
	}
	return p.luaValue()
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
		return fmt.Sprintf("req:merge{[%s] = %s}", output.LuaString(a.FullName()), value)
	}
	return fmt.Sprintf("req:add(%s, %s)", output.LuaString(a.FullName()), value)
}
