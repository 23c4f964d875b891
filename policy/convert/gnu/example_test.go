package gnu

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestExampleTree holds the conversion of the example's tree: the report, the settings, and all files but the
// shipped ones.
func TestExampleTree(t *testing.T) {
	out, report := convert(t, nil, Options{Root: "../../../examples/gnu-radius/raddb"})
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n-- settings --\n%s", report, settingsOf(out))
	for _, name := range out.Names() {
		if ownFile(name) {
			fmt.Fprintf(&b, "\n-- %s --\n%s", name, out.File(name))
		}
	}
	const want = "testdata/example.golden"
	if *update {
		if err := os.WriteFile(want, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what came out; if it is right, run go test -update", string(text), b.String())
}

// ownFile reports whether a file is not a copy of a shipped one.
func ownFile(name string) bool {
	rest, inDictionary := strings.CutPrefix(name, "raddb/dictionary")
	return name != "raddb/config.toml" && (!inDictionary || strings.HasPrefix(rest, ".d/site"))
}
