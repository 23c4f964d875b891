package policytest

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy"
)

var update = flag.Bool("update", false, "write the golden file anew")

// build makes a candidate generation of a tree: scripts and perhaps users and clients.
func build(t testing.TB, tree *raddb.Tree, dir string) Options {
	t.Helper()
	var errs raddb.List
	d := dictionary.Load(tree, "dictionary", &errs)
	realms := &proxy.Realms{}
	if _, err := tree.ReadFile(filepath.Join(dir, "realms")); err == nil {
		realms = proxy.Load(tree, filepath.Join(dir, "realms"), proxy.Options{}, &errs)
	}
	pr, list := policy.Load(policy.Options{Tree: tree, Dir: dir, Dictionary: d, Realms: realms, Backends: testBackends()})
	errs = append(errs, list...)
	d.Freeze()
	errs = append(errs, pr.Link()...)
	g := &server.Generation{
		Number: 1, Dictionary: d, Policy: pr, Clients: nas.Load(tree, "clients", &errs), Realms: realms,
		Users: users.Load(tree, "users", users.Options{Dictionary: d, Names: pr}, &errs),
	}
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pr.Close)
	return Options{Generation: g, Program: pr, Tree: tree, Dir: dir}
}

// TestDefaultScripts runs the tests of the scripts that come with the server.
func TestDefaultScripts(t *testing.T) {
	o := build(t, raddb.Open("../../raddb"), "../scripts")
	res := Run(o)
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if res.Passed < 5 {
		t.Errorf("%d cases passed in %d files", res.Passed, res.Files)
	}
}

func scriptsIn(t testing.TB, dir string) Options {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", dir))
	if err != nil {
		t.Fatal(err)
	}
	return build(t, raddb.Open("../../raddb"), dir)
}

// TestWay runs Lua tests over each place of the way.
func TestWay(t *testing.T) {
	var names []string
	o := scriptsIn(t, "good")
	o.Each = func(c CaseResult) { names = append(names, c.Name) }
	res := Run(o)
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if len(names) != res.Passed+len(res.Failures) || res.Passed < 15 {
		t.Errorf("%d passed, %d told", res.Passed, len(names))
	}
}

// TestCalls runs Lua tests over each call that test files have.
func TestCalls(t *testing.T) {
	res := Run(scriptsIn(t, "calls"))
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if res.Passed != 23 {
		t.Errorf("%d passed", res.Passed)
	}
}

// TestPools runs Lua tests over requests that are sent on to home servers.
func TestPools(t *testing.T) {
	res := Run(scriptsIn(t, "pools"))
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if res.Passed != 20 {
		t.Errorf("%d passed", res.Passed)
	}
}

// TestNASes runs Lua tests over sessions, CoA and Disconnect.
func TestNASes(t *testing.T) {
	res := Run(scriptsIn(t, "nases"))
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if res.Passed != 21 {
		t.Errorf("%d passed", res.Passed)
	}
}

// TestMethods runs Lua tests over each method, for users of the users file, of hooks, and by check_password.
func TestMethods(t *testing.T) {
	res := Run(scriptsIn(t, "methods"))
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if res.Passed < 30 {
		t.Errorf("%d passed", res.Passed)
	}
}

// TestCheck tells what shows in the text of test files, and runs none of them.
func TestCheck(t *testing.T) {
	tree := raddb.OpenFS(fstest.MapFS{
		"scripts/a.lua":          {Data: []byte("this is no test")},
		"scripts/a_test.lua":     {Data: []byte("test.cse('x', function() end)\nlocal x = nobody")},
		"scripts/b_test.lua":     {Data: []byte("test.case('x', function()\n  helper = 1\nend)")},
		"scripts/c_test.lua":     {Data: []byte("error('is not run')")},
		"scripts/d_test.lua":     {Data: []byte("on('hints', function() end)")},
		"scripts/lib/e_test.lua": {Data: []byte("is not looked at")},
	})
	want := []string{
		`a_test.lua:1:1: test has no cse; did you mean "case"?`, "a_test.lua:2:11: unknown name nobody",
		"b_test.lua:2:3: global helper: write local helper", `d_test.lua:1:1: unknown name on`,
	}
	var got []string
	for _, e := range Check(tree, "scripts") {
		got = append(got, e.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if errs := Check(tree, "nowhere"); len(errs) > 0 {
		t.Error(errs)
	}
}

// TestStage: cases leave nothing behind, and the clock moves all that has to do with time.
func TestStage(t *testing.T) {
	res := Run(scriptsIn(t, "stage"))
	for _, f := range res.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	if res.Passed != 14 || len(res.Warnings) > 0 {
		t.Errorf("%d passed, %v", res.Passed, res.Warnings)
	}
}

// TestFailures compares what people see of failing and of odd tests with files.
func TestFailures(t *testing.T) {
	for _, dir := range []string{"bad", "odd"} {
		t.Run(dir, func(t *testing.T) {
			var b strings.Builder
			res := Run(scriptsIn(t, dir))
			for _, f := range res.Failures {
				if f.Path != "" {
					if !strings.Contains(f.Path, "request") || f.Request == "" {
						t.Errorf("%s: request %q, path %q", f.At, f.Request, f.Path)
					}
					f.Path = "(the way)" // as explain tells it
				}
				b.WriteString(f.At.String() + ": " + f.Text() + "\n")
			}
			for _, w := range res.Warnings {
				b.WriteString(w.Error() + "\n")
			}
			golden(t, filepath.Join("testdata", dir, "failures.txt"), b.String())
		})
	}
}

// golden compares a text with a file; -update writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPrint: what a case prints is shown with it, what the file prints with its first case; no more than a bound.
func TestPrint(t *testing.T) {
	dir := t.TempDir()
	source := `print("loading")
test.case("passes", function() print("a", 1) log.info("b") end)
test.case("fails", function() print("before") test.equal(1, 2) end)
test.case("talks", function() for i = 1, 250 do print(i) end end)`
	if err := os.WriteFile(filepath.Join(dir, "print_test.lua"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	o := build(t, raddb.Open("../../raddb"), dir)
	o.Each = func(c CaseResult) { got[c.Name] = c.Output }
	res := Run(o)
	if diff := cmp.Diff([]string{"loading", "a\t1", "b"}, got["passes"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if talk := got["talks"]; len(talk) != maxPrinted+1 || talk[maxPrinted] != "(150 more lines)" {
		t.Errorf("%d lines, the last %q", len(talk), talk[len(talk)-1])
	}
	if len(res.Failures) != 1 || !strings.Contains(res.Failures[0].Text(), "\n  print: before") {
		t.Errorf("%+v", res.Failures)
	}
}

// TestMatch runs only the cases that were asked for.
func TestMatch(t *testing.T) {
	o := scriptsIn(t, "good")
	o.Match = regexp.MustCompile("^way_test.lua: two")
	if res := Run(o); res.Passed != 1 || len(res.Failures) != 0 {
		t.Errorf("%+v", res)
	}
}

// TestTimeout ends tests that take too long as a failure.
func TestTimeout(t *testing.T) {
	o := scriptsIn(t, "good")
	o.Timeout = time.Nanosecond
	if res := Run(o); len(res.Failures) != 1 || !strings.Contains(res.Failures[0].Message, "longer than 1ns") {
		t.Errorf("%+v", res)
	}
}

// BenchmarkCase is the price of one case with one request.
func BenchmarkCase(b *testing.B) {
	o := scriptsIn(b, "good")
	o.Match = regexp.MustCompile("hints make")
	for b.Loop() {
		if res := Run(o); res.Passed != 1 {
			b.Fatal(res.Failures)
		}
	}
}
