package freeradius

import (
	"fmt"
	"slices"
	"strings"

	"perilune/policy/convert/output"
)

// A sample is a request made to fit a rule, for the tests that are written beside the scripts.
type sample struct {
	user  string
	pairs []pair
}

// sampleOf gives a request that fits the checks; ok is false if they are not all plain comparisons.
func sampleOf(label string, checks []pair) (q sample, ok bool) {
	q.user = "bob"
	if label != "DEFAULT" && label != "" {
		q.user = label
	}
	prefix, _ := get(checks, "Prefix")
	suffix, _ := get(checks, "Suffix")
	q.user = prefix + q.user + suffix
	for _, p := range checks {
		switch name := strings.ToLower(p.name); {
		case orders[name] || name == "prefix" || name == "suffix":
		case p.op != "==" && p.op != "=" || name == "group" || name == "group-name" || name == "huntgroup-name":
			return q, false
		case name == "user-name":
			q.user = p.value
		default:
			q.pairs = append(q.pairs, p)
		}
	}
	return q, true
}

// miss gives a request that fits but for the last check; ok is false if nothing was to be fitted.
func (q sample) miss(checks []pair) (sample, bool) {
	_, prefix := get(checks, "Prefix")
	_, suffix := get(checks, "Suffix")
	switch {
	case len(q.pairs) > 0:
		q.pairs = slices.Clone(q.pairs[:len(q.pairs)-1])
	case prefix || suffix:
		q.user = "bob"
	default:
		return q, false
	}
	return q, true
}

// fits reports whether the request fits the checks, sure whether that can be said.
func (q sample) fits(label string, checks []pair) (fits, sure bool) {
	if label != "DEFAULT" && label != "" && label != q.user {
		return false, true
	}
	sure = true
	for _, p := range checks {
		is, known := q.fitsPair(p)
		if known && !is {
			return false, true
		}
		sure = sure && known
	}
	return true, sure
}

func (q sample) fitsPair(p pair) (fits, sure bool) {
	name := strings.ToLower(p.name)
	switch {
	case orders[name]:
		return true, true
	case name == "prefix":
		return strings.HasPrefix(q.user, p.value), true
	case name == "suffix":
		return strings.HasSuffix(q.user, p.value), true
	case name == "user-name" && (p.op == "==" || p.op == "="):
		return q.user == p.value, true
	}
	v, given := q.value(name)
	switch {
	case name == "user-name":
		return false, false
	case !given:
		return p.op == "!*", true // an absent attribute fits nothing else
	case p.op != "==" && p.op != "=":
		return false, false
	}
	return v == p.value, true
}

// value gives what the request will have, scripts/05-preprocess.lua considered.
func (q sample) value(name string) (string, bool) {
	if v, given := get(q.pairs, name); given {
		return v, true
	}
	switch name {
	case "nas-ip-address":
		return "127.0.0.1", true // that of the client in tests
	case "service-type":
		_, framed := get(q.pairs, "Framed-Protocol")
		return "Framed-User", framed
	}
	return "", false
}

// first gives the entry that the request meets first, nil for none; sure is false if that cannot be said.
func first(entries []*entry, q sample) (e *entry, sure bool) {
	for _, e := range entries {
		label := e.label
		if e.huntgroup {
			label = ""
		}
		fits, sure := q.fits(label, e.checks)
		if !sure {
			return nil, false
		}
		if fits {
			return e, true
		}
	}
	return nil, true
}

// send gives the call that sends the request.
func (q sample) send(s *source) string {
	parts := []string{"user = " + output.LuaString(q.user), `password = "x"`}
	for _, p := range q.pairs {
		name := p.name
		if a := s.dict.Attribute(p.name); a != nil {
			name = a.Name
		}
		parts = append(parts, fmt.Sprintf("[%s] = %s", output.LuaString(name), output.LuaString(p.value)))
	}
	return "send{" + strings.Join(parts, ", ") + "}"
}
