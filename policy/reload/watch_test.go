package reload

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWatch makes one change of each kind on a running server and demands that it is loaded, and nothing else.
func TestWatch(t *testing.T) {
	carol := "$DIALECT freeradius\ncarol Cleartext-Password := \"y\"\n"
	for _, c := range []struct {
		name   string
		files  map[string]string
		change func(s *site)
		want   string // among the changes
	}{
		{"in place", nil, func(s *site) { s.write("raddb/users", carol) }, "changed raddb/users"},
		{"renamed into place", nil, func(s *site) {
			s.write("raddb/.users.tmp", carol)
			s.rename("raddb/.users.tmp", "raddb/users")
		}, "changed raddb/users"},
		{"as vim saves", nil, func(s *site) {
			s.write("raddb/4913", "")
			s.remove("raddb/4913")
			s.write("raddb/.users.swp", "b0VIM")
			s.rename("raddb/users", "raddb/users~")
			s.write("raddb/users", carol)
			s.remove("raddb/users~")
			s.remove("raddb/.users.swp")
		}, "changed raddb/users"},
		{"as emacs saves", nil, func(s *site) {
			s.link("me@host.1:2", "scripts/.#hello.lua")
			s.write("scripts/#hello.lua#", "on(")
			s.write("scripts/hello.lua~", "on(")
			s.write("scripts/hello.lua", "local one = 1\n")
			s.remove("scripts/.#hello.lua")
			s.remove("scripts/#hello.lua#")
		}, "changed scripts/hello.lua"},
		{"a new script", nil, func(s *site) { s.write("scripts/new.lua", "local one = 1\n") }, "added scripts/new.lua"},
		{"a script removed", nil, func(s *site) { s.remove("scripts/hello.lua") }, "removed scripts/hello.lua"},
		{"a required file", map[string]string{"scripts/hello.lua": "local old = require(\"lib.old\")\n"},
			func(s *site) { s.write("scripts/lib/old.lua", "return {1}\n") }, "changed scripts/lib/old.lua"},
		{"an included file", map[string]string{"raddb/users": "$INCLUDE users.d/staff\n", "raddb/users.d/staff": carol},
			func(s *site) { s.append("raddb/users.d/staff", "dan Cleartext-Password := \"z\"\n") }, "changed raddb/users.d/staff"},
		{"a secret", map[string]string{"raddb/clients": "127.0.0.1 secret(\"here\") here\n", "raddb/secrets/here": "one-secret-of-many-octets"},
			func(s *site) { s.write("raddb/secrets/here", "another-secret-of-many-octets") }, "changed raddb/secrets/here"},
		{"a secret elsewhere, behind links", map[string]string{"raddb/clients": "127.0.0.1 @link here\n", "far/real": "one-secret-of-many-octets", "far/b": ""},
			func(s *site) {
				s.write("far/next", "another-secret-of-many-octets")
				s.rename("far/next", "far/real")
			}, "changed raddb/link"},
		{"a file that was not there", nil, func(s *site) { s.write("raddb/access.deny", "mallory\n") }, "added raddb/access.deny"},
		{"a directory renamed into place", nil, func(s *site) {
			s.write("next/hello.lua", "local one = 1\n")
			s.rename("scripts", "scripts.old")
			s.rename("next", "scripts")
		}, "changed scripts/hello.lua"},
		{"the settings", nil, func(s *site) { s.append("raddb/config.toml", "[server]\nreject-delay = \"2s\"\n") }, "changed raddb/config.toml"},
		{"the dictionary", nil, func(s *site) { s.append("raddb/dictionary", "ATTRIBUTE Acme-Mark 3000 string\n") }, "attributes 689→690"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, c.files)
			if c.files["far/real"] != "" {
				s.link("../mid", "raddb/link")
				s.link("far/real", "mid")
			}
			s.start().watch()
			c.change(s)
			report := s.waitAttempt(1)
			if !report.OK || report.Trigger != "files changed" {
				t.Fatalf("refused: %v", report.Errors)
			}
			if !slices.Contains(report.Changes, c.want) && !strings.HasPrefix(c.want, "attributes") || report.From != 1 || report.To != 2 {
				t.Errorf("report %+v", report)
			}
		})
	}
}

