package reload

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/raddb"

	"github.com/google/go-cmp/cmp"
)

// TestKept: what is kept is for the server alone, each content once, and no more than was asked for.
func TestKept(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/config.toml": strings.Replace(siteConfig, "[http]", "keep = 3\n[http]", 1)}).start()
	for n := range 5 {
		s.write("raddb/access.deny", fmt.Sprintf("user%d\n", n))
		s.good()
	}
	list := s.r.Generations()
	var numbers []uint64
	for _, m := range list {
		numbers = append(numbers, m.Number)
		if m.Version != "test" || m.Root != s.path("raddb") || m.Scripts != s.path("scripts") || m.Trigger != "test" {
			t.Errorf("manifest %+v", m)
		}
	}
	if d := cmp.Diff([]uint64{6, 5, 4}, numbers); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := content(t, s.r.store, list[1], s.path("raddb/access.deny")); got != "user3\n" {
		t.Errorf("generation 5 has %q", got)
	}
	contents, err := os.ReadDir(s.path("state/generations/content"))
	if want := len(list[0].Files) + 2; err != nil || len(contents) != want {
		t.Errorf("%d contents, want %d: %v", len(contents), want, err)
	}
	err = filepath.WalkDir(s.path("state"), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, _ := e.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; st.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, st.Mode().Perm(), want)
		}
		return nil
	})
	s.must(err)
	s.must(s.r.Wipe())
	if list := s.r.Generations(); len(list) != 1 || list[0].Number != 6 {
		t.Errorf("after wiping: %+v", list)
	}
	if contents, _ := os.ReadDir(s.path("state/generations/content")); len(contents) != len(list[0].Files) {
		t.Errorf("%d contents after wiping", len(contents))
	}
}

// TestStartFromLastGood: a start on broken files serves what was, says so all the time, and mends itself.
func TestStartFromLastGood(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/access.deny": "mallory\n"}).start()
	s.stop()
	for what, broken := range map[string]func(){
		"settings that are no TOML": func() { s.append("raddb/config.toml", "[server\n") },
		"no users":                  func() { s.remove("raddb/users") },
		"a wrong script":            func() { s.write("scripts/hello.lua", "on(") },
		"a failing test":            func() { s.write("scripts/a_test.lua", "test.case(\"no\", function() error(\"no\") end)") },
		"a failing load handler":    func() { s.write("scripts/b.lua", "on(\"load\", function() error(\"no\") end)") },
		"no directory at all":       func() { s.remove("scripts"); s.remove("raddb/dictionary") },
	} {
		t.Run(what, func(t *testing.T) {
			keep := t.TempDir()
			s.must(os.CopyFS(keep+"/raddb", os.DirFS(s.path("raddb"))))
			s.must(os.CopyFS(keep+"/scripts", os.DirFS(s.path("scripts"))))
			broken()
			s.startsDegraded(t)
			for _, dir := range []string{"raddb", "scripts"} {
				s.remove(dir)
				s.must(os.CopyFS(s.path(dir), os.DirFS(keep+"/"+dir)))
			}
			if report := s.good(); !report.Unchanged || s.r.Status().Degraded != "" {
				t.Errorf("mended: %+v, %q", report, s.r.Status().Degraded)
			}
			s.stop()
		})
	}
}

func (s *site) startsDegraded(t *testing.T) {
	t.Helper()
	o := s.options()
	o.Strict = true
	var list raddb.List
	if err := s.tryStart(o); !errors.As(err, &list) || !list.Failed() {
		t.Errorf("strict: %v", err)
	}
	o.Strict = false
	s.must(s.tryStart(o, func(r *Reloader) { r.remind = time.Millisecond }))
	status := s.r.Status()
	if !strings.Contains(status.Degraded, "serving generation 1 as it was kept") || status.Generation != 1 || status.Last.OK || len(status.Last.Errors) == 0 {
		t.Errorf("status %+v", status)
	}
	if _, denied := s.last().Settings.Deny["mallory"]; !denied || s.last().Users.Len() != 1 {
		t.Errorf("not the last good generation: %v", s.last().Settings.Deny)
	}
	before := s.log.count("DEGRADED: the files on disk are broken")
	s.watch()
	s.wait("reminders", func() bool { return s.log.count("DEGRADED: the files on disk are broken") > before+2 })
	if list := s.r.Generations(); len(list) != 1 {
		t.Errorf("kept: %+v", list)
	}
}

