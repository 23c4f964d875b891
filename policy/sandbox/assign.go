package sandbox

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// unfold parts an assignment of several values that gopher-lua would get wrong: it writes a value to its local at
// once, so that `a, b = a + 1, a` gives b the new a. The values go to locals that nobody can name; from there
// fields are assigned before variables, since a variable may be a field's key. Other assignments stay.
func unfold(n *ast.AssignStmt) ast.Stmt {
	if !overwrites(n) {
		return n
	}
	values := &ast.LocalAssignStmt{Exprs: n.Rhs}
	lines(values, n)
	block := &ast.DoBlockStmt{Stmts: []ast.Stmt{values}}
	lines(block, n)
	for _, variables := range []bool{false, true} {
		for i, to := range n.Lhs {
			if _, ok := to.(*ast.IdentExpr); ok != variables {
				continue
			}
			one := &ast.AssignStmt{Lhs: []ast.Expr{to}, Rhs: []ast.Expr{name(valueName(i), n.Line())}}
			lines(one, n)
			block.Stmts = append(block.Stmts, one)
		}
	}
	for i := range n.Lhs {
		values.Names = append(values.Names, valueName(i))
	}
	return block
}

func valueName(i int) string { return "\x00value" + strconv.Itoa(i) }

// lines gives a made statement the lines of the one it stands for.
func lines(made, old ast.PositionHolder) {
	made.SetLine(old.Line())
	made.SetLastLine(old.LastLine())
}

// overwrites reports whether a variable that is assigned is read by a value that comes later, or by a field.
func overwrites(n *ast.AssignStmt) bool {
	var fields []ast.Expr
	for _, to := range n.Lhs {
		if _, ok := to.(*ast.IdentExpr); !ok {
			fields = append(fields, to)
		}
	}
	for i, to := range n.Lhs {
		id, ok := to.(*ast.IdentExpr)
		if ok && (reads(fields, id.Value) || i < len(n.Rhs) && reads(n.Rhs[i+1:], id.Value)) {
			return true
		}
	}
	return false
}

func reads(list []ast.Expr, name string) (found bool) {
	Walk(list, func(node any) bool {
		id, ok := node.(*ast.IdentExpr)
		found = found || ok && id.Value == name
		return !found
	})
	return found
}
