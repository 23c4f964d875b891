package users

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
)

// TestPrograms: commands are kept as they stand, in both dialects, and judged at load.
func TestPrograms(t *testing.T) {
	d := loadDictionary(t)
	for _, c := range []struct {
		text string
		want string // name and command of each pair of the reply
		errs string
	}{
		{"bob Auth-Type = Accept\n\tExec-Program-Wait = \"/bin/check '%u' %C{Calling-Station-Id}\", Exec-Program = \"/bin/a\"\n",
			"Exec-Program-Wait=/bin/check '%u' %C{Calling-Station-Id};Exec-Program=/bin/a;", ""},
		{"bob Auth-Type = Accept\n\tAuth-Failure-Trigger = \"/bin/t\\tx\"\n", "Auth-Failure-Trigger=/bin/t\tx;", ""},
		{"bob Auth-Type := Accept\n\tExec-Program-Wait = \"|filter\", Exec-Program-Wait += '/bin/b'\n", "Exec-Program-Wait=|filter;Exec-Program-Wait=/bin/b;", ""},
		{"bob Auth-Type := Accept\n\tExec-Program-Wait := \"/bin/check %{User-Name}\"\n", "",
			"users:2:23: found %{...} in Exec-Program-Wait; expected the macros of GNU Radius, like %u or %C{Calling-Station-Id}"},
		{"bob Auth-Type := Accept\n\tExec-Program-Wait = `/bin/check`\n", "",
			"users:2:22: found back-quotes; programs are not started: write a computed value \"=expression\" instead"},
		{"bob Auth-Type = Accept\n\tExec-Program-Wait = \"bad\"\n", "", "users:2:22: Exec-Program-Wait: wrong"},
		{"bob Exec-Program-Wait = \"/bin/x\"\n\tNULL\n", "", "users:1:5: Exec-Program-Wait is not allowed in the check list of a users file by its flags in the dictionary"},
		{"$DIALECT freeradius\nbob Exec-Program-Wait := \"/bin/x\"\n", "", "users:2:5: Exec-Program-Wait orders a program; it stands in the reply list"},
		{"bob Auth-Type = Accept\n\tAcct-Ext-Program = \"/bin/x\"\n", "", "users:2:2: Acct-Ext-Program is not allowed in the reply list of a users file by its flags in the dictionary"},
		{"bob Auth-Type = Accept\n\tExec-Program = \"/" + strings.Repeat("x", 70_000) + "\"\n", "", "users:2:17: the value of Exec-Program has 70001 octets; expected at most 4095"},
	} {
		judge := func(a *dictionary.Attribute, command []byte) error {
			if string(command) == "bad" {
				return errors.New("wrong")
			}
			return nil
		}
		table, errs := loadText(t, d, c.text, Options{Program: judge})
		if diff := cmp.Diff(c.errs, errs.Error()); diff != "" {
			t.Errorf("%.200q: errors (-want +got)\n%s", c.text, diff)
		}
		if errs.Failed() {
			continue
		}
		var control, reply dictionary.List
		table.Match(&Query{Name: []byte("bob"), Request: &dictionary.List{}, Control: &control, Reply: &reply})
		got := ""
		for _, p := range reply.Pairs {
			got += p.Attr.Name + "=" + string(p.Value) + ";"
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
