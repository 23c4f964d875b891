package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// testedTree is a tree with a case that passes, one that fails, one whose name and output XML cannot hold, and a file
// that is wrong.
func testedTree(t *testing.T) (dir, root string) {
	dir = loopTree(t, map[string]string{
		"scripts/a.lua": "on(\"reply\", {when = {verdict = \"accept\"}}, function(req)\n  if req.user == \"never\" then\n    req.reply[\"Class\"] = \"x\"\n  end\nend)\n",
		"scripts/a_test.lua": "test.case(\"in\", function() print(\"shown\") expect(send{client = \"127.0.0.1\", user = \"demo\", password = \"hello\"}):accept() end)\n" +
			"test.case(\"out\", function()\n  expect(send{client = \"127.0.0.1\", user = \"demo\", password = \"wrong\"}):accept()\nend)\n" +
			"test.case(\"odd \\1 <&> \\255\", function() print(\"\\27[31m]]>\") error(\"\\0\") end)\n",
		"scripts/b_test.lua": "test.case(1, 2)\n",
	})
	return dir, filepath.Join(dir, "raddb")
}

// TestTestCommand: `perilune test` shows failures with the way of their requests, and says by its exit code how it went.
func TestTestCommand(t *testing.T) {
	dir, root := testedTree(t)
	code, text, _ := execute("test", "-d", root, "-v")
	contains(t, text, "ok    a_test.lua: in (", "\n  print: shown\n", "FAIL  a_test.lua:3: test \"out\": expected accept, got reject",
		"\n    - accept\n    + reject", "Access-Request", "client=loop", "FAIL  b_test.lua:1: ", "1 passed, 3 failed, 2 files")
	if code != exitFailed || strings.Contains(text, "wrong\"") || strings.Contains(text, red) {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	if code, text, _ = execute("test", "-d", root, "-run", `^a_test\.lua: (in|x)$`); code != exitFailed || strings.Contains(text, "out") || !strings.Contains(text, "1 passed, 1 failed") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	for _, c := range []struct {
		args []string
		code int
		err  string
	}{
		{[]string{"-run", "("}, exitUsage, `-run "(": error parsing regexp`},
		{[]string{"one"}, exitUsage, `unexpected argument "one"`},
		{[]string{"-junit", filepath.Join(dir, "none", "x.xml")}, exitFailed, "no such file"},
		{[]string{"-coverprofile", filepath.Join(dir, "none", "x")}, exitFailed, "no such file"},
	} {
		if code, _, errs := execute(append([]string{"test", "-d", root}, c.args...)...); code != c.code || !strings.Contains(errs, c.err) {
			t.Errorf("%q: exit code %d\n%s", c.args, code, errs)
		}
	}
	os.Remove(filepath.Join(dir, "scripts", "b_test.lua"))
	if code, _, errs := execute("test", "-d", root, "-run", "no such case"); code != exitFailed || !strings.Contains(errs, `-run "no such case" matches no case`) {
		t.Errorf("exit code %d without a case: %s", code, errs)
	}
	writeFiles(t, dir, map[string]string{"raddb/users": "nonsense\n"})
	if code, _, errs := execute("test", "-d", root); code != exitFailed || !strings.Contains(errs, "users:2:1") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

// TestTestJSON: one object a line, each with its type.
func TestTestJSON(t *testing.T) {
	dir, root := testedTree(t)
	code, text, _ := execute("test", "-d", root, "-json", "-cover")
	var got []string
	for line := range strings.Lines(text) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got = append(got, fmt.Sprint(o["type"], " ", o["file"], " ", o["line"], " ", o["name"], " ", o["ok"]))
	}
	want := []string{
		"case a_test.lua 1 in true", "case a_test.lua 3 out false", "case a_test.lua 5 odd \x01 <&> \uFFFD false", "case b_test.lua 1  false",
		"summary <nil> <nil> <nil> <nil>", "coverage a.lua <nil> <nil> <nil>", "rule users 23 <nil> <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" || code != exitFailed {
		t.Errorf("exit code %d (-want +got)\n%s\n%s", code, diff, text)
	}
	writeFiles(t, dir, map[string]string{"raddb/users": "nonsense\n"})
	if _, text, _ = execute("test", "-d", root, "-json"); !strings.HasPrefix(text, `{"type":"finding","file":"users","line":2,"column":1,"level":"error","message":"`) {
		t.Errorf("%s", text)
	}
}

// TestTestJUnit: the file is XML whose counts agree with its cases, also if the tree is broken.
func TestTestJUnit(t *testing.T) {
	dir, root := testedTree(t)
	name := filepath.Join(dir, "report.xml")
	execute("test", "-d", root, "-junit", name)
	got := readJUnit(t, name)
	want := junitSuites{Name: "perilune test", Tests: 4, Failures: 2, Errors: 1, Suites: []junitSuite{
		{Name: "a_test.lua", Tests: 3, Failures: 2, Cases: []junitCase{
			{Class: "a_test.lua", Name: "in", File: "a_test.lua", Line: 1, Output: "shown"},
			{Class: "a_test.lua", Name: "out", File: "a_test.lua", Line: 3, Failure: &junitProblem{Message: "expected accept, got reject (password)", Type: "failure"}},
			{Class: "a_test.lua", Name: `odd \x01 <&> ` + "\uFFFD", File: "a_test.lua", Line: 5, Output: `\x1b[31m]]>`, Failure: &junitProblem{Message: `\x00`, Type: "failure"}},
		}},
		{Name: "b_test.lua", Tests: 1, Errors: 1, Cases: []junitCase{
			{Class: "b_test.lua", Name: "(the file itself)", File: "b_test.lua", Line: 1, Error: &junitProblem{Message: "argument 2 is number, expected function", Type: "error"}},
		}},
	}}
	ignored := cmp.Options{
		cmpopts.IgnoreFields(junitSuites{}, "XMLName", "Time"), cmpopts.IgnoreFields(junitSuite{}, "Time", "Timestamp", "took"),
		cmpopts.IgnoreFields(junitCase{}, "Time"), cmpopts.IgnoreFields(junitProblem{}, "Text"),
	}
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := got.Suites[0].Cases[1].Failure.Text; !strings.Contains(text, "    - accept\n    + reject (password)\n") {
		t.Errorf("%s", text)
	}
	writeFiles(t, dir, map[string]string{"raddb/users": "nonsense\n"})
	execute("test", "-d", root, "-junit", name)
	if got := readJUnit(t, name); got.Errors != 1 || got.Suites[0].Name != "users" || got.Suites[0].Cases[0].Error == nil {
		t.Errorf("%+v", got)
	}
}

func readJUnit(t *testing.T, name string) (s junitSuites) {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b, &s); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if python, err := exec.LookPath("python3"); err == nil { // another reader, as CI systems have
		const check = "import sys, xml.etree.ElementTree as t\nr = t.parse(sys.argv[1]).getroot()\n" +
			"assert r.tag == 'testsuites' and all(c.get('name') and c.get('classname') for c in r.iter('testcase'))\n"
		if out, err := exec.Command(python, "-c", check, name).CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, b)
		}
	}
	return s
}

