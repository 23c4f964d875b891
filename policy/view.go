package policy

import (
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// View gives the same program with a clock and log of its own, fresh states and no timers: for test cases, one
// after the other, with Renew between them. Nothing leaves the process from it: what would is refused and told to
// network (nil: nobody). Only its own Close frees its states.
func (pr *Program) View(now func() time.Time, log *slog.Logger, network func()) *Program {
	v := &Program{
		o: pr.o, dict: pr.dict, names: pr.names, scripts: pr.scripts, linked: pr.linked, view: true,
		library:  library{maps.Clone(pr.library.programs), maps.Clone(pr.library.files)},
		handlers: pr.handlers, phases: pr.phases, huntgroups: pr.huntgroups, rewrites: pr.rewrites,
		answers: pr.answers, authTypes: pr.authTypes, authNumbers: pr.authNumbers,
		expressions: pr.expressions[:len(pr.expressions):len(pr.expressions)],
		fixed:       pr.fixed,
		codecs:      pr.codecs, tames: pr.tames, requestNames: pr.requestNames, listNames: pr.listNames,
		globals: pr.globals, surface: pr.surface, literalNames: pr.literalNames, registration: pr.registration, accounts: pr.accounts,
	}
	v.o.Now, v.o.Log, v.o.Timers, v.o.Radius, v.o.Backends, v.network = now, log, nil, nil, nil, network
	return v
}

// viewSeed begins what is random in views: a test gives the same answer each time.
const viewSeed = 1

// Renew makes a view as it was: none of its states remembers what ran in it. Those whose scripts hold what they
// held after they were loaded are used again; others are thrown away, since loading them anew costs more than
// to look.
func (pr *Program) Renew() {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	kept := pr.idle[:0]
	for _, rn := range pr.idle {
		if rn.asLoaded() {
			kept = append(kept, rn)
		} else {
			rn.close()
		}
	}
	clear(pr.idle[len(kept):])
	pr.idle = kept
}

// asLoaded reports whether a state is as its load has left it, but for what Renew puts back.
func (rn *Runner) asLoaded() bool {
	if rn.broken() || rn.shot == nil || !rn.shot.Same() {
		return false
	}
	rn.box.Reseed(viewSeed)
	rn.env.Random = newViewRandom()
	return true
}

// newViewRandom gives the octets that crypto.random takes in a view.
func newViewRandom() io.Reader { return rand.NewChaCha8([32]byte{viewSeed}) }

// DropExpressions forgets the `=` values that were added to a view after the first n, with those that its states
// have made of them.
func (pr *Program) DropExpressions(n int) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	pr.expressions = pr.expressions[:n:n]
	for _, rn := range pr.idle {
		rn.expressions = nil
	}
}

// Expressions gives the number of `=` values.
func (pr *Program) Expressions() int { return len(pr.expressions) }

// A Radius is what the module radius asks.
type Radius = module.Radius

// SetRadius says what the module radius asks in a view from now on. No handler of it may run meanwhile.
func (pr *Program) SetRadius(r module.Radius) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	pr.o.Radius = r
	for _, rn := range pr.idle {
		rn.env.Radius = r
	}
}

// SetBackends says what handles stand for in a view. It comes before the view's first state is made.
func (pr *Program) SetBackends(b Backends) { pr.o.Backends = b }

// SetBackends does the same for a bench.
func (b *Bench) SetBackends(to Backends) { b.rn.env.Backends = to }

// SetRadius does the same for a bench.
func (b *Bench) SetRadius(r module.Radius) { b.rn.env.Radius = r }

// A Bench is a Lua state that sees the API of tests instead of registrations: verdicts, the modules, and
// what its maker adds. It runs test files.
type Bench struct{ rn *Runner }

// NewBench makes a bench on a linked program.
func (pr *Program) NewBench() *Bench {
	rn := pr.bareRunner()
	rn.loading, rn.bench = true, true // readfile works in test files at any time
	return &Bench{rn}
}

// Renew begins anew what is random in the bench.
func (b *Bench) Renew() {
	b.rn.box.Reseed(viewSeed)
	b.rn.env.Random = newViewRandom()
}

// State gives the bench's state.
func (b *Bench) State() *sandbox.State { return b.rn.box }

// Close frees the bench.
func (b *Bench) Close() { b.rn.close() }

