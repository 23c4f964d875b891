package policytest

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// expect is expect(r): a chain of demands. The first that fails ends the case.
func (f *file) expect(l *lua.LState) int {
	x := f.exchanges[l.Get(1)]
	if x == nil {
		sandbox.RaiseMisuse(l, "expect: got a %s, expected what send or answer gave", l.Get(1).Type())
	}
	chain := l.NewTable()
	demands := map[string]func(l *lua.LState, x *exchange) error{
		"accept": f.isAccept, "reject": f.isReject, "challenge": f.isChallenge, "discard": is(server.Discard),
		"drop": is(server.Drop), "response": f.isResponse, "has": f.hasValue, "lacks": f.lacks,
		"message": f.hasMessage, "rule": f.hasRule, "hook": f.hasHook, "proxied": f.isProxied,
	}
	for name, demand := range demands {
		chain.RawSetString(name, l.NewFunction(func(l *lua.LState) int {
			if l.Get(1) != chain {
				sandbox.RaiseMisuse(l, "expect(r):%s(…) is written with a colon", name)
			}
			f.last = x // the failure shows this request
			if err := demand(l, x); err != nil {
				sandbox.RaiseMisuse(l, "%s", err)
			}
			l.Push(chain)
			return 1
		}))
	}
	l.Push(chain)
	return 1
}

// differs says what a request got instead.
func (x *exchange) differs(want string) error {
	got := x.verdict()
	if x.out.Reason != "" {
		got += " (" + x.out.Reason + ")"
	}
	return fmt.Errorf("expected %s, got %s", want, got)
}

// is demands a verdict.
func is(kind server.Kind) func(*lua.LState, *exchange) error {
	return func(_ *lua.LState, x *exchange) error {
		if x.out.Kind != kind {
			return x.differs(kind.String())
		}
		return nil
	}
}

func (f *file) isAccept(_ *lua.LState, x *exchange) error {
	if x.out.Kind != server.Accept || x.question.Code == radius.CodeAccountingRequest {
		return x.differs("accept")
	}
	return nil
}

func (f *file) isResponse(_ *lua.LState, x *exchange) error {
	if x.verdict() != "response" {
		return x.differs("response")
	}
	return nil
}

func (f *file) isReject(l *lua.LState, x *exchange) error {
	reason := sandbox.OptString(l, 2, "")
	if x.out.Kind != server.Reject || reason != "" && x.out.Reason != reason {
		return x.differs(with("reject", reason))
	}
	return nil
}

func (f *file) isChallenge(l *lua.LState, x *exchange) error {
	next := sandbox.OptString(l, 2, "")
	if x.out.Kind != server.Challenge {
		return x.differs(with("challenge", next))
	}
	if next != "" && x.out.Next != next {
		return fmt.Errorf("expected a challenge for answer %q, got one for %q", next, x.out.Next)
	}
	return nil
}

func with(word, detail string) string {
	if detail == "" {
		return word
	}
	return word + " (" + detail + ")"
}

// hasValue is :has(name [, value]); a list demands these values and no others, in order.
func (f *file) hasValue(l *lua.LState, x *exchange) error {
	name := sandbox.CheckString(l, 2)
	values, err := f.bench.Values(&x.out.Reply, name)
	if err != nil {
		return err
	}
	want := l.Get(3)
	switch t := want.(type) {
	case *lua.LNilType:
		if len(values) > 0 {
			return nil
		}
		return x.lacking(name, "any value", values)
	case *lua.LTable:
		got := l.NewTable()
		for _, v := range values {
			got.Append(v)
		}
		if t.Len() > 0 && deepEqual(got, t, 0) {
			return nil
		}
	}
	if slices.ContainsFunc(values, func(v lua.LValue) bool { return f.same(name, v, want) }) {
		return nil
	}
	return x.lacking(name, show(want, 0), values)
}

// same compares a value of the reply with the one that a test names, by its wire form where that fits: a
// VALUE may be given by an alias or as its number.
func (f *file) same(name string, got, want lua.LValue) bool {
	if deepEqual(got, want, 0) {
		return true
	}
	a, err1 := f.bench.Encode(name, got)
	b, err2 := f.bench.Encode(name, want)
	return err1 == nil && err2 == nil && string(a) == string(b)
}

func (x *exchange) lacking(name, want string, values []lua.LValue) error {
	got := make([]string, len(values))
	for i, v := range values {
		got[i] = show(v, 0)
	}
	if len(got) == 0 {
		got = []string{"nothing"}
	}
	return fmt.Errorf("the reply (%s) differs in %s\n    got  %s\n    want %s", x.verdict(), name, strings.Join(got, ", "), want)
}

func (f *file) lacks(l *lua.LState, x *exchange) error {
	name := sandbox.CheckString(l, 2)
	values, err := f.bench.Values(&x.out.Reply, name)
	if err != nil || len(values) == 0 {
		return err
	}
	return x.lacking(name, "nothing", values)
}

// hasMessage compares all of Reply-Message, joined, because long ones are split.
func (f *file) hasMessage(l *lua.LState, x *exchange) error {
	want := sandbox.CheckString(l, 2)
	values, err := f.bench.Values(&x.out.Reply, "Reply-Message")
	if err != nil {
		return err
	}
	whole := ""
	for _, v := range values {
		if v.String() == want {
			return nil
		}
		whole += v.String()
	}
	if whole == want {
		return nil
	}
	return x.lacking("Reply-Message", fmt.Sprintf("%q", want), values)
}

func (f *file) hasRule(l *lua.LState, x *exchange) error {
	want := sandbox.CheckString(l, 2)
	var rules []string
	for _, r := range x.out.Rules {
		place := fmt.Sprintf("%s:%d", r.File, r.Line)
		if place == want || strings.HasSuffix(place, "/"+want) {
			return nil
		}
		rules = append(rules, place)
	}
	return fmt.Errorf("rule %s did not match; those that did: %s", want, listed(rules))
}

// hasHook demands that a handler changed or decided something; it is named by its name or its file and line.
func (f *file) hasHook(l *lua.LState, x *exchange) error {
	want := sandbox.CheckString(l, 2)
	var hooks []string
	for _, label := range x.out.Hooks {
		name := f.view.HookAt(label)
		if label == want || name == want {
			return nil
		}
		hooks = append(hooks, name)
	}
	return fmt.Errorf("hook %q changed and decided nothing; those that did: %s", want, listed(hooks))
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
