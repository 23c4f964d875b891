package sandbox

import (
	"maps"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"perilune/engine/raddb"
)

// absent are names of Lua that scripts do not have, with what to use.
var absent = map[string]string{
	"_G":                    "there are no user globals; use local, require, req.ctx or kv",
	"_ENV":                  "functions have no environment; pass values as arguments",
	"rawlen":                "use #t",
	"_VERSION":              "the language is Lua 5.1",
	"getfenv":               "functions have no environment; pass values as arguments",
	"setfenv":               "functions have no environment; pass values as arguments",
	"load":                  "code comes from files only; use require",
	"loadstring":            "code comes from files only; use require",
	"dofile":                "use require",
	"loadfile":              "use require, or readfile for data",
	"module":                "write local M = {} … return M, and use require",
	"io":                    "use readfile at load, log for output, exec.run for programs",
	"debug":                 "errors carry a traceback; use log.debug",
	"package":               "use require",
	"newproxy":              "use setmetatable on a table",
	"collectgarbage":        "memory is freed by itself",
	"os.clock":              "use os.time or time.now",
	"os.difftime":           "subtract the times",
	"os.execute":            "use exec.run",
	"os.exit":               "return a verdict, or raise with error",
	"os.getenv":             "use secret(\"name\") or the config",
	"os.remove":             "scripts do not change files",
	"os.rename":             "scripts do not change files",
	"os.setlocale":          "the locale is C",
	"os.tmpname":            "scripts do not write files",
	"string.dump":           "code comes from files only; use require",
	"string.gfind":          "use string.gmatch",
	"string.pack":           "use bytes.pack",
	"string.unpack":         "use bytes.unpack",
	"table.unpack":          "use unpack",
	"table.pack":            "use {n = select(\"#\", ...), ...}",
	"table.getn":            "use #t",
	"table.setn":            "use #t",
	"table.foreach":         "use for k, v in pairs(t)",
	"table.foreachi":        "use for i, v in ipairs(t)",
	"math.mod":              "use a % b",
	"math.tointeger":        "use math.floor",
	"utf8":                  "strings are octets; use patterns",
	"bit":                   "use bit32",
	"null":                  "write nil, or json.null in JSON",
	"None":                  "write nil",
	"undefined":             "write nil",
	"NULL":                  "write nil",
	"True":                  "write true",
	"False":                 "write false",
	"warn":                  "use log.warn",
	"printf":                "use print(string.format(…)), or log.info",
	"table.move":            "copy in a for loop",
	"math.type":             "numbers are doubles; compare x with math.floor(x)",
	"math.ult":              "use bytes.u64, or numbers up to 2^53",
	"math.maxinteger":       "whole numbers are exact up to 2^53",
	"math.mininteger":       "whole numbers are exact down to -2^53",
	"string.packsize":       "use #bytes.pack(…)",
	"string.split":          "use string.gmatch(s, \"[^,]+\")",
	"string.trim":           "use s:match(\"^%s*(.-)%s*$\")",
	"coroutine.close":       "let the function end",
	"coroutine.isyieldable": "handlers may wait anywhere; nothing needs to yield",
	"bit32.lnot":            "use bit32.bnot",
}

// lintGlobals reports names that are neither local nor of the API.
func (s *Source) lintGlobals(opts Options, errs *raddb.List) {
	assigned := map[string]bool{} // told once, where they are assigned
	for _, g := range s.globals {
		assigned[g.ident.Value] = assigned[g.ident.Value] || g.assigned
	}
	for _, g := range s.globals {
		if g.assigned || !assigned[g.ident.Value] {
			s.lintGlobal(g, opts.Globals, errs)
		}
	}
}

func (s *Source) lintGlobal(g globalUse, globals map[string][]string, errs *raddb.List) {
	name, at := g.ident.Value, s.Pos(g.ident)
	fields, ok := globals[name]
	if !ok {
		fields, ok = baseNames[name]
	}
	switch {
	case g.assigned && ok:
		errs.Errorf(at, "%s belongs to the API and cannot be assigned; write local %s to hide it", name, name)
	case g.assigned && g.function:
		errs.Errorf(at, "global %s: write local function %s", name, name)
	case g.assigned:
		errs.Errorf(at, "global %s: write local %s", name, name)
	case !ok && absent[name] != "":
		errs.Errorf(at, "%s is not there; %s", name, absent[name])
	case !ok:
		errs.Errorf(at, "unknown name %s%s", name, s.nearestName(name, globals))
	case g.write:
		errs.Errorf(at, "%s belongs to the API, its fields cannot be assigned", name)
	case g.field != "" && fields != nil && !slices.Contains(fields, g.field):
		s.lintField(g, fields, errs)
	}
}

// nearestName looks among the API and the local names. Names of one or two letters are near to anything.
func (s *Source) nearestName(name string, globals map[string][]string) string {
	if len(name) < 3 {
		return ""
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(globals)), maps.Keys(baseNames))
	names = slices.AppendSeq(names, maps.Keys(s.declared))
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(n string) bool { return n == name })
	return raddb.DidYouMean(name, slices.Values(names))
}

func (s *Source) lintField(g globalUse, fields []string, errs *raddb.List) {
	full := g.ident.Value + "." + g.field
	if way := absent[full]; way != "" {
		errs.Errorf(s.Pos(g.ident), "%s is not there; %s", full, way)
		return
	}
	errs.Errorf(s.Pos(g.ident), "%s has no %s%s", g.ident.Value, g.field, raddb.DidYouMean(g.field, slices.Values(fields)))
}

// lintFrozen reports functions that change locals of the file: hooks run in several states, so what one of them
// writes the next request may not see.
func (s *Source) lintFrozen(errs *raddb.List) {
	handlers := map[*ast.FunctionExpr]bool{}
	for _, h := range s.Handlers {
		handlers[h.Func] = true
	}
	for _, w := range s.writes {
		at := s.Pos(w.ident)
		inHandler := slices.ContainsFunc(w.within, func(f *ast.FunctionExpr) bool { return handlers[f] })
		switch {
		case w.call != "":
			errs.Warnf(at, "%s changes %s of line %d; hooks run in several states: use kv or req.ctx", w.call, w.binding.Name, w.binding.Line)
		case inHandler:
			errs.Errorf(at, "%s of line %d is changed in a hook; hooks run in several states: use kv or req.ctx", w.binding.Name, w.binding.Line)
		default:
			errs.Warnf(at, "%s of line %d is changed in a function; hooks run in several states: use kv or req.ctx", w.binding.Name, w.binding.Line)
		}
	}
}
