package gnu

import (
	"cmp"
	"slices"
)

// runUsers takes the request through users, as documented: the rule that fits decides whether the search goes
// on.
func (m *model) runUsers() {
	name := m.name()
	all := m.tested
	of := func(fits func(label string) bool) []*rule {
		return slices.DeleteFunc(slices.Clone(all), func(r *rule) bool { return !fits(r.label.text) })
	}
	found, goOn := m.scan(of(func(l string) bool { return numbered(l, "BEGIN") }), 0)
	m.known = found
	if !goOn {
		return
	}
	defaults := of(func(l string) bool { return numbered(l, "DEFAULT") })
	named := of(func(l string) bool { return l == name && !numbered(l, "DEFAULT") && !numbered(l, "BEGIN") })
	if name == "DEFAULT" {
		named = defaults
	}
	found, goOn = m.scan(named, 0)
	m.known = m.known || found
	if goOn {
		found, _ = m.scan(defaults, 0)
		m.known = m.known || found
	}
}

// maxProfileDepth is how deep profiles may name one another.
const maxProfileDepth = 8

// scan tries rules in order. goOn says that the search was not ended.
func (m *model) scan(rules []*rule, depth int) (found, goOn bool) {
	for _, r := range rules {
		if depth > maxProfileDepth || !m.all(r.lhs) || !m.profiles(r.lhs, depth) {
			continue
		}
		found = true
		m.fits = append(m.fits, r)
		m.apply(r)
		m.profiles(r.rhs, depth)
		if through := values(r.rhs, "Fall-Through"); len(through) == 0 || through[0].num == 0 {
			return true, false
		}
	}
	return found, true
}

// profiles scans the rules that a list's Match-Profile pairs name; the last one decides.
func (m *model) profiles(list []pair, depth int) bool {
	ok := true
	for _, p := range values(list, "Match-Profile") {
		named := slices.DeleteFunc(slices.Clone(m.tested), func(r *rule) bool { return r.label.text != p.value.text })
		ok, _ = m.scan(named, depth+1)
	}
	return ok
}

// apply merges the reply list of a rule that fits.
func (m *model) apply(r *rule) {
	for _, p := range kept(r.rhs) {
		switch p.attr.Name {
		case "Fall-Through", "Match-Profile":
			continue
		case "Menu":
			m.doubt("a menu is shown")
		}
		v := p.held()
		if p.computed() {
			v.text = unforetold
		}
		m.reply.merge(v, p.attr.Additivity)
	}
}

// verdict gives the word for what a password leads to.
func (o *outcome) verdict(right bool) string {
	if o.refused || !o.known {
		return "reject"
	}
	method, password := o.method()
	switch method {
	case "Accept":
		return "accept"
	case "Reject", "":
		return "reject"
	case "Ignore":
		return "discard"
	case "Local", "Crypt-Local":
		if right && password {
			return "accept"
		}
		return "reject"
	}
	return "" // the system's users and what scripts check
}

// method gives the Auth-Type that counts, and whether there is a password to compare with.
func (o *outcome) method() (method string, password bool) {
	for _, r := range o.fits {
		m, own := r.method()
		password = password || own
		method = cmp.Or(method, m)
	}
	return method, password
}

// method gives the Auth-Type that a rule of users orders, "" for none, and whether it has a password.
func (r *rule) method() (method string, password bool) {
	types, clear, crypt := values(r.lhs, "Auth-Type"), values(r.lhs, "User-Password"), values(r.lhs, "Crypt-Password")
	password = len(clear)+len(crypt) > 0
	switch {
	case len(types) > 0 && types[0].asks, len(clear) > 0 && clear[0].asks:
		return "script", password
	case len(types) > 0 && len(crypt) == 0, len(types) > 0 && (authName(types[0]) == "Reject" || authName(types[0]) == "Ignore"):
		return authName(types[0]), password
	case len(crypt) > 0:
		return "Crypt-Local", password
	case len(clear) > 0 && clear[0].value.text == "UNIX":
		return "System", false
	case len(clear) > 0:
		return "Local", password
	}
	return "", false
}
