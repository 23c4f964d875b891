package policy

import (
	"maps"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/raddb"
	"perilune/policy/sandbox"
)

// A functionPlace names a function of a script by where it begins.
type functionPlace struct {
	file string
	line int
}

// tame reports whether the function cannot keep req beyond its run.
func (pr *Program) tame(file string, line int) bool { return pr.tames[functionPlace{file, line}] }

// A checker looks at one script's text for names that can be judged where they stand.
type checker struct {
	pr       *Program
	src      *sandbox.Source
	errs     *raddb.List
	handlers map[*ast.FunctionExpr]bool
	inside   map[*ast.FuncCallExpr]bool // calls inside of functions: those outside run while loading
}

// check looks at one script while it is compiled. What needs the dictionary is kept for Link.
func (pr *Program) check(src *sandbox.Source, errs *raddb.List) {
	c := &checker{pr, src, errs, map[*ast.FunctionExpr]bool{}, map[*ast.FuncCallExpr]bool{}}
	for _, h := range src.Handlers {
		if len(h.Func.ParList.Names) > 0 && !h.Codec {
			c.handlers[h.Func] = true
		}
		at := functionPlace{src.File, h.Func.Line()}
		known, again := pr.tames[at]
		pr.tames[at] = c.isTame(h.Func) && (known || !again)
	}
	sandbox.Walk(src.Chunk, func(node any) bool {
		if fn, ok := node.(*ast.FunctionExpr); ok {
			c.markInside(fn)
		}
		return true
	})
	sandbox.Walk(src.Chunk, c.visit)
	for _, h := range src.Handlers {
		c.placed(h)
		c.advise(h)
	}
	c.fix()
}

func (c *checker) markInside(fn *ast.FunctionExpr) {
	sandbox.Walk(fn.Stmts, func(node any) bool {
		if call, ok := node.(*ast.FuncCallExpr); ok {
			c.inside[call] = true
		}
		return true
	})
}

func (c *checker) visit(node any) bool {
	switch n := node.(type) {
	case *ast.AttrGetExpr:
		c.field(n)
	case *ast.FuncCallExpr:
		c.method(n)
		c.verdict(n)
		c.program(n)
		if c.pr.o.Advice {
			c.pure(n)
		}
	case *ast.RelationalOpExpr:
		if n.Operator == "==" || n.Operator == "~=" {
			c.comparison(n.Lhs, n.Rhs)
			c.comparison(n.Rhs, n.Lhs)
		}
	case *ast.LocalAssignStmt:
		c.shadows(c.hidden(n), n)
	case *ast.FunctionExpr:
		c.shadows(n.ParList.Names, n)
	case *ast.AssignStmt:
		for i, target := range n.Lhs {
			var value ast.Expr
			if len(n.Lhs) == len(n.Rhs) {
				value = n.Rhs[i]
			}
			c.assignment(target, value)
		}
	}
	return true
}

// isRequest reports whether an expression is the first parameter of a handler.
func (c *checker) isRequest(e ast.Expr) bool {
	id, ok := e.(*ast.IdentExpr)
	if !ok {
		return false
	}
	b := c.src.Binding(id)
	return b != nil && b.Index == 0 && c.handlers[b.Func]
}

// list gives which attribute list an expression is: req, reply, control, proxied; "" if none that shows.
func (c *checker) list(e ast.Expr) string {
	if c.isRequest(e) {
		return "req"
	}
	n, ok := e.(*ast.AttrGetExpr)
	switch {
	case !ok:
	case c.isRequest(n.Object) && keyIs(n, "reply"):
		return "reply"
	case c.isRequest(n.Object) && keyIs(n, "control"):
		return "control"
	case keyIs(n, "reply"):
		if c.isProxy(n.Object) {
			return "proxied"
		}
	}
	return ""
}

// keyIs reports whether an expression is a field of that very name.
func keyIs(n *ast.AttrGetExpr, name string) bool {
	key, ok := n.Key.(*ast.StringExpr)
	return ok && key.Value == name
}

// changes gives the list behind a name of list.
func changes(list string) lists {
	return map[string]lists{"req": changeRequest, "control": changeControl, "reply": changeReply, "proxied": changeProxied}[list]
}

// attribute gives the literal key of list["Name"], nil for anything else.
func (c *checker) attribute(e ast.Expr) *ast.StringExpr {
	n, ok := e.(*ast.AttrGetExpr)
	if !ok || c.list(n.Object) == "" {
		return nil
	}
	key, ok := n.Key.(*ast.StringExpr)
	if !ok || isField(key.Value) {
		return nil
	}
	return key
}

// names gives the fields and methods of a list.
func (c *checker) names(list string) map[string]Entry {
	if list == "req" {
		return c.pr.requestNames
	}
	return c.pr.listNames
}

func (c *checker) field(n *ast.AttrGetExpr) {
	list := c.list(n.Object)
	key, ok := n.Key.(*ast.StringExpr)
	if ok && c.isProxy(n.Object) && !slices.Contains(proxyFields, key.Value) {
		c.errs.Errorf(c.src.Pos(key), "%s", noProxyField(key.Value))
	}
	if list == "" || !ok {
		return
	}
	if !isField(key.Value) {
		c.keep(literal{kind: literalName, at: c.src.Pos(key), name: key.Value})
		return
	}
	c.knownName(list, key.Value, c.src.Pos(key))
}

func (c *checker) knownName(list, name string, at raddb.Pos) {
	names := c.names(list)
	if _, ok := names[name]; !ok {
		c.errs.Errorf(at, "%s has no field or method %q%s", list, name, raddb.DidYouMean(name, maps.Keys(names)))
	}
}

