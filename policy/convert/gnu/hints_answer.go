package gnu

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// forAnswers reports whether a rule is for answers of home servers alone: Proxy-Replied = Yes. They have no
// User-Name, so that only DEFAULT fits.
func (r *rule) forAnswers() bool {
	asked := values(r.lhs, "Proxy-Replied")
	return r.isDefault() && len(asked) == 1 && asked[0].op.text == "=" && asked[0].num == 1
}

// answers writes the rules that look at what a home server has answered, and gives the others.
func (w *hintsWriter) answers(all []*rule) (rest, answers []*rule) {
	for _, r := range all {
		if r.dropped == "" && r.forAnswers() {
			answers = append(answers, r)
		} else {
			rest = append(rest, r)
		}
	}
	return rest, answers
}

// answerRules writes the handler for answers. In it req stands for what has come from the home server, and what
// is added goes to the reply.
func (w *hintsWriter) answerRules(list []*rule) {
	if len(list) == 0 {
		return
	}
	b := w.script
	b.linef("")
	b.comment("What the rules with Proxy-Replied = Yes do with the answer of a home server. Here req is that answer; only")
	b.comment("attributes with the flag P were passed on, so only those are added.")
	b.linef(`on("post_proxy", {name = "hints-answers", when = {proxy = {"accept", "reject", "challenge", "response"}}}, function(request)`)
	b.indent++
	b.linef("local req, reply = request.proxy.reply, request.reply")
	for i, r := range list {
		b.above(r, i == 0)
		w.answerRule(r)
	}
	b.indent--
	b.linef("end)")
}

func (w *hintsWriter) answerRule(r *rule) {
	b := w.script
	cond, why := w.answerCondition(r)
	if why != "" {
		w.report.Lookf(r.at(), "%s: left out: %s", r.name(), why)
		b.comment("Left out: " + why + ".")
		return
	}
	w.written++
	if cond == "" {
		b.linef("do")
	} else {
		b.linef("if %s then", cond)
	}
	b.indent++
	for _, p := range kept(r.rhs) {
		b.lines(w.answerPair(p))
	}
	if !r.fallsThrough() {
		b.linef("return")
	}
	b.indent--
	b.linef("end")
}

// answerCondition gives the Lua of the left side without Proxy-Replied, or why there is none.
func (w *hintsWriter) answerCondition(r *rule) (cond, why string) {
	rest := slices.DeleteFunc(slices.Clone(r.lhs), func(p pair) bool { return p.attr != nil && p.attr.Name == "Proxy-Replied" })
	if _, why = neverHolds(rest); why != "" {
		return "", why
	}
	cond = condition(rest)
	if strings.Contains(cond, "req.user") || strings.Contains(cond, "req:group") || strings.Contains(cond, "req:huntgroup") {
		return "", `it asks for what answers lack: write on("post_proxy", fn)`
	}
	return cond, ""
}

// answerPair gives the statement that adds a pair of the right side to the reply.
func (w *hintsWriter) answerPair(p *pair) string {
	why := p.inert()
	switch {
	case slices.Contains(silent, p.attr.Name) && p.attr.Name == "Fall-Through":
		return "-- Fall-Through: the next rule is tried, too."
	case !p.attr.Propagate:
		why = cmp.Or(why, "it has no flag P")
	case p.computed():
		why = cmp.Or(why, "its value is computed from the request")
	}
	if why != "" {
		if p.attr.Propagate {
			w.report.Lookf(p.name.at, "%s left out: %s", p.name.text, why)
		}
		return printable(fmt.Sprintf("-- %s: %s.", p.text(), why))
	}
	return strings.Replace(assignment(p.now, p.attr.Additivity, p.luaValue()), "req", "reply", 1)
}
