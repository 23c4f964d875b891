package policytest

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy"
	"perilune/policy/sandbox"
)

// An expectation is what expect(r) gives: its methods are demands on the exchange.
type expectation struct{ x *exchange }

// expect is expect(r): a chain of demands. The first that fails ends the case.
func (f *file) expect(l *lua.LState) int {
	x := f.exchanges[l.Get(1)]
	if x == nil {
		sandbox.RaiseMisuse(l, "expect: got a %s, expected what send or answer gave", l.Get(1).Type())
	}
	l.Push(&lua.LUserData{Value: expectation{x}, Metatable: f.expectations})
	return 1
}

// demand gives the function of a demand, which gives the expectation back.
func (f *file) demand(fn Function) lua.LGFunction {
	return func(l *lua.LState) int {
		ud, _ := l.Get(1).(*lua.LUserData)
		if ud == nil {
			ud = &lua.LUserData{}
		}
		e, ok := ud.Value.(expectation)
		if !ok {
			sandbox.RaiseMisuse(l, "expect(r):%s(…) is written with a colon", fn.Name)
		}
		f.last, f.demanded = e.x, true // the failure shows this request
		if failed := fn.demand(f, l, e.x); failed != nil {
			f.raise(l, failed)
		}
		l.Push(ud)
		return 1
	}
}

// raise ends the case with what was expected and what there was.
func (f *file) raise(l *lua.LState, w *wrong) {
	f.failed = w
	sandbox.RaiseMisuse(l, "%s", w.text)
}

// told gives the verdict with its reason.
func (x *exchange) told() string { return with(x.verdict(), x.out.Reason) }

// instead says what a request got instead.
func (x *exchange) instead(want string) *wrong {
	return x.differs(fmt.Sprintf("expected %s, got %s", want, x.told()), "", []string{want}, x.told())
}

// is demands a verdict.
func is(kind server.Kind) func(*file, *lua.LState, *exchange) *wrong {
	return func(_ *file, _ *lua.LState, x *exchange) *wrong {
		if x.out.Kind != kind {
			return x.instead(kind.String())
		}
		return nil
	}
}

func (f *file) isAccept(_ *lua.LState, x *exchange) *wrong {
	if x.out.Kind != server.Accept || x.question.Code == radius.CodeAccountingRequest {
		return x.instead("accept")
	}
	return nil
}

func (f *file) isResponse(_ *lua.LState, x *exchange) *wrong {
	if x.verdict() != "response" {
		return x.instead("response")
	}
	return nil
}

func (f *file) isReject(l *lua.LState, x *exchange) *wrong {
	reason := sandbox.OptString(l, 2, "")
	if x.out.Kind != server.Reject || reason != "" && x.out.Reason != reason {
		return x.instead(with("reject", reason))
	}
	return nil
}

func (f *file) isChallenge(l *lua.LState, x *exchange) *wrong {
	next := sandbox.OptString(l, 2, "")
	if x.out.Kind != server.Challenge {
		return x.instead(with("challenge", next))
	}
	if next != "" && x.out.Next != next {
		text := fmt.Sprintf("expected a challenge for answer %q, got one for %q", next, x.out.Next)
		return x.differs(text, "", []string{"challenge (" + next + ")"}, "challenge ("+x.out.Next+")")
	}
	return nil
}

func with(word, detail string) string {
	if detail == "" {
		return word
	}
	return word + " (" + detail + ")"
}

// values gives those of an attribute of the reply; an unknown name raises.
func (f *file) values(l *lua.LState, x *exchange, name string) []lua.LValue {
	values, err := f.bench.Values(&x.out.Reply, name)
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	return values
}

// hasValue is :has(name [, value]); a list demands these values and no others, in order.
func (f *file) hasValue(l *lua.LState, x *exchange) *wrong {
	name := sandbox.CheckString(l, 2)
	values := f.values(l, x, name)
	want := l.Get(3)
	switch t := want.(type) {
	case *lua.LNilType:
		if len(values) > 0 {
			return nil
		}
		return x.lacking(name, "any value")
	case *lua.LTable:
		got := l.NewTable()
		for _, v := range values {
			got.Append(v)
		}
		if t.Len() > 0 {
			if len(values) == t.Len() && f.allSame(name, got, t) {
				return nil
			}
			return x.lacking(name, listOf(t)...)
		}
	}
	if slices.ContainsFunc(values, func(v lua.LValue) bool { return f.same(name, v, want) }) {
		return nil
	}
	return x.lacking(name, show(want, 0))
}

// listOf shows the items of a list.
func listOf(t *lua.LTable) (items []string) {
	for i := 1; i <= t.Len(); i++ {
		items = append(items, show(t.RawGetInt(i), 0))
	}
	return items
}

