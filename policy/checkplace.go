package policy

import (
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// placed checks one handler against the phase that it is registered for: verdicts that it returns as written,
// and lists that it changes by name. What does not show is checked when it happens.
func (c *checker) placed(h sandbox.Handler) {
	p, k, ok := c.registered(h.Call)
	if !ok {
		return
	}
	st := (&handler{kind: k, phase: p})
	sandbox.Walk(h.Func.Stmts, func(node any) bool {
		switch n := node.(type) {
		case *ast.FunctionExpr:
			return false
		case *ast.ReturnStmt:
			c.returned(st, n)
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				if t, ok := target.(*ast.AttrGetExpr); ok {
					c.changed(st, t.Object, t.Key)
				}
			}
		case *ast.FuncCallExpr:
			if slices.Contains([]string{"set", "add", "del", "merge", "vlan"}, n.Method) && len(n.Args) > 0 {
				c.changed(st, n.Receiver, n.Args[0])
			}
		case *ast.FuncCallStmt:
			c.dropped(n)
		}
		return true
	})
}

// registered gives the phase and kind of a registration call, where they show.
func (c *checker) registered(call *ast.FuncCallExpr) (server.Phase, kind, bool) {
	id, ok := call.Func.(*ast.IdentExpr)
	if !ok || len(call.Args) == 0 {
		return 0, 0, false
	}
	switch id.Value {
	case "on":
		word, ok := call.Args[0].(*ast.StringExpr)
		if !ok {
			return 0, 0, false
		}
		p, known := phaseNamed(word.Value)
		return p, kindOn, known && asks(p)
	case "auth_type":
		return server.PhaseAuthType, kindAuthType, true
	case "answer":
		return server.PhaseAnswer, kindAnswer, true
	case "huntgroup":
		return server.PhaseHuntgroups, kindHuntgroup, true
	}
	return 0, 0, false
}

// verdictCall gives the kind that an expression like reject{…} makes.
func (c *checker) verdictCall(e ast.Expr) (server.Kind, *ast.IdentExpr, bool) {
	call, ok := e.(*ast.FuncCallExpr)
	if !ok {
		return 0, nil, false
	}
	id, ok := call.Func.(*ast.IdentExpr)
	if !ok || c.src.Binding(id) != nil {
		return 0, nil, false
	}
	k, ok := verdictNamed(id.Value)
	return k, id, ok
}

func (c *checker) returned(h *handler, n *ast.ReturnStmt) {
	if len(n.Exprs) != 1 {
		return
	}
	k, id, ok := c.verdictCall(n.Exprs[0])
	switch {
	case !ok:
	case h.kind == kindHuntgroup:
		c.errs.Errorf(c.src.Pos(id), "a huntgroup answers true, false or nil, not %s{}", k)
	case !places[h.phase].verdicts.has(k):
		c.errs.Errorf(c.src.Pos(id), "%s", notAllowed(k, h.phase))
	default:
		c.optionsFit(h.phase, n.Exprs[0])
	}
}

// optionsFit refuses options that no code of the phase has.
func (c *checker) optionsFit(p server.Phase, verdict ast.Expr) {
	args := verdict.(*ast.FuncCallExpr).Args
	if len(args) != 1 {
		return
	}
	t, ok := args[0].(*ast.TableExpr)
	if !ok {
		return
	}
	for _, f := range t.Fields {
		key, ok := f.Key.(*ast.StringExpr)
		switch {
		case !ok:
		case key.Value == "record" && p != server.PhaseAccounting:
			c.errs.Errorf(c.src.Pos(key), "%s", onlyAccounting)
		case key.Value == "error_cause" && p != server.PhaseCoA:
			c.errs.Errorf(c.src.Pos(key), "%s", onlyCoA)
		case key.Value == "client" && p != server.PhaseCoA:
			c.errs.Errorf(c.src.Pos(key), "%s", onlyDynamic)
		case key.Value == "delay" && (p == server.PhaseAccounting || p == server.PhaseCoA):
			c.errs.Errorf(c.src.Pos(key), "%s", onlyAccess)
		}
	}
}

// notAllowed says that a phase has no such verdict.
func notAllowed(k server.Kind, p server.Phase) string {
	if p == server.PhaseSession {
		return fmt.Sprintf("%s{} is no answer about a session; return true, false or nil", k)
	}
	return fmt.Sprintf("%s{} is not allowed in %s; allowed: %s", k, places[p].name, places[p].verdicts.names())
}

// changed checks a change of list[key], or by a method whose first argument is key.
func (c *checker) changed(h *handler, object, key ast.Expr) {
	which := changes(c.list(object))
	name, ok := key.(*ast.StringExpr)
	if which == 0 || !ok || h.change()&which != 0 || name.Value == "ctx" || isField(name.Value) && !c.pr.requestNames[name.Value].Writable {
		return
	}
	c.errs.Errorf(c.src.Pos(name), "%s", cannotChange(h, which, name.Value))
}

// cannotChange says that a handler may not change a list.
func cannotChange(h *handler, which lists, name string) string {
	hint := ""
	if which == changeRequest && h.change()&changeReply != 0 && !isField(name) {
		hint = fmt.Sprintf("; did you mean req.reply[%q]?", name)
	}
	a := attributes{which: which}
	return fmt.Sprintf("%s cannot be changed in %s%s", a.name(), h.kindName(), hint)
}

// dropped warns of a verdict that is made and not returned.
func (c *checker) dropped(n *ast.FuncCallStmt) {
	if k, id, ok := c.verdictCall(n.Expr); ok {
		c.errs.Warnf(c.src.Pos(id), "%s{} is made but not returned; write return %s{…}", k, k)
	}
}
