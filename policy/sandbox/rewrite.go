package sandbox

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// The functions that rewritten code calls. No script can spell their names.
const (
	concatName = "\x00concat"
	passName   = "\x00pass" // gives its arguments back
	shieldName = "\x00last" // a parameter; see shield
)

// boundConcat replaces `..` in a chunk. It is an instruction that makes strings of any length and that nothing
// can interrupt, so each chain of it becomes one call of a bounded function, kept in a local before the chunk.
// A chain hangs on its right side, `a .. (b .. (c .. d))`, and metamethods are tried from the right.
func boundConcat(chunk []ast.Stmt) []ast.Stmt {
	r := &rewriter{}
	r.statements(chunk)
	if !r.used {
		return chunk
	}
	bind := &ast.LocalAssignStmt{Names: []string{concatName}, Exprs: []ast.Expr{name(concatName, 1)}}
	bind.SetLine(1)
	return append([]ast.Stmt{bind}, chunk...)
}

func name(text string, line int) *ast.IdentExpr {
	id := &ast.IdentExpr{Value: text}
	id.SetLine(line)
	id.SetLastLine(line)
	return id
}

type rewriter struct{ used bool }

func (r *rewriter) statements(list []ast.Stmt) {
	for i, st := range list {
		r.statement(st)
		if n, ok := st.(*ast.AssignStmt); ok {
			list[i] = unfold(n)
		}
	}
}

func (r *rewriter) list(list []ast.Expr) {
	for i := range list {
		r.expr(&list[i])
	}
}

func (r *rewriter) statement(st ast.Stmt) {
	switch n := st.(type) {
	case *ast.AssignStmt:
		r.list(n.Lhs)
		r.list(n.Rhs)
	case *ast.LocalAssignStmt:
		r.list(n.Exprs)
	case *ast.FuncCallStmt:
		r.expr(&n.Expr)
	case *ast.FuncDefStmt:
		shield(n.Func)
		r.statements(n.Func.Stmts)
	case *ast.ReturnStmt:
		r.list(n.Exprs)
		passYield(n)
	default:
		r.compound(st)
	}
}

// shield keeps gopher-lua from putting a call together in the place of a function's last parameter when that is
// what the call's value is assigned to: it would write over the parameter, and over the locals behind it, before
// the arguments are read. A further parameter that nobody can name becomes the last one.
func shield(fn *ast.FunctionExpr) {
	names := fn.ParList.Names
	if len(names) > 0 && assigns(fn.Stmts, names[len(names)-1]) {
		fn.ParList.Names = append(names, shieldName)
	}
}

// assigns reports whether a name is assigned somewhere in a list of statements.
func assigns(list []ast.Stmt, name string) (found bool) {
	Walk(list, func(node any) bool {
		if n, ok := node.(*ast.AssignStmt); ok {
			for _, e := range n.Lhs {
				id, ok := e.(*ast.IdentExpr)
				found = found || ok && id.Value == name
			}
		}
		return !found
	})
	return found
}

func (r *rewriter) compound(st ast.Stmt) {
	switch n := st.(type) {
	case *ast.DoBlockStmt:
		r.statements(n.Stmts)
	case *ast.WhileStmt:
		r.expr(&n.Condition)
		r.statements(n.Stmts)
	case *ast.RepeatStmt:
		r.expr(&n.Condition)
		r.statements(n.Stmts)
	case *ast.IfStmt:
		r.expr(&n.Condition)
		r.statements(n.Then)
		r.statements(n.Else)
	case *ast.NumberForStmt:
		r.expr(&n.Init)
		r.expr(&n.Limit)
		r.expr(&n.Step)
		r.statements(n.Stmts)
	case *ast.GenericForStmt:
		r.list(n.Exprs)
		r.statements(n.Stmts)
	}
}

