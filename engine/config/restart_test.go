package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRestartOnly(t *testing.T) {
	before, _ := load(t, "[server]\nloops = 2\n[log]\nlevel = \"info\"\n")
	after, _ := load(t, "[listen]\nauth = [\":1812\"]\n[server]\nreject-delay = \"2s\"\n[log]\nlevel = \"debug\"\n[state]\n dir = \"/srv\"\n")
	got := RestartOnly(before, after)
	want := `config.toml:2:1: listen.auth changed from ["127.0.0.1:1812", "[::1]:1812"] to ["[::]:1812"]: that needs a restart of the server
config.toml: server.loops changed from 2 to 1: that needs a restart of the server
config.toml:8:2: state.dir changed from "" to "/srv": that needs a restart of the server`
	if d := cmp.Diff(want, got.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if same := RestartOnly(after, after); same != nil {
		t.Errorf("no change: %v", same)
	}
}

// TestReference keeps docs/configuration.md in step with the struct; -update writes its tables anew.
func TestReference(t *testing.T) {
	const name, mark = "../../docs/configuration.md", "<!-- The tables are made by go test ./engine/config -update. -->\n\n"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	intro, _, ok := strings.Cut(string(page), mark)
	if !ok {
		t.Fatalf("%s has no line %q", name, mark)
	}
	golden(t, name, intro+mark+Reference())
}

func TestStateDir(t *testing.T) {
	env := func(pairs map[string]string) func(string) string {
		return func(k string) string { return pairs[k] }
	}
	set := Default()
	set.State.Dir = "/srv/state/"
	for _, c := range []struct {
		config *Config
		env    map[string]string
		uid    int
		want   string
	}{
		{set, map[string]string{"STATE_DIRECTORY": "/x"}, 0, "/srv/state"},
		{Default(), map[string]string{"STATE_DIRECTORY": "/x"}, 0, "/x"},
		{Default(), nil, 0, "/var/lib/perilune"},
		{Default(), map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, 7, "/s/perilune"},
		{Default(), map[string]string{"HOME": "/h"}, 7, "/h/.local/state/perilune"},
	} {
		if got := c.config.StateDir(env(c.env), c.uid); got != c.want {
			t.Errorf("StateDir = %q, want %q", got, c.want)
		}
	}
}

func TestDurationsAndSizes(t *testing.T) {
	for _, text := range []string{"0s", "150ms", "1s", "5m", "1h", "1d", "365d", "1h30m"} {
		d, ok := ParseDuration(text)
		if !ok || durationText(d) != text {
			t.Errorf("%s: %v %t, text %s", text, d, ok, durationText(d))
		}
	}
	for _, text := range []string{"0", "1000", "4KiB", "16MiB", "2GiB"} {
		n, ok := ParseSize(text)
		if !ok || n.String() != text {
			t.Errorf("%s: %d %t", text, n, ok)
		}
	}
	for _, text := range []string{"", "d", "-1s", "5", "1x", "xd1s", "1d-2h"} {
		if d, ok := ParseDuration(text); ok {
			t.Errorf("duration %q is %v", text, d)
		}
		if n, ok := ParseSize(text + "B"); ok {
			t.Errorf("size %q is %v", text, n)
		}
	}
}