// TestWatchAfterwards: a change is seen also after the directories in which inputs lie have been replaced.
func TestWatchAfterwards(t *testing.T) {
	s := newSite(t, map[string]string{"scripts/hello.lua": "local old = require(\"lib.old\")\n"}).start().watch()
	s.rename("scripts/lib", "scripts/gone")
	s.write("next/old.lua", "return {1}\n")
	s.rename("next", "scripts/lib")
	s.wait("the new directory", func() bool { return s.r.Status().Generation == 2 && s.r.Status().Degraded == "" })
	s.write("scripts/lib/old.lua", "return {2}\n")
	s.wait("a change in the new directory", func() bool { return s.r.Status().Generation == 3 })
}

// TestWatchMissing: what a script requires and is not there is waited for, its directory too.
func TestWatchMissing(t *testing.T) {
	s := newSite(t, nil).start().watch()
	s.write("scripts/hello.lua", "local more = require(\"more.names\")\n")
	if report := s.waitAttempt(1); report.OK || !strings.Contains(report.Errors[0], "more") {
		t.Fatalf("report %+v", report)
	}
	s.write("scripts/more/names.lua", "return {}\n")
	s.wait("the missing file", func() bool { return s.r.Status().Degraded == "" })
	if g := s.r.Status().Generation; g != 2 {
		t.Errorf("generation %d", g)
	}
}

// TestWatchConfigMap: the files are links into a directory that a link names, as Kubernetes mounts them.
func TestWatchConfigMap(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/users": "", "raddb/..1/users": siteFiles["raddb/users"]})
	s.link("..1", "raddb/..data")
	s.link("..data/users", "raddb/users")
	s.start().watch()
	for n := 2; n < 5; n++ {
		s.write(fmt.Sprintf("raddb/..%d/users", n), fmt.Sprintf("$DIALECT freeradius\nuser%d Cleartext-Password := \"y\"\n", n))
		s.link(fmt.Sprintf("..%d", n), "raddb/..data_tmp")
		s.rename("raddb/..data_tmp", "raddb/..data")
		s.remove(fmt.Sprintf("raddb/..%d", n-1))
		s.wait("a swap", func() bool { return s.r.Status().Generation == uint64(n) })
	}
}

// TestWatchRelease: the whole tree, scripts too, is switched by one link, `current -> releases/N`.
func TestWatchRelease(t *testing.T) {
	s := newSite(t, nil)
	for n := 1; n < 5; n++ {
		to := fmt.Sprintf("releases/%d", n)
		s.must(os.CopyFS(s.path(to+"/raddb"), os.DirFS(s.path("raddb"))))
		s.must(os.CopyFS(s.path(to+"/scripts"), os.DirFS(s.path("scripts"))))
		s.append(to+"/raddb/users", fmt.Sprintf("user%d Cleartext-Password := \"y\"\n", n))
		s.append(to+"/scripts/hello.lua", fmt.Sprintf("local release = %d\n", n))
	}
	s.link("releases/1", "current")
	o := s.options()
	o.Root, o.State = s.path("current/raddb"), s.path("state")
	s.must(s.tryStart(o))
	s.watch()
	for n := 2; n < 5; n++ {
		s.link(fmt.Sprintf("releases/%d", n), "next")
		s.rename("next", "current")
		s.wait("a switch", func() bool { return s.r.Status().Generation == uint64(n) })
		if got := s.r.Status().Last.Changes; len(got) != 2 {
			t.Errorf("changes %q", got)
		}
	}
}

