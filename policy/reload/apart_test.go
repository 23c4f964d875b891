package reload

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
)

// TestWarningsAreNoErrors: what a refused tree is warned of is not counted among its errors.
func TestWarningsAreNoErrors(t *testing.T) {
	var l raddb.List
	l.Warnf(raddb.Pos{File: "clients", Line: 1}, "short")
	l.Errorf(raddb.Pos{File: "users", Line: 2}, "broken")
	errs, warnings := apart(l)
	if d := cmp.Diff([]string{"users:2: broken"}, errs); d != "" {
		t.Errorf("errors (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"clients:1: warning: short"}, warnings); d != "" {
		t.Errorf("warnings (-want +got)\n%s", d)
	}
}
