package gnu

import (
	"cmp"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/users"
)

// A heldValue is one attribute of a request or reply: its text, and the number behind it if there is one.
type heldValue struct {
	attr *dictionary.Attribute // of the new dictionary
	text string
	num  uint32
}

// A heldList is the attributes of a request or a reply.
type heldList []heldValue

func (l heldList) first(a *dictionary.Attribute) (heldValue, bool) {
	for _, v := range l {
		if v.attr == a {
			return v, true
		}
	}
	return heldValue{}, false
}

func (l heldList) count(a *dictionary.Attribute) (n int) {
	for _, v := range l {
		if v.attr == a {
			n++
		}
	}
	return n
}

// merge adds a value by its additivity.
func (l *heldList) merge(v heldValue, how dictionary.Additivity) {
	i := slices.IndexFunc(*l, func(old heldValue) bool { return old.attr == v.attr })
	switch {
	case i < 0 || how == dictionary.Append:
		*l = append(*l, v)
	case how == dictionary.Replace:
		(*l)[i] = v
	}
}

// set replaces the value of an attribute, or adds it.
func (l *heldList) set(v heldValue) { l.merge(v, dictionary.Replace) }

// An outcome is what the old rules make of a request, as documented. It is computed from the rules, not from
// what they were converted to, so that the tests made of it judge the conversion.
type outcome struct {
	request heldList
	fits    []*rule // in order, of all three files
	refused bool    // by huntgroups
	unsure  string  // why no more can be foretold; "" if all is known

	known bool // users: some entry fits
	reply heldList
}

func (o *outcome) has(r *rule) bool { return slices.Contains(o.fits, r) }

func (o *outcome) doubt(why string) { o.unsure = cmp.Or(o.unsure, why) }

// A model runs rules for one request.
type model struct {
	*source
	outcome
	asked map[string]bool // huntgroups that are being asked, against circles
}

func (s *source) newModel(request heldList) *model {
	return &model{source: s, outcome: outcome{request: request}, asked: map[string]bool{}}
}

// run takes a request through hints and huntgroups and, if all is set, through users.
func (s *source) run(request heldList, all bool) *outcome {
	m := s.newModel(slices.Clone(request))
	m.runHints()
	m.runAccess()
	if all && !m.refused {
		m.runUsers()
	}
	return &m.outcome
}

func (m *model) attribute(name string) *dictionary.Attribute { return m.dict.Attribute(name) }

func (m *model) name() string {
	v, _ := m.request.first(m.attribute("User-Name"))
	return v.text
}

func (m *model) rename(name string) {
	m.request.set(heldValue{attr: m.attribute("User-Name"), text: name})
}

func (m *model) runHints() {
	if _, ok := m.request.first(m.attribute("Service-Type")); !ok {
		if _, ok := m.request.first(m.attribute("Framed-Protocol")); ok {
			m.request = append(m.request, heldValue{m.attribute("Service-Type"), "Framed-User", 2})
		}
	}
	for _, r := range rulesOf(m.hints) {
		if !r.isDefault() && r.label.text != m.name() {
			continue
		}
		if _, why := neverHolds(r.lhs); why != "" || !m.all(r.lhs) {
			continue
		}
		m.fits = append(m.fits, r)
		m.hint(r)
		if !r.fallsThrough() {
			return
		}
	}
}

// hint does what a rule of hints says.
func (m *model) hint(r *rule) {
	if r.flag("Strip-User-Name", true) {
		prefix, suffix := affixes(r)
		if n := m.name(); prefix+suffix > 0 {
			m.rename(n[min(prefix, len(n)):max(len(n)-suffix, min(prefix, len(n)))])
		}
	}
	if p := append(values(r.rhs, "Replace-User-Name"), values(r.lhs, "Replace-User-Name")...); len(p) > 0 {
		m.replaceName(p[0])
	}
	m.calls(r)
	for _, p := range kept(r.rhs) {
		switch {
		case p.inert() != "":
		case p.computed():
			m.request.merge(heldValue{attr: p.now, text: unforetold}, p.attr.Additivity)
		default:
			m.request.merge(p.held(), p.attr.Additivity)
		}
	}
}

// unforetold is the text of a value that a rule computes.
const unforetold = "\x00"

