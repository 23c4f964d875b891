package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
)

// TestCompareFlags: a flag in force that no attribute has compares nothing, which nobody means.
func TestCompareFlags(t *testing.T) {
	files := raddb.Open(write(t, map[string]string{
		FileName:     "[duplicates]\ncompare-auth = 1\ncompare-acct = 2\n",
		"clients":    "10.0.0.1 0123456789abcdef0123 nas compare-auth-flag=1 compare-acct-flag=0 compare-attribute-flag=9\n",
		"dictionary": "PROPERTY User-Name +1\n",
		"users":      "",
	}))
	_, errs := ReadTree(files, Options{Resolver: nobody{}})
	want := "clients:1:1: warning: compare-attribute-flag is 9, and no attribute has this flag: a line PROPERTY User-Name +9 in the dictionary sets it\n" +
		"config.toml:3:1: warning: duplicates.compare-acct is 2, and no attribute has this flag: a line PROPERTY User-Name +2 in the dictionary sets it"
	if diff := cmp.Diff(want, errs.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
