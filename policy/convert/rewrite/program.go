package rewrite

import (
	"errors"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// Attrs finds an attribute by the name that the old files use; nil if there is none.
type Attrs func(name string) *dictionary.Attribute

// A Source is one file of functions.
type Source struct {
	File string // as reports name it
	Text []byte
}

// A Program is the functions of all sources. It is not safe for concurrent use: naming a function from a
// rule changes how it is written.
type Program struct {
	attrs Attrs
}

// Parse reads the functions of one file. All errors are given; the functions without errors are in the
// program, which is never nil.
func Parse(file string, text []byte, attrs Attrs) (*Program, raddb.List) {
	return ParseFiles([]Source{{file, text}}, attrs)
}

// ParseFiles reads the functions of all files, which may call each other in any order. No sources at all make
// a program that only serves Expression.
func ParseFiles(sources []Source, attrs Attrs) (*Program, raddb.List) {
	return &Program{attrs: attrs}, nil
}

// Has reports whether a source defines the function, be it with errors.
func (p *Program) Has(name string) bool { return false }

// Register says that a users rule names the function (`Rewrite-Function = "name"`), and gives the name by which
// rewrite.lua registers it. The error tells that there is no such function, or that it could not be translated.
func (p *Program) Register(name string) (string, error) { return name, nil }

// Share says that another script calls the function, as hints and huntgroups do, and gives the Lua name to call,
// as in `functions.fixport`: the script has to say `local functions = require("lib.rewrite")`. All functions
// are written to scripts/lib/rewrite.lua then. Its first parameter is req; those of the source follow.
func (p *Program) Share(name string) (string, error) { return "functions." + name, nil }

// Value translates the expression of an `=` value of a users file to what stands behind the `=` there.
// target is the attribute that takes it; nil if unknown. What only statements can say becomes a function of
// rewrite.lua, and the value calls it.
func (p *Program) Value(text string, at raddb.Pos, target *dictionary.Attribute) (string, error) {
	return "", errors.New("not translated")
}

// Inline translates an expression for use inside a script, where `req` and `functions` (as for Share) stand for
// themselves.
func (p *Program) Inline(text string, at raddb.Pos, target *dictionary.Attribute) (string, error) {
	return "", errors.New("not translated")
}

// Shared reports whether scripts need lib/rewrite.lua: Share or Inline gave a name in it.
func (p *Program) Shared() bool { return false }

// Write puts the scripts into the tree and what is to be said of them into the report. Every use of the
// functions must be known by then.
func (p *Program) Write(out *output.Tree, report *output.Report) {}

// Expression is Value for callers without a place and a target.
func Expression(text string, p *Program) (string, error) {
	return p.Value(text, raddb.Pos{}, nil)
}
