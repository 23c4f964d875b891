package sandbox

import (
	luaparse "github.com/yuin/gopher-lua/parse"

	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/raddb"
)

// A Source is a parsed script with its names resolved. It is for checks while the script is compiled.
type Source struct {
	File  string
	Chunk []ast.Stmt
	// Handlers are the functions given to registration calls, directly or by the name of a local function.
	Handlers []Handler

	pace     *pace
	lines    []string
	tokens   []ast.Token
	columns  map[*ast.IdentExpr]int
	declared map[string]bool // all local names
	bindings map[*ast.IdentExpr]*Binding
	globals  []globalUse
	writes   []write
}

// A Handler is one function argument of a registration call.
type Handler struct {
	Call  *ast.FuncCallExpr
	Func  *ast.FunctionExpr
	Codec bool // it stands in a table of the call, and its parameter is no request
}

// A Binding is one local name: a variable, parameter or loop variable.
type Binding struct {
	Name  string
	Line  int
	Func  *ast.FunctionExpr // the function it is declared in; nil: the file
	Value ast.Expr          // what it is initialised with, if that is one expression of its own; else nil
	Index int               // position among the parameters of Func, -1 if it is not a parameter
}

// Binding gives the local that a name stands for, nil for a global.
func (s *Source) Binding(id *ast.IdentExpr) *Binding { return s.bindings[id] }

// A globalUse is a global name that is read or assigned.
type globalUse struct {
	ident    *ast.IdentExpr
	assigned bool
	function bool   // assigned by `function name()`
	field    string // the constant field that is read from it, "" if none
	write    bool   // a field of it is assigned
}

// A write is an assignment inside a function to a local of the file or to a field of one.
type write struct {
	ident   *ast.IdentExpr
	binding *Binding
	within  []*ast.FunctionExpr // the functions around it, outermost first
	call    string              // the name of the changing function, "" for an assignment
}

// Pos gives the place of a node: its line, and its column where the source shows it.
func (s *Source) Pos(node ast.PositionHolder) raddb.Pos {
	at := raddb.Pos{File: s.File, Line: node.Line()}
	switch n := node.(type) {
	case *ast.IdentExpr:
		at.Col = s.columns[n]
	case *ast.StringExpr:
		if at.Col = s.column(at.Line, n.Value, luaparse.TString); at.Col == 0 {
			at.Col = s.column(at.Line, n.Value, luaparse.TIdent)
		}
	case *ast.NumberExpr:
		at.Col = s.column(at.Line, n.Value, luaparse.TNumber)
	case *ast.AttrGetExpr:
		if key, ok := n.Key.(*ast.StringExpr); ok {
			return s.Pos(key)
		}
	}
	return at
}

// column finds a token of a line by its text, 0 if it is not there: gopher-lua's tree has no columns.
func (s *Source) column(line int, text string, kind int) int {
	for _, t := range s.tokens {
		if t.Pos.Line == line && t.Type == kind && t.Str == text {
			return t.Pos.Column
		}
	}
	return 0
}

// A spot is a name on a line.
type spot struct {
	line int
	name string
}

// locate gives each name in the tree its column. Tokens of the same text on a line may also be declarations and
// keys, which are not in the tree as names; those mostly come first, so names are matched from the line's end.
func (s *Source) locate() {
	tokens := map[spot][]int{}
	for i, t := range s.tokens {
		s.pace.step()
		if t.Type == luaparse.TIdent && (i == 0 || s.tokens[i-1].Str != "." && s.tokens[i-1].Str != ":") {
			at := spot{t.Pos.Line, t.Str}
			tokens[at] = append(tokens[at], t.Pos.Column)
		}
	}
	names := map[spot][]*ast.IdentExpr{}
	Walk(s.Chunk, func(node any) bool {
		s.pace.step()
		if id, ok := node.(*ast.IdentExpr); ok {
			at := spot{id.Line(), id.Value}
			names[at] = append(names[at], id)
		}
		return true
	})
	s.columns = map[*ast.IdentExpr]int{}
	for at, ids := range names {
		s.pace.step()
		columns := tokens[at]
		for i, id := range ids {
			if j := len(columns) - len(ids) + i; j >= 0 {
				s.columns[id] = columns[j]
			}
		}
	}
}
