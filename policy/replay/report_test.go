package replay

import (
	"strings"
	"testing"
)

// TestReportOrdersNoTerminal: a record is a file that somebody else may have written.
func TestReportOrdersNoTerminal(t *testing.T) {
	const evil = "\x1b]0;owned\a\u009b31m\u202e\r"
	r := Report{Requests: 1, Changed: 1, Changes: []Group{{Cause: evil, Count: 1, Examples: []Example{{
		Where: evil, Client: evil, Request: []string{evil}, Diff: []string{evil},
		Before: Result{Verdict: evil, Reason: evil}, After: Result{Verdict: evil, Hooks: []string{evil}},
	}}}}}
	var b strings.Builder
	r.Write(&b)
	if strings.ContainsAny(b.String(), "\x1b\a\u009b\u202e\r") || !strings.Contains(b.String(), `client=\x1b]0;owned\x07\x9b31m\x202e\x0d`) {
		t.Errorf("%q", b.String())
	}
}
