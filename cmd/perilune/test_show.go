package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"perilune/engine/raddb"
	"perilune/policy/policytest"
)

// testRun shows the cases of a run as they end, and keeps them for the files that tell of them.
type testRun struct {
	s               streams
	enc             *json.Encoder
	asJSON, verbose bool
	colour          bool
	pattern         *regexp.Regexp
	began           time.Time
	wrong           raddb.List // errors of the tree
	cases           []policytest.CaseResult
	result          *policytest.Result // nil: the tree has errors
}

func newTestRun(s streams, asJSON, verbose bool) *testRun {
	t := &testRun{s: s, enc: json.NewEncoder(s.out), asJSON: asJSON, verbose: verbose, began: time.Now()}
	t.colour = !asJSON && os.Getenv("NO_COLOR") == "" && onTerminal(s)
	t.enc.SetEscapeHTML(false)
	return t
}

// What -json prints. Fields are added over time, never changed; each object has a type.
type (
	testedCase struct {
		Type    string   `json:"type"` // case
		File    string   `json:"file"`
		Line    int      `json:"line,omitempty"`
		Name    string   `json:"name"` // "" if the file itself is wrong
		OK      bool     `json:"ok"`
		TookMS  float64  `json:"took_ms"`
		Message string   `json:"message,omitempty"`
		Diff    []string `json:"diff,omitempty"` // a title, then lines that begin with "- " (wanted), "+ " (got) or two spaces
		Request string   `json:"request,omitempty"`
		Path    string   `json:"path,omitempty"`
		Log     []string `json:"log,omitempty"`
		Output  []string `json:"output,omitempty"`
	}
	testFinding struct {
		Type string `json:"type"` // finding
		finding
	}
	testedFile struct {
		Type    string  `json:"type"` // coverage
		File    string  `json:"file"`
		Lines   int     `json:"lines"`
		Covered int     `json:"covered"`
		Percent float64 `json:"percent"`
		Missed  string  `json:"missed,omitempty"` // "12-14,20"
	}
	testedRule struct {
		Type    string `json:"type"` // rule
		File    string `json:"file"`
		Line    int    `json:"line"`
		Entry   string `json:"entry"`
		Matched int    `json:"matched"`
	}
	testSummary struct {
		Type     string  `json:"type"` // summary
		Files    int     `json:"files"`
		Passed   int     `json:"passed"`
		Failed   int     `json:"failed"`
		Warnings int     `json:"warnings"`
		TookMS   float64 `json:"took_ms"`
	}
)

// findings shows what is wrong with the tree.
func (t *testRun) findings(errs raddb.List) {
	if errs.Failed() {
		t.wrong = errs
	}
	if !t.asJSON {
		printFindings(t.s, errs, false)
		return
	}
	for _, e := range errs {
		t.enc.Encode(testFinding{"finding", findingOf(e)})
	}
}

// show takes a case that has ended.
func (t *testRun) show(r policytest.CaseResult) {
	t.cases = append(t.cases, r)
	switch {
	case r.Failure != nil && t.asJSON:
		t.failed(r.Failure, r.Took)
	case t.asJSON:
		t.enc.Encode(testedCase{Type: "case", File: r.File, Line: r.At.Line, Name: r.Name, OK: true, TookMS: milliseconds(r.Took), Output: r.Output})
	case r.Failure != nil:
		fmt.Fprintf(t.s.out, "%s  %s: %s\n", t.paint(red, "FAIL"), r.Failure.At, t.painted(r.Failure.Text()))
	case t.verbose:
		fmt.Fprintf(t.s.out, "%s    %s: %s (%s)\n", t.paint(green, "ok"), r.File, r.Name, r.Took.Round(time.Microsecond))
		for _, line := range r.Output {
			fmt.Fprintf(t.s.out, "  print: %s\n", line)
		}
	}
}

