package gnu

import (
	"sort"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
)

// settle writes the files and reads them as the server will. An entry that it refuses is left out, until all
// is well.
func (w *usersWriter) settle() {
	w.check = w.dictionary()
	programs, _ := server.NewPrograms(w.check, server.ProgramSettings{Filters: w.filters})
	defer programs.Close()
	for range maxAttempts {
		w.write()
		var errs raddb.List
		o := users.Options{Dictionary: w.check, Names: anyName{}, Local: true, Program: programs.Check}
		users.Load(raddb.OpenFS(w.out.FS("raddb")), "users", o, &errs).Close(nil)
		if !w.leaveOutRefused(errs) {
			return
		}
	}
}

// maxAttempts bounds how often the entries are read: leaving one out may make another one wrong.
const maxAttempts = 100

// dictionary gives the dictionary of the new tree with the Auth-Types that its scripts register.
func (w *usersWriter) dictionary() *dictionary.Dictionary {
	if len(w.methods) == 0 {
		return w.dict
	}
	var errs raddb.List
	d := dictionary.Load(raddb.OpenFS(w.out.FS("raddb")), "dictionary", &errs)
	const free = 1 << 24 // a number that no method has
	for i, m := range w.methods {
		d.AddValue(d.Known.AuthType, m+"-check", uint64(free+i), raddb.Pos{})
	}
	return d
}

// leaveOutRefused leaves out the entries that errors tell of. False if there are none.
func (w *usersWriter) leaveOutRefused(errs raddb.List) (again bool) {
	refused := map[*rule]string{}
	for _, err := range errs {
		for f, e := range w.editors {
			if err.Warning || w.newName(f.name) != err.File {
				continue
			}
			if r := e.entryAt(err.Line, f == w.users); r != nil && !r.asksGroup() {
				refused[r] = err.Msg
			}
		}
	}
	for _, r := range w.users.all() {
		if why := refused[r]; why != "" {
			w.tell(r.at(), "%s: left out: %s", r.name(), why)
			w.editors[r.file].leaveOut(r, why)
		}
	}
	return len(refused) > 0
}

// asksGroup reports whether a rule asks for a Unix group: those are read from the system where the server runs.
func (r *rule) asksGroup() bool {
	return len(values(r.lhs, "Group"))+len(values(r.lhs, "Group-Name")) > 0
}

// entryAt finds the rule that stands in a line of the new text; nil if none does.
func (e *editor) entryAt(line int, root bool) *rule {
	if root {
		line -= strings.Count(dialectLine, "\n")
	}
	if e.lines == nil {
		e.lines = e.newLines()
	}
	for i := sort.SearchInts(e.lines, line+1) - 1; i >= 0; i-- {
		if r := e.file.rules[i]; !e.gone[r] {
			return r
		}
	}
	return nil
}

const dialectLine = "$DIALECT gnu\n"

// write puts the files into the tree.
func (w *usersWriter) write() {
	for f, e := range w.editors {
		out := w.out.File("raddb/" + w.newName(f.name))
		out.Reset()
		out.Secret = true
		if f == w.users {
			out.WriteString(dialectLine)
		}
		out.WriteString(e.String())
		e.lines = nil
	}
}
