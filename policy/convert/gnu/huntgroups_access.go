package gnu

import (
	"fmt"
	"strings"
)

// access writes the handler that refuses. Rules after the last one that refuses or calls something do nothing.
func (w *huntgroupsWriter) access(used []*rule) {
	end := 0
	for i, r := range used {
		if condition(r.rhs) != "" || len(values(r.lhs, "Rewrite-Function"))+len(values(r.rhs, "Rewrite-Function")) > 0 {
			end = i + 1
		}
	}
	if end == 0 {
		return
	}
	b := w.script
	b.body.WriteString(accessHead)
	b.linef(`on("huntgroups", {name = "access"}, function(req)`)
	b.indent++
	open := false
	for _, r := range used[:end] {
		if w.rule(r, &open) {
			break
		}
	}
	if open {
		b.linef("end")
	}
	b.indent--
	b.linef("end)")
}

// rule writes one rule as a branch of the handler. It reports whether the rule fits every request, so that
// none can follow.
func (w *huntgroupsWriter) rule(r *rule, open *bool) (all bool) {
	b := w.script
	if _, why := neverHolds(r.lhs); why != "" {
		return false
	}
	cond := condition(r.lhs)
	note := fmt.Sprintf("%s (%s:%d)", r.label.text, r.file.name, r.at().Line)
	body := w.decide(r)
	switch {
	case cond == "" && *open:
		b.linef("else -- %s", note)
	case cond == "":
		b.comment(note)
		b.lines(body...)
		return true
	case *open:
		b.linef("elseif %s then -- %s", cond, note)
	default:
		b.linef("if %s then -- %s", cond, note)
		*open = true
	}
	b.indent++
	if len(body) == 0 {
		b.comment("all may come from here")
	}
	b.lines(body...)
	b.indent--
	return cond == ""
}

// decide gives the statements of a rule that fits: compare the right side, call its Rewrite functions, refuse.
func (w *huntgroupsWriter) decide(r *rule) (lines []string) {
	const refuse = `return reject{reason = "huntgroup"}`
	calls := w.calls(w.script, r)
	right := condition(r.rhs)
	_, never := neverHolds(r.rhs)
	if right != "" {
		w.differ("huntgroup-reject", r.at(), "a refusal by huntgroups holds no attributes; the old server sent the request's own Reply-Messages back")
	}
	switch {
	case right == "":
		return calls
	case never != "":
		return append(calls, refuse)
	case len(calls) == 0:
		return []string{"if " + negation(right) + " then", "  " + refuse, "end"}
	}
	lines = append(lines, "local allowed = "+right)
	lines = append(lines, calls...)
	return append(lines, "if not allowed then", "  "+refuse, "end")
}

// negation gives the contrary of a condition.
func negation(cond string) string {
	if strings.HasPrefix(cond, "req:") && strings.HasSuffix(cond, ")") && !strings.Contains(cond, " and ") {
		return "not " + cond
	}
	return "not (" + cond + ")"
}
