package config

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"perilune/engine/raddb"

	"github.com/google/go-cmp/cmp"
)

// nobody resolves no name.
type nobody struct{}

func (nobody) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("no such host")
}

// TestDefaultTree reads the tree that is delivered: it must have nothing to warn about.
func TestDefaultTree(t *testing.T) {
	tree, errs := ReadTree(raddb.Open("../../raddb"), Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	if c := tree.Clients.Lookup(netip.MustParseAddr("127.0.0.1")); c == nil || c.Name != "localhost" {
		t.Errorf("127.0.0.1 is %v", c)
	}
	if tree.Dictionary.Attribute("User-Name") == nil || len(tree.Deny) != 0 || tree.Realms.Len() != 0 {
		t.Errorf("dictionary, deny or realms: %v %v", tree.Deny, tree.Realms.All())
	}
}

func TestReadTree(t *testing.T) {
	files := raddb.Open(write(t, map[string]string{
		FileName:       "[clients]\nfile = \"who\"\n",
		"who":          "10.0.0.1 0123456789abcdef0123 nas\n192.0.2.9 a-secret-of-the-home-server home\n",
		"dictionary":   "ATTRIBUTE Acme-Mark 230 string\n",
		"realms":       "example.net 192.0.2.9\nlost.example lost\n",
		"access.deny":  "mallory\n\"old account\" # gone\n$INCLUDE more.deny\n",
		"more.deny":    "trent",
		"secrets/none": "",
	}))
	yields := 0
	tree, errs := ReadTree(files, Options{Yield: func() { yields++ }, Resolver: nobody{}})
	want := "realms:2:1: warning: realm lost.example has no home server that can be asked\n" +
		"realms:2:14: warning: home server lost does not resolve (no such host); last known addresses: []"
	if d := cmp.Diff(want, errs.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if tree.Dictionary.Attribute("acme-mark") == nil || tree.Clients.Len() != 2 {
		t.Error("dictionary or clients")
	}
	if r := tree.Realms.Lookup("example.net"); r == nil || r.Servers[0].Secret != tree.Clients.Named("home").Secret {
		t.Errorf("realm: %v", r)
	}
	if d := cmp.Diff(map[string]struct{}{"mallory": {}, "old account": {}, "trent": {}}, tree.Deny); d != "" {
		t.Errorf("deny (-want +got)\n%s", d)
	}
	var inputs []string
	for _, in := range files.Inputs() {
		inputs = append(inputs, strings.TrimPrefix(in.Path, files.Root+string(filepath.Separator)))
	}
	if d := cmp.Diff([]string{"access.deny", FileName, "dictionary", "more.deny", "realms", "who", "[address of lost]"}, inputs); d != "" {
		t.Errorf("inputs (-want +got)\n%s", d)
	}
}

// TestReadAllErrors: one pass tells what is wrong in every file.
func TestReadAllErrors(t *testing.T) {
	tree, errs := ReadTree(raddb.Open(write(t, map[string]string{
		FileName:      "[server]\nbatsh = 1\n",
		"clients":     "10.0.0.1\n",
		"realms":      "a.net\n",
		"access.deny": "two words\n\"\"\n",
	})), Options{})
	want := `access.deny:1:5: a second word on the line; expected one name, in quotes if it has spaces
access.deny:2:1: the name is empty
clients:1:1: client "10.0.0.1" has no secret; expected: prefix secret [name] [options]
config.toml:2:1: unknown key "batsh" in [server]; did you mean "batch"?
realms:1:1: realm "a.net" has no servers; expected: realm server[:auth[:acct]],... or LOCAL, then flags`
	var got []string
	for _, e := range errs {
		if e.File != "dictionary" { // its text is its package's
			got = append(got, e.Error())
		}
	}
	if d := cmp.Diff(want, strings.Join(got, "\n")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(got) == len(errs) {
		t.Error("the missing dictionary is no error")
	}
	if tree.Config == nil || tree.Clients == nil || tree.Realms == nil || tree.Deny == nil || tree.Dictionary == nil {
		t.Errorf("parts are missing: %+v", tree)
	}
}

func TestMissingOptionalFiles(t *testing.T) {
	files := raddb.Open(write(t, map[string]string{"clients": "", "dictionary": ""}))
	tree, errs := ReadTree(files, Options{})
	if errs.Failed() || tree.Realms.Lookup("example.net") != nil {
		t.Errorf("errors %v", errs)
	}
	absent := 0
	for _, in := range files.Inputs() {
		if in.Sum == [32]byte{} {
			absent++
		}
	}
	if absent != 3 {
		t.Errorf("%d of config.toml, realms and access.deny are remembered as missing", absent)
	}
}

func FuzzLoadDeny(f *testing.F) {
	for _, seed := range []string{"", "a\nb", "\"a b\"", "a b", "$INCLUDE deny"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var errs raddb.List
		for name := range LoadDeny(raddb.Open(write(t, map[string]string{"deny": text})), "deny", &errs) {
			if name == "" {
				t.Error("the empty name is denied")
			}
		}
	})
}
