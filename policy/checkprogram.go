package policy

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// program keeps the path of exec.run{"/path", …} where it shows.
func (c *checker) program(n *ast.FuncCallExpr) {
	get, ok := n.Func.(*ast.AttrGetExpr)
	if !ok || len(n.Args) != 1 {
		return
	}
	module, ok := get.Object.(*ast.IdentExpr)
	if !ok || module.Value != "exec" || c.src.Binding(module) != nil {
		return
	}
	name, isName := get.Key.(*ast.StringExpr)
	t, isTable := n.Args[0].(*ast.TableExpr)
	if !isName || !isTable || !slices.Contains([]string{"run", "try_run"}, name.Value) {
		return
	}
	for _, f := range t.Fields {
		if f.Key == nil {
			if path, ok := f.Value.(*ast.StringExpr); ok {
				c.keep(literal{kind: literalProgram, at: c.src.Pos(path), name: path.Value})
			}
			return
		}
	}
}
