package policy

import (
	"bytes"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// A written is a `when` or `unless` as a script wrote it: any of the sets, all keys of a set. It is
// resolved by link, when the dictionary and all names are known.
type written [][]writtenKey

type writtenKey struct {
	key    string
	values []lua.LValue // text, numbers and booleans
}

// text gives a form in which two states' conditions are compared.
func (w written) text() string { return fmt.Sprintf("%v", [][]writtenKey(w)) }

// readWhen takes a `when` apart: {key=pattern, …} or {{…}, {…}}.
func readWhen(option string, v lua.LValue) (written, error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("%s: got a %s, expected a table of key=pattern", option, v.Type())
	}
	if t.Len() == 0 {
		set, err := readWhenSet(option, t)
		return written{set}, err
	}
	var w written
	for i := 1; i <= t.Len(); i++ {
		sub, ok := t.RawGetInt(i).(*lua.LTable)
		if !ok {
			return nil, fmt.Errorf("%s: item %d is a %s, expected a table of key=pattern", option, i, t.RawGetInt(i).Type())
		}
		set, err := readWhenSet(option, sub)
		if err != nil {
			return nil, err
		}
		w = append(w, set)
	}
	return w, nil
}

func readWhenSet(option string, t *lua.LTable) (set []writtenKey, err error) {
	t.ForEach(func(k, v lua.LValue) {
		key, ok := k.(lua.LString)
		if !ok {
			err = fmt.Errorf("%s: the key %v is a %s, expected a field or an attribute", option, k, k.Type())
			return
		}
		values := []lua.LValue{v}
		if list, ok := v.(*lua.LTable); ok {
			values = values[:0]
			for i := 1; i <= list.Len(); i++ {
				values = append(values, list.RawGetInt(i))
			}
		}
		for _, v := range values {
			if t := v.Type(); t != lua.LTString && t != lua.LTNumber && t != lua.LTBool {
				err = fmt.Errorf("%s: %s is a %s, expected text, a number, true, false or a list of these", option, key, t)
			}
		}
		set = append(set, writtenKey{string(key), values})
	})
	slices.SortFunc(set, func(a, b writtenKey) int { return strings.Compare(a.key, b.key) })
	return set, err
}

// A subject is a key of `when` that is a field of req and no attribute.
type subject uint8

const (
	subjectAttribute subject = iota
	subjectCode
	subjectClient
	subjectNASType
	subjectSource
	subjectListener
	subjectRealm
	subjectUser
	subjectMethod
	subjectVerdict
	subjectReason
	subjectProxy
	subjectHuntgroup // last: it may call Lua
)

var subjects = map[string]subject{
	"code": subjectCode, "client": subjectClient, "nas_type": subjectNASType, "src": subjectSource,
	"listener": subjectListener, "realm": subjectRealm, "user": subjectUser, "method": subjectMethod,
	"status": subjectAttribute, "verdict": subjectVerdict, "reason": subjectReason, "proxy": subjectProxy,
	"huntgroup": subjectHuntgroup,
}

// whenKeys gives the keys that are fields, for "did you mean".
func whenKeys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range subjects {
			if !yield(k) {
				return
			}
		}
	}
}

// A condition is a resolved `when`: one of the sets must hold, all tests of it.
type condition [][]test

// A test compares one subject; any of its patterns may fit.
type test struct {
	subject    subject
	ref        dictionary.Ref
	patterns   []pattern
	huntgroups []int // refs
}

// compileWhen resolves a condition for handlers of phase p. Each error is reported at at.
func (pr *Program) compileWhen(w written, option string, p server.Phase, at raddb.Pos, errs *raddb.List) condition {
	var c condition
	for _, set := range w {
		tests := make([]test, 0, len(set))
		for _, k := range set {
			t, err := pr.compileTest(k, p)
			if err != nil {
				errs.Errorf(at, "%s: %v", option, err)
				continue
			}
			tests = append(tests, t)
		}
		slices.SortStableFunc(tests, func(a, b test) int { return int(a.subject) - int(b.subject) })
		c = append(c, tests)
	}
	return c
}

func (pr *Program) compileTest(k writtenKey, p server.Phase) (test, error) {
	s, field := subjects[k.key]
	if !field && isField(k.key) {
		return test{}, fmt.Errorf("unknown key %q%s", k.key, raddb.DidYouMean(k.key, whenKeys()))
	}
	if err := placeOfSubject(s, k.key, p); err != nil {
		return test{}, err
	}
	t := test{subject: s}
	if s == subjectAttribute {
		name := k.key
		if name == "status" {
			name = "Acct-Status-Type"
		}
		ref, err := pr.names.resolve(name)
		if err != nil {
			return t, err
		}
		t.ref = ref
	}
	for _, v := range k.values {
		if err := pr.addPattern(&t, k.key, v); err != nil {
			return t, err
		}
	}
	return t, nil
}

// placeOfSubject refuses keys that a phase cannot have.
func placeOfSubject(s subject, key string, p server.Phase) error {
	switch {
	case (s == subjectVerdict || s == subjectReason) && !decided(p):
		return fmt.Errorf("%s is known from phase reply on, not in %s", key, places[p].name)
	case s == subjectHuntgroup && p == server.PhaseHints:
		return fmt.Errorf("huntgroup is asked after hints; use an attribute, or the phase huntgroups")
	case s == subjectProxy && p < server.PhaseReply:
		return fmt.Errorf("proxy is known after forwarding, not in %s", places[p].name)
	}
	return nil
}

func (pr *Program) addPattern(t *test, key string, v lua.LValue) error {
	switch t.subject {
	case subjectAttribute:
		p, err := attributePattern(t.ref.Attr, v)
		t.patterns = append(t.patterns, p)
		return err
	case subjectHuntgroup:
		h, ok := pr.huntgroups[v.String()]
		if !ok {
			return fmt.Errorf("unknown huntgroup %q%s", v.String(), raddb.DidYouMean(v.String(), pr.All("huntgroup")))
		}
		t.huntgroups = append(t.huntgroups, h.ref)
		return nil
	case subjectSource:
		p, err := addressPattern(v.String())
		t.patterns = append(t.patterns, p)
		return err
	}
	switch v := v.(type) {
	case lua.LBool:
		kind := patternPresent
		if !v {
			kind = patternAbsent
		}
		t.patterns = append(t.patterns, pattern{kind: kind})
		return nil
	case lua.LString:
		t.patterns = append(t.patterns, textPattern(string(v), t.subject == subjectRealm))
		return knownWord(t.subject, key, string(v))
	}
	return fmt.Errorf("%s: got a %s, expected text, true or false", key, v.Type())
}

// knownWord refuses words that a field with few values can never have.
func knownWord(s subject, key, text string) error {
	var words []string
	switch s {
	case subjectVerdict:
		words = []string{"accept", "reject", "challenge", "discard", "drop", "response"}
	case subjectCode:
		words = []string{"Access-Request", "Accounting-Request", "CoA-Request", "Disconnect-Request"}
	default:
		return nil
	}
	if !plainGlob(text) || slices.Contains(words, text) {
		return nil
	}
	return fmt.Errorf("%s is never %q%s", key, text, raddb.DidYouMean(text, slices.Values(words)))
}

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
		if r.Client != nil {
			return r.Client.Name
		}
	case subjectNASType:
		if r.Client != nil {
			return r.Client.Type
		}
	case subjectListener:
		return r.Listener
	case subjectMethod:
		return r.Method
	case subjectVerdict:
		return verdictWord(r)
	case subjectReason:
		return r.Reason
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
		case p.kind == patternPresent, glob(p.text, text, p.fold):
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