// method checks list:method("Name", …).
func (c *checker) method(n *ast.FuncCallExpr) {
	list := c.list(n.Receiver)
	if n.Receiver == nil || list == "" {
		return
	}
	at := raddb.Pos{File: c.src.File, Line: n.Line()}
	c.knownName(list, n.Method, at)
	if len(n.Args) == 0 {
		return
	}
	key, ok := n.Args[0].(*ast.StringExpr)
	switch {
	case !ok:
	case slices.Contains([]string{"get", "set", "add", "del", "has", "count", "all", "is", "int"}, n.Method):
		l := literal{kind: literalName, at: c.src.Pos(key), name: key.Value}
		if len(n.Args) > 1 && (n.Method == "set" || n.Method == "add" || n.Method == "is") {
			l.value, l.pattern = n.Args[1], n.Method == "is"
		}
		if n.Method == "set" || n.Method == "add" {
			l.written = changes(list)
		}
		c.keep(l)
	case n.Method == "huntgroup":
		c.keep(literal{kind: literalHuntgroup, at: c.src.Pos(key), name: key.Value})
	case n.Method == "group":
		c.keep(literal{kind: literalGroup, at: c.src.Pos(key), name: key.Value})
	}
}

// comparison checks list["Name"] == literal.
func (c *checker) comparison(e, with ast.Expr) {
	key := c.attribute(e)
	if key == nil {
		return
	}
	switch with.(type) {
	case *ast.StringExpr, *ast.NumberExpr:
		c.keep(literal{kind: literalComparison, at: c.src.Pos(with), name: key.Value, value: with})
	}
}

// assignment checks list["Name"] = literal, and refuses list["Name"].field = …, which would change a copy.
func (c *checker) assignment(target, value ast.Expr) {
	n, ok := target.(*ast.AttrGetExpr)
	if !ok {
		return
	}
	if key := c.attribute(n.Object); key != nil {
		field, _ := n.Key.(*ast.StringExpr)
		if field == nil {
			field = &ast.StringExpr{Value: "…"}
		}
		c.errs.Errorf(c.src.Pos(key), "%q is read as a copy: assign [%q] instead", key.Value, key.Value+"."+field.Value)
		return
	}
	if key := c.attribute(n); key != nil {
		c.keep(literal{kind: literalName, at: c.src.Pos(key), name: key.Value, value: value, written: changes(c.list(n.Object))})
		return
	}
	key, ok := n.Key.(*ast.StringExpr)
	switch {
	case !ok:
	case c.isProxy(n.Object):
		c.errs.Errorf(c.src.Pos(key), "req.proxy is read-only")
	case c.isRequest(n.Object) && isField(key.Value):
		if e, known := c.pr.requestNames[key.Value]; known && !e.Writable {
			c.errs.Errorf(c.src.Pos(key), "req.%s is read-only", key.Value)
		}
	}
}

// isTame reports whether fn uses its first parameter only as req.field, req["Name"], req:method() or
// req.reply… in its own body, so that nothing can hold it once fn has returned.
func (c *checker) isTame(fn *ast.FunctionExpr) bool {
	if len(fn.ParList.Names) == 0 || fn.ParList.HasVargs {
		return !fn.ParList.HasVargs
	}
	own := func(e ast.Expr) bool {
		id, ok := e.(*ast.IdentExpr)
		if !ok {
			return false
		}
		b := c.src.Binding(id)
		return b != nil && b.Func == fn && b.Index == 0
	}
	safe, tame := map[ast.Expr]bool{}, true
	var visit func(node any, nested bool) bool
	visit = func(node any, nested bool) bool {
		switch n := node.(type) {
		case *ast.FunctionExpr:
			sandbox.Walk(n.Stmts, func(node any) bool { return visit(node, true) })
			return false
		case *ast.FuncCallExpr:
			safe[n.Receiver] = true
		case *ast.AttrGetExpr:
			safe[n.Object] = true
			if own(n.Object) && !safe[n] && !plainField(n.Key) || proxied(n, own) && !safe[n] {
				tame = false
			}
		case *ast.IdentExpr:
			if own(n) && (nested || !safe[n]) {
				tame = false
			}
		}
		return true
	}
	sandbox.Walk(fn.Stmts, func(node any) bool { return visit(node, false) })
	return tame
}

// plainField reports whether req[key] gives a value and not a list that hangs from req.
func plainField(key ast.Expr) bool {
	s, ok := key.(*ast.StringExpr)
	return ok && s.Value != "reply" && s.Value != "control" && s.Value != "proxy"
}

// proxied reports whether an expression is a field of req.proxy that may be the list.
func proxied(n *ast.AttrGetExpr, own func(ast.Expr) bool) bool {
	object, ok := n.Object.(*ast.AttrGetExpr)
	if !ok || !own(object.Object) || !keyIs(object, "proxy") {
		return false
	}
	field, ok := n.Key.(*ast.StringExpr)
	return !ok || field.Value == "reply"
}

// hidden gives the locals that a statement makes, without those that hold what they hide: local string = string.
func (c *checker) hidden(n *ast.LocalAssignStmt) (names []string) {
	for i, name := range n.Names {
		if i < len(n.Exprs) {
			if id, ok := n.Exprs[i].(*ast.IdentExpr); ok && id.Value == name {
				continue
			}
		}
		names = append(names, name)
	}
	return names
}

// shadows warns of locals that hide a name of the API, or a library of Lua's: the call that is meant would go elsewhere.
func (c *checker) shadows(names []string, n ast.PositionHolder) {
	for _, name := range names {
		if _, ok := c.pr.globals[name]; ok || sandbox.HasLibrary(name) {
			c.errs.Warnf(raddb.Pos{File: c.src.File, Line: n.Line()}, "local %s hides the API's %s; choose another name", name, name)
		}
	}
}
