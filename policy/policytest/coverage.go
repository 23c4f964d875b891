package policytest

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/engine/users"
	"perilune/policy"
	"perilune/policy/sandbox"
)

// A Coverage counts what a run of tests has used of a policy: the lines of its scripts and the entries of its users
// file.
type Coverage struct {
	lines *sandbox.Coverage
	table *users.Table
	rules map[raddb.Pos]int // times that an entry matched
}

// NewCoverage counts for a linked program and a users file.
func NewCoverage(p *policy.Program, table *users.Table) *Coverage {
	return &Coverage{sandbox.NewCoverage(p.Compiled()), table, map[raddb.Pos]int{}}
}

// matched counts the entries that a request has matched, unless the test file has users of its own.
func (c *Coverage) matched(f *file, rules []users.Rule) {
	if c == nil || f.users != nil {
		return
	}
	for _, r := range rules {
		c.rules[raddb.Pos{File: r.File, Line: r.Line}]++
	}
}

// A FileCoverage is one script.
type FileCoverage struct {
	File    string // below the scripts directory
	Lines   []sandbox.CoveredLine
	Covered int // of Lines
}

// Percent gives how much of the file has run; 100 if there is nothing to run.
func (f *FileCoverage) Percent() float64 { return percent(f.Covered, len(f.Lines)) }

func percent(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}

// Missed gives the lines that have not run, as "12-14,20". Lines between them that hold nothing to run don't part a
// range.
func (f *FileCoverage) Missed() string {
	var ranges []string
	for i := 0; i < len(f.Lines); i++ {
		if f.Lines[i].Count > 0 {
			continue
		}
		first := i
		for i+1 < len(f.Lines) && f.Lines[i+1].Count == 0 {
			i++
		}
		if from, to := f.Lines[first].Line, f.Lines[i].Line; from == to {
			ranges = append(ranges, fmt.Sprint(from))
		} else {
			ranges = append(ranges, fmt.Sprintf("%d-%d", from, to))
		}
	}
	return strings.Join(ranges, ",")
}

// Files gives the scripts by their names.
func (c *Coverage) Files() (files []FileCoverage) {
	for name, lines := range c.lines.Lines() {
		f := FileCoverage{File: name, Lines: lines}
		for _, l := range lines {
			if l.Count > 0 {
				f.Covered++
			}
		}
		files = append(files, f)
	}
	return files
}

// A RuleCoverage is one entry of the users file.
type RuleCoverage struct {
	At    raddb.Pos
	Label string
	Count int // times that it matched
}

// Rules gives the entries of the users file in their order.
func (c *Coverage) Rules() (rules []RuleCoverage) {
	for r := range c.table.Entries() {
		at := raddb.Pos{File: r.File, Line: r.Line}
		rules = append(rules, RuleCoverage{at, strings.Clone(r.Label), c.rules[at]})
	}
	return rules
}

// WriteProfile writes the lines in the format of lcov, for tools that show coverage: the scripts of dir, and the users
// file's entries below root as lines of theirs.
func (c *Coverage) WriteProfile(w io.Writer, dir, root string) error {
	var b strings.Builder
	section := func(path string, lines []sandbox.CoveredLine) {
		hit := 0
		fmt.Fprintf(&b, "TN:\nSF:%s\n", path)
		for _, l := range lines {
			fmt.Fprintf(&b, "DA:%d,%d\n", l.Line, l.Count)
			if l.Count > 0 {
				hit++
			}
		}
		fmt.Fprintf(&b, "LF:%d\nLH:%d\nend_of_record\n", len(lines), hit)
	}
	for _, f := range c.Files() {
		section(filepath.Join(dir, f.File), f.Lines)
	}
	var names []string
	entries := map[string][]sandbox.CoveredLine{}
	for _, r := range c.Rules() {
		if entries[r.At.File] == nil {
			names = append(names, r.At.File)
		}
		entries[r.At.File] = append(entries[r.At.File], sandbox.CoveredLine{Line: r.At.Line, Count: r.Count})
	}
	for _, name := range names {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, name)
		}
		slices.SortFunc(entries[name], func(a, b sandbox.CoveredLine) int { return a.Line - b.Line })
		section(path, entries[name])
	}
	_, err := io.WriteString(w, b.String())
	return err
}
