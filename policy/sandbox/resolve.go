package sandbox

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// A resolver walks a script with its scopes.
type resolver struct {
	src          *Source
	registration []string
	scopes       []map[string]*Binding
	functions    []*ast.FunctionExpr // around the current node, outermost first
}

// resolve binds every name, and collects uses of globals, handlers, and writes to locals of the file.
func (s *Source) resolve(opts Options) {
	s.bindings, s.declared = map[*ast.IdentExpr]*Binding{}, map[string]bool{}
	r := &resolver{src: s, registration: opts.Registration}
	r.block(s.Chunk)
}

func (r *resolver) block(stmts []ast.Stmt, names ...*Binding) {
	r.open(names)
	for _, st := range stmts {
		r.statement(st)
	}
	r.close()
}

func (r *resolver) open(names []*Binding) {
	scope := map[string]*Binding{}
	for _, b := range names {
		scope[b.Name] = b
	}
	r.scopes = append(r.scopes, scope)
}

func (r *resolver) close() { r.scopes = r.scopes[:len(r.scopes)-1] }

func (r *resolver) declare(name string, line int, value ast.Expr) {
	r.scopes[len(r.scopes)-1][name] = r.local(name, line, value)
}

func (r *resolver) local(name string, line int, value ast.Expr) *Binding {
	b := &Binding{Name: name, Line: line, Value: value, Index: -1}
	r.src.declared[name] = true
	if n := len(r.functions); n > 0 {
		b.Func = r.functions[n-1]
	}
	return b
}

func (r *resolver) lookup(name string) *Binding {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		if b := r.scopes[i][name]; b != nil {
			return b
		}
	}
	return nil
}

func (r *resolver) statement(st ast.Stmt) {
	r.src.pace.step()
	switch n := st.(type) {
	case *ast.LocalAssignStmt:
		r.localStatement(n)
	case *ast.AssignStmt:
		r.expressions(n.Rhs)
		for _, target := range n.Lhs {
			r.assign(target, false)
		}
	case *ast.FuncDefStmt:
		r.functionStatement(n)
	case *ast.FuncCallStmt:
		r.expression(n.Expr)
	case *ast.ReturnStmt:
		r.expressions(n.Exprs)
	default:
		r.compound(st)
	}
}

func (r *resolver) compound(st ast.Stmt) {
	switch n := st.(type) {
	case *ast.DoBlockStmt:
		r.block(n.Stmts)
	case *ast.WhileStmt:
		r.expression(n.Condition)
		r.block(n.Stmts)
	case *ast.RepeatStmt: // the condition sees the block's locals
		r.open(nil)
		for _, inner := range n.Stmts {
			r.statement(inner)
		}
		r.expression(n.Condition)
		r.close()
	case *ast.IfStmt:
		r.expression(n.Condition)
		r.block(n.Then)
		r.block(n.Else)
	case *ast.NumberForStmt:
		r.expressions([]ast.Expr{n.Init, n.Limit, n.Step})
		r.block(n.Stmts, r.local(n.Name, n.Line(), nil))
	case *ast.GenericForStmt:
		r.expressions(n.Exprs)
		var names []*Binding
		for _, name := range n.Names {
			names = append(names, r.local(name, n.Line(), nil))
		}
		r.block(n.Stmts, names...)
	}
}

// localStatement declares after the values, but before a single function: gopher-lua makes no difference between
// `local function f` and `local f = function`, the name is known inside either.
func (r *resolver) localStatement(n *ast.LocalAssignStmt) {
	values := make([]ast.Expr, len(n.Names))
	if len(n.Exprs) == len(n.Names) {
		copy(values, n.Exprs)
	}
	if fn, ok := values[0].(*ast.FunctionExpr); ok && len(values) == 1 {
		r.declare(n.Names[0], n.Line(), fn)
		r.expression(fn)
		return
	}
	r.expressions(n.Exprs)
	for i, name := range n.Names {
		r.declare(name, n.Line(), values[i])
	}
}

func (r *resolver) functionStatement(n *ast.FuncDefStmt) {
	switch {
	case n.Name.Func != nil:
		r.assign(n.Name.Func, true)
	case n.Name.Receiver != nil:
		r.expression(n.Name.Receiver)
		r.written(n.Name.Receiver)
	}
	if n.Name.Receiver != nil {
		r.function(n.Func, "self")
		return
	}
	r.function(n.Func)
}

// function enters a function; hidden are parameters that its list does not show.
func (r *resolver) function(fn *ast.FunctionExpr, hidden ...string) {
	r.functions = append(r.functions, fn)
	var names []*Binding
	for _, name := range hidden {
		names = append(names, r.local(name, fn.Line(), nil))
	}
	for i, name := range fn.ParList.Names {
		b := r.local(name, fn.Line(), nil)
		b.Index = i
		names = append(names, b)
	}
	if fn.ParList.HasVargs {
		names = append(names, r.local("arg", fn.Line(), nil))
	}
	r.block(fn.Stmts, names...)
	r.functions = r.functions[:len(r.functions)-1]
}

