package rewrite

import (
	"fmt"
	"iter"
	"path"
	"strings"

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
	attrs     Attrs
	functions []*function          // in the order of the sources, with the broken ones
	named     map[string]*function // by the name that calls use
	files     []string
	names     *scope // the names of the scripts' level
	notes     output.Report
	shared    bool // scripts call functions
	helpers   map[string]bool
}

// Parse reads the functions of all files, which may call each other in any order. All errors are given; the
// functions without errors are in the program, which is never nil. No sources at all make a program that only
// serves expressions.
func Parse(sources []Source, attrs Attrs) (*Program, raddb.List) {
	p := &Program{attrs: attrs, named: map[string]*function{}, helpers: map[string]bool{}}
	var errs raddb.List
	for _, s := range sources {
		parser := &parser{tokens: scan(s.File, s.Text, &errs), errs: &errs}
		p.functions = append(p.functions, parser.functions()...)
		p.files = append(p.files, s.File)
	}
	p.nameFunctions()
	for _, f := range p.functions {
		p.checkFunction(f, &errs)
	}
	p.breakCallers(&errs)
	p.settle()
	errs.Sort()
	return p, errs
}

// checkFunction judges one function and finds out what its groups belong to.
func (p *Program) checkFunction(f *function, errs *raddb.List) {
	if f.body == nil {
		f.broken = true
		return
	}
	f.calls = map[*function]bool{}
	c := &checker{p: p, errs: errs}
	c.check(f)
	f.falls = f.body.falls()
	if !f.broken {
		f.look()
	}
}

// look notes what the function itself does.
func (f *function) look() {
	walk(f, func(x expr, _ int) {
		switch x := x.(type) {
		case *match:
			f.matches = true
		case *attribute, *presence:
			f.requests = true
		case *assign:
			_, ok := x.to.(*attribute)
			f.requests = f.requests || ok
		case *call:
			if b := x.builtin; b != nil {
				f.requests = f.requests || b.request
				f.waits = f.waits || b.waits
			}
		}
	})
}

// breakCallers leaves out the functions that call one with errors, and passes on what the called ones do.
func (p *Program) breakCallers(errs *raddb.List) {
	for changed := true; changed; {
		changed = false
		for _, f := range p.functions {
			for g := range f.calls {
				if g.broken && !f.broken {
					errs.Errorf(f.at, "%s is left out: it calls %s, which could not be translated", f.name, g.name)
					f.broken, changed = true, true
				}
				matches, requests, waits := f.matches || g.matches, f.requests || g.requests, f.waits || g.waits
				changed = changed || matches != f.matches || requests != f.requests || waits != f.waits
				f.matches, f.requests, f.waits = matches, requests, waits
			}
		}
	}
	again := false
	for _, f := range p.functions {
		if f.broken || f.bound {
			continue
		}
		f.bound = true
		if g, why := findGroups(f); g != nil {
			errs.Errorf(g.at, "%s: \\%d: %s; write this function by hand", f.name, g.n, why)
			f.broken, again = true, true
		}
	}
	if again {
		p.breakCallers(errs)
	}
}

// settle works out what depends on who calls whom.
func (p *Program) settle() {
	for _, f := range p.functions {
		f.called = false
	}
	for _, f := range p.functions {
		if f.broken {
			continue
		}
		for g := range f.calls {
			g.called = true
		}
	}
	p.measure()
}

// nameFunctions gives each function its name in Lua. Calls mean the first of two functions of one name.
func (p *Program) nameFunctions() {
	p.names = newScope(nil)
	for _, f := range p.functions {
		first := p.named[f.name]
		if first == nil {
			p.named[f.name] = f
		}
		f.lua = p.names.unique(f.name)
		switch {
		case first != nil:
			p.look(f.at, "%s is defined before, at %s: calls mean that one; this one is called %s now", f.name, first.at, f.lua)
		case f.lua != f.name:
			p.look(f.at, "%s is called %s now: the old name is none in Lua, or means something else there", f.name, f.lua)
		}
	}
}

func (p *Program) functionNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range p.named {
			if !yield(name) {
				return
			}
		}
		for name := range builtins {
			if !yield(name) {
				return
			}
		}
	}
}

func (p *Program) look(at raddb.Pos, format string, args ...any) { p.notes.Lookf(at, format, args...) }
func (p *Program) differ(at raddb.Pos, format string, args ...any) {
	p.notes.Differsf(at, format, args...)
}

// Has reports whether a source defines the function, be it with errors.
func (p *Program) Has(name string) bool { return p.named[name] != nil }

// Share says that another script calls the function, as hints and huntgroups do, and gives the Lua name to call,
// as in `functions.fixport`: the script has to say `local functions = require("lib.rewrite")`. All functions
// are written to scripts/lib/rewrite.lua then. Its first parameter is req; those of the source follow.
func (p *Program) Share(name string) (string, error) {
	f, err := p.entry(name)
	if err != nil {
		return "", err
	}
	f.external, f.public, p.shared = true, true, true
	return "functions." + f.lua, nil
}

// entry finds a function that rules call for its effect.
func (p *Program) entry(name string) (*function, error) {
	f := p.named[name]
	switch {
	case f == nil:
		return nil, fmt.Errorf("no function %s%s", name, raddb.DidYouMean(name, p.functionNames()))
	case f.broken:
		return nil, fmt.Errorf("the function %s could not be translated; see %s", name, f.at)
	case len(f.params) > 0:
		return nil, fmt.Errorf("the function %s has parameters; one that a rule names by Rewrite-Function has none", name)
	}
	return f, nil
}

// base gives the last part of a file's name without its ending, as far as it may stand in a name.
func base(file string) string {
	word, _, _ := strings.Cut(path.Base(file), ".")
	return identifier(word)
}
