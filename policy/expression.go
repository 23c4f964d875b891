package policy

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// An expression is an `=` value of a users file: a Lua expression, compiled when the file is read, computed
// after the password was found good.
type expression struct {
	program  *sandbox.Program
	handler  *handler
	rewrites []*handler // its parameters after req
}

// Expression implements users.Names. The ref counts the program's expressions.
func (pr *Program) Expression(source string, at raddb.Pos) (ref int, err error) {
	if strings.TrimSpace(source) == "" {
		return 0, fmt.Errorf("the expression %q: nothing stands behind the =", source)
	}
	e := &expression{rewrites: pr.rewritesIn(source)}
	parameters := "req"
	for _, h := range e.rewrites {
		parameters += ", " + h.name
	}
	// The values in scope are arguments of the chunk, so that they are no globals of anybody else.
	text := "local " + parameters + " = ... return " + source
	p, errs := sandbox.Compile(at.File, []byte(text), sandbox.Options{Globals: moduleFields()})
	for _, e := range errs {
		if !e.Warning {
			return 0, fmt.Errorf("the expression %q: %s", source, e.Msg)
		}
	}
	if err := pr.checkExpression(parameters, source, at); err != nil {
		return 0, fmt.Errorf("the expression %q: %w", source, err)
	}
	e.program = p
	e.handler = &handler{
		kind: kindExpression, phase: server.PhaseAuthorize, name: source, at: at, label: at.String(),
		index: -1, timeout: pr.defaultTimeout(&handler{}),
	}
	pr.expressions = append(pr.expressions, e)
	return len(pr.expressions) - 1, nil
}

// checkExpression judges the names in an expression as those in a handler, and refuses calls that wait: the
// values of a reply are computed while the packet loop waits for them.
func (pr *Program) checkExpression(parameters, source string, at raddb.Pos) error {
	kept := pr.literals
	pr.literals = nil
	defer func() { pr.literals = kept }()
	text := "rewrite('', function(" + parameters + ") return " + source + "\nend)"
	globals := moduleFields()
	globals["rewrite"] = nil
	var waits string
	options := sandbox.Options{Globals: globals, Registration: []string{"rewrite"}, Check: func(src *sandbox.Source, errs *raddb.List) {
		pr.check(src, errs)
		waits = waitingCall(src)
	}}
	_, errs := sandbox.Compile(at.File, []byte(text), options)
	pr.linkLiterals(&errs)
	for _, e := range errs {
		if !e.Warning {
			return errors.New(e.Msg)
		}
	}
	if waits != "" {
		return fmt.Errorf("%s waits, which a computed value may not; call it in a hook and leave the result in req.control", waits)
	}
	return nil
}

// waitingCall gives the first function of a module in a source that waits, "" if there is none.
func waitingCall(src *sandbox.Source) (found string) {
	sandbox.Walk(src.Chunk, func(node any) bool {
		call, ok := node.(*ast.FuncCallExpr)
		if !ok || found != "" {
			return true
		}
		field, ok := call.Func.(*ast.AttrGetExpr)
		if !ok {
			return true
		}
		library, isName := field.Object.(*ast.IdentExpr)
		name, isText := field.Key.(*ast.StringExpr)
		if isName && isText && src.Binding(library) == nil && module.Waits(library.Value, name.Value) {
			found = library.Value + "." + name.Value
		}
		return true
	})
	return found
}

// rewritesIn gives the rewrite functions whose names stand in a source, in a fixed order.
func (pr *Program) rewritesIn(source string) (list []*handler) {
	for name, h := range pr.rewrites {
		if identifier(name) && strings.Contains(source, name) {
			list = append(list, h)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

// identifier reports whether a name can be written as a variable of Lua.
func identifier(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && name != "req"
}

// Evaluate implements server.Runner.
func (rn *Runner) Evaluate(ref int, r *server.Request, p *server.Pair) (value []byte, ok bool, v *server.Verdict) {
	rn.begin(r)
	e := rn.pr.expressions[ref]
	args := make([]lua.LValue, len(e.rewrites))
	for i, h := range e.rewrites {
		args[i] = rn.functions[h.index]
	}
	results, v, done := rn.callFunction(e.handler, rn.expression(ref), r, args...)
	if !done || len(results) == 0 || results[0] == lua.LNil {
		return nil, false, v
	}
	value, err := rn.wire(nil, p.Attr, results[0])
	if err != nil {
		return nil, false, rn.failed(e.handler, r, err)
	}
	return value, true, nil
}

// expression gives this state's function of an expression, made at its first use.
func (rn *Runner) expression(ref int) *lua.LFunction {
	if n := len(rn.pr.expressions); len(rn.expressions) < n {
		rn.expressions = append(rn.expressions, make([]*lua.LFunction, n-len(rn.expressions))...)
	}
	if rn.expressions[ref] == nil {
		rn.expressions[ref] = rn.box.Function(rn.pr.expressions[ref].program)
	}
	return rn.expressions[ref]
}