// passYield makes `return coroutine.yield(x)` a call that is not in tail position: gopher-lua loses the frame
// that a tail call of yield should come back to.
func passYield(n *ast.ReturnStmt) {
	if len(n.Exprs) != 1 {
		return
	}
	call, ok := n.Exprs[0].(*ast.FuncCallExpr)
	if !ok || call.AdjustRet || !namesYield(call.Func) {
		return
	}
	pass := &ast.FuncCallExpr{Func: name(passName, n.Line()), Args: []ast.Expr{call}}
	pass.SetLine(call.Line())
	pass.SetLastLine(call.LastLine())
	n.Exprs[0] = pass
}

func namesYield(e ast.Expr) bool {
	switch n := e.(type) {
	case *ast.IdentExpr:
		return strings.Contains(n.Value, "yield")
	case *ast.AttrGetExpr:
		key, ok := n.Key.(*ast.StringExpr)
		return ok && key.Value == "yield"
	}
	return false
}

// expr rewrites below e, and e itself if it is a concatenation.
func (r *rewriter) expr(e *ast.Expr) {
	switch n := (*e).(type) {
	case *ast.StringConcatOpExpr:
		*e = r.chain(n)
	case *ast.AttrGetExpr:
		r.expr(&n.Object)
		r.expr(&n.Key)
	case *ast.TableExpr:
		for _, f := range n.Fields {
			r.expr(&f.Key)
			r.expr(&f.Value)
		}
	case *ast.FuncCallExpr:
		r.expr(&n.Func)
		r.expr(&n.Receiver)
		r.list(n.Args)
	case *ast.FunctionExpr:
		shield(n)
		r.statements(n.Stmts)
	default:
		r.operator(*e)
	}
}

func (r *rewriter) operator(e ast.Expr) {
	switch n := e.(type) {
	case *ast.LogicalOpExpr:
		r.expr(&n.Lhs)
		r.expr(&n.Rhs)
	case *ast.RelationalOpExpr:
		r.expr(&n.Lhs)
		r.expr(&n.Rhs)
	case *ast.ArithmeticOpExpr:
		r.expr(&n.Lhs)
		r.expr(&n.Rhs)
	case *ast.UnaryMinusOpExpr:
		r.expr(&n.Expr)
	case *ast.UnaryNotOpExpr:
		r.expr(&n.Expr)
	case *ast.UnaryLenOpExpr:
		r.expr(&n.Expr)
	}
}

// chain makes one call of a whole chain. The call and a last operand with many values give one value each, as
// an operator does; for the call this also keeps it from becoming a tail call, which would lose its line.
func (r *rewriter) chain(n *ast.StringConcatOpExpr) ast.Expr {
	var operands []ast.Expr
	var last ast.Expr = n
	for {
		c, ok := last.(*ast.StringConcatOpExpr)
		if !ok {
			break
		}
		operands = append(operands, c.Lhs)
		last = c.Rhs
	}
	operands = foldLast(append(operands, last))
	r.list(operands)
	if len(operands) == 1 {
		return operands[0]
	}
	adjust(operands[len(operands)-1])
	r.used = true
	call := &ast.FuncCallExpr{Func: name(concatName, n.Line()), Args: operands, AdjustRet: true}
	call.SetLine(n.Line())
	call.SetLastLine(n.LastLine())
	return call
}

// foldLast joins literal strings at the end of a chain. Only there: further left a metamethod on the right may
// see them one by one.
func foldLast(list []ast.Expr) []ast.Expr {
	for len(list) > 1 {
		a, isText := list[len(list)-2].(*ast.StringExpr)
		b, both := list[len(list)-1].(*ast.StringExpr)
		if !isText || !both {
			break
		}
		joined := &ast.StringExpr{Value: a.Value + b.Value}
		joined.SetLine(a.Line())
		joined.SetLastLine(b.LastLine())
		list = append(list[:len(list)-2], joined)
	}
	return list
}

// adjust makes a call or `...` give one value.
func adjust(e ast.Expr) {
	switch n := e.(type) {
	case *ast.FuncCallExpr:
		n.AdjustRet = true
	case *ast.Comma3Expr:
		n.AdjustRet = true
	}
}
