package reload

import (
	"log/slog"
	"strings"
	"testing"

	"perilune/engine/server"
	"perilune/policy/policytest"
)

const redisTable = "[backend.kv.t]\naddress = \"127.0.0.1:1\"\n"

// TestTablesAtLoad: what is wrong with a table is told with its place.
func TestTablesAtLoad(t *testing.T) {
	for _, c := range []struct{ name, config, script, want string }{
		{"fine", redisTable, `kv.open("t")`, ""},
		{"unopened", redisTable, `kv.open("tt")`, `config.toml:13:13: warning: no script opens the table [backend.kv.t]; did you mean "tt"?`},
		{"address", "[backend.kv.t]\naddress = \"redis\"\n", `kv.open("t")`, `config.toml:14:1: backend.kv.t.address = "redis"; expected HOST:PORT, or the path of a socket`},
		{"no address", "[backend.kv.t]\ntls = true\n", `kv.open("t")`, `config.toml:14:1: backend.kv.t.tls is set, but not address`},
		{"no tls", redisTable + "ca = \"users\"\n", `kv.open("t")`, `config.toml:15:1: backend.kv.t.ca is set, but not tls`},
		{"no key", redisTable + "tls = true\ncert = \"users\"\n", `kv.open("t")`, `config.toml:16:1: backend.kv.t.cert is set, but not key`},
		{"no file", redisTable + "tls = true\nca = \"gone\"\n", `kv.open("t")`, `a.lua:1: kv.open("t"): ca: open `},
		{"options", "", `kv.open("t", {max=1}) kv.open("t", {max=2})`, `a.lua:1: kv.open("t"): opened elsewhere with max=1, persist=false; expected the same options, or none, everywhere`},
		{"window", "", `window.open("w", {span="1m"}) window.open("w") window.open("w", {span=60})`, ""},
		{"windows", "", `window.open("w", {span="1m"}) window.open("w", {span="2m"})`, `a.lua:1: window.open("w"): opened elsewhere with span=1m0s, buckets=15, distinct=false; expected the same options, or none, everywhere`},
		{"span", "", `window.open("w", {span="1ms"})`, `a.lua:1: window.open("w"): span: 1ms in 15 buckets; expected at least 1ms for each`},
		{"name", "", `kv.open("a/b")`, `a.lua:1: kv.open("a/b"): the name "a/b"; expected letters, digits and -_. alone, 64 at most`},
		{"fleet", "kv = \"t\"\n" + redisTable, ``, ""},
		{"unknown fleet", "kv = \"tt\"\n" + redisTable, `kv.open("t")`, `config.toml:6:1: state.kv = "tt": config.toml has no [backend.kv.tt]; did you mean "t"?`},
		{"fleet in memory", "kv = \"t\"\n[backend.kv.t]\n", `kv.open("t")`, `config.toml:6:1: state.kv = "t": [backend.kv.t] has no address; expected that of a Redis or Valkey, which the servers share`},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := siteConfig + c.config
			if fleet, rest, ok := strings.Cut(c.config, "\n"); ok && strings.HasPrefix(fleet, "kv = ") {
				config = strings.Replace(siteConfig, "[state]", "[state]\n"+fleet, 1) + rest
			}
			s := newSite(t, map[string]string{"raddb/config.toml": config, "scripts/a.lua": c.script})
			built, errs := Build(Options{Root: s.path("raddb"), Log: slog.New(slog.DiscardHandler), Busy: new(server.Busy)})
			defer built.Discard()
			if got := errs.Error(); c.want == "" && len(errs) > 0 || len(errs) == 0 && c.want != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestTablesInTests: a case has tables of its own, also of those that are in a Redis, and waits where the server does.
func TestTablesInTests(t *testing.T) {
	s := newSite(t, map[string]string{
		"raddb/config.toml": siteConfig + redisTable,
		"raddb/users":       "$DIALECT freeradius\nbob Cleartext-Password := \"x\"\n\tReply-Message = \"=count(req)\"\n",
		"scripts/a.lua": `
			local there, here = kv.open("t"), kv.open("h")
			rewrite("count", function(req) return "n = " .. here:incr("n") end)
			on("reply", {when={user="bob"}}, function(req) req.reply["Class"] = tostring(there:incr("n")) end)
			on("authorize", {when={user="remote"}}, function(req) return accept{} end)`,
		"scripts/a_test.lua": `
			test.each("fresh", {1, 2}, function()
				for i = 1, 3 do
					expect(send{user="bob", password="x"}):accept():has("Class", tostring(i)):message("n = " .. i)
				end
			end)`,
	})
	run := func() []policytest.Failure {
		c, errs := Build(Options{Root: s.path("raddb")})
		if c == nil {
			t.Fatal(errs)
		}
		defer c.Discard()
		return c.RunTests(policytest.Options{}).Failures
	}
	if failures := run(); len(failures) > 0 {
		t.Error(failures[0].Text())
	}
	s.write("raddb/config.toml", siteConfig+strings.Replace(redisTable, ".t]", ".h]", 1))
	if failures := run(); len(failures) != 2 || !strings.Contains(failures[0].Text(), "kv: nothing waits in an `=` value") {
		t.Errorf("a table in a Redis, asked for an `=` value: %v", failures)
	}
}
