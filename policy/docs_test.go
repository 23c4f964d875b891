package policy

import (
	"strings"
	"testing"

	"perilune/policy/module"
)

// TestDocs: every name of the API has a signature and a sentence, and stands in the reference once.
func TestDocs(t *testing.T) {
	var b strings.Builder
	if err := WriteDocs(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(b.String(), `\|`, "|")
	for _, e := range API() {
		if e.Signature == "" || e.Doc == "" || !strings.HasSuffix(e.Doc, ".") && !strings.HasSuffix(e.Doc, "…") {
			t.Errorf("%q has no signature or sentence", e.Name)
		}
		if n := strings.Count(text, "| `"+e.Signature+"` |"); n != 1 {
			t.Errorf("%s stands in the reference %d times", e.Signature, n)
		}
	}
	for _, f := range module.Functions() {
		if !strings.Contains(text, f.Signature) {
			t.Errorf("%s is missing", f.Signature)
		}
	}
}
