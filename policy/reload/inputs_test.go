package reload

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"perilune/engine/raddb"

	"github.com/google/go-cmp/cmp"
)

// TestEye: small files are read at every look, large ones when the kernel's record of them differs or is
// too young to be trusted.
func TestEye(t *testing.T) {
	dir := t.TempDir()
	small, large := filepath.Join(dir, "small"), filepath.Join(dir, "large")
	text := bytes.Repeat([]byte("0123456789abcdef"), alwaysHashed/16+1)
	for path, b := range map[string][]byte{small: []byte("one"), large: text} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := newEye()
	at := fingerprint{small: {}, large: {}, dir + "/": {}, filepath.Join(dir, "none"): {}, filepath.Join(dir, "none") + "/": {}}
	first := e.look(at, nil)
	want := fingerprint{small: sha256.Sum256([]byte("one")), large: sha256.Sum256(text), dir + "/": sha256.Sum256([]byte("large\x00small")),
		filepath.Join(dir, "none"): {}, filepath.Join(dir, "none") + "/": {}}
	if d := cmp.Diff(want, first); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
	pretend := func(settled bool) {
		for path, g := range e.seen {
			g.sum, g.settled = [sha256.Size]byte{1}, settled
			e.seen[path] = g
		}
	}
	pretend(true)
	if now := e.look(at, nil); now[large] != [sha256.Size]byte{1} || now[small] != want[small] {
		t.Error("the large file was read again, or the small one was not")
	}
	pretend(false)
	if now := e.look(at, nil); now[large] != want[large] {
		t.Error("a young record was trusted")
	}
	pretend(true)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(large, later, later); err != nil {
		t.Fatal(err)
	}
	if now := e.look(at, nil); now[large] != want[large] {
		t.Error("another time of modification was not noticed")
	}
}

// TestHash: a generation's name depends on contents, relative paths and values, on nothing beside them.
func TestHash(t *testing.T) {
	in := func(path, text string) raddb.Input { return raddb.Input{Path: path, Sum: sha256.Sum256([]byte(text))} }
	one := hashOf("/a", []raddb.Input{in("/a/users", "x"), in("[address of n]", "192.0.2.1")})
	for what, c := range map[string]struct {
		hash string
		same bool
	}{
		"another root":           {hashOf("/b", []raddb.Input{in("/b/users", "x"), in("[address of n]", "192.0.2.1")}), true},
		"a listing, and a gap":   {hashOf("/a", []raddb.Input{in("/a/users", "x"), in("/a/", "l"), {Path: "/a/none"}, in("[address of n]", "192.0.2.1")}), true},
		"another content":        {hashOf("/a", []raddb.Input{in("/a/users", "y"), in("[address of n]", "192.0.2.1")}), false},
		"another name":           {hashOf("/a", []raddb.Input{in("/a/user", "x"), in("[address of n]", "192.0.2.1")}), false},
		"another address":        {hashOf("/a", []raddb.Input{in("/a/users", "x"), in("[address of n]", "192.0.2.2")}), false},
		"a file more":            {hashOf("/a", []raddb.Input{in("/a/users", "x"), in("/a/z", ""), in("[address of n]", "192.0.2.1")}), false},
		"a name parted elsewise": {hashOf("/a", []raddb.Input{in("/a/users\x00", "x"), in("[address of n]", "192.0.2.1")}), false},
	} {
		if (c.hash == one) != c.same {
			t.Errorf("%s: same is %t", what, !c.same)
		}
	}
}

// TestWatchedFor: exactly the directories that may bring a change are watched, and what in them matters.
func TestWatchedFor(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"releases/1/raddb", "far"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"current": "releases/1", "releases/1/raddb/users": "../../../far/link", "far/link": filepath.Join(dir, "far/users"), "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "far/users"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "current/raddb")
	got := watched{}
	for d, names := range watchedFor(fingerprint{root + "/users": {}, root + "/new/clients": {}, dir + "/releases/": {}, dir + "/loop/x": {}}, []string{root}) {
		rel, err := filepath.Rel(dir, d)
		if err != nil {
			t.Fatal(err)
		}
		got[rel] = names
	}
	delete(got, "..")
	want := watched{
		".":                {"current": true, "far": true, "loop": true, "releases": true},
		"releases":         nil,
		"releases/1/raddb": {"users": true, "new": true, holdFile: true},
		"far":              {"link": true, "users": true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if !want.concerns("releases/2") || want.concerns("far/other") || !want.concerns("elsewhere/x") || !want.concerns("far/link") {
		t.Error("concerns")
	}
}
