package freeradius

import (
	"testing"

	"perilune/policy/convert/output"
)

// TestRealmCases tests that no test is written for a realm behind a name that another instance has taken for one
// without a realm.
func TestRealmCases(t *testing.T) {
	for _, tt := range []struct {
		name, modules, proxy string
		want                 bool
	}{
		{"suffix alone", "suffix\n", "realm a.example {\n}\nrealm NULL {\n}\n", true},
		{"ntdomain before it", "ntdomain\nsuffix\n", "realm a.example {\n}\n", true},
		{"ntdomain takes all", "ntdomain\nsuffix\n", "realm a.example {\n}\nrealm NULL {\n}\n", false},
		{"none in use", "files\n", "realm a.example {\n}\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeSite(t, dir, map[string]string{
				"radiusd.conf": "authorize {\n" + tt.modules + "}\n$INCLUDE proxy.conf\n", "proxy.conf": tt.proxy, "users": "",
			})
			var out output.Tree
			var report output.Report
			if err := Convert(Options{Root: dir}, &out, &report); err != nil {
				t.Fatal(err)
			}
			if got := out.Has("scripts/30-realms_test.lua"); got != tt.want {
				t.Errorf("tests of realms written: %t, want %t", got, tt.want)
			}
		})
	}
}