// TestWatchHalfWritten: the first half of a change is refused, the whole is loaded, and nothing is left of it.
func TestWatchHalfWritten(t *testing.T) {
	s := newSite(t, nil).start().watch()
	s.write("raddb/users", "$DIALECT freeradius\nbob Cleartext-Passw")
	if report := s.waitAttempt(1); report.OK || s.r.Status().Degraded == "" {
		t.Fatalf("report %+v", report)
	}
	s.append("raddb/users", "ord := \"y\"\n")
	s.wait("the whole", func() bool { return s.r.Status().Degraded == "" })
	if st := s.r.Status(); st.Generation != 2 || st.Reloads.OK != 2 {
		t.Errorf("status %+v", st)
	}
}

// TestWatchReverted: to take a broken change back is a success, though nothing is swapped.
func TestWatchReverted(t *testing.T) {
	s := newSite(t, nil).start().watch()
	s.write("scripts/hello.lua", "on(")
	s.waitAttempt(1)
	s.write("scripts/hello.lua", siteFiles["scripts/hello.lua"])
	if report := s.waitAttempt(2); !report.OK || !report.Unchanged || s.r.Status().Degraded != "" || len(s.placed) != 1 {
		t.Errorf("report %+v, status %+v", report, s.r.Status())
	}
}

// TestWatchIgnores: scratch files, and saving without a change, make no attempt; the change behind them does.
func TestWatchIgnores(t *testing.T) {
	s := newSite(t, nil).start().watch()
	for _, name := range []string{".#hello.lua", "#hello.lua#", "hello.lua~", ".hello.lua.swp", "hello.lua.tmp", "hello.lua.orig", "hello.lua.rej",
		"hello.lua.bak", "hello.lua.dpkg-new", "hello.lua.dpkg-dist", "hello.lua.rpmnew", "hello.lua.rpmsave", "4913"} {
		s.write("scripts/"+name, "this is no Lua")
		s.write("raddb/"+name, "neither here nor there")
	}
	s.write("raddb/users", siteFiles["raddb/users"])
	s.write("raddb/unrelated", "nobody reads it")
	s.write("raddb/clients", siteFiles["raddb/clients"]+"# a comment\n")
	report := s.waitAttempt(1)
	if d := report.Changes; !report.OK || !slices.Equal(d, []string{"changed raddb/clients"}) || s.attempts() != 2 {
		t.Errorf("%d attempts, %+v", s.attempts(), report)
	}
}

// TestWatchHold: a .hold file keeps changes waiting until it goes, or is forgotten.
func TestWatchHold(t *testing.T) {
	for _, hold := range []string{"raddb/.hold", "scripts/.hold"} {
		s := newSite(t, nil).start().watch()
		s.write(hold, "")
		s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
		s.wait("the hold", func() bool { return s.log.count("changes of files wait") == 1 })
		if s.attempts() != 1 {
			t.Errorf("%d attempts in spite of %s", s.attempts(), hold)
		}
		s.remove(hold)
		s.waitAttempt(1)

		s.write(hold, "")
		s.append("raddb/users", "eve Cleartext-Password := \"z\"\n")
		s.wait("the hold", func() bool { return s.log.count("changes of files wait") == 2 })
		old := time.Now().Add(-holdMost - time.Second)
		s.must(os.Chtimes(s.path(hold), old, old))
		s.waitAttempt(2)
	}
}

// TestWatchPolls: without events the files are compared now and then; a writer at work is waited for.
func TestWatchPolls(t *testing.T) {
	t.Parallel()
	polled := strings.Replace(siteConfig, "1h", "1s", 1)
	s := newSite(t, map[string]string{"raddb/config.toml": polled}).start(func(r *Reloader) { r.noEvents = true }).watch()
	s.write("scripts/more.lua", "local one = 1\n")
	if report := s.waitAttempt(1); !slices.Contains(report.Changes, "added scripts/more.lua") {
		t.Errorf("report %+v", report)
	}
	s.write("raddb/users", "nonsense\n")
	if report := s.waitAttempt(2); report.OK {
		t.Errorf("report %+v", report)
	}
}

