package policy

import (
	"bytes"
	"net/netip"
	"slices"

	"perilune/engine/dictionary"
	"perilune/engine/server"
)

// match reports whether the condition holds. A huntgroup that fails may decide the request.
func (rn *Runner) match(c condition, r *server.Request) (bool, *server.Verdict) {
	for _, set := range c {
		all := true
		for i := range set {
			ok, v := rn.holds(&set[i], r)
			if v != nil {
				return false, v
			}
			if !ok {
				all = false
				break
			}
		}
		if all {
			return true, nil
		}
	}
	return false, nil
}

func (rn *Runner) holds(t *test, r *server.Request) (bool, *server.Verdict) {
	switch t.subject {
	case subjectAttribute:
		return t.attribute(&r.Attributes), nil
	case subjectHuntgroup:
		return rn.inHuntgroup(t.huntgroups, r)
	case subjectSource:
		a := r.Source.Addr().Unmap().WithZone("")
		for i := range t.patterns {
			if t.patterns[i].address(netip.PrefixFrom(a, a.BitLen()), a.IsValid()) {
				return true, nil
			}
		}
		return false, nil
	case subjectUser:
		user, ok := r.Attributes.First(rn.known().UserName)
		return anyText(t.patterns, user, ok && len(user) > 0), nil
	case subjectRealm:
		realm, ok := rn.realm(r)
		return anyText(t.patterns, realm, ok), nil
	}
	word := rn.word(t.subject, r)
	return anyText(t.patterns, word, word != ""), nil
}

// attribute reports whether any value of the test's attribute fits any pattern.
func (t *test) attribute(l *dictionary.List) bool {
	for i := 0; ; i++ {
		value, ok := l.Get(t.ref, i)
		if !ok {
			return i == 0 && slices.ContainsFunc(t.patterns, func(p pattern) bool { return p.kind == patternAbsent })
		}
		for j := range t.patterns {
			if t.patterns[j].value(t.ref.Attr, value) {
				return true
			}
		}
	}
}

// word gives a field that is text; "" means that the request has none.
func (rn *Runner) word(s subject, r *server.Request) string {
	switch s {
	case subjectCode:
		return r.Packet.Code.String()
	case subjectClient:
		name, _ := rn.nasOf(r)
		return name
	case subjectNASType:
		_, kind := rn.nasOf(r)
		return kind
	case subjectListener:
		return r.Listener
	case subjectMethod:
		return r.Method
	case subjectVerdict:
		return verdictWord(r)
	case subjectReason:
		return r.Reason
	case subjectProxy:
		if r.Proxied != nil {
			return r.Proxied.Result
		}
	}
	return ""
}

func anyText[T string | []byte](patterns []pattern, text T, present bool) bool {
	for i := range patterns {
		p := &patterns[i]
		switch {
		case p.kind == patternAbsent:
			if !present {
				return true
			}
		case !present:
		case fits(p, text):
			return true
		}
	}
	return false
}

// realmOf gives what stands after the last @.
func realmOf(user []byte) ([]byte, bool) {
	at := bytes.LastIndexByte(user, '@')
	if at < 0 {
		return nil, false
	}
	return user[at+1:], true
}
