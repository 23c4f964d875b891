package reload

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"perilune/engine/server"

	"github.com/google/go-cmp/cmp"
)

// TestAllErrors: one attempt tells what is wrong in every file, each with its place.
func TestAllErrors(t *testing.T) {
	s := newSite(t, nil).start()
	s.append("raddb/config.toml", "[server]\nbatsh = 1\n")
	s.append("raddb/dictionary", "ATTRIBUTE Acme-Mark x string\n")
	s.append("raddb/users", "eve Cleartext-Pasword := \"x\"\n")
	s.append("raddb/clients", "10.0.0.1\n")
	s.write("raddb/access.deny", "two words\n")
	s.write("raddb/realms", "a.net\n")
	s.write("scripts/hello.lua", "on(\"hints\", function(req)\n  req[\"User-Nam\"] = \"x\"\nend)\n")
	s.write("scripts/other.lua", "on(\n")
	all := s.refused(`config.toml:14:1: unknown key "batsh" in [server]; did you mean "batch"?`, "dictionary:", "users:3:", "clients:2:1: ", "access.deny:1:5", "realms:1:1",
		"hello.lua:2", "other.lua:")
	if n := len(s.r.Status().Last.Errors); n < 8 {
		t.Errorf("%d errors:\n%s", n, all)
	}
}

// TestUnchanged: the same content is no new generation, unless it is forced.
func TestUnchanged(t *testing.T) {
	s := newSite(t, nil).start()
	s.write("raddb/users", siteFiles["raddb/users"])
	s.write("scripts/README", "not read by anybody")
	if report := s.good(); !report.Unchanged || report.To != 1 || len(s.placed) != 1 {
		t.Errorf("report %+v", report)
	}
	if report := s.r.Reload("test", true); !report.OK || report.Unchanged || report.To != 2 {
		t.Errorf("forced: %+v", report)
	}
	want := Attempts{OK: 2, Unchanged: 1}
	if d := cmp.Diff(want, s.r.Status().Reloads); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestReport: a success says what has changed.
func TestReport(t *testing.T) {
	s := newSite(t, map[string]string{"scripts/a_test.lua": "test.case(\"one\", function() end)\ntest.case(\"two\", function() end)\n"}).start()
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	s.append("raddb/clients", "10.0.0.0/8 b-secret-of-enough-octets there\n")
	s.append("raddb/dictionary", "ATTRIBUTE Acme-Mark 3000 string\n")
	s.remove("scripts/hello.lua")
	s.write("scripts/more.lua", "huntgroup(\"a\", function(req) return true end)\nhuntgroup(\"b\", function(req) return true end)\n")
	old := s.last()
	attributes := len(old.Dictionary.Attributes())
	report := s.good()
	want := []string{
		"added scripts/more.lua", "changed raddb/clients", "changed raddb/dictionary", "changed raddb/users", "removed scripts/hello.lua",
		"clients 1→2", "users 1→2", fmt.Sprintf("attributes %d→%d", attributes, attributes+1), "hooks +2 -1",
	}
	if d := cmp.Diff(want, report.Changes); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if report.From != 1 || report.To != 2 || report.Tests != 2 || report.Took <= 0 || len(report.Hash) != 64 || report.Hash == old.Hash || report.Trigger != "test" {
		t.Errorf("report %+v", report)
	}
	if n := s.log.count("policy reload ok"); n != 2 {
		t.Errorf("%d lines in the log", n)
	}
}

// TestTestsGate: [policy] tests decides what a failing test does.
func TestTestsGate(t *testing.T) {
	const failing = "test.case(\"never\", function() test.equal(1, 2) end)\ntest.case(\"fine\", function() end)\n"
	mode := func(m string) string { return strings.Replace(siteConfig, "api = 1", "api = 1\ntests = \""+m+"\"", 1) }
	s := newSite(t, nil).start()
	s.write("scripts/hello_test.lua", failing)
	s.refused("hello_test.lua:1: test \"never\": not equal")
	s.write("raddb/config.toml", mode("warn"))
	if report := s.good(); len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], "hello_test.lua:1: warning: test \"never\"") || report.Tests != 1 {
		t.Errorf("warn: %+v", report)
	}
	s.write("raddb/config.toml", mode("off"))
	if report := s.good(); len(report.Warnings) != 0 || report.Tests != 0 {
		t.Errorf("off: %+v", report)
	}
	s.write("scripts/hello_test.lua", "test.case(")
	s.good()
	s.write("raddb/config.toml", mode("require"))
	s.refused("hello_test.lua:1")
}