// CompileTest compiles a test file; globals are what TestGlobals gives. yield is called every now and then, so that
// others can run; nil: never.
func CompileTest(name string, source []byte, globals map[string][]string, yield func()) (*sandbox.Program, raddb.List) {
	return sandbox.Compile(name, source, sandbox.Options{Globals: globals, OneState: true, Yield: yield})
}

// TestGlobals gives the names that test files see: verdicts, modules, and globals, those of the tests themselves.
func TestGlobals(globals map[string][]string) map[string][]string {
	all := map[string][]string{}
	for _, e := range verdictAPI() {
		all[e.Name] = nil
	}
	for name, fields := range moduleFields() {
		all[name] = fields
	}
	for name, fields := range globals {
		all[name] = fields
	}
	return all
}

// List gives an attribute list as scripts see one, read-only. extra gives the fields and methods that it has
// beside those of every list, nil for a name that it does not know; extra itself may be nil.
func (b *Bench) List(l *dictionary.List, extra func(name string) lua.LValue) lua.LValue {
	a := &attributes{list: l, extra: extra}
	return &lua.LUserData{Value: a, Env: b.rn.lua().G.Global, Metatable: b.rn.pr.surface.meta.list}
}

// Verdict gives the verdict that a value is, nil if it is none. A verdict that a test makes is the answer of a
// home server: it has attributes, State among them, and no rounds of its own.
func (b *Bench) Verdict(v lua.LValue) *server.Verdict {
	if out := verdictOf(v); out != nil {
		return out.v
	}
	return nil
}

// Proxied gives what became of forwarding as req.proxy shows it; realm is the user's.
func (b *Bench) Proxied(realm string, p *server.Proxied) *lua.LTable {
	t := proxiedTable(b.rn.lua(), realm, p)
	t.RawSetString("reply", b.List(&p.Reply, nil))
	return t
}

// Blank takes the secrets that the bench has revealed out of a text.
func (b *Bench) Blank(text string) string { return b.rn.blankRevealed(text) }

// Encode gives the wire form of a value for an attribute.
func (b *Bench) Encode(name string, v lua.LValue) ([]byte, error) {
	ref, err := b.rn.pr.names.resolve(name)
	if err != nil {
		return nil, err
	}
	return b.rn.wireAs(nil, ref, v)
}

// Values gives the values of an attribute as a script reads them.
func (b *Bench) Values(l *dictionary.List, name string) (values []lua.LValue, err error) {
	ref, err := b.rn.pr.names.resolve(name)
	if err != nil {
		return nil, err
	}
	for i := 0; ; i++ {
		value, ok := l.Get(ref, i)
		if !ok {
			return values, nil
		}
		values = append(values, b.rn.named(ref, value))
	}
}

// Add appends the values that a script gives to an attribute: one, or a list of them.
func (b *Bench) Add(l *dictionary.List, name string, v lua.LValue) error {
	ref, err := b.rn.pr.names.resolve(name)
	if err != nil {
		return err
	}
	return b.rn.addValues(l, ref, v)
}

// addValues appends one value, or a list of them.
func (rn *Runner) addValues(l *dictionary.List, ref dictionary.Ref, v lua.LValue) error {
	items := []lua.LValue{v}
	if t, ok := v.(*lua.LTable); ok && !(structured(ref.Attr) && t.Len() == 0) {
		items = items[:0]
		for i := 1; i <= t.Len(); i++ {
			items = append(items, t.RawGetInt(i))
		}
	}
	for _, item := range items {
		value, err := rn.wireAs(nil, ref, item)
		if err != nil {
			return err
		}
		l.Add(ref, value)
	}
	return nil
}

// Each calls fn for the pairs of a table in their order of insertion, until it gives an error.
func Each(t *lua.LTable, fn func(k, v lua.LValue) error) (err error) {
	each(t, func(k, v lua.LValue) bool {
		err = fn(k, v)
		return err == nil
	})
	return err
}

// IsField reports whether a key is a field or an option, and no attribute.
func IsField(key string) bool { return isField(key) }

// HookAt gives the name of the handler with a label (file.lua:line), "" if there is none.
func (pr *Program) HookAt(label string) string {
	for _, h := range pr.handlers {
		if h.label == label {
			return h.name
		}
	}
	return ""
}
