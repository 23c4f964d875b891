package gnu

import (
	"strconv"
)

// fixChecks does what the old server did with an entry of users once it was read: entries that could let
// nobody in, or anybody, are left out.
func (r *rule) fixChecks() {
	method := values(r.lhs, "Auth-Type")
	passwords := len(values(r.lhs, "User-Password")) + len(values(r.lhs, "CHAP-Password")) + len(values(r.lhs, "Password-Location"))
	crypt := len(values(r.lhs, "Crypt-Password"))
	for _, list := range [...][]pair{r.lhs, r.rhs} {
		for _, p := range kept(list) {
			switch {
			case p.attr.Name == "Match-Profile" && (numbered(p.value.text, "DEFAULT") || numbered(p.value.text, "BEGIN")):
				r.drop("Match-Profile names %s", p.value.text)
			case p.host:
				r.drop("%s is %q; host names were looked up when the file was read, write the address", p.name.text, p.value.text)
			case p.badDate:
				r.drop("%s is %q; expected a date such as Jan 05 2026", p.name.text, p.value.text)
			}
		}
	}
	if len(method) == 0 {
		return
	}
	switch name := authName(method[0]); {
	case name == "Local" && passwords+crypt == 0, name == "Crypt-Local" && passwords+crypt == 0:
		r.drop("Auth-Type = %s without a password", name)
	case name == "SecurID":
		r.drop(`SecurID was never served; to ask a token server write auth_type("name", fn) in a script`)
	}
}

// authName gives the name of an Auth-Type.
func authName(p *pair) string {
	name, ok := p.attr.ValueName(uint64(p.num))
	if !ok {
		return strconv.FormatUint(uint64(p.num), 10)
	}
	return name
}

// breakCircles leaves out the rules whose Match-Profile leads back to themselves.
func (s *source) breakCircles(rules []*rule) {
	named := map[string][]*rule{}
	for _, r := range rules {
		if r.dropped == "" {
			named[r.label.text] = append(named[r.label.text], r)
		}
	}
	for label, group := range named {
		if !reaches(named, label, label, map[string]bool{}) {
			continue
		}
		for _, r := range group {
			r.drop("its Match-Profile leads back to %s", label)
		}
	}
}

// reaches reports whether the profiles that rules of the label from name lead to the label to.
func reaches(named map[string][]*rule, from, to string, seen map[string]bool) bool {
	for _, r := range named[from] {
		for _, next := range r.profiles() {
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				if reaches(named, next, to, seen) {
					return true
				}
			}
		}
	}
	return false
}

// profiles gives the labels that the Match-Profile pairs of a rule name.
func (r *rule) profiles() (labels []string) {
	for _, list := range [...][]pair{r.lhs, r.rhs} {
		for _, p := range values(list, "Match-Profile") {
			labels = append(labels, p.value.text)
		}
	}
	return labels
}
