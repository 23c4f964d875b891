package policytest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"

	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy"
)

// Options of Run. Generation, Program, Tree and Dir must be set.
type Options struct {
	Generation *server.Generation // what is tested: its dictionary, clients, users and settings
	Program    *policy.Program    // its scripts, linked
	Tree       *raddb.Tree        // test files are read through it, so they are inputs of the generation
	Dir        string             // of the scripts, as a name of the tree
	Users      users.Options      // Dialect, IgnoreCase and Location, for test.users
	Busy       *server.Busy       // told of long computations; may be nil
	KV         KV                 // [backend.kv] of the tree: which tables scripts wait for; nil: for none
	Match      *regexp.Regexp     // runs only cases whose "file: name" it finds; nil: all
	Coverage   *Coverage          // counts what the cases use; nil: nothing is counted, and nothing paid
	Each       func(CaseResult)   // called after each case; may be nil
	Timeout    time.Duration      // for all files together; 0: none

	deadline time.Time // what Timeout means
}

// KV is the table [backend.kv] of a configuration.
type KV = map[string]*config.BackendKV

// A Result says how the tests went.
type Result struct {
	Files    int
	Passed   int
	Failures []Failure
	Warnings raddb.List // of the test files
	Took     time.Duration
}

// A CaseResult is one case that has run.
type CaseResult struct {
	File, Name string
	At         raddb.Pos
	Failure    *Failure // nil: passed
	Output     []string // what the case printed
	Took       time.Duration
}

// A Failure is one case, or one file, that went wrong.
type Failure struct {
	At      raddb.Pos
	Case    string // "" if the file itself is wrong
	Message string
	Diff    []string // a title, then lines that begin with "- " (wanted), "+ " (got) or two spaces; nil if none
	Request string   // the last request of the case, for people; "" if none was sent
	Path    string   // the way that it took
	Log     []string // what handlers logged at level error
	Output  []string // what the case printed
}

// Text gives the failure for people: the message, the difference, the path of the request, and what was logged and
// printed on it.
func (f Failure) Text() string {
	var b strings.Builder
	if f.Case != "" {
		fmt.Fprintf(&b, "test %q: ", f.Case)
	}
	b.WriteString(f.Message)
	for i, line := range f.Diff {
		b.WriteString("\n" + strings.Repeat("  ", 1+min(i, 1)) + line)
	}
	if f.Request != "" && f.Path == "" {
		b.WriteString("\n  request: " + f.Request)
	}
	for line := range strings.Lines(f.Path) {
		b.WriteString("\n    " + strings.TrimRight(line, "\n"))
	}
	for _, line := range f.Log {
		b.WriteString("\n  log: " + line)
	}
	for _, line := range f.Output {
		b.WriteString("\n  print: " + line)
	}
	return b.String()
}

// Run runs all test files of the scripts directory in byte order of their names. All failures are collected.
func Run(o Options) *Result {
	start := time.Now()
	if o.Timeout > 0 {
		o.deadline = start.Add(o.Timeout)
	}
	res := &Result{}
	o.Busy.Enter()
	defer o.Busy.Leave()
	names, err := testFiles(o.Tree, o.Dir)
	if err != nil {
		res.fail(Failure{At: raddb.Pos{File: o.Dir}, Message: err.Error()})
	}
	if len(names) > 0 {
		s := newStage(&o)
		o.Busy.Yield()
		for _, name := range names {
			if !s.runFile(name, res) {
				break
			}
			o.Busy.Yield()
		}
		s.close()
	}
	res.Took = time.Since(start)
	return res
}

// testFiles gives the test files of a directory in byte order of their names; none without the directory.
func testFiles(tree *raddb.Tree, dir string) (names []string, err error) {
	entries, err := tree.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, name := range entries {
		if strings.HasSuffix(name, "_test.lua") {
			names = append(names, name)
		}
	}
	return names, err
}

// Check compiles all test files of the scripts directory and runs none: it tells errors of syntax, unknown
// names and what else shows in their text.
func Check(tree *raddb.Tree, dir string) (errs raddb.List) {
	names, err := testFiles(tree, dir)
	if err != nil {
		errs.Errorf(raddb.Pos{File: dir}, "%v", err)
	}
	known := globals()
	for _, name := range names {
		source, err := tree.ReadFile(path.Join(dir, name))
		if err != nil {
			errs.Errorf(raddb.Pos{File: name}, "%v", err)
			continue
		}
		_, list := policy.CompileTest(name, source, known, nil)
		errs = append(errs, list...)
	}
	return errs
}

func (res *Result) fail(f Failure) { res.Failures = append(res.Failures, f) }

// runFile runs one test file. It gives false when the time for all is over.
func (s *stage) runFile(name string, res *Result) bool {
	res.Files++
	o := s.o
	source, err := o.Tree.ReadFile(path.Join(o.Dir, name))
	if err != nil {
		res.fail(Failure{At: raddb.Pos{File: name}, Message: err.Error()})
		return true
	}
	f := newFile(s, name)
	defer f.close()
	for _, e := range f.load(source) {
		if e.Warning {
			res.Warnings = append(res.Warnings, e)
			continue
		}
		res.fail(Failure{At: e.Pos, Message: e.Msg})
		f.cases = nil
	}
	for _, c := range f.cases {
		if o.Match != nil && !o.Match.MatchString(name+": "+c.name) {
			continue
		}
		if o.late() {
			res.fail(Failure{At: c.at, Case: c.name, Message: o.tooLong("this case and those after it were not run")})
			return false
		}
		f.runCase(c, res)
		o.Busy.Yield()
	}
	res.Warnings = append(res.Warnings, f.warnings...)
	return true
}

// late reports whether the time for all tests is over.
func (o *Options) late() bool { return !o.deadline.IsZero() && time.Now().After(o.deadline) }

// tooLong says what became of a case for want of time.
func (o *Options) tooLong(what string) string {
	return fmt.Sprintf("%s: the tests took longer than %v together ([reload] tests-timeout)", what, o.Timeout)
}

// runCase runs one case and files its result.
func (f *file) runCase(c testCase, res *Result) {
	start := time.Now()
	failure, printed := f.run(c), f.output.take()
	if failure == nil {
		res.Passed++
	} else {
		failure.Output = printed
		res.fail(*failure)
	}
	if f.o.Each != nil {
		f.o.Each(CaseResult{File: f.name, Name: c.name, At: c.at, Failure: failure, Output: printed, Took: time.Since(start)})
	}
}
