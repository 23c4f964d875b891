package policy

import (
	"fmt"
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// A literal is a name that stands in a script and is checked by Link.
type literal struct {
	kind    literalKind
	at      raddb.Pos
	name    string
	value   ast.Expr    // what is compared or assigned; nil if it does not show
	pattern bool        // value is a pattern of l:is
	written lists       // the list that is changed; 0 if the name is only read
	verdict server.Kind // whose attribute it is; 0 for none
}

type literalKind uint8

const (
	literalName literalKind = iota // of an attribute
	literalComparison
	literalHuntgroup
	literalAnswer
	literalChecked // of an attribute: only how sensible its value is remains to be seen
	literalGroup
	literalRealm // of proxy{realm=}
	literalPool
	literalClient
	literalProgram // of exec.run{}
)

func (c *checker) keep(l literal) { c.pr.literals = append(c.pr.literals, l) }

// verdict checks the table of accept{…} and its like inside functions. Those outside run while loading.
func (c *checker) verdict(n *ast.FuncCallExpr) {
	id, ok := n.Func.(*ast.IdentExpr)
	if !ok || c.src.Binding(id) != nil || len(n.Args) != 1 {
		return
	}
	kind, ok := verdictNamed(id.Value)
	t, isTable := n.Args[0].(*ast.TableExpr)
	if !ok || !isTable {
		return
	}
	if !c.inside[n] {
		c.madeAtLoad(kind, t)
		return
	}
	c.verdictKeys(kind, id, t)
	for _, f := range t.Fields {
		key, ok := f.Key.(*ast.StringExpr)
		switch {
		case !ok:
		case !isField(key.Value) && bare(kind):
			c.errs.Errorf(c.src.Pos(key), "%s: %s", kind, noAttributes(kind, key.Value))
		case !isField(key.Value):
			c.keep(literal{kind: literalName, at: c.src.Pos(key), name: key.Value, value: f.Value, written: changeReply, verdict: kind})
		case !slices.Contains(verdictOptions[kind], key.Value):
			c.errs.Errorf(c.src.Pos(key), "%s: no option %q%s", kind, key.Value, raddb.DidYouMean(key.Value, slices.Values(verdictOptions[kind])))
		case key.Value == "next":
			if next, ok := f.Value.(*ast.StringExpr); ok {
				c.keep(literal{kind: literalAnswer, at: c.src.Pos(next), name: next.Value})
			}
		case key.Value == "error_cause":
			if cause, ok := f.Value.(*ast.StringExpr); ok {
				if _, err := errorCause(lua.LString(cause.Value)); err != nil {
					c.errs.Errorf(c.src.Pos(cause), "%s: %v", kind, err)
				}
			}
		}
	}
}

// madeAtLoad keeps the values of a verdict outside of functions, which is made and checked while loading.
func (c *checker) madeAtLoad(kind server.Kind, t *ast.TableExpr) {
	for _, f := range t.Fields {
		if key, ok := f.Key.(*ast.StringExpr); ok && !isField(key.Value) {
			c.keep(literal{kind: literalChecked, at: c.src.Pos(key), name: key.Value, value: f.Value, written: changeReply, verdict: kind})
		}
	}
}

// verdictKeys finds what the keys of a verdict show together: one that is missing, or two that exclude each other.
func (c *checker) verdictKeys(kind server.Kind, id *ast.IdentExpr, t *ast.TableExpr) {
	values := map[string]ast.Expr{}
	for _, f := range t.Fields {
		if key, ok := f.Key.(*ast.StringExpr); ok {
			values[key.Value] = f.Value
		}
	}
	if kind == server.Challenge && values["next"] == nil {
		c.errs.Errorf(c.src.Pos(id), "%s: %s", kind, noNext)
	}
	if kind == server.Proxy {
		c.targets(id, t)
	}
	// A message that is computed may be nil.
	if constant(values["message"]) != nil && values["Reply-Message"] != nil {
		c.errs.Errorf(c.src.Pos(id), "%s: %s", kind, twoMessages)
	}
}

func verdictNamed(name string) (server.Kind, bool) {
	for k := server.Accept; k <= server.Drop; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}

// linkLiterals resolves the names that check found.
func (pr *Program) linkLiterals(errs *raddb.List) {
	for _, l := range pr.literals {
		switch l.kind {
		case literalGroup:
			pr.linkGroup(l, errs)
			continue
		case literalRealm, literalPool:
			pr.linkRealm(l, errs)
			continue
		case literalProgram:
			if listed := pr.o.Programs; listed != nil && !slices.Contains(listed, l.name) {
				errs.Errorf(l.at, "exec: config.toml does not list %q under [backend] programs%s", l.name, raddb.DidYouMean(l.name, slices.Values(listed)))
			}
			continue
		case literalClient:
			if err := pr.client(l.name); err != nil {
				errs.Errorf(l.at, "proxy: %v", err)
			}
			continue
		}
		if err := pr.linkLiteral(l); err != nil {
			errs.Errorf(l.at, "%v", err)
			continue
		}
		pr.linkSensible(l, errs)
		if ref, err := pr.names.resolve(l.name); l.verdict != 0 && err == nil {
			pr.linkCarried(l, ref.Attr, errs)
		}
	}
	pr.literals = nil
}

func (pr *Program) linkLiteral(l literal) error {
	switch l.kind {
	case literalChecked:
		return nil
	case literalHuntgroup:
		if _, ok := pr.Huntgroup(l.name); !ok {
			return fmt.Errorf("no huntgroup %q is registered%s", l.name, raddb.DidYouMean(l.name, pr.All("huntgroup")))
		}
		return nil
	case literalAnswer:
		if _, ok := pr.refOf(pr.answers, l.name); !ok {
			return fmt.Errorf("no answer %q is registered%s", l.name, raddb.DidYouMean(l.name, pr.All("answer")))
		}
		return nil
	}
	ref, err := pr.names.resolve(l.name)
	if err == nil && !pr.linked {
		pr.literalNames[l.name] = &access{ref: ref}
	}
	if err != nil || l.kind == literalName && l.value == nil {
		if l.kind == literalComparison {
			return nil // told where the name stands
		}
		return err
	}
	if l.written != 0 {
		if err := serverOnly(&pr.names.dict.Known, ref.Attr, l.written == changeReply); err != nil {
			return err
		}
	}
	value := constant(l.value)
	switch {
	case value == nil && l.kind == literalName && !l.pattern:
		return pr.linkTable(ref, l.value)
	case value == nil:
		return nil
	case l.kind == literalComparison:
		return compares(ref.Attr, value)
	case l.pattern:
		_, err = attributePattern(ref.Attr, value)
		return err
	}
	_, err = pr.wire(ref, value)
	return err
}

// linkTable checks a table that is all literals: fields of one value, or a list of values.
func (pr *Program) linkTable(ref dictionary.Ref, e ast.Expr) error {
	t, ok := constantTable(e, 0)
	if !ok {
		return nil
	}
	items := []lua.LValue{t}
	if t.Len() > 0 {
		items = items[:0]
		for i := 1; i <= t.Len(); i++ {
			items = append(items, t.RawGetInt(i))
		}
	} else if !structured(ref.Attr) || t.Len() == 0 && firstKey(t) == lua.LNil {
		return nil
	}
	for _, item := range items {
		if _, err := pr.wire(ref, item); err != nil {
			return err
		}
	}
	return nil
}

func firstKey(t *lua.LTable) lua.LValue {
	k, _ := t.Next(lua.LNil)
	return k
}

// constantTable gives the table of a constructor that holds nothing but literals.
func constantTable(e ast.Expr, depth int) (*lua.LTable, bool) {
	n, ok := e.(*ast.TableExpr)
	if !ok || depth > maxPlainDepth {
		return nil, false
	}
	t := &lua.LTable{Metatable: lua.LNil}
	for _, f := range n.Fields {
		v := constant(f.Value)
		if inner, ok := constantTable(f.Value, depth+1); ok {
			v = inner
		}
		key := constant(f.Key)
		switch {
		case v == nil || f.Key != nil && key == nil:
			return nil, false
		case f.Key == nil:
			t.Append(v)
		default:
			t.RawSet(key, v)
		}
	}
	return t, true
}

// The bounds of RFC 2869 s5.16 on Acct-Interim-Interval, in seconds.
const (
	leastInterim  = 60
	decentInterim = 600
)

// linkSensible tells of constants in replies that the RFCs forbid or that are hardly meant, as the users file
// does.
func (pr *Program) linkSensible(l literal, errs *raddb.List) {
	value := constant(l.value)
	if l.kind != literalName && l.kind != literalChecked || l.written != changeReply || value == nil {
		return
	}
	ref, err := pr.names.resolve(l.name)
	if err != nil {
		return
	}
	v, err := pr.wire(ref, value)
	seconds, ok := ref.Attr.Uint(v)
	if err != nil || !ok {
		return
	}
	switch {
	case ref.Attr == pr.names.dict.Known.SessionTimeout && seconds == 0:
		errs.Warnf(l.at, "Session-Timeout is 0; many NASes end such a session at once, others never")
	case ref.Attr != pr.names.dict.Attribute("Acct-Interim-Interval"):
	case seconds < leastInterim:
		errs.Errorf(l.at, "Acct-Interim-Interval is %d; expected at least %d seconds (RFC 2869 s5.16)", seconds, leastInterim)
	case seconds < decentInterim:
		errs.Warnf(l.at, "Acct-Interim-Interval is %d; expected at least %d seconds (RFC 2869 s5.16)", seconds, decentInterim)
	}
}

// constant gives the value of a literal expression, nil for anything else.
func constant(e ast.Expr) lua.LValue {
	switch e := e.(type) {
	case *ast.StringExpr:
		return lua.LString(e.Value)
	case *ast.NumberExpr:
		if f, err := strconv.ParseFloat(e.Value, 64); err == nil {
			return lua.LNumber(f)
		}
	}
	return nil
}

// compares says why a == b can never be true for a value of a and the literal b.
func compares(a *dictionary.Attribute, v lua.LValue) error {
	if c, ok := a.Codec.(*codec); ok {
		return c.compares(v)
	}
	if !numeric(a) {
		if v.Type() == lua.LTNumber {
			return fmt.Errorf("%s reads as text, so it never equals the number %v", a.Name, v)
		}
		return comparesForm(a, v.String())
	}
	if text, ok := v.(lua.LString); ok {
		return comparesText(a, string(text))
	}
	n := float64(v.(lua.LNumber))
	if n < 0 || n != float64(uint64(n)) {
		return nil
	}
	if name, ok := a.ValueName(uint64(n)); ok {
		return fmt.Errorf("%s reads as %q, so it never equals %v; use req:int or req:is", a.Name, name, v)
	}
	return nil
}

func comparesText(a *dictionary.Attribute, text string) error {
	n, ok := a.ValueNumber(text)
	if !ok {
		return fmt.Errorf("%s is never %q%s", a.Name, text, nearestValue(a, text))
	}
	if name, _ := a.ValueName(n); name != text {
		return fmt.Errorf("%s reads as %q, so it never equals %q", a.Name, name, text)
	}
	return nil
}

// comparesForm looks at texts that have one canonical form: addresses, prefixes and their like.
func comparesForm(a *dictionary.Attribute, text string) error {
	switch a.Type {
	case dictionary.TypeString, dictionary.TypeOctets, dictionary.TypeABinary, dictionary.TypeTLV, dictionary.TypeStruct:
		return nil
	}
	wire, err := a.ParseText(nil, text)
	if err != nil {
		return fmt.Errorf("the comparison is never true: %w", err)
	}
	if form := string(a.AppendText(nil, wire)); form != text {
		return fmt.Errorf("%s reads as %q, so it never equals %q", a.Name, form, text)
	}
	return nil
}
