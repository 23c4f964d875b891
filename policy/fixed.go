package policy

import (
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// A verdict in a function whose table holds nothing but literals, such as reject{message="no"}, is the same each time that
// the function runs. It is made once in each state, names resolved and values encoded, and is a value from then on: the
// script is rewritten to ask for it by its number.

// fixedName is the function that rewritten scripts call. No script can spell it.
const fixedName = "\x00fixed"

// A fixed is such a verdict, as it is written.
type fixed struct {
	kind  server.Kind
	table *ast.TableExpr
}

// fix rewrites the calls that make fixed verdicts. The other checks are through then: they look for what was written. What is
// compiled later, for tests, stays as it is: states share the list.
func (c *checker) fix() {
	if c.pr.linked {
		return
	}
	sandbox.Walk(c.src.Chunk, func(node any) bool {
		if call, ok := node.(*ast.FuncCallExpr); ok && c.inside[call] && len(call.Args) == 1 {
			c.fixCall(call)
		}
		return true
	})
}

func (c *checker) fixCall(call *ast.FuncCallExpr) {
	kind, id, ok := c.verdictCall(call)
	table, isTable := call.Args[0].(*ast.TableExpr)
	if !ok || !isTable {
		return
	}
	if _, ok := constantTable(table, 0); !ok || numbered(table) {
		return
	}
	number := &ast.NumberExpr{Value: strconv.Itoa(len(c.pr.fixed))}
	number.SetLine(call.Line())
	name := &ast.IdentExpr{Value: fixedName}
	name.SetLine(id.Line())
	c.pr.fixed = append(c.pr.fixed, fixed{kind, table})
	call.Func, call.Args = name, []ast.Expr{number}
}

// numbered reports whether a table has numbers as keys that are written: where they meet items without keys, Lua has an
// order of its own.
func numbered(t *ast.TableExpr) bool {
	return slices.ContainsFunc(t.Fields, func(f *ast.Field) bool {
		_, ok := f.Key.(*ast.NumberExpr)
		return ok
	})
}

// fixed gives a fixed verdict by its number. One that the handler has made in this run already is made anew: each is to be
// returned, and two are two.
func (rn *Runner) fixed(l *lua.LState) int {
	n := int(lua.LVAsNumber(l.Get(1)))
	if n < len(rn.prepared) && rn.prepared[n] != nil && rn.h != nil {
		if v := verdictOf(rn.prepared[n]); !slices.Contains(rn.made, v) {
			rn.made = append(rn.made, v)
			l.Push(rn.prepared[n])
			return 1
		}
	}
	f := &rn.pr.fixed[n]
	t, _ := constantTable(f.table, 0)
	made := rn.construct(l, f.kind, t)
	if rn.h != nil && !rn.bench {
		if rn.prepared == nil {
			rn.prepared = make([]*lua.LUserData, len(rn.pr.fixed))
		}
		rn.prepared[n] = made
	}
	l.Push(made)
	return 1
}

// construct makes the Lua value of a verdict, and raises if it cannot be.
func (rn *Runner) construct(l *lua.LState, k server.Kind, t *lua.LTable) *lua.LUserData {
	v, err := draftVerdict(k, t, rn.bench)
	if err == nil {
		v.at = whereabouts(l)
		err = rn.file(v)
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	return &lua.LUserData{Value: v, Env: l.G.Global, Metatable: rn.pr.surface.meta.verdict}
}
