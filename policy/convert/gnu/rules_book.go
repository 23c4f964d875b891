package gnu

import (
	"net/netip"
	"strings"

	"perilune/engine/raddb"
)

// A rulebook is the three rule files of the old directory, read and judged.
type rulebook struct {
	read                     bool
	users, hints, huntgroups *ruleFile // nil if there is none
	differed                 map[string]bool
	nobody                   string                // a name that stands in no file; "" if not looked for
	told                     map[string]int        // how many notes of rules left out a file has
	hosts                    map[string]netip.Addr // of host names in rules; not valid if there is none
	strange                  int                   // unknown attributes met
	included                 int                   // files that rule files include
	tested                   []*rule               // of users: those in the tests
	words                    map[string][][]string // words of the lines of files
}

// readRulebook reads the rule files, once.
func (s *source) readRulebook() {
	if s.rulebook.read {
		return
	}
	s.rulebook.read = true
	for _, f := range [...]struct {
		kind ruleKind
		to   **ruleFile
	}{{hintsRules, &s.hints}, {huntgroupsRules, &s.huntgroups}, {usersRules, &s.users}} {
		if *f.to = s.readRules(f.kind.String()); *f.to != nil {
			s.judge(*f.to, f.kind)
		}
	}
}

// differ notes what is different from the old server on purpose, once for each topic.
func (s *source) differ(topic string, at raddb.Pos, format string, args ...any) {
	if s.differed == nil {
		s.differed = map[string]bool{}
	}
	if !s.differed[topic] {
		s.differed[topic] = true
		s.report.Differsf(at, format, args...)
	}
}

// mentioned reports whether a name stands in any file that was read.
func (s *source) mentioned(name string) bool {
	for _, f := range s.files {
		if strings.Contains(string(f.text), name) {
			return true
		}
	}
	return false
}
