package policy

import (
	"fmt"
	"iter"
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
	if k := strayKey(t); k != lua.LNil {
		return nil, fmt.Errorf("%s: the key %v stands beside sets; put it into each of them", option, k)
	}
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
			if list.Len() == 0 || strayKey(list) != lua.LNil {
				err = fmt.Errorf("%s: %s: expected a pattern or a list of patterns", option, key)
			}
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

// strayKey gives a key of a table that is no place of its list, nil if there is none.
func strayKey(t *lua.LTable) (stray lua.LValue) {
	stray = lua.LNil
	n := lua.LNumber(t.Len())
	each(t, func(k, _ lua.LValue) bool {
		if i, ok := k.(lua.LNumber); !ok || i < 1 || i > n {
			stray = k
		}
		return stray == lua.LNil
	})
	return stray
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
	huntgroups []int  // refs
	key, wants string // as written, for the trace
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
	t := test{subject: s, key: k.key, wants: k.short()}
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
	case s == subjectProxy && (p < server.PhasePostProxy || p == server.PhaseCoA):
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
	case subjectProxy:
		words = proxyResults
	case subjectMethod:
		words = []string{"pap", "chap", "mschap", "mschapv2", "eap", "answer", "none"}
	case subjectListener:
		words = []string{"auth", "acct", "coa"}
	default:
		return nil
	}
	if !plainGlob(text) || slices.Contains(words, text) {
		return nil
	}
	return fmt.Errorf("%s is never %q%s", key, text, raddb.DidYouMean(text, slices.Values(words)))
}
