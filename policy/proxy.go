package policy

import (
	"errors"
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// whereTo demands that proxy{} names one place to forward to.
func whereTo(v *server.Verdict) error {
	named := 0
	for _, name := range []string{v.Realm, v.Pool, v.Client} {
		if name != "" {
			named++
		}
	}
	switch {
	case named == 0:
		return errors.New(noTarget)
	case named > 1:
		return errors.New(twoTargets)
	}
	return nil
}

// What is said of a proxy{} that names no place, or several.
const (
	noTarget   = "realm or pool is missing: where to?"
	twoTargets = "realm, pool and client exclude each other; write one"
)

// target says why a proxy verdict cannot be carried out: a realm or pool that the realms file does not have, or
// that is answered here. Where that file is not known nothing can be said.
func (pr *Program) target(v *server.Verdict) error {
	if v.Realm != "" {
		return pr.realm("realm", v.Realm)
	}
	if v.Pool != "" {
		return pr.realm("pool", v.Pool)
	}
	if v.Client != "" && !pr.linked {
		return pr.client(v.Client) // of a name that shows later the server tells, and answers NAK
	}
	return nil
}

// realm looks a name up as option says: a pool is a line's name, a realm may be DEFAULT's.
func (pr *Program) realm(option, name string) error {
	realms := pr.o.Realms
	if realms == nil {
		return nil
	}
	line := realms.Line(name)
	if line == nil && option == "realm" {
		line = realms.Default
	}
	switch {
	case line == nil:
		return fmt.Errorf("%s: the realms file has no line %q%s", option, name, pr.nearestRealm(name))
	case line.Local:
		return fmt.Errorf("%s: %s is LOCAL in the realms file; return handle_locally{}", option, line.Name)
	}
	return nil
}

// client says that no line of the clients file has a name. Where that file is not known nothing can be said.
func (pr *Program) client(name string) error {
	clients := pr.o.Clients
	if clients == nil || clients.Named(name) != nil {
		return nil
	}
	return fmt.Errorf("client: the clients file has no client %q%s", name, pr.nearestClient(name))
}

func (pr *Program) nearestClient(name string) string {
	return raddb.DidYouMean(name, func(yield func(string) bool) {
		for _, c := range pr.o.Clients.All() {
			if !yield(c.Name) {
				return
			}
		}
	})
}

func (pr *Program) nearestRealm(name string) string {
	return raddb.DidYouMean(name, func(yield func(string) bool) {
		for _, r := range pr.o.Realms.All() {
			if !yield(r.Name) {
				return
			}
		}
	})
}

// linkRealm checks a realm or pool that stands in a script's text.
func (pr *Program) linkRealm(l literal, errs *raddb.List) {
	option := "realm"
	if l.kind == literalPool {
		option = "pool"
	}
	if err := pr.realm(option, l.name); err != nil {
		errs.Errorf(l.at, "proxy: %v", err)
	} else if rs := pr.o.Realms; rs != nil && rs.Line(l.name) == nil {
		errs.Warnf(l.at, "proxy: the realms file has no line %q, so DEFAULT's home servers are asked%s", l.name, pr.nearestRealm(l.name))
	}
}

// targets checks what proxy{…} in a script's text names.
func (c *checker) targets(id *ast.IdentExpr, t *ast.TableExpr) {
	var named []string
	for _, f := range t.Fields {
		key, ok := f.Key.(*ast.StringExpr)
		if !ok || !slices.Contains([]string{"realm", "pool", "client"}, key.Value) {
			continue
		}
		named = append(named, key.Value)
		name, ok := f.Value.(*ast.StringExpr)
		switch {
		case !ok:
		case key.Value == "realm":
			c.keep(literal{kind: literalRealm, at: c.src.Pos(name), name: name.Value})
		case key.Value == "pool":
			c.keep(literal{kind: literalPool, at: c.src.Pos(name), name: name.Value})
		case key.Value == "client":
			c.keep(literal{kind: literalClient, at: c.src.Pos(name), name: name.Value})
		}
	}
	if len(named) == 0 {
		c.errs.Errorf(c.src.Pos(id), "proxy: %s", noTarget)
	}
}

// answered reports whether a home server has answered the request.
func answered(r *server.Request) bool {
	return r.Proxied != nil && r.Proxied.Result != proxiedTimeout && r.Proxied.Result != proxiedDead
}

// The results of requests that no home server answered.
const (
	proxiedTimeout = "timeout"
	proxiedDead    = "dead"
)

// proxyResults are the words of req.proxy.result.
var proxyResults = []string{"accept", "reject", "challenge", "response", "ack", "nak", proxiedTimeout, proxiedDead}

// proxyFields are the fields of req.proxy.
var proxyFields = []string{"realm", "pool", "server", "attempts", "took", "result", "reply"}

// getProxy gives req.proxy. The attribute list in it is the request's.
func getProxy(rn *Runner, a *attributes) lua.LValue {
	p := rn.r.Proxied
	if p == nil {
		return lua.LNil
	}
	t := proxiedTable(rn.lua(), rn.realmName(), p)
	t.RawSetString("reply", &a.of.proxied)
	return &lua.LUserData{Value: proxyObject{t}, Env: rn.lua().G.Global, Metatable: rn.pr.surface.meta.proxy}
}

// A proxyObject is what stands behind req.proxy.
type proxyObject struct{ fields *lua.LTable }

// proxyMeta makes the metatable of req.proxy.
func proxyMeta() *lua.LTable {
	return metatable(map[string]lua.LGFunction{
		"__index": proxyIndex,
		"__newindex": func(l *lua.LState) int {
			sandbox.RaiseMisuse(l, "req.proxy is read-only")
			return 0
		},
		"__tostring": func(l *lua.LState) int { l.Push(lua.LString("req.proxy")); return 1 },
	})
}

func proxyIndex(l *lua.LState) int {
	ud, _ := l.Get(1).(*lua.LUserData)
	name, ok := l.Get(2).(lua.LString)
	if ud == nil || !ok {
		sandbox.RaiseMisuse(l, "req.proxy[%v]: got a %s, expected the name of a field", l.Get(2), l.Get(2).Type())
	}
	if !slices.Contains(proxyFields, string(name)) {
		sandbox.RaiseMisuse(l, "%s", noProxyField(string(name)))
	}
	l.Push(ud.Value.(proxyObject).fields.RawGetString(string(name)))
	return 1
}

func noProxyField(name string) string {
	return fmt.Sprintf("req.proxy has no field %q%s", name, raddb.DidYouMean(name, slices.Values(proxyFields)))
}

// isProxy reports whether an expression is req.proxy.
func (c *checker) isProxy(e ast.Expr) bool {
	n, ok := e.(*ast.AttrGetExpr)
	return ok && c.isRequest(n.Object) && keyIs(n, "proxy")
}

// proxiedTable gives what became of forwarding as scripts and tests see it, but for the reply.
func proxiedTable(l *lua.LState, realm string, p *server.Proxied) *lua.LTable {
	t := l.NewTable()
	if p.Realm != proxy.DefaultRealm && p.Realm != proxy.NoRealm {
		realm = p.Realm
	}
	t.RawSetString("realm", text(realm))
	t.RawSetString("pool", lua.LString(p.Realm))
	t.RawSetString("server", text(p.Server))
	t.RawSetString("attempts", lua.LNumber(p.Attempts))
	t.RawSetString("took", lua.LNumber(p.Took.Seconds()))
	t.RawSetString("result", lua.LString(p.Result))
	return t
}