// held gives the constant value of a pair.
func (p *pair) held() heldValue { return heldValue{p.now, p.valueText(), p.num} }

func (m *model) calls(r *rule) {
	if len(values(r.lhs, "Rewrite-Function"))+len(values(r.rhs, "Rewrite-Function")) > 0 {
		m.doubt(callsRewrite)
	}
}

// callsRewrite is the doubt about requests that a Rewrite function has changed.
const callsRewrite = "a Rewrite function may change anything"

// replaceName expands Replace-User-Name. Times cannot be foretold.
func (m *model) replaceName(p *pair) {
	if p.expr != "" {
		m.doubt("Replace-User-Name is computed")
		return
	}
	macro, _ := users.ParseMacro(p.value.text, m.dict)
	var b strings.Builder
	for _, part := range macro.Parts() {
		switch part.Kind {
		case users.MacroText:
			b.WriteString(part.Text)
		case users.MacroTime:
			m.doubt("Replace-User-Name tells the time")
		case users.MacroRequest, users.MacroReply:
			b.WriteString(m.inserted(&part))
		}
	}
	m.rename(b.String())
}

func (m *model) inserted(part *users.MacroPart) string {
	v, ok := m.request.first(part.Ref.Attr)
	switch {
	case part.Quoted:
		m.doubt("a macro stands between quotes")
	case part.Kind == users.MacroReply || !ok:
		if part.Mode == 0 && !isText(part.Ref.Attr) {
			return "0"
		}
		return part.Text
	case part.Mode == '+':
		return ""
	case numeric(part.Ref.Attr):
		return decimal(v.num)
	}
	return v.text
}

// runAccess asks huntgroups: the first rule whose left side fits decides.
func (m *model) runAccess() {
	for _, r := range rulesOf(m.huntgroups) {
		if _, why := neverHolds(r.lhs); why != "" || !m.all(r.lhs) {
			continue
		}
		m.fits = append(m.fits, r)
		_, never := neverHolds(r.rhs)
		m.refused = never != "" || !m.all(r.rhs)
		m.calls(r)
		return
	}
}

// all reports whether all comparisons of a list hold.
func (m *model) all(list []pair) bool {
	for i := range list {
		if p := &list[i]; p.compared() && !m.holds(p) {
			return false
		}
	}
	return true
}

// holds compares one pair with the request.
func (m *model) holds(p *pair) bool {
	name, named := m.request.first(m.attribute("User-Name"))
	named = named && name.text != ""
	switch p.attr.Name {
	case "Prefix":
		return named && strings.HasPrefix(name.text, p.value.text) != p.negated()
	case "Suffix":
		return named && strings.HasSuffix(name.text, p.value.text) != p.negated()
	case "Group", "Group-Name":
		m.doubt("groups are those of the system")
		return false
	case "Huntgroup-Name":
		return m.inGroup(p.value.text) != p.negated()
	case "Hint":
		found := slices.ContainsFunc(m.request, func(v heldValue) bool { return v.attr == p.now && v.text == p.value.text })
		return m.request.count(p.now) > 0 && found != p.negated()
	}
	v, ok := m.request.first(p.now)
	return ok && p.fits(v)
}

// inGroup reports whether a rule of huntgroups with that label fits, on both sides.
func (m *model) inGroup(name string) bool {
	if m.asked[name] {
		m.doubt("huntgroups ask each other in a circle")
		return false
	}
	m.asked[name] = true
	defer delete(m.asked, name)
	for _, r := range rulesOf(m.huntgroups) {
		_, left := neverHolds(r.lhs)
		_, right := neverHolds(r.rhs)
		if r.label.text == name && left == "" && right == "" && m.all(r.lhs) && m.all(r.rhs) {
			return true
		}
	}
	return false
}

// fits compares a value by the operator of the pair.
func (p *pair) fits(v heldValue) bool {
	order := 0
	switch {
	case p.ranges != nil:
		order = -1
		for _, r := range p.ranges {
			if v.num >= r.from && v.num <= r.to {
				order = 0
			}
		}
	case numeric(p.now) || address(p.now):
		order = cmp.Compare(v.num, p.num)
	default:
		order = strings.Compare(v.text, p.valueText())
	}
	switch p.op.text {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}
