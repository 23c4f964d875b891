package policy

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"perilune/engine/server"
	"perilune/policy/module"
)

// WriteDocs writes the reference of all names that scripts see, in Markdown, from the tables that register
// them.
func WriteDocs(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# The Lua API, version %d\n\nMade from the tables that register it.\n", apiVersion)
	group := ""
	for _, e := range API() {
		if e.Group != group {
			group = e.Group
			fmt.Fprintf(b, "\n## %s\n\n| Name | Meaning |\n|---|---|\n", group)
		}
		note := ""
		if e.Writable {
			note = " Assignable."
		}
		writeRow(b, e.Signature, e.Doc+note)
	}
	writePhases(b)
	writeModules(b)
	return b.Flush()
}

// writeRow writes one name and its meaning; bars would end the cell.
func writeRow(w io.Writer, signature, doc string) {
	escape := strings.NewReplacer("|", `\|`)
	fmt.Fprintf(w, "| `%s` | %s |\n", escape.Replace(signature), escape.Replace(doc))
}

// writePhases writes the table of phases: what their handlers may change, and the verdicts that end them.
func writePhases(w io.Writer) {
	fmt.Fprint(w, "\n## Phases\n\n| Phase | May change | Verdicts |\n|---|---|---|\n")
	for p := range server.Phase(numPhases) {
		st := &places[p]
		may, ends := st.change.names(), st.verdicts.names()
		switch p {
		case server.PhaseSession:
			ends = "none; returns true (alive), false (over) or nil (not known)"
			fallthrough
		case phaseLoad, phaseUnload:
			may = "–"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", st.name, may, ends)
	}
}

// names lists the attribute lists of the set; req.ctx may be changed everywhere.
func (ls lists) names() string {
	text := ""
	for _, l := range []struct {
		bit  lists
		name string
	}{{changeRequest, "req, "}, {changeControl, "req.control, "}, {changeReply, "req.reply, "}} {
		if ls&l.bit != 0 {
			text += l.name
		}
	}
	return text + "req.ctx"
}

func writeModules(w io.Writer) {
	name := ""
	for _, f := range append(module.Functions(), module.SecretMethods()...) {
		if f.Module != name {
			name = f.Module
			fmt.Fprintf(w, "\n## Module `%s`\n\n| Name | Meaning |\n|---|---|\n", name)
		}
		doc := f.Doc
		if f.Waits {
			doc += " Waits."
		}
		writeRow(w, f.Signature, doc)
	}
}
