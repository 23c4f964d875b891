package gnu

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/convert/output"
	"perilune/policy/convert/rewrite"
)

// maxFile is the size of the largest source that is converted; a users file of a hundred thousand users has a tenth.
const maxFile = 256 << 20

// A source is the old raddb directory: each file is read once, and what several parts need stands ready.
type source struct {
	o        Options
	out      *output.Tree
	report   *output.Report
	tree     *raddb.Tree                      // the old directory
	files    map[string]sourceFile            // read so far, by name relative to the root
	dict     *dictionary.Dictionary           // of the new tree: what scripts and files may name
	oldDict  *dictionary.Dictionary           // as the old files have it: what the old server let stand where
	toml     output.Settings                  // of the new config.toml
	rewrite  *rewrite.Program                 // the Rewrite functions; written last, when all uses are known
	old      oldConfig                        // of the old config file, as far as several parts need it
	peers    []*peer                          // the clients, in their order, without those that others hide
	byPrefix prefixTable[*peer]               // of them
	stations stationList                      // naslist
	types    []stationType                    // nastypes
	filters  map[string]server.FilterSettings // of the new config.toml, as far as it tells which can be asked
	rulebook                                  // users, hints and huntgroups
}

// A sourceFile is what reading a file gave.
type sourceFile struct {
	text []byte
	err  error
}

func newSource(o Options, out *output.Tree, report *output.Report) *source {
	return &source{o: o, out: out, report: report, tree: raddb.Open(o.Root), files: map[string]sourceFile{}, filters: map[string]server.FilterSettings{}}
}

// read gives a file's content; names are relative to the old directory unless absolute.
func (s *source) read(name string) ([]byte, error) {
	name = filepath.Clean(name)
	f, ok := s.files[name]
	if !ok {
		f.text, f.err = s.readNow(name)
		s.files[name] = f
	}
	return f.text, f.err
}

func (s *source) readNow(name string) ([]byte, error) {
	text, err := s.tree.ReadFileUpTo(name, maxFile)
	s.report.NoteLink(s.o.Root, name)
	switch {
	case err != nil:
		return nil, err
	case isBinary(text):
		return nil, errors.New("the file holds octets that no text has; is it a database?")
	}
	return text, nil
}

// isBinary tells databases and programs from text in whatever character set.
func isBinary(text []byte) bool {
	return bytes.IndexByte(text[:min(len(text), 4096)], 0) >= 0
}

// optional gives the content of a file that need not exist. What else keeps it from being read is noted.
func (s *source) optional(name string) (text []byte, ok bool) {
	text, err := s.read(name)
	if err == nil {
		return text, true
	}
	if !errors.Is(err, fs.ErrNotExist) {
		s.report.Lookf(raddb.Pos{File: name}, "not converted: %s", reason(err))
	}
	return nil, false
}

// reason gives the error without the path that the place says already.
func reason(err error) string {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "it may not be read by this user"
	case errors.As(err, &pe):
		return pe.Err.Error()
	}
	return err.Error()
}

// attribute looks an old name up. NAS-Port-Id is number 5 there.
func (s *source) attribute(name string) *dictionary.Attribute { return s.dict.GNUAttribute(name) }
