package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/server"
	"perilune/policy"
	"perilune/policy/policytest"
)

// TestDocsLua keeps docs/lua.md in step with the tables that register the API; -update writes its tables
// anew.
func TestDocsLua(t *testing.T) {
	const name, mark = "../../docs/lua.md", "<!-- What follows is made by go test ./cmd/perilune -run TestDocsLua -update. -->\n"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	intro, tables, ok := strings.Cut(string(page), mark)
	if !ok {
		t.Fatalf("%s has no line %q", name, mark)
	}
	var b bytes.Buffer
	if err := errors.Join(policy.WriteDocs(&b), policytest.WriteDocs(&b)); err != nil {
		t.Fatal(err)
	}
	_, made, _ := strings.Cut(b.String(), "\n\n") // the page has its own title
	_, made, _ = strings.Cut(made, "\n\n")
	made = "\n" + made
	if *updateDocs {
		if err := os.WriteFile(name, []byte(intro+mark+made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(tables, made); diff != "" {
		t.Errorf("%s is stale; -update mends it (-page +code)\n%s", name, diff)
	}
}

// TestDocsMetrics demands that docs/operation.md names each metric of a running server, and no other.
func TestDocsMetrics(t *testing.T) {
	tree := defaultTree(t)
	writeFiles(t, tree, map[string]string{"raddb/realms": "example.net 127.0.0.1:1 secret=\"for metrics of home servers\"\n"})
	s := serveOnLoopback(t, tree)
	resp, err := http.Get("http://" + s.addrs["http"] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	shown, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/operation.md")
	if err != nil {
		t.Fatal(err)
	}
	names := func(text []byte, form string) (list []string) {
		for _, m := range regexp.MustCompile(form).FindAllSubmatch(text, -1) {
			if !slices.Contains(list, string(m[1])) {
				list = append(list, string(m[1]))
			}
		}
		slices.Sort(list)
		return list
	}
	for _, later := range []string{"home_latency_seconds", "backend_calls_total", "backend_breaker_open"} { // come with what they count
		shown = append(shown, "# HELP perilune_"+later+"\n"...)
	}
	got, want := names(page, "(perilune_[a-z_]+)"), names(shown, "(?m)^# HELP (perilune_[a-z_]+)")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operation.md (-server +page)\n%s", diff)
	}
}

// TestDocsReasons demands that docs/operation.md has every reason of the one table.
func TestDocsReasons(t *testing.T) {
	page, err := os.ReadFile("../../docs/operation.md")
	if err != nil {
		t.Fatal(err)
	}
	for r := server.ReasonNone + 1; r < server.NumReasons; r++ {
		if name := r.String(); name != "" && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/operation.md lacks the reason %s", name)
		}
	}
}

// TestDocsPhases compares the verdicts that docs/hooks.md allows with the generated table of docs/lua.md.
func TestDocsPhases(t *testing.T) {
	want, got := phaseTable(t, "lua.md", 2), phaseTable(t, "hooks.md", 3)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-lua.md +hooks.md)\n%s", diff)
	}
}

// phaseTable reads the verdicts of each phase from the table below a heading "| Phase |"; column counts from 0.
func phaseTable(t *testing.T, name string, column int) map[string][]string {
	page, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n| Phase |")
	table, _, _ := strings.Cut(rest, "\n\n")
	if !ok {
		t.Fatalf("%s has no table of phases", name)
	}
	phases := map[string][]string{}
	for _, row := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		phase := strings.Trim(cells[0], " `*")
		if strings.Contains(phase, "load") || phase == "session" {
			continue // no request
		}
		text := regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(cells[column], "")
		var verdicts []string
		for _, v := range strings.Split(text, ",") {
			verdicts = append(verdicts, strings.TrimSpace(v))
		}
		slices.Sort(verdicts)
		phases[phase] = verdicts
	}
	return phases
}