// TestWatchOff: with watch = false nothing is loaded but by command, until a reload turns it on.
func TestWatchOff(t *testing.T) {
	off := strings.Replace(siteConfig, "poll = \"1h\"", "poll = \"1h\"\nwatch = false", 1)
	s := newSite(t, map[string]string{"raddb/config.toml": off}).start().watch()
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	s.write("raddb/config.toml", siteConfig)
	if report := s.good(); len(report.Changes) != 3 { // two files and the number of users
		t.Errorf("report %+v", report)
	}
	s.wait("the watch", func() bool { return len(s.r.settled) == 0 })
	s.append("raddb/users", "eve Cleartext-Password := \"z\"\n")
	s.wait("the change", func() bool { return s.r.Status().Generation == 3 })
}

// TestWatchPaces: a tool that writes all the time gets a share of the time only.
func TestWatchPaces(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/clients": "slow.example a-secret-of-enough-octets here\n"})
	o := s.options()
	o.Resolver = &resolver{look: func(string) { time.Sleep(30 * time.Millisecond) }}
	s.must(s.tryStart(o))
	s.watch()
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	first := s.waitAttempt(1)
	s.append("raddb/users", "eve Cleartext-Password := \"z\"\n")
	second := s.waitAttempt(2)
	if pause := second.Time.Sub(first.Time); first.Took < 30*time.Millisecond || pause < restFor*first.Took {
		t.Errorf("the next build began after %v, though one takes %v", pause, first.Took)
	}
}

// TestWatchTellsItsRest: who saves a file after a slow build reads once why nothing happens, and for how long.
func TestWatchTellsItsRest(t *testing.T) {
	s := newSite(t, nil).start(func(r *Reloader) { r.noEvents = true })
	w := &watch{r: s.r, settings: s.r.watchSettings(), took: 2 * time.Second}
	now := time.Now()
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	for _, c := range []struct {
		rest time.Duration
		want int
	}{{restTold - time.Millisecond, 0}, {20 * time.Second, 1}, {20 * time.Second, 1}, {21 * time.Second, 2}} {
		w.rest = now.Add(c.rest)
		w.look(now, false)
		if n := s.log.count("changes of files wait"); n != c.want || w.due == nil {
			t.Errorf("a rest of %v: told %d times, want %d", c.rest, n, c.want)
		}
	}
}

// TestLookTwice: a change that polling has found is loaded when the writer has finished, or after [reload]
// longest whatever he does.
func TestLookTwice(t *testing.T) {
	s := newSite(t, nil).start(func(r *Reloader) { r.noEvents = true })
	w := &watch{r: s.r, settings: s.r.watchSettings()}
	now := time.Now()
	step := func(what string, later time.Duration, polled bool, attempts int) {
		t.Helper()
		now = now.Add(later)
		w.look(now, polled)
		if s.attempts() != attempts || (w.due != nil) != (attempts == 1 || what == "too soon") {
			t.Fatalf("%s: %d attempts, further look %t", what, s.attempts(), w.due != nil)
		}
	}
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	step("first look", 0, true, 1)
	s.append("raddb/users", "eve Cleartext-Password := \"z\"\n")
	step("still written", 10*time.Millisecond, false, 1)
	step("finished", 10*time.Millisecond, false, 2)

	now = w.rest
	s.append("raddb/users", "fay Cleartext-Password := \"z\"\n")
	w.look(now, true)
	for range 3 {
		s.append("raddb/users", "# more\n")
		w.look(now, false)
	}
	if s.attempts() != 2 {
		t.Errorf("%d attempts while it is written", s.attempts())
	}
	s.append("raddb/users", "# more\n")
	step("written without end", w.settings.Longest, false, 3)
	s.append("raddb/users", "# more\n")
	now = w.rest.Add(-time.Microsecond)
	w.schedule(now)
	step("too soon", 0, false, 3)
}