// allSame compares two lists of values.
func (f *file) allSame(name string, got, want *lua.LTable) bool {
	for i := 1; i <= want.Len(); i++ {
		if !f.same(name, got.RawGetInt(i), want.RawGetInt(i)) {
			return false
		}
	}
	return true
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

// lacking shows a reply whose values of an attribute are not the wanted ones.
func (x *exchange) lacking(name string, want ...string) *wrong {
	attribute, _, _ := strings.Cut(name, ":") // a tag
	lines := make([]string, len(want))
	for i, w := range want {
		lines[i] = attribute + " = " + w
	}
	text := fmt.Sprintf("the reply (%s) has not %s = %s", x.verdict(), name, strings.Join(want, ", "))
	return x.differs(text, attribute, lines)
}

func (f *file) lacks(l *lua.LState, x *exchange) *wrong {
	name := sandbox.CheckString(l, 2)
	if len(f.values(l, x, name)) == 0 {
		return nil
	}
	attribute, _, _ := strings.Cut(name, ":")
	return x.differs(fmt.Sprintf("the reply (%s) has %s", x.verdict(), name), attribute, nil)
}

// hasMessage compares all of Reply-Message, joined, because long ones are split.
func (f *file) hasMessage(l *lua.LState, x *exchange) *wrong {
	want := sandbox.CheckString(l, 2)
	whole := ""
	for _, v := range f.values(l, x, "Reply-Message") {
		if v.String() == want {
			return nil
		}
		whole += v.String()
	}
	if whole == want {
		return nil
	}
	return x.lacking("Reply-Message", fmt.Sprintf("%q", want))
}

func (f *file) hasRule(l *lua.LState, x *exchange) *wrong {
	want := sandbox.CheckString(l, 2)
	var rules []string
	for _, r := range x.out.Rules {
		place := fmt.Sprintf("%s:%d", r.File, r.Line)
		if place == want || strings.HasSuffix(place, "/"+want) {
			return nil
		}
		rules = append(rules, place)
	}
	return &wrong{fmt.Sprintf("rule %s did not match; those that did: %s", want, listed(rules)), "rules", signed(want, rules)}
}

// hasHook demands that a handler changed or decided something; it is named by its name or its file and line.
func (f *file) hasHook(l *lua.LState, x *exchange) *wrong {
	want := sandbox.CheckString(l, 2)
	var hooks []string
	for _, label := range x.out.Hooks {
		name := f.view.HookAt(label)
		if label == want || name == want {
			return nil
		}
		hooks = append(hooks, name)
	}
	text := fmt.Sprintf("hook %q changed and decided nothing; those that did: %s", want, listed(hooks))
	if known := f.hookNames(); !slices.Contains(known, want) {
		text = fmt.Sprintf("there is no hook %q%s", want, raddb.DidYouMean(want, slices.Values(known)))
	}
	return &wrong{text, "hooks", signed(want, hooks)}
}

// hookNames gives the names and places of all handlers.
func (f *file) hookNames() (names []string) {
	for _, h := range f.view.Hooks() {
		names = append(names, h.Name, fmt.Sprintf("%s:%d", h.At.File, h.At.Line))
	}
	return names
}

// signed shows one wanted name beside those that there are.
func signed(want string, got []string) []string {
	lines := []string{"- " + want}
	for _, name := range got {
		lines = append(lines, "+ "+name)
	}
	return lines
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// proxiedFields are what expect(r):proxied{…} compares.
var proxiedFields = []string{"realm", "pool", "server", "attempts", "took", "result"}

// isProxied is :proxied([{pool=, …}]): the request was sent on, and its fields are these.
func (f *file) isProxied(l *lua.LState, x *exchange) *wrong {
	want, ok := l.Get(2).(*lua.LTable)
	if !ok && l.Get(2) != lua.LNil {
		sandbox.RaiseMisuse(l, "proxied: got a %s, expected a table such as {pool=\"example.net\"}", l.Get(2).Type())
	}
	if x.out.Sent == nil {
		return x.instead("proxied")
	}
	if want == nil {
		return nil
	}
	got := f.bench.Proxied(x.out.Realm, x.out.Sent)
	w := &wrong{title: "proxied"}
	_ = policy.Each(want, func(k, v lua.LValue) error {
		if !slices.Contains(proxiedFields, k.String()) {
			sandbox.RaiseMisuse(l, "proxied: no field %q%s", k.String(), raddb.DidYouMean(k.String(), slices.Values(proxiedFields)))
		}
		if have := got.RawGet(k); !deepEqual(have, v, 0) {
			w.text = fmt.Sprintf("the request was sent on with another %s", k)
			w.diff = append(w.diff, fmt.Sprintf("- %s = %s", k, show(v, 0)), fmt.Sprintf("+ %s = %s", k, show(have, 0)))
		}
		return nil
	})
	if w.diff == nil {
		return nil
	}
	return w
}
