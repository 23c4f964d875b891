package main

import (
	"encoding/json"
	"fmt"

	"perilune/engine/raddb"
	"perilune/policy/reload"
)

// finding is an error or warning as check prints it in JSON.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Level   string `json:"level"`
	Message string `json:"message"`
	Code    string `json:"code"` // the same for all findings of a kind
}

func runCheck(args []string, s streams) int {
	var o reload.Options
	var strict, asJSON bool
	f := newFlags(s, "check", "Reads a configuration and its scripts and tells everything that is wrong. Needs no root, network or state.\n"+
		"Exit code 1 if there are errors, with -strict also if there are warnings.", "perilune check -d raddb")
	f.StringVar(&o.Root, "d", defaultDir(), "configuration `DIR`")
	f.StringVar(&o.Scripts, "scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	f.BoolVar(&strict, "strict", false, "warnings count as errors")
	f.BoolVar(&asJSON, "json", false, "print one JSON object for each finding")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return f.wrong("unexpected argument %q", rest[0])
	}
	if err := noDir(o.Root); err != nil {
		return s.fail("check", err)
	}
	c, errs := reload.Check(o)
	printFindings(s, errs, asJSON)
	if c == nil || strict && len(errs) > 0 {
		return exitFailed
	}
	if !asJSON {
		fmt.Fprintf(s.out, "%s is fine: %d clients, %d users, %d attributes, %d hooks, %s\n", o.Root,
			c.Clients.Len(), c.Users.Len(), len(c.Dictionary.Attributes()), len(c.Program.Hooks()), warnings(len(errs)))
	}
	c.Discard()
	return exitOK
}

// warnings gives their number as people write it.
func warnings(n int) string {
	if n == 1 {
		return "1 warning"
	}
	return fmt.Sprintf("%d warnings", n)
}

func printFindings(s streams, errs raddb.List, asJSON bool) {
	enc := json.NewEncoder(s.out)
	for _, e := range errs {
		if !asJSON {
			fmt.Fprintln(s.err, e)
			continue
		}
		enc.Encode(findingOf(e))
	}
}

func findingOf(e *raddb.Error) finding {
	level := "error"
	if e.Warning {
		level = "warning"
	}
	return finding{e.File, e.Line, e.Col, level, e.Msg, codeOf(e)}
}
