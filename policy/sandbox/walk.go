package sandbox

import "github.com/yuin/gopher-lua/ast"

// Walk calls visit for a node and, where visit returns true, for what lies below it, in source order. A node is
// an ast.Stmt, an ast.Expr or a slice of either.
func Walk(node any, visit func(node any) bool) {
	switch n := node.(type) {
	case nil:
		return
	case []ast.Stmt:
		for _, s := range n {
			Walk(s, visit)
		}
	case []ast.Expr:
		for _, e := range n {
			Walk(e, visit)
		}
	default:
		if visit(node) {
			walkStatement(node, visit)
			walkExpression(node, visit)
		}
	}
}

func walkStatement(node any, visit func(any) bool) {
	switch n := node.(type) {
	case *ast.AssignStmt:
		Walk(n.Lhs, visit)
		Walk(n.Rhs, visit)
	case *ast.LocalAssignStmt:
		Walk(n.Exprs, visit)
	case *ast.FuncCallStmt:
		Walk(n.Expr, visit)
	case *ast.DoBlockStmt:
		Walk(n.Stmts, visit)
	case *ast.WhileStmt:
		Walk(n.Condition, visit)
		Walk(n.Stmts, visit)
	case *ast.RepeatStmt:
		Walk(n.Stmts, visit)
		Walk(n.Condition, visit)
	case *ast.IfStmt:
		Walk(n.Condition, visit)
		Walk(n.Then, visit)
		Walk(n.Else, visit)
	case *ast.NumberForStmt:
		Walk([]ast.Expr{n.Init, n.Limit}, visit)
		if n.Step != nil {
			Walk(n.Step, visit)
		}
		Walk(n.Stmts, visit)
	case *ast.GenericForStmt:
		Walk(n.Exprs, visit)
		Walk(n.Stmts, visit)
	case *ast.FuncDefStmt:
		walkFuncName(n.Name, visit)
		Walk(n.Func, visit)
	case *ast.ReturnStmt:
		Walk(n.Exprs, visit)
	}
}

func walkFuncName(n *ast.FuncName, visit func(any) bool) {
	if n.Func != nil {
		Walk(n.Func, visit)
	}
	if n.Receiver != nil {
		Walk(n.Receiver, visit)
	}
}

func walkExpression(node any, visit func(any) bool) {
	switch n := node.(type) {
	case *ast.AttrGetExpr:
		Walk(n.Object, visit)
		Walk(n.Key, visit)
	case *ast.TableExpr:
		for _, f := range n.Fields {
			if f.Key != nil {
				Walk(f.Key, visit)
			}
			Walk(f.Value, visit)
		}
	case *ast.FuncCallExpr:
		if n.Func != nil {
			Walk(n.Func, visit)
		}
		if n.Receiver != nil {
			Walk(n.Receiver, visit)
		}
		Walk(n.Args, visit)
	case *ast.LogicalOpExpr:
		Walk([]ast.Expr{n.Lhs, n.Rhs}, visit)
	case *ast.RelationalOpExpr:
		Walk([]ast.Expr{n.Lhs, n.Rhs}, visit)
	case *ast.StringConcatOpExpr:
		Walk([]ast.Expr{n.Lhs, n.Rhs}, visit)
	case *ast.ArithmeticOpExpr:
		Walk([]ast.Expr{n.Lhs, n.Rhs}, visit)
	case *ast.UnaryMinusOpExpr:
		Walk(n.Expr, visit)
	case *ast.UnaryNotOpExpr:
		Walk(n.Expr, visit)
	case *ast.UnaryLenOpExpr:
		Walk(n.Expr, visit)
	case *ast.FunctionExpr:
		Walk(n.Stmts, visit)
	}
}
