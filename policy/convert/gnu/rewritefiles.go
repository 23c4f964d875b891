package gnu

import (
	"errors"
	"io/fs"
	"path/filepath"

	"perilune/policy/convert/output"
	"perilune/policy/convert/rewrite"
)

// readRewrite reads the Rewrite sources that the config loads, each from the first directory of the load path
// that has it.
func (s *source) readRewrite() {
	var sources []rewrite.Source
	for _, w := range s.old.load {
		if text, name, ok := s.rewriteSource(w); ok {
			sources = append(sources, rewrite.Source{File: name, Text: text})
		}
	}
	program, errs := rewrite.Parse(sources, s.attribute)
	s.rewrite = program
	s.report.LookAll(errs)
}

// rewriteSource finds one source.
func (s *source) rewriteSource(w word) (text []byte, name string, ok bool) {
	for _, name := range s.rewritePlaces(w.text) {
		text, err := s.read(name)
		if err == nil {
			return text, name, true
		}
		if !errors.Is(err, fs.ErrNotExist) {
			s.report.Lookf(w.at, "the Rewrite source %s is not converted: %s", name, reason(err))
			return nil, "", false
		}
	}
	s.report.Lookf(w.at, "there is no Rewrite source %s in the load path; its functions are missing", w.text)
	return nil, "", false
}

// rewritePlaces gives the names that a source may have, relative to the old directory where it lies below it.
func (s *source) rewritePlaces(name string) (places []string) {
	if filepath.IsAbs(name) {
		return []string{name}
	}
	for i := len(s.old.loadPath) - 1; i >= 0; i-- { // each load-path goes before those above it
		dir := s.old.loadPath[i].text
		places = append(places, s.relative(filepath.Join(dir, name)))
	}
	return append(places, filepath.Join("rewrite", name), name)
}

// relative gives a name relative to the old directory if it lies below it, however it was moved since.
func (s *source) relative(name string) string {
	root, err := filepath.Abs(s.o.Root)
	if err != nil || !filepath.IsAbs(name) {
		return name
	}
	if rel, below := output.Below(root, name); below {
		return rel
	}
	return name
}
