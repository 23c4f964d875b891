package policy

import (
	"strings"
	"testing"
)

// TestNoteKeepsToItself: a script cannot write a field that the log line has of its own.
func TestNoteKeepsToItself(t *testing.T) {
	for _, key := range []string{"verdict", "user", "took"} {
		h := load(t, `on("hints", function(req) req:note("`+key+`", "fake") end)`)
		r := h.access("User-Name", "bob")
		h.pr.newRunner().Run(0, r)
		if len(r.Notes) > 0 || !strings.Contains(h.log.String(), "is a field of the line already") {
			t.Errorf("%s: notes %v, log %s", key, r.Notes, h.log.String())
		}
	}
}