func (r *resolver) expressions(list []ast.Expr) {
	for _, e := range list {
		if e != nil {
			r.expression(e)
		}
	}
}

func (r *resolver) expression(e ast.Expr) {
	Walk(e, func(node any) bool {
		r.src.pace.step()
		switch n := node.(type) {
		case *ast.FunctionExpr:
			r.function(n)
			return false
		case *ast.IdentExpr:
			r.read(n, "")
		case *ast.AttrGetExpr:
			if id, key, ok := constantField(n); ok {
				r.read(id, key)
				return false
			}
		case *ast.FuncCallExpr:
			r.call(n)
		}
		return true
	})
}

// constantField takes `name.key` and `name["key"]` apart.
func constantField(n *ast.AttrGetExpr) (*ast.IdentExpr, string, bool) {
	id, ok := n.Object.(*ast.IdentExpr)
	key, isText := n.Key.(*ast.StringExpr)
	if !ok || !isText {
		return nil, "", false
	}
	return id, key.Value, true
}

func (r *resolver) read(id *ast.IdentExpr, field string) {
	if b := r.lookup(id.Value); b != nil {
		r.src.bindings[id] = b
		return
	}
	r.src.globals = append(r.src.globals, globalUse{ident: id, field: field})
}

// assign notes a target; function says that `function name()` is the assignment.
func (r *resolver) assign(target ast.Expr, function bool) {
	switch n := target.(type) {
	case *ast.IdentExpr:
		if b := r.lookup(n.Value); b != nil {
			r.src.bindings[n] = b
			r.write(n, b, "")
			return
		}
		r.src.globals = append(r.src.globals, globalUse{ident: n, assigned: true, function: function})
	case *ast.AttrGetExpr:
		r.expression(n.Object)
		r.expression(n.Key)
		r.written(n.Object)
	}
}

// written notes that a field below an expression is assigned.
func (r *resolver) written(object ast.Expr) {
	direct := true
	for {
		field, ok := object.(*ast.AttrGetExpr)
		if !ok {
			break
		}
		object, direct = field.Object, false
	}
	id, ok := object.(*ast.IdentExpr)
	if !ok {
		return
	}
	if b := r.src.bindings[id]; b != nil {
		r.write(id, b, "")
	} else if direct {
		r.src.globals = append(r.src.globals, globalUse{ident: id, write: true})
	}
}

func (r *resolver) write(id *ast.IdentExpr, b *Binding, call string) {
	if b.Func == nil && len(r.functions) > 0 {
		r.src.writes = append(r.src.writes, write{id, b, slices.Clone(r.functions), call})
	}
}

// call notes handlers, and functions that change their first argument.
func (r *resolver) call(n *ast.FuncCallExpr) {
	switch fn := n.Func.(type) {
	case *ast.IdentExpr:
		if r.lookup(fn.Value) == nil && slices.Contains(r.registration, fn.Value) {
			r.handlers(n)
		}
		if fn.Value == "rawset" {
			r.changes(n, "rawset")
		}
	case *ast.AttrGetExpr:
		if id, key, ok := constantField(fn); ok && id.Value == "table" && (key == "insert" || key == "remove" || key == "sort") {
			r.changes(n, "table."+key)
		}
	}
}

func (r *resolver) changes(n *ast.FuncCallExpr, name string) {
	if len(n.Args) == 0 {
		return
	}
	if id, ok := n.Args[0].(*ast.IdentExpr); ok {
		if b := r.lookup(id.Value); b != nil {
			r.write(id, b, name)
		}
	}
}

func (r *resolver) handlers(n *ast.FuncCallExpr) {
	for _, a := range n.Args {
		r.handler(n, a, false)
	}
}

// handler notes a function argument, and those in a table: the codecs of attribute{}.
func (r *resolver) handler(n *ast.FuncCallExpr, e ast.Expr, codec bool) {
	switch v := e.(type) {
	case *ast.FunctionExpr:
		r.src.Handlers = append(r.src.Handlers, Handler{n, v, codec})
	case *ast.IdentExpr:
		if b := r.lookup(v.Value); b != nil {
			if fn, ok := b.Value.(*ast.FunctionExpr); ok {
				r.src.Handlers = append(r.src.Handlers, Handler{n, fn, codec})
			}
		}
	case *ast.TableExpr:
		for _, f := range v.Fields {
			r.handler(n, f.Value, true)
		}
	}
}
