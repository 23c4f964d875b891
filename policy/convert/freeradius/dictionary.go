package freeradius

import (
	"path"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/policy/convert/output"
	shipped "perilune/raddb"
)

// siteDictionary is the new file of the site's own names.
const siteDictionary = "dictionary.d/site"

// convertDictionary puts the shipped dictionary into the new tree, and the site's own lines into a file of it.
// FreeRADIUS's own dictionaries are not copied: the shipped ones have what they have of the vendors in use.
func (s *source) convertDictionary() {
	output.CopyShipped(s.out, shipped.Files, "dictionary")
	var own strings.Builder
	s.ownLines(&own, "dictionary", 0)
	if strings.TrimSpace(own.String()) != "" {
		s.out.File("raddb/"+siteDictionary).Printf("# Names of this site, from FreeRADIUS's dictionary.\n%s", own.String())
		s.out.File("raddb/dictionary").Printf("\n$INCLUDE %s\n", siteDictionary)
	}
	var wrong raddb.List
	s.dict = dictionary.Load(raddb.OpenFS(s.out.FS("raddb")), "dictionary", &wrong)
	s.dict.Freeze()
	for _, e := range wrong {
		if !e.Warning {
			s.report.Lookf(raddb.Pos{File: "dictionary"}, "the new dictionary: %v", e)
		}
	}
}

// ownLines collects the lines of a dictionary and of those in the directory that it includes.
func (s *source) ownLines(b *strings.Builder, name string, depth int) {
	text, ok := s.read(name)
	if !ok || depth > raddb.MaxIncludes {
		return
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		fields := strings.Fields(withoutComment(line))
		switch {
		case len(fields) == 0:
		case strings.HasPrefix(fields[0], "$INCLUDE") && len(fields) > 1:
			s.include(b, fields[1], raddb.Pos{File: name, Line: n}, depth)
		case fields[0] == "BEGIN-PROTOCOL" || fields[0] == "PROTOCOL":
			s.report.Lookf(raddb.Pos{File: name, Line: n}, "%s belongs to FreeRADIUS 4; left out", fields[0])
		default:
			b.WriteString(strings.TrimRight(line, " \t\r\n") + "\n")
		}
	}
}

// include follows one include. Files of FreeRADIUS's share directory are its own.
func (s *source) include(b *strings.Builder, name string, at raddb.Pos, depth int) {
	below := s.reader.relative(name)
	if path.IsAbs(below) {
		if !strings.Contains(below, "/share/") {
			s.report.Lookf(at, "%s is not below the directory; its names are left out", name)
		}
		return
	}
	if s.tree.Absent(below) {
		s.report.Lookf(at, "%s is not there; its names are left out", name)
		return
	}
	if s.included++; s.included > raddb.MaxFiles {
		if s.included == raddb.MaxFiles+1 {
			s.report.Lookf(at, "more than %d files are included; the names of what follows are left out", raddb.MaxFiles)
		}
		return
	}
	s.ownLines(b, below, depth+1)
}
