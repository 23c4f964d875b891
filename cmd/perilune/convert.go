package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"perilune/policy/convert"
	"perilune/policy/convert/output"
	"perilune/policy/policytest"
	"perilune/policy/reload"
)

const convertAbout = `Turns the configuration of another server into a tree of this one that answers the same: a raddb directory of
GNU Radius, or a directory of FreeRADIUS 3. It writes OUT/raddb and OUT/scripts, and tells what was done, what
is different on purpose, and what a person must look at, with file and line. Nothing in the old directory
changes. A second run leaves files alone that somebody has edited: the new version is put beside them. At the end
the new tree is read and its tests are run; exit code 1 if it does not load or a test fails.`

func runConvert(args []string, s streams) int {
	var o convert.Options
	var asJSON bool
	f := newFlags(s, "convert OLD OUT", convertAbout, "perilune convert /usr/local/etc/raddb /etc/perilune")
	f.StringVar(&o.AcctDir, "acct-dir", "", "`DIR` of the old server's detail files, if it was started with one")
	f.StringVar(&o.LogDir, "log-dir", "", "`DIR` of the old server's log, if it was started with one")
	f.BoolVar(&o.Exact, "exact", false, "answer octet for octet as before, without what makes answers safer today")
	f.BoolVar(&asJSON, "json", false, "print one JSON object for each note, for the whole and for the tests")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) != 2 {
		return f.wrong("expected two directories, the old one and the one to make")
	}
	o.From, o.To, o.Lookup = rest[0], rest[1], lookUpHost
	r, err := convert.Run(o)
	if err != nil {
		return s.fail("convert", err)
	}
	if asJSON {
		printConvertedJSON(s, r)
	} else {
		printConverted(s, o, r)
	}
	root := filepath.Join(o.To, "raddb")
	if code := proveConverted(s, root, asJSON); code != exitOK {
		return code
	}
	if !asJSON {
		fmt.Fprintf(s.out, "\nNext:\n  %[1]s check -d %[2]s\n  %[1]s serve -d %[2]s\n", thisCommand(), root)
	}
	return exitOK
}

// lookUpHost gives the first IPv4 address of a host name.
func lookUpHost(name string) (netip.Addr, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
	if err != nil || len(found) == 0 {
		return netip.Addr{}, false
	}
	return found[0].Unmap(), true
}

// proveConverted reads the new tree and runs its tests, so that nobody meets a mistake of the conversion, or one that
// an edited file makes with it, only when the server shall start.
func proveConverted(s streams, root string, asJSON bool) int {
	c, errs := reload.Build(reload.Options{Root: root})
	if c == nil {
		printFindings(s, errs, asJSON)
		return exitFailed
	}
	defer c.Discard()
	t := newTestRun(s, asJSON, false)
	return t.sum(c.RunTests(policytest.Options{Each: t.show}))
}

func printConverted(s streams, o convert.Options, r *convert.Result) {
	fmt.Fprintf(s.out, "%s is of %s; places below are in it.\n\n", o.From, r.Server)
	r.Report.Print(s.out)
	fmt.Fprintf(s.out, "\n%d files in %s; %d things to look at, %d different on purpose; the tests of the new tree:\n",
		r.Files, o.To, r.Report.Count(output.Look), r.Report.Count(output.Differs))
}

// convertedNote is a note of the report in JSON.
type convertedNote struct {
	Kind   string `json:"kind"` // done, differs or look
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// convertedWhole is the end of the report in JSON.
type convertedWhole struct {
	Server  string `json:"server"`
	Files   int    `json:"files"`
	Done    int    `json:"done"`
	Differs int    `json:"differs"`
	Look    int    `json:"look"`
}

func printConvertedJSON(s streams, r *convert.Result) {
	enc := json.NewEncoder(s.out)
	for _, n := range r.Report.Notes() {
		enc.Encode(convertedNote{[...]string{"done", "differs", "look"}[n.Kind], n.At.File, n.At.Line, n.At.Col, n.Text})
	}
	enc.Encode(convertedWhole{r.Server, r.Files, r.Report.Count(output.Done), r.Report.Count(output.Differs), r.Report.Count(output.Look)})
}
