package main

import (
	"encoding/json"
	"fmt"
	"time"

	"perilune/policy/policytest"
	"perilune/policy/reload"
)

func runTest(args []string, s streams) int {
	var o reload.Options
	var only string
	var asJSON, verbose bool
	f := newFlags(s, "test", "Runs the tests of the scripts (*_test.lua) in a generation made from the files as they are, without a server.\n"+
		"Exit code 1 if one fails, or if the files have errors.", "perilune test -d raddb -run greeting")
	f.StringVar(&o.Root, "d", defaultDir(), "configuration `DIR`")
	f.StringVar(&o.Scripts, "scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	f.StringVar(&only, "run", "", "only cases whose \"FILE: NAME\" holds `TEXT`")
	f.BoolVar(&verbose, "v", false, "show the cases that pass, too")
	f.BoolVar(&asJSON, "json", false, "print one JSON object for each case, and one for the whole")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return f.wrong("unexpected argument %q", rest[0])
	}
	c, errs := reload.Build(o)
	if c == nil || !asJSON {
		printFindings(s, errs, asJSON)
	}
	if c == nil {
		return exitFailed
	}
	defer c.Discard()
	t := testRun{s, json.NewEncoder(s.out), asJSON, verbose}
	result := c.RunTests(policytest.Options{Match: only, Each: t.show})
	return t.sum(result, only)
}

// testRun shows the cases of a run as they end.
type testRun struct {
	s               streams
	enc             *json.Encoder
	asJSON, verbose bool
}

// testedCase is one case in JSON.
type testedCase struct {
	File    string   `json:"file"`
	Line    int      `json:"line,omitempty"`
	Name    string   `json:"name"`
	OK      bool     `json:"ok"`
	Took    string   `json:"took,omitempty"`
	Message string   `json:"message,omitempty"`
	Request string   `json:"request,omitempty"`
	Path    string   `json:"path,omitempty"`
	Log     []string `json:"log,omitempty"`
	Output  []string `json:"output,omitempty"`
}

func (t *testRun) show(r policytest.CaseResult) {
	took := r.Took.Round(time.Microsecond).String()
	switch {
	case r.Failure != nil: // shown in the end, with those of whole files
	case t.asJSON:
		t.enc.Encode(testedCase{File: r.File, Name: r.Name, OK: true, Took: took, Output: r.Output})
	case t.verbose:
		fmt.Fprintf(t.s.out, "ok    %s: %s (%s)\n", r.File, r.Name, took)
		for _, line := range r.Output {
			fmt.Fprintf(t.s.out, "  print: %s\n", line)
		}
	}
}

// sum shows the failures and the whole, and gives the exit code.
func (t *testRun) sum(result *policytest.Result, only string) int {
	for _, f := range result.Failures {
		if t.asJSON {
			t.enc.Encode(testedCase{File: f.At.File, Line: f.At.Line, Name: f.Case, Message: f.Message, Request: f.Request, Path: f.Path, Log: f.Log, Output: f.Output})
			continue
		}
		fmt.Fprintf(t.s.out, "FAIL  %s: %s\n", f.At, f.Text())
	}
	if !t.asJSON {
		printFindings(t.s, result.Warnings, false)
	}
	failed, took := len(result.Failures), result.Took.Round(time.Millisecond)
	if t.asJSON {
		t.enc.Encode(map[string]any{"files": result.Files, "passed": result.Passed, "failed": failed, "took_ms": took.Milliseconds()})
	} else {
		fmt.Fprintf(t.s.out, "%d passed, %d failed, %d files, %v\n", result.Passed, failed, result.Files, took)
	}
	if only != "" && result.Passed+failed == 0 {
		fmt.Fprintf(t.s.err, "perilune test: no case holds %q\n", only)
		return exitFailed
	}
	if failed > 0 {
		return exitFailed
	}
	return exitOK
}
