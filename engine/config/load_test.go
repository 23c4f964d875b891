package config

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/users"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// write makes a tree of files that others cannot read.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// load reads text as config.toml.
func load(t testing.TB, text string) (*Config, raddb.List) {
	t.Helper()
	var errs raddb.List
	c := Load(raddb.Open(write(t, map[string]string{FileName: text})), &errs)
	errs.Sort()
	return c, errs
}

// settings gives all keys with their values, one a line.
func settings(c *Config) string {
	var b strings.Builder
	for f := range c.leaves() {
		fmt.Fprintf(&b, "%s = %s\n", f.key, literal(f.value))
	}
	return b.String()
}

func TestEmpty(t *testing.T) {
	c, errs := load(t, "")
	if errs != nil {
		t.Fatal(errs)
	}
	if d := cmp.Diff(settings(Default()), settings(c)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestNoFile(t *testing.T) {
	var errs raddb.List
	tree := raddb.Open(t.TempDir())
	c := Load(tree, &errs)
	if errs != nil || settings(c) != settings(Default()) {
		t.Errorf("errors %v", errs)
	}
	if in := tree.Inputs(); len(in) != 1 || in[0].Path != tree.Path(FileName) {
		t.Errorf("the missing file is no input: %v", in)
	}
}

func TestEveryKind(t *testing.T) {
	c, errs := load(t, `
listen.auth = [":1812", "192.0.2.1:0"]
[server]
timezone = "UTC"
reject-delay = 0.5
access-deadline = 3
recv-buffer = 65536
duplicate-cache = "1 GiB"
any-code = true
max-inflight = 7
[clients]
limit-proxy-state = "no"
[users]
dialect = "gnu"
[acct]
journal = "/srv/acct"
[reload]
poll = "45m"
[admin]
operators = ["ann", "bob"]
`)
	if errs != nil {
		t.Fatal(errs)
	}
	s := c.Server
	got := fmt.Sprintln(c.Listen.Auth, s.Timezone, s.RejectDelay, s.AccessDeadline, s.RecvBuffer, s.DuplicateCache, s.AnyCode, s.MaxInflight,
		c.Clients.Limit, dialectText(c.Users.Dialect), c.Acct.Journal, c.Reload.Poll, c.Admin.Operators)
	want := "[[::]:1812 192.0.2.1:0] UTC 500ms 3s 64KiB 1GiB true 7 no gnu /srv/acct 45m0s [ann bob]\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if c.Place("server.any-code") != (raddb.Pos{File: FileName, Line: 9, Col: 1}) || c.Place("log.level").Line != 0 {
		t.Errorf("places: %v", c.places)
	}
}

// TestBad reads each testdata/bad/*.toml and compares the errors with the golden file beside it.
func TestBad(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.toml")
	if len(files) == 0 {
		t.Fatal("no testdata")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, errs := load(t, string(text))
			golden(t, strings.TrimSuffix(file, ".toml")+".golden", errs.Error()+"\n")
		})
	}
}

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
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got)\n%s", name, d)
	}
}

// TestTags holds the struct itself to its rules: every number has bounds that hold its default.
func TestTags(t *testing.T) {
	for f := range Default().leaves() {
		if f.tag.Get("doc") == "" {
			t.Errorf("%s has no doc", f.key)
		}
		s := slot{value: f.value, tag: f.tag}
		if expected := s.outOfBounds(f.value.Interface()); expected != "" {
			t.Errorf("%s = %s is out of bounds: %s", f.key, literal(f.value), expected)
		}
		switch f.value.Interface().(type) {
		case int, Size, time.Duration:
			if f.tag.Get("min") == "" || f.tag.Get("max") == "" {
				t.Errorf("%s has no bounds", f.key)
			}
		case nas.Mode, users.Dialect:
			if f.tag.Get("one") == "" {
				t.Errorf("%s has no list of words", f.key)
			}
		case string, bool, []string, Database, netip.Addr, []netip.AddrPort, *time.Location:
		default:
			t.Errorf("%s has type %v, which is not read", f.key, f.value.Type())
		}
	}
}

// TestDefaultFile reads the tree that is delivered: as it is, and with every comment sign before a setting
// taken away, which must give the defaults and name every key.
func TestDefaultFile(t *testing.T) {
	text, err := os.ReadFile("../../raddb/config.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, errs := load(t, string(text))
	if errs != nil {
		t.Fatal(errs)
	}
	if c.Policy.Scripts != "../scripts" || c.State.Dir != "../state" {
		t.Errorf("scripts = %q, state %q", c.Policy.Scripts, c.State.Dir)
	}
	all := strings.NewReplacer("\nscripts = \"../scripts\"\n", "\n", "\ndir = \"../state\"\n", "\n").Replace(string(text))
	all = regexp.MustCompile(`(?m)^#([a-z-]+ = |\[)`).ReplaceAllString(all, "$1")
	c, errs = load(t, all)
	if errs != nil {
		t.Fatal(errs)
	}
	if d := cmp.Diff(settings(Default()), settings(c)); d != "" {
		t.Errorf("not the defaults (-want +got)\n%s", d)
	}
	for f := range Default().leaves() {
		if _, ok := c.places[f.key]; !ok {
			t.Errorf("%s is not in the file", f.key)
		}
	}
}

// TestSalvage: a file that is no TOML is one error, and the rest of its settings are known all the same.
func TestSalvage(t *testing.T) {
	c, errs := load(t, "[state]\ndir = \"/srv\"\n[users]\nfile = users\ndeny == 3\n[listen\n[admin]\nsocket = \"/run/s\"\nbatsh = 1\n")
	if len(errs) != 1 || errs[0].Line != 4 || c.State.Dir != "/srv" || c.Admin.Socket != "/run/s" || c.Users.File != "users" {
		t.Errorf("errors %v, state %q, socket %q", errs, c.State.Dir, c.Admin.Socket)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", "[listen]\nauth = [\":1812\"]", "a = 1", "[policy]\napi = 1", "policy = {api = 1}",
		"server.reject-delay = 1e300", "listen = 1", "[[listen]]", "[listen.auth]\nx=1", "policy = 3", "policy.tests.x = 1", "admin.operators = [[1]]", "[users]\nfile=1979-05-27"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, errs := load(t, text)
		for _, e := range errs {
			if e.File != FileName || e.Msg == "" {
				t.Errorf("an error without a place: %v", e)
			}
		}
		if !errs.Failed() && len(c.Listen.Auth)+len(c.Listen.Acct)+len(c.Listen.CoA) == 0 {
			t.Error("nothing is listened on, and nobody said so")
		}
	})
}

// TestShortDuplicateKeep: below what RFC 5080 wants is possible, and said.
func TestShortDuplicateKeep(t *testing.T) {
	_, errs := load(t, "[server]\nduplicate-keep = \"1s\"\n")
	want := "config.toml:2:1: warning: server.duplicate-keep is 1s; RFC 5080 s2.2.2 wants 5s to 30s: what a NAS repeats later than that is worked on anew"
	if errs.Failed() || errs.Error() != want {
		t.Errorf("got %v", errs)
	}
}
