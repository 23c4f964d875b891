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
config.toml: server.loops changed from 2 to 0: that needs a restart of the server
config.toml:8:2: state.dir changed from "" to "/srv": that needs a restart of the server`
	if d := cmp.Diff(want, got.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if same := RestartOnly(after, after); same != nil {
		t.Errorf("no change: %v", same)
	}
}

// TestReference keeps docs/configuration.md, where it exists, in step with the struct.
func TestReference(t *testing.T) {
	got := Reference()
	for _, want := range []string{
		"## [listen]\n",
		"| `auth` | `[\"127.0.0.1:1812\", \"[::1]:1812\"]` | Access-Requests and Status-Server | restart |\n",
		"| `tests` | `\"require\"` |",
		"## [pool.http.NAME]\n",
		"| `timeout` | `\"1s\"` | of one request (10ms to 60s) | reload |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the reference lacks %q", want)
		}
	}
	page, err := os.ReadFile("../../docs/configuration.md")
	if err == nil && !strings.Contains(string(page), got) {
		t.Error("docs/configuration.md is stale: put the output of config.Reference there")
	}
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
