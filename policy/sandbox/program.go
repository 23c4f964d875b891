package sandbox

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
)

// Options say what a script may use.
type Options struct {
	// Globals are the names beside the base library. The value lists the fields of a library table, nil for a
	// name that is not one.
	Globals map[string][]string
	// Registration are the globals whose function arguments are handlers: on, huntgroup, …
	Registration []string
	// OneState says that the script runs in one state alone: its functions may change what stands at its top.
	OneState bool
	// Check, if set, looks at the script before it is rewritten and compiled, unless it does not parse.
	Check func(src *Source, errs *raddb.List)
	// Yield, if set, is called every now and then, so that others can run.
	Yield func()
}

// A Program is a compiled script: immutable, shared by all states.
type Program struct {
	File  string
	proto *lua.FunctionProto
}

// Compile parses, checks and compiles a script. file is the name that errors and scripts show. The list holds
// errors and warnings; the Program is nil if there are errors.
func Compile(file string, source []byte, opts Options) (*Program, raddb.List) {
	var errs raddb.List
	src := parse(file, source, newPace(opts.Yield), &errs)
	if src == nil {
		return nil, errs
	}
	src.resolve(opts)
	src.lintGlobals(opts, &errs)
	src.pace.yield()
	if !opts.OneState {
		src.lintFrozen(&errs)
	}
	if opts.Check != nil {
		opts.Check(src, &errs)
		src.pace.yield()
	}
	errs.Sort()
	if errs.Failed() {
		return nil, errs
	}
	chunk := boundConcat(src.Chunk)
	src.pace.yield()
	proto, err := lua.Compile(chunk, file)
	if err != nil {
		src.compileError(err, &errs)
		return nil, errs
	}
	src.pace.yield()
	patchIndexing(proto)
	return &Program{File: file, proto: proto}, errs
}