// TestTestsTimeout: tests without end are a refusal, not a server that never reloads again.
func TestTestsTimeout(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil).start()
	s.append("raddb/config.toml", "[policy.none]\n")
	s.write("raddb/config.toml", strings.Replace(siteConfig, "[http]", "tests-timeout = \"1s\"\n[http]", 1))
	loop := "test.each(\"loop\", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, function() local s = (\"x\"):rep(100000) for i = 1, 1e9 do s:find(\"y\") end end)\n"
	s.write("scripts/hello_test.lua", loop)
	s.refused("hello_test.lua:1")
	if took := s.r.Status().Last.Took; took.Seconds() > 8 {
		t.Errorf("it took %v", took)
	}
}

// TestLoadHandler: one that raises refuses the generation, and the state on disk is what was.
func TestLoadHandler(t *testing.T) {
	s := newSite(t, nil).start()
	s.write("scripts/boot.lua", "on(\"load\", function()\n  error(\"no backend\")\nend)\n")
	s.refused("boot.lua:2", "no backend")
	if list := s.r.Generations(); len(list) != 1 || list[0].Number != 1 {
		t.Errorf("kept: %+v", list)
	}
	s.remove("scripts/boot.lua")
	s.good()
}

// TestLoadHandlerLast: load handlers run only in a generation that nothing else is wrong with, once.
func TestLoadHandlerLast(t *testing.T) {
	s := newSite(t, map[string]string{"scripts/boot.lua": "on(\"load\", function() log.info(\"loading\") end)\n"}).start()
	if s.log.count("loading") != 1 {
		t.Fatalf("at the start:\n%s", s.log)
	}
	s.append("raddb/config.toml", "[server]\nbatch = 3\n")
	s.refused("server.batch changed from 64 to 3: that needs a restart")
	s.write("raddb/config.toml", siteConfig)
	if s.good(); s.log.count("loading") != 1 {
		t.Errorf("run for a generation that was not put in place:\n%s", s.log)
	}
}

// TestRestartOnly: what a running server cannot take over is an error with its value before and after, and
// the rest of the tree is not loaded either.
func TestRestartOnly(t *testing.T) {
	s := newSite(t, nil).start()
	s.append("raddb/config.toml", "[listen]\nauth = [\"127.0.0.1:18120\"]\n")
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	s.refused(`listen.auth changed from ["127.0.0.1:1812", "[::1]:1812"] to ["127.0.0.1:18120"]: that needs a restart of the server`)
	s.write("raddb/config.toml", siteConfig)
	s.good()
}

// TestRealms: the realms file reaches the generation.
func TestRealms(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/realms": "one.example 127.0.0.1:1 secret=a-secret-of-enough-octets\n"}).start()
	if line := s.last().Realms.Lookup("one.example"); line == nil || len(line.Servers) != 1 {
		t.Errorf("realm %+v", line)
	}
}

// TestDeny: access.deny reaches the server's settings.
func TestDeny(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/access.deny": "mallory\n"}).start()
	if _, denied := s.last().Settings.Deny["mallory"]; !denied || len(s.last().Settings.Deny) != 1 {
		t.Errorf("deny %v", s.last().Settings.Deny)
	}
}

// TestDenyIgnoresCase: with ignore-case access.deny holds in any case too.
func TestDenyIgnoresCase(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/access.deny": "Mallory\n", "raddb/config.toml": "[users]\nignore-case = true\n"}).start()
	set := s.last().Settings
	if _, denied := set.Deny["mallory"]; !denied || !set.IgnoreCase {
		t.Errorf("deny %v, ignore case %v", set.Deny, set.IgnoreCase)
	}
}

