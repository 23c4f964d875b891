package freeradius

import (
	"errors"
	"io/fs"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// maxFile is the size of the largest file that is converted, in octets.
const maxFile = 256 << 20

// A source is the old directory and what is known of it.
type source struct {
	o        Options
	out      *output.Tree
	report   *output.Report
	tree     *raddb.Tree // the old directory
	conf     *item       // radiusd.conf with all that it includes
	reader   *confReader // which read it, for the names of files in it
	dict     *dictionary.Dictionary
	settings output.Settings
	included int      // files that dictionaries include
	local    []*item  // realms that are answered here
	remote   []*item  // realms that are forwarded
	database bool     // accounting went into a database
	left     int      // entries of users that could not be had
	refusing []filter // conditions of filter_username
	sources  []string // addresses of clients that users entries ask for
	patterns []string // regular expressions of the script that is being written
}

// read gives a file of the directory, "" and a note if it cannot be read.
func (s *source) read(name string) (string, bool) {
	text, err := s.tree.ReadFileUpTo(name, maxFile)
	s.report.NoteLink(s.o.Root, name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.report.Lookf(raddb.Pos{File: name}, "not converted: %v", err)
		}
		return "", false
	}
	return string(text), true
}

// module gives the first enabled instance of a module, nil if there is none.
func (s *source) module(name string) *item {
	if list := s.conf.sub("modules").all(name); len(list) > 0 {
		return list[0]
	}
	return nil
}

// moduleFile gives the name of a file that a module's setting names, or the usual one.
func (s *source) moduleFile(module, usual string, settings ...string) string {
	m := s.module(module)
	if m == nil {
		return usual
	}
	if name := m.text(settings...); name != "" {
		return s.reader.relative(name)
	}
	return usual
}
