package output

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"perilune/engine/raddb"
)

// A Kind says what a person has to do about a note.
type Kind uint8

// The kinds, in the order of a report.
const (
	Done    Kind = iota // converted; nothing to do
	Differs             // will behave otherwise than before, on purpose
	Look                // could not be converted whole: a person must decide
)

// String gives the heading of the kind's part of the report.
func (k Kind) String() string {
	return [...]string{"Done", "Different on purpose", "To look at"}[k]
}

// A Note is one line of a report. At is a place in the old files; its zero value means the tree as a whole.
type Note struct {
	Kind Kind
	At   raddb.Pos
	Text string
}

// A Report collects notes. The zero Report is empty.
type Report struct{ notes []Note }

// Donef notes what was converted.
func (r *Report) Donef(at raddb.Pos, format string, args ...any) { r.note(Done, at, format, args) }

// Differsf notes what will behave otherwise than before, and why.
func (r *Report) Differsf(at raddb.Pos, format string, args ...any) {
	r.note(Differs, at, format, args)
}

// Lookf notes what a person must look at, and what to do about it.
func (r *Report) Lookf(at raddb.Pos, format string, args ...any) { r.note(Look, at, format, args) }

// LookAll notes what a reader of old files found wrong.
func (r *Report) LookAll(errs raddb.List) {
	for _, e := range errs {
		r.Lookf(e.Pos, "%s", e.Msg)
	}
}

func (r *Report) note(k Kind, at raddb.Pos, format string, args []any) {
	r.notes = append(r.notes, Note{k, at, fmt.Sprintf(format, args...)})
}

// Notes gives the notes by kind, file and line; those of one line in the order they were made, each once.
func (r *Report) Notes() []Note {
	sorted := slices.Clone(r.notes)
	slices.SortStableFunc(sorted, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line))
	})
	return slices.Compact(sorted)
}

// Count gives the number of notes of a kind.
func (r *Report) Count(k Kind) (n int) {
	for _, note := range r.Notes() {
		if note.Kind == k {
			n++
		}
	}
	return n
}

// Print writes the report for people: a line for each note, without what could move a terminal's cursor.
func (r *Report) Print(w io.Writer) error {
	last := Kind(255)
	for _, n := range r.Notes() {
		if n.Kind != last {
			if _, err := fmt.Fprintf(w, "%s:\n", n.Kind); err != nil {
				return err
			}
			last = n.Kind
		}
		place := n.At.String()
		if place != "" {
			place += ": "
		}
		if _, err := fmt.Fprintf(w, "  %s%s\n", Comment(place), Comment(n.Text)); err != nil {
			return err
		}
	}
	return nil
}
