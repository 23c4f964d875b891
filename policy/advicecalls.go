package policy

import (
	"regexp"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// What stands here raises or has no effect each time that it runs, and shows in the text: the command check tells it
// before a request does.

// atLoad are functions that work while scripts load and raise in a handler; of modules, with the module's name.
var atLoad = []string{
	"on", "huntgroup", "rewrite", "auth_type", "answer", "every", "vendor", "attribute", "secret", "readfile",
	"sql.open", "http.open", "kv.open", "ldap.open", "window.open", "metrics.counter", "metrics.gauge",
}

// calledName gives the name of an API function that a call calls, as name or module.name; "" if none shows.
func (c *checker) calledName(n *ast.FuncCallExpr) (string, raddb.Pos) {
	switch fn := n.Func.(type) {
	case *ast.IdentExpr:
		if c.src.Binding(fn) == nil {
			return fn.Value, c.src.Pos(fn)
		}
	case *ast.AttrGetExpr:
		of, ok := fn.Object.(*ast.IdentExpr)
		if name, isName := fn.Key.(*ast.StringExpr); ok && isName && c.src.Binding(of) == nil {
			return of.Value + "." + name.Value, c.src.Pos(of)
		}
	}
	return "", raddb.Pos{}
}

// adviseCalls warns of calls in a handler that raise whatever the request is.
func (c *checker) adviseCalls(h sandbox.Handler) {
	sandbox.Walk(h.Func.Stmts, func(node any) bool {
		n, ok := node.(*ast.FuncCallExpr)
		if !ok {
			return true
		}
		if name, at := c.calledName(n); slices.Contains(atLoad, name) {
			c.errs.Warnf(at, "%s works while scripts load, and raises in a handler; call it at the top of the file", name)
		}
		c.dotted(n)
		return true
	})
}

// dotted warns of req.reply.add(…): a method that is called without its list.
func (c *checker) dotted(n *ast.FuncCallExpr) {
	get, ok := n.Func.(*ast.AttrGetExpr)
	if !ok {
		return
	}
	list, key := c.list(get.Object), (*ast.StringExpr)(nil)
	if key, ok = get.Key.(*ast.StringExpr); !ok || list == "" || !isField(key.Value) {
		return
	}
	if of := c.names(list)[key.Value]; of.call != nil {
		c.errs.Warnf(c.src.Pos(key), "%s is called with a dot, and raises; write a colon, :%s(…)", key.Value, key.Value)
	}
}

// adviseReturns warns of handlers that give what is no verdict: a constant, or nothing where one is a must.
func (c *checker) adviseReturns(h sandbox.Handler) {
	p, k, ok := c.registered(h.Call)
	if !ok || k == kindHuntgroup || p == server.PhaseSession {
		return
	}
	gives := false
	sandbox.Walk(h.Func.Stmts, func(node any) bool {
		switch n := node.(type) {
		case *ast.FunctionExpr:
			return false
		case *ast.FuncCallExpr:
			name, _ := c.calledName(n)
			gives = gives || name == "error"
		case *ast.ReturnStmt:
			gives = gives || len(n.Exprs) > 0
			c.constant(n, p)
		}
		return true
	})
	if places[p].must && !gives {
		c.errs.Warnf(raddb.Pos{File: c.src.File, Line: h.Func.Line()}, "the handler of %s returns nothing, and must return a verdict", k)
	}
}

func (c *checker) constant(n *ast.ReturnStmt, p server.Phase) {
	if len(n.Exprs) == 0 {
		return
	}
	word := ""
	switch n.Exprs[0].(type) {
	case *ast.TrueExpr:
		word = "true"
	case *ast.FalseExpr:
		word = "false"
	case *ast.NumberExpr:
		word = "a number"
	case *ast.StringExpr:
		word = "text"
	case *ast.TableExpr:
		word = "a table"
	default:
		return
	}
	c.errs.Warnf(raddb.Pos{File: c.src.File, Line: n.Line()}, "%s is no verdict, and raises; expected nothing, or one of: %s", word, places[p].verdicts.names())
}

// pure warns of constants that a function refuses: it gives nil and why, and nobody looks at why.
func (c *checker) pure(n *ast.FuncCallExpr) {
	if len(n.Args) != 1 {
		return
	}
	text, ok := n.Args[0].(*ast.StringExpr)
	if !ok {
		return
	}
	var err error
	name, at := c.calledName(n)
	switch name {
	case "re.compile", "re.posix":
		_, err = regexp.Compile(text.Value)
	case "net.cidr":
		err = module.CheckPrefix(text.Value)
	}
	if err != nil {
		c.errs.Warnf(at, "%s gives nil: %v", name, err)
	}
}

// clientsNamed warns of names in `when` and `unless` that no client has. Globs may be meant for clients to come.
func (pr *Program) clientsNamed(h *handler, errs *raddb.List) {
	for option, w := range map[string]written{"when": h.when, "unless": h.unless} {
		for _, set := range w {
			for _, k := range set {
				if subjects[k.key] == subjectClient {
					pr.clientValues(k, option, h.at, errs)
				}
			}
		}
	}
}

func (pr *Program) clientValues(k writtenKey, option string, at raddb.Pos, errs *raddb.List) {
	for _, v := range k.values {
		if text, ok := v.(lua.LString); ok && plainGlob(string(text)) {
			if pr.client(string(text)) != nil {
				errs.Warnf(at, "no client is named %q, as %s wants%s", string(text), option, pr.nearestClient(string(text)))
			}
		}
	}
}