// TestTestCover: lines and rules that no test has used are named, in lcov's format, too.
func TestTestCover(t *testing.T) {
	dir, root := testedTree(t)
	profile := filepath.Join(dir, "lcov.info")
	_, text, _ := execute("test", "-d", root, "-run", "nothing|a_test.lua: odd", "-coverprofile", profile)
	contains(t, text, "a.lua        33.3%  1 of 3  not: 2-3", "users rules   0.0%  0 of 1", "  users:23 demo: no test matches it")
	_, text, _ = execute("test", "-d", root, "-coverprofile", profile)
	contains(t, text, "a.lua        66.7%  2 of 3  not: 3", "all lines    66.7%  2 of 3", "users rules 100.0%  1 of 1")
	b, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	want := "TN:\nSF:" + filepath.Join(dir, "scripts", "a.lua") + "\nDA:1,1\nDA:2,1\nDA:3,0\nLF:3\nLH:2\nend_of_record\n" +
		"TN:\nSF:" + filepath.Join(root, "users") + "\nDA:23,2\nLF:1\nLH:1\nend_of_record\n"
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestWatchHelper is the process of TestTestWatch.
func TestWatchHelper(t *testing.T) {
	if root := os.Getenv("PERILUNE_TEST_WATCH"); root != "" {
		os.Exit(run([]string{"test", "-watch", "-d", root}, streams{os.Stdin, os.Stdout, os.Stdout}))
	}
	t.Skip("of TestTestWatch")
}

// TestTestWatch: a change of any input runs the tests again, a pipe keeps all output, Ctrl-C ends it.
func TestTestWatch(t *testing.T) {
	dir := loopTree(t, map[string]string{"scripts/a_test.lua": `test.case("x", function() expect(send{client = "127.0.0.1", user = "demo", password = "hello"}):accept() end)`})
	p := exec.Command(os.Args[0], "-test.run=^TestWatchHelper$")
	p.Env = append(os.Environ(), "PERILUNE_TEST_WATCH="+filepath.Join(dir, "raddb"))
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Process.Kill()
	lines := bufio.NewScanner(out)
	until := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), "\x1b[2J") {
				t.Errorf("a pipe was cleared: %q", lines.Text())
			}
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("no %q: %v", text, lines.Err())
	}
	until("1 passed, 0 failed")
	until("waiting for changes")
	writeFiles(t, dir, map[string]string{"raddb/users": "demo Cleartext-Password := \"other\"\n"})
	until("0 passed, 1 failed")
	until("waiting for changes")
	writeFiles(t, dir, map[string]string{"scripts/b.lua": "on(\n"})
	until("b.lua:")
	until("waiting for changes")
	writeFiles(t, dir, map[string]string{"scripts/b.lua": "", "raddb/users": "demo Cleartext-Password := \"hello\"\n", "scripts/c_test.lua": "test.case('y', function() end)"})
	until("2 passed, 0 failed")
	until("waiting for changes")
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}
