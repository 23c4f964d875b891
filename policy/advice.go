package policy

import (
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// What stands here is told by the command check alone (Options.Advice): it is allowed, and mostly not meant.

// advise looks at one handler.
func (c *checker) advise(h sandbox.Handler) {
	if h.Codec {
		return
	}
	if c.pr.decides == nil {
		return // a view: its scripts were judged before
	}
	at := functionPlace{c.src.File, h.Func.Line()}
	_, again := c.pr.decides[at]
	c.pr.decides[at] = !again && c.alwaysDecides(h.Func.Stmts)
	if !c.pr.o.Advice {
		return
	}
	if p, k, ok := c.registered(h.Call); ok && k == kindOn && p == server.PhaseAuthorize {
		c.unproved(h.Func)
	}
	c.adviseCalls(h)
	c.adviseReturns(h)
	sandbox.Walk(h.Func.Stmts, func(node any) bool {
		if n, ok := node.(*ast.RelationalOpExpr); ok && slices.Contains([]string{"<", ">", "<=", ">="}, n.Operator) {
			c.ordered(n.Lhs)
			c.ordered(n.Rhs)
		}
		return true
	})
}

// unproved warns of accept{} in authorize where nothing shows that a password was looked at. A reason= says that it
// is meant.
func (c *checker) unproved(fn *ast.FunctionExpr) {
	var accepts []*ast.IdentExpr
	proved := false
	sandbox.Walk(fn.Stmts, func(node any) bool {
		switch n := node.(type) {
		case *ast.FuncCallExpr:
			if k, id, ok := c.verdictCall(n); ok && k == server.Accept && !hasKey(n, "reason") {
				accepts = append(accepts, id)
			}
			proved = proved || n.Method == "check_password"
		case *ast.AttrGetExpr:
			proved = proved || keyIs(n, "password") || keyIs(n, "User-Password") || keyIs(n, "check_password")
		}
		return true
	})
	if proved {
		return
	}
	for _, id := range accepts {
		c.errs.Warnf(c.src.Pos(id), "accept{} in authorize lets in without any password: call req:check_password, or give a reason= if that is meant")
	}
}

func hasKey(call *ast.FuncCallExpr, name string) bool {
	if len(call.Args) != 1 {
		return false
	}
	t, ok := call.Args[0].(*ast.TableExpr)
	return ok && slices.ContainsFunc(t.Fields, func(f *ast.Field) bool {
		key, ok := f.Key.(*ast.StringExpr)
		return ok && key.Value == name
	})
}

// ordered warns of an attribute that is compared by order: an absent one is nil, which raises.
func (c *checker) ordered(e ast.Expr) {
	if key := c.attribute(e); key != nil {
		c.errs.Warnf(c.src.Pos(key), "%s is nil where it is absent, and nil cannot be compared; write (req:int(%q) or 0)", key.Value, key.Value)
	}
}

// alwaysDecides reports whether a function ends with a verdict whatever the request is.
func (c *checker) alwaysDecides(body []ast.Stmt) bool {
	if len(body) == 0 {
		return false
	}
	if _, ok := body[len(body)-1].(*ast.ReturnStmt); !ok {
		return false
	}
	all := true
	sandbox.Walk(body, func(node any) bool {
		switch n := node.(type) {
		case *ast.FunctionExpr:
			return false
		case *ast.ReturnStmt:
			all = all && len(n.Exprs) == 1 && c.isVerdict(n.Exprs[0])
		}
		return true
	})
	return all
}

// isVerdict reports whether an expression makes a verdict, or is a local that was made as one.
func (c *checker) isVerdict(e ast.Expr) bool {
	if id, ok := e.(*ast.IdentExpr); ok {
		b := c.src.Binding(id)
		return b != nil && b.Func == nil && b.Value != nil && c.isVerdict(b.Value)
	}
	_, _, ok := c.verdictCall(e)
	return ok
}

// adviseOrder warns of handlers that never run: one before them decides each request that they would get, or their
// `when` asks for what the phase never has.
func (pr *Program) adviseOrder(errs *raddb.List) {
	for p := range pr.phases {
		for i, h := range pr.phases[p] {
			if h.kind != kindOn {
				continue
			}
			if why := neverIn(server.Phase(p), h.when); why != "" {
				errs.Warnf(h.at, "%s never runs: %s", h.text(), why)
			}
			for _, before := range pr.phases[p][:i] {
				if before.decides && before.exception == nil && (before.when == nil || before.when.text() == h.when.text()) {
					errs.Warnf(h.at, "%s never runs: %s at %s decides each request before it", h.text(), before.text(), before.at)
					break
				}
			}
		}
	}
}

// neverIn says why no request fits a `when` in a phase, "" if one may.
func neverIn(p server.Phase, w written) string {
	if len(w) == 0 {
		return ""
	}
	why := ""
	for _, set := range w {
		why = ""
		for _, k := range set {
			if possible := possibleWords(p, k.key); possible != nil && !slices.ContainsFunc(k.values, func(v lua.LValue) bool {
				text, ok := v.(lua.LString)
				return !ok || slices.ContainsFunc(possible, func(word string) bool { return glob(string(text), word, false) })
			}) {
				why = fmt.Sprintf("%s is never %v in %s", k.key, k.values[0], places[p].name)
			}
		}
		if why == "" {
			return ""
		}
	}
	return why
}

// possibleWords gives what a field may be in a phase; nil for anything.
func possibleWords(p server.Phase, key string) []string {
	access, acct := "Access-Request", "Accounting-Request"
	switch {
	case key == "verdict" && p == server.PhaseReply:
		return []string{"accept", "reject", "challenge"}
	case key != "code":
		return nil
	case p == server.PhaseAuthorize || p == server.PhaseReply:
		return []string{access}
	case p == server.PhaseAccounting:
		return []string{acct}
	case p == server.PhaseCoA:
		return []string{"CoA-Request", "Disconnect-Request"}
	case p == server.PhaseHints || p == server.PhaseHuntgroups || p == server.PhaseRoute:
		return []string{access, acct}
	}
	return nil
}

// carried are the attributes that an Access-Reject and an Access-Challenge may have (RFC 2865 s5.44, RFC 5080
// s2.6.1); the encoder leaves out others.
var carried = map[server.Kind][]string{
	server.Reject:    {"Reply-Message", "Error-Cause"},
	server.Challenge: {"Reply-Message", "Session-Timeout", "Idle-Timeout", "Prompt"},
}

// linkCarried warns of attributes in a verdict that its code does not have.
func (pr *Program) linkCarried(l literal, a *dictionary.Attribute, errs *raddb.List) {
	names := carried[l.verdict]
	if !pr.o.Advice || names == nil || a.Internal || slices.Contains(names, a.Name) || a.Vendor != nil {
		return
	}
	errs.Warnf(l.at, "%s is left out of an Access-%s", a.Name, map[server.Kind]string{server.Reject: "Reject", server.Challenge: "Challenge"}[l.verdict])
}
