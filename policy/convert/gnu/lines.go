package gnu

import (
	"perilune/engine/raddb"
)

// An oldLine is a line of fields of the old tree.
type oldLine struct {
	words []string
	at    raddb.Pos
}

// lines reads a line-oriented file of the old tree with what it includes; none if it does not exist. There a #
// begins a comment anywhere but in quotes.
func (s *source) lines(name string) []oldLine {
	r := oldReader{s: s}
	if text, ok := s.optional(name); ok {
		r.read(name, string(text), raddb.Pos{})
	}
	s.report.LookAll(r.errs)
	return r.list
}

type oldReader struct {
	s    *source
	in   raddb.Includes
	errs raddb.List
	list []oldLine
}

func (r *oldReader) read(name, text string, from raddb.Pos) {
	if !r.in.Enter(name, from, &r.errs) {
		return
	}
	defer r.in.Leave()
	fields := raddb.NewFields(text, name, &r.errs)
	fields.HashAnywhere = true
	for f := fields.Next(); f != nil; f = fields.Next() {
		at := fields.Pos(f[0])
		if f[0].Text == "$INCLUDE" && len(f) == 2 {
			r.include(f[1].Text, at)
			continue
		}
		words := make([]string, len(f))
		for i := range f {
			words[i] = f[i].Text
		}
		r.list = append(r.list, oldLine{words, at})
	}
}

func (r *oldReader) include(name string, at raddb.Pos) {
	name = r.s.relative(name)
	text, err := r.s.read(name)
	if err != nil {
		r.errs.Errorf(at, "$INCLUDE %s: %s", name, reason(err))
		return
	}
	r.read(name, string(text), at)
}
