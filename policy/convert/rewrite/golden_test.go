package rewrite

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/policy/convert/output"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden translates each testdata/*.rw. Errors and notes stand at the end of the expected Lua.
func TestGolden(t *testing.T) {
	sources, err := filepath.Glob("testdata/*.rw")
	if err != nil || len(sources) == 0 {
		t.Fatal(err, sources)
	}
	for _, name := range sources {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(name, ".rw")+".lua", translated(filepath.Base(name), string(text)))
		})
	}
}

// golden compares with the file, or writes it.
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
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// translated gives the Lua of a source, and below it what was said.
func translated(file, text string) string {
	p, errs := parse(file, text)
	for line := range strings.Lines(text) { // those that a rule names by Rewrite-Function
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "// Rewrite-Function = "); ok {
			p.register(name)
		}
	}
	var report output.Report
	var tree output.Tree
	p.Write(&tree, &report)
	var b strings.Builder
	if tree.Has(mainScript) {
		b.Write(tree.File(mainScript).Bytes())
	}
	for _, e := range errs {
		b.WriteString("\n--! " + e.Error())
	}
	for _, n := range report.Notes() {
		if n.Kind != output.Done {
			b.WriteString("\n--? " + n.Kind.String() + ": " + n.At.String() + ": " + n.Text)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
