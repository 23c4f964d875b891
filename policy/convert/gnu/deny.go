package gnu

import (
	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertDeny copies the names of access.deny.
func (s *source) convertDeny() {
	list := s.lines("access.deny")
	if len(list) == 0 {
		return
	}
	f := s.out.File("raddb/access.deny")
	f.WriteString("# access.deny: names that are always rejected, one a line; from access.deny of the old tree.\n\n")
	for _, l := range list {
		if len(l.words) > 1 {
			s.report.Lookf(l.at, "only the first of %d words is taken as a name", len(l.words))
		}
		f.Printf("%s\n", output.Field(l.words[0]))
	}
	s.report.Donef(raddb.Pos{File: "access.deny"}, "%d names", len(list))
}