// TestChangedWhileRead: a generation is made of one state of the files, however busy the writer is.
func TestChangedWhileRead(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/clients": named})
	var round atomic.Int32
	o := s.options()
	// Names are looked up when the clients are read and the users not yet: a change of both in that moment
	// would make a mixture.
	o.Resolver = &resolver{addr: "192.0.2.1", look: func(string) {
		if round.Add(1) == 2 {
			s.append("raddb/clients", "10.0.0.0/8 b-secret-of-enough-octets there\n")
			s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
		}
	}}
	s.must(s.tryStart(o))
	s.append("raddb/clients", "# touched\n")
	if report := s.good(); !slices.Contains(report.Changes, "clients 1→2") || !slices.Contains(report.Changes, "users 1→2") || round.Load() < 3 {
		t.Errorf("%d rounds, report %+v", round.Load(), report)
	}
}

// TestChangedForEver: a writer that never ends is told so, and the old generation serves on.
func TestChangedForEver(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/clients": named})
	var restless atomic.Bool
	o := s.options()
	o.Resolver = &resolver{addr: "192.0.2.1", look: func(string) {
		if restless.Load() {
			s.append("raddb/clients", "# more\n")
		}
	}}
	s.must(s.tryStart(o))
	restless.Store(true)
	s.append("raddb/clients", "# touched\n")
	s.refused("the files change faster than they can be read")
	restless.Store(false)
	s.good()
}

// TestConcurrentReloads: one build runs at a time, and everybody gets an answer that is newer than the call.
func TestConcurrentReloads(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/clients": named})
	var running, builds, most atomic.Int32
	o := s.options()
	o.Resolver = &resolver{addr: "192.0.2.1", look: func(string) {
		most.Store(max(most.Load(), running.Add(1)))
		builds.Add(1)
		running.Add(-1)
	}}
	s.must(s.tryStart(o))
	s.r.building.Lock() // as if a build ran
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if report := s.r.Reload("together", true); !report.OK {
				t.Errorf("report %+v", report)
			}
		})
	}
	s.wait("a waiting reload", func() bool { s.r.mu.Lock(); defer s.r.mu.Unlock(); return s.r.queued != nil })
	s.r.building.Unlock()
	all.Wait()
	if most.Load() != 1 || builds.Load() > 21 {
		t.Errorf("%d at once, %d builds", most.Load(), builds.Load())
	}
}

// TestBusy: readers of packets know while a build runs, and afterwards that it is over.
func TestBusy(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/clients": named})
	o := s.options()
	o.Busy = new(server.Busy)
	var during atomic.Int32
	o.Resolver = &resolver{addr: "192.0.2.1", look: func(string) { during.Store(int32(o.Busy.Count())) }}
	s.must(s.tryStart(o))
	s.append("raddb/clients", "# touched\n")
	s.good()
	if during.Load() < 1 || o.Busy.Count() != 0 {
		t.Errorf("%d during, %d after", during.Load(), o.Busy.Count())
	}
}

// TestFailedAttemptIsNotRepeated: what the last attempt read counts, also if it stopped early.
func TestFailedAttemptIsNotRepeated(t *testing.T) {
	s := newSite(t, nil).start()
	s.append("raddb/config.toml", "[users]\nfile = \"nobody\"\n")
	s.append("raddb/users", "# changed at the same time\n")
	s.refused("nobody")
	if _, changed := s.r.changedOnDisk(); changed {
		t.Error("nothing has happened since, and yet the files differ")
	}
	s.append("raddb/users", "# and again\n")
	if _, changed := s.r.changedOnDisk(); !changed {
		t.Error("a file that was read by the attempt before does not count any more")
	}
}

// TestUnreadable: a file that may not be read is an error of its own, and known again when it may.
func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	s := newSite(t, nil).start()
	s.must(os.Chmod(s.path("raddb/users"), 0))
	s.refused("users")
	s.must(os.Chmod(s.path("raddb/users"), 0o600))
	s.good()
}