// TestDamaged: what was damaged on disk is not served; an older one is.
func TestDamaged(t *testing.T) {
	for what, damage := range map[string]func(s *site, newest Manifest){
		"a manifest": func(s *site, m Manifest) { s.write(fmt.Sprintf("state/generations/%08d.json", m.Number), "{") },
		"a content": func(s *site, m Manifest) {
			s.write("state/generations/content/"+m.Files[s.path("raddb/users")], "$DIALECT freeradius\nroot Auth-Type := Accept\n")
		},
		"a missing content": func(s *site, m Manifest) { s.remove("state/generations/content/" + m.Files[s.path("raddb/users")]) },
		"a name that leads elsewhere": func(s *site, m Manifest) {
			b, _ := os.ReadFile(s.path("state/generations/00000002.json"))
			s.write("state/generations/00000002.json", strings.ReplaceAll(string(b), m.Files[s.path("raddb/users")], "../../../raddb/users"))
		},
		"other scripts": func(s *site, m Manifest) {
			b, _ := os.ReadFile(s.path("state/generations/00000002.json"))
			s.write("state/generations/00000002.json", strings.Replace(string(b), "\"scripts\": \"", "\"scripts\": \"/elsewhere", 1))
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t, nil).start()
			s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
			s.good()
			newest := s.r.Generations()[0]
			s.stop()
			damage(s, newest)
			s.write("raddb/users", "nonsense\n")
			s.must(s.tryStart(s.options()))
			if s.last().Users.Len() != 1 {
				t.Errorf("%d users", s.last().Users.Len())
			}
		})
	}
}

// TestNothingKept: without anything to fall back to, broken files are an error that tells all.
func TestNothingKept(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/users": "nonsense\n"})
	var list raddb.List
	if err := s.tryStart(s.options()); !errors.As(err, &list) || !strings.Contains(err.Error(), "users:2") {
		t.Errorf("start: %v", err)
	}
}

// TestRollback: back and forth by command; the files stay, and their next change is loaded.
func TestRollback(t *testing.T) {
	s := newSite(t, nil).start().watch()
	first := s.last().Hash
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	s.waitAttempt(1)
	report, err := s.r.Rollback(1, "by uid 7")
	if err != nil || !report.OK || report.From != 2 || report.To != 3 || report.Hash != first || report.Trigger != "rollback to 1 by uid 7" {
		t.Fatalf("rollback: %+v, %v", report, err)
	}
	if st := s.r.Status(); st.RolledBack != 1 || st.Degraded != "" || s.last().Users.Len() != 1 {
		t.Errorf("status %+v, %d users", st, s.last().Users.Len())
	}
	s.append("raddb/users", "eve Cleartext-Password := \"z\"\n")
	s.waitAttempt(3)
	if st := s.r.Status(); st.Generation != 4 || st.RolledBack != 0 || s.last().Users.Len() != 3 {
		t.Errorf("status %+v, %d users", st, s.last().Users.Len())
	}
	if _, err := s.r.Rollback(99, ""); err == nil || !strings.Contains(err.Error(), "generation 99 is not kept") {
		t.Errorf("rollback to nowhere: %v", err)
	}
	s.remove("state/generations/content/" + s.r.Generations()[1].Files[s.path("raddb/users")])
	if report, err := s.r.Rollback(1, ""); err != nil || report.OK || !strings.Contains(strings.Join(report.Errors, ""), "missing or damaged") || s.r.Status().Generation != 4 {
		t.Errorf("rollback to a damaged one: %+v, %v", report, err)
	}
}

// TestNumbersGoOn: numbers rise over restarts; a start on the same files keeps its number and is kept once.
func TestNumbersGoOn(t *testing.T) {
	s := newSite(t, nil).start()
	for range 3 {
		s.stop()
		s.start()
	}
	if list := s.r.Generations(); len(list) != 1 || s.last().Number != 1 {
		t.Errorf("kept %+v", list)
	}
	s.stop()
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	if s.start(); s.last().Number != 2 {
		t.Errorf("number %d", s.last().Number)
	}
}

// TestLocked: a second server on the same state directory is refused and changes nothing there.
func TestLocked(t *testing.T) {
	s := newSite(t, nil).start()
	second, err := New(s.options())
	s.must(err)
	if _, err := second.Start(); !errors.Is(err, ErrLocked) {
		t.Errorf("start: %v", err)
	}
	second.Close()
	if list := s.r.Generations(); len(list) != 1 {
		t.Errorf("kept %+v", list)
	}
	s.stop()
	s.start()
}

// TestClosed: after the end nothing is put in place any more.
func TestClosed(t *testing.T) {
	s := newSite(t, nil).start()
	s.r.Close()
	s.append("raddb/users", "dan Cleartext-Password := \"z\"\n")
	if report := s.r.Reload("late", false); report.OK {
		t.Errorf("report %+v", report)
	}
}

// FuzzManifest: whatever stands in the state directory, it is read without harm, and nothing outside of it is
// taken for a content.
func FuzzManifest(f *testing.F) {
	outside := sha256.Sum256([]byte("outside"))
	for _, seed := range []string{"", "{}", "[]", `{"number": 1}`, `{"number": 1, "files": {"users": ""}}`, `{"number": 1, "files": {"users": "../x"}}`,
		fmt.Sprintf(`{"number": 1, "files": {"users": "%x"}}`, outside), `{"number": -1}`, `{"number": 18446744073709551615, "root": "/"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		s, err := OpenStore(dir+"/generations", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/x", []byte("outside"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/generations/00000001.json", text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, m := range s.Manifests() {
			if _, err := s.Tree(m); err == nil && len(m.Files) > 0 {
				t.Errorf("there is no content, and yet %v has files", m.Files)
			}
		}
		if err := s.prune(1); err != nil {
			t.Error(err)
		}
	})
}
