package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/term"

	"perilune/engine/raddb"
	"perilune/policy/policytest"
	"perilune/policy/reload"
)

// testOptions are those of the command line.
type testOptions struct {
	reload.Options
	only                          *regexp.Regexp
	asJSON, verbose, cover, watch bool
	junit, profile                string
}

func runTest(args []string, s streams) int {
	var o testOptions
	var only string
	f := newFlags(s, "test", "Runs the tests of the scripts (*_test.lua) in a generation made from the files as they are, without a server.\n"+
		"Exit code 1 if one fails, or if the files have errors.", "perilune test -d raddb -run greeting")
	f.StringVar(&o.Root, "d", defaultDir(), "configuration `DIR`")
	f.StringVar(&o.Scripts, "scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	f.StringVar(&only, "run", "", "only cases whose \"FILE: NAME\" the regular expression `PATTERN` matches, anywhere in it")
	f.BoolVar(&o.verbose, "v", false, "show the cases that pass, too")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a line: each case, each finding, the whole")
	f.StringVar(&o.junit, "junit", "", "write the results into `FILE`, too, as JUnit's XML")
	f.BoolVar(&o.cover, "cover", false, "tell which lines of the scripts and which rules of the users file the tests use")
	f.StringVar(&o.profile, "coverprofile", "", "write what -cover tells into `FILE` in lcov's format")
	f.BoolVar(&o.watch, "watch", false, "run again whenever a file changes, until Ctrl-C")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return f.wrong("unexpected argument %q", rest[0])
	}
	if only != "" {
		var err error
		if o.only, err = regexp.Compile(only); err != nil {
			return f.wrong("-run %q: %v", only, err)
		}
	}
	o.cover = o.cover || o.profile != ""
	if err := noDir(o.Root); err != nil {
		return s.fail("test", err)
	}
	if o.watch {
		return o.again(s)
	}
	return o.once(s, raddb.Open(absoluteDir(o.Root)))
}

// absoluteDir gives a directory as the trees of a reload have it.
func absoluteDir(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// once builds the generation from a tree and runs its tests.
func (o *testOptions) once(s streams, tree *raddb.Tree) int {
	t := newTestRun(s, o.asJSON, o.verbose)
	t.pattern = o.only
	c, errs := reload.BuildFrom(o.Options, tree)
	t.findings(errs)
	if c == nil {
		return o.finish(t, exitFailed)
	}
	defer c.Discard()
	var cover *policytest.Coverage
	if o.cover {
		cover = policytest.NewCoverage(c.Program, c.Users)
	}
	code := t.sum(c.RunTests(policytest.Options{Match: o.only, Each: t.show, Coverage: cover}))
	if cover != nil {
		t.coverage(cover)
		if err := o.writeProfile(cover, c); err != nil {
			fmt.Fprintf(s.err, "perilune test: %v\n", err)
			code = exitFailed
		}
	}
	return o.finish(t, code)
}

// finish writes the results as JUnit's XML, if that is asked for.
func (o *testOptions) finish(t *testRun, code int) int {
	if o.junit == "" {
		return code
	}
	if err := t.writeJUnit(o.junit); err != nil {
		fmt.Fprintf(t.s.err, "perilune test: %v\n", err)
		return exitFailed
	}
	return code
}

func (o *testOptions) writeProfile(cover *policytest.Coverage, c *reload.Candidate) error {
	if o.profile == "" {
		return nil
	}
	return writeWhole(o.profile, func(f *os.File) error { return cover.WriteProfile(f, c.ScriptsDir, c.Root) })
}

// writeWhole makes a file and says where that failed.
func writeWhole(name string, write func(f *os.File) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// onTerminal reports whether the output goes to a person, who likes colours (https://no-color.org).
func onTerminal(s streams) bool {
	f, ok := s.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
