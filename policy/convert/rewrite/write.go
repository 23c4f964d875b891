package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"perilune/policy/convert/output"
)

// The scripts that a program may need.
const (
	mainScript    = "scripts/rewrite.lua"
	sharedScript  = "scripts/lib/rewrite.lua"
	libraryScript = "scripts/lib/gnu.lua"
)

// Write puts the scripts into the tree and what is to be said of them into the report. Every use of the
// functions must be known by then.
func (p *Program) Write(out *output.Tree, report *output.Report) {
	p.settle()
	live := p.live()
	if p.shared {
		out.File(sharedScript).Printf("%s", p.sharedText(live))
		if text := p.registrations(live); text != "" {
			out.File(mainScript).Printf("%s", text)
		}
	} else if len(live) > 0 {
		out.File(mainScript).Printf("%s", p.mainText(live))
	}
	if len(p.helpers) > 0 {
		out.File(libraryScript).Printf("%s", library(p.helpers))
	}
	p.tell(live, report)
}

// live gives the functions without errors in the order in which Lua needs them, with what is known of their use.
func (p *Program) live() []*function {
	var list []*function
	for _, f := range p.functions {
		if !f.broken {
			list = append(list, f)
			f.valued = f.valued || f.called || !f.registered && !f.public
		}
	}
	for _, f := range list {
		if f.registered || f.public {
			f.valued = f.asked || usedAsValue(f, list)
		}
	}
	return order(list)
}

// usedAsValue reports whether a function uses the result of f.
func usedAsValue(f *function, list []*function) (used bool) {
	for _, g := range list {
		walk(g, func(x expr, _ int) {
			c, ok := x.(*call)
			used = used || ok && c.fn == f
		})
	}
	return used
}

// tell notes what became of the functions.
func (p *Program) tell(live []*function, report *output.Report) {
	for _, n := range p.notes.Notes() {
		switch n.Kind {
		case output.Differs:
			report.Differsf(n.At, "%s", n.Text)
		default:
			report.Lookf(n.At, "%s", n.Text)
		}
	}
	script := mainScript
	if p.shared {
		script = sharedScript
	}
	for _, f := range live {
		if !f.synthetic {
			report.Donef(f.at, "the function %s is in %s", f.name, script)
		}
	}
}

// mainText is rewrite.lua with all functions in it.
func (p *Program) mainText(live []*function) string {
	requires, body := p.newScript(false).functions(live)
	return p.head("rewrite: functions that the users file calls by name, or whose results it takes as values.") +
		requires + body
}

// sharedText is lib/rewrite.lua: the functions that hints and huntgroups call as well.
func (p *Program) sharedText(live []*function) string {
	for _, f := range live {
		f.public = f.public || f.isEntry()
	}
	requires, body := p.newScript(true).functions(live)
	return p.head("The functions that hints.lua, huntgroups.lua and rewrite.lua call.") + requires +
		"local functions = {}\n\n" + body + "\nreturn functions\n"
}

// registrations is rewrite.lua when the functions are in lib/rewrite.lua.
func (p *Program) registrations(live []*function) string {
	var b strings.Builder
	for _, f := range live {
		if f.registered {
			fmt.Fprintf(&b, "rewrite(%s, functions.%s)\n", output.LuaString(f.lua), f.lua)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "-- rewrite: the functions of lib/rewrite.lua that the users file calls by name.\n\n" +
		"local functions = require(\"lib.rewrite\")\n\n" + b.String()
}

// functions writes all functions, and what they require.
func (s *script) functions(live []*function) (requires, body string) {
	local := live
	if s.inTable {
		local = slices.DeleteFunc(slices.Clone(live), func(f *function) bool { return f.public })
	}
	var parts []string
	if names := forwards(local); names != "" {
		parts = append(parts, names)
	}
	for _, f := range live {
		parts = append(parts, s.function(f))
	}
	for _, name := range []string{"gnu", "nas"} {
		if s.requires[name] {
			requires += fmt.Sprintf("local %s = require(\"lib.%s\")\n", name, name)
		}
	}
	if requires != "" {
		requires += "\n"
	}
	return requires, strings.Join(parts, "\n")
}

// forwards declares functions that call each other in a circle.
func forwards(live []*function) string {
	var names []string
	for _, f := range live {
		if f.forward {
			names = append(names, f.lua)
		}
	}
	if names == nil {
		return ""
	}
	return "local " + strings.Join(names, ", ") + " -- they call each other\n"
}

// head is the comment at the beginning of a script: what it is, and what it came from.
func (p *Program) head(what string) string {
	var w writer
	w.comments([]string{what})
	var from []string
	for _, file := range p.files {
		first, last := 0, 0
		for _, f := range p.functions {
			if f.at.File == file && !f.synthetic {
				if first == 0 {
					first = f.at.Line
				}
				last = max(last, f.last)
			}
		}
		if first > 0 {
			from = append(from, fmt.Sprintf("%s, lines %d to %d", file, first, last))
		}
	}
	for i, text := range from {
		if i == 0 {
			text = "Converted from " + text
		}
		w.comments([]string{text + [...]string{",", "."}[b2i(i == len(from)-1)]})
	}
	w.line("")
	return w.b.String()
}