func (t *testRun) failed(f *policytest.Failure, took time.Duration) {
	t.enc.Encode(testedCase{
		Type: "case", File: f.At.File, Line: f.At.Line, Name: f.Case, TookMS: milliseconds(took), Message: f.Message, Diff: f.Diff,
		Request: f.Request, Path: f.Path, Log: f.Log, Output: f.Output,
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// beside gives the failures that no case of the run is: files that are wrong, and cases that were not run.
func (t *testRun) beside() (list []policytest.Failure) {
	told := map[string]bool{}
	for _, c := range t.cases {
		if c.Failure != nil {
			told[c.Failure.At.String()+c.Failure.Case] = true
		}
	}
	for _, f := range t.result.Failures {
		if !told[f.At.String()+f.Case] {
			list = append(list, f)
		}
	}
	return list
}

// sum shows what the cases did not, and the whole, and gives the exit code.
func (t *testRun) sum(result *policytest.Result) int {
	t.result = result
	for _, f := range t.beside() {
		if t.asJSON {
			t.failed(&f, 0)
			continue
		}
		fmt.Fprintf(t.s.out, "%s  %s: %s\n", t.paint(red, "FAIL"), f.At, t.painted(f.Text()))
	}
	t.findings(result.Warnings)
	failed := len(result.Failures)
	if t.asJSON {
		t.enc.Encode(testSummary{"summary", result.Files, result.Passed, failed, len(result.Warnings), milliseconds(result.Took)})
	} else {
		line := fmt.Sprintf("%d passed, %d failed, %d files, %v", result.Passed, failed, result.Files, result.Took.Round(time.Millisecond))
		if failed > 0 {
			line = t.paint(red, line)
		}
		fmt.Fprintln(t.s.out, line)
	}
	switch {
	case t.pattern != nil && result.Passed+failed == 0:
		fmt.Fprintf(t.s.err, "perilune test: -run %q matches no case\n", t.pattern)
		return exitFailed
	case failed > 0:
		return exitFailed
	}
	return exitOK
}

// coverage shows how much of the scripts and of the users file the tests use.
func (t *testRun) coverage(c *policytest.Coverage) {
	files, rules := c.Files(), c.Rules()
	if t.asJSON {
		for _, f := range files {
			t.enc.Encode(testedFile{"coverage", f.File, len(f.Lines), f.Covered, f.Percent(), f.Missed()})
		}
		for _, r := range rules {
			t.enc.Encode(testedRule{"rule", r.At.File, r.At.Line, r.Label, r.Count})
		}
		return
	}
	width, lines, covered := len("users rules"), 0, 0
	for _, f := range files {
		width = max(width, len(f.File))
		lines, covered = lines+len(f.Lines), covered+f.Covered
	}
	row := func(name string, part, whole int, missed string) {
		all := 100.0
		if whole > 0 {
			all = 100 * float64(part) / float64(whole)
		}
		fmt.Fprintf(t.s.out, "%-*s %5.1f%%  %d of %d", width, name, all, part, whole)
		if missed != "" {
			fmt.Fprint(t.s.out, "  not: "+missed)
		}
		fmt.Fprintln(t.s.out)
	}
	for _, f := range files {
		row(f.File, f.Covered, len(f.Lines), f.Missed())
	}
	row("all lines", covered, lines, "")
	matched := 0
	for _, r := range rules {
		if r.Count > 0 {
			matched++
		}
	}
	row("users rules", matched, len(rules), "")
	t.unmatched(rules)
}

// maxUnmatched bounds the rules that are named; -json names all of them.
const maxUnmatched = 20

// unmatched names the rules of the users file that no test has matched.
func (t *testRun) unmatched(rules []policytest.RuleCoverage) {
	n := 0
	for _, r := range rules {
		if r.Count > 0 {
			continue
		}
		if n++; n <= maxUnmatched {
			fmt.Fprintf(t.s.out, "  %s:%d %s: no test matches it\n", r.At.File, r.At.Line, r.Label)
		}
	}
	if n > maxUnmatched {
		fmt.Fprintf(t.s.out, "  and %d more\n", n-maxUnmatched)
	}
}

// Colours of a terminal.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	plain = "\x1b[0m"
)

// paint gives a text a colour where there are colours.
func (t *testRun) paint(colour, text string) string {
	if !t.colour {
		return text
	}
	return colour + text + plain
}

// painted gives the lines of a diff their colours.
func (t *testRun) painted(text string) string {
	if !t.colour {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "    - "):
			lines[i] = t.paint(red, line)
		case strings.HasPrefix(line, "    + "):
			lines[i] = t.paint(green, line)
		}
	}
	return strings.Join(lines, "\n")
}
