package raddb

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// write makes a directory of files.
func writeTree(t testing.TB, files map[string]string) string {
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

// inputs gives what a tree remembers: "-" for what is absent, "=" for a listing, else the content.
func inputs(tree *Tree, contents ...string) map[string]string {
	known := map[[sha256.Size]byte]string{{}: "-"}
	for _, c := range contents {
		known[sha256.Sum256([]byte(c))] = c
	}
	got := map[string]string{}
	for _, in := range tree.Inputs() {
		name := in.Path
		if rel, err := filepath.Rel(tree.Root, in.Path); err == nil && filepath.IsAbs(in.Path) {
			name = rel
		}
		text, ok := known[in.Sum]
		if !ok {
			text = "?"
		}
		got[name] = text
	}
	return got
}

// TestInputs: everything that was read or looked for is remembered, under its path or name.
func TestInputs(t *testing.T) {
	tree := Open(writeTree(t, map[string]string{"a": "one", "b": "two", "d/x.lua": "", "d/.x.swp": "", "d/sub/y": "", "large": "three and more"}))
	tree.ReadFile("a")
	tree.ReadFile("none")
	if tree.Absent("b") || !tree.Absent("nor/this") {
		t.Error("Absent")
	}
	f, err := tree.OpenFile("large")
	if err != nil {
		t.Fatal(err)
	}
	f.Read(make([]byte, 5)) // the rest is read by Close
	f.Close()
	tree.ReadFile("d") // a directory
	names, err := tree.ReadDir("d")
	if d := cmp.Diff([]string{"sub/", "x.lua"}, names); d != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	tree.ReadDir("e")
	tree.Remember("zone", []byte("UTC"))
	want := map[string]string{"a": "one", "none": "-", "nor/this": "-", "large": "three and more", "d": "sub/\x00x.lua", "e": "-", "[zone]": "UTC"}
	if d := cmp.Diff(want, inputs(tree, "one", "three and more", "UTC", "sub/\x00x.lua")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestAbandon: what was given up in the middle does not count, until it is read whole.
func TestAbandon(t *testing.T) {
	tree := Open(writeTree(t, map[string]string{"large": "three and more"}))
	for _, want := range []map[string]string{{}, {"large": "three and more"}} {
		f, err := tree.OpenFile("large")
		if err != nil {
			t.Fatal(err)
		}
		f.Read(make([]byte, 5))
		if len(want) == 0 {
			f.Abandon()
		} else {
			f.Close()
		}
		if d := cmp.Diff(want, inputs(tree, "three and more")); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
	if tree.Torn() {
		t.Error("torn without a change")
	}
}

// TestTorn: a file that changed between two readings is noticed; one that did not is not.
func TestTorn(t *testing.T) {
	tree := Open(writeTree(t, map[string]string{"a": "one"}))
	tree.ReadFile("a")
	tree.ReadFile("a")
	if tree.Torn() {
		t.Error("torn without a change")
	}
	if err := os.WriteFile(tree.Path("a"), []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if tree.ReadFile("a"); !tree.Torn() {
		t.Error("a change between two readings was not noticed")
	}
}

// TestDevice: a device in the tree is an error, not a reader that never ends.
func TestDevice(t *testing.T) {
	for name, want := range map[string]string{"/dev/zero": "it is no regular file but a device", os.DevNull: ""} {
		if _, err := Open(t.TempDir()).ReadFile(name); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPipe: a pipe in the tree is an error, not a reader that waits for ever.
func TestPipe(t *testing.T) {
	tree := Open(t.TempDir())
	if err := syscall.Mkfifo(tree.Path("users"), 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := tree.ReadFile("users"); err == nil {
		t.Error("a pipe was read")
	}
}

// TestLinkedDirectory: a link to a directory is listed as one, a dangling link as a file.
func TestLinkedDirectory(t *testing.T) {
	tree := Open(writeTree(t, map[string]string{"real/x": ""}))
	if err := errors.Join(os.Symlink("real", tree.Path("link")), os.Symlink("nowhere", tree.Path("dangling"))); err != nil {
		t.Fatal(err)
	}
	names, err := tree.ReadDir(".")
	if d := cmp.Diff([]string{"dangling", "link/", "real/"}, names); d != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
}

// TestSnapshot: files that are kept elsewhere are read by their old paths, and nothing else exists.
func TestSnapshot(t *testing.T) {
	kept := writeTree(t, map[string]string{"1": "one", "2": "two"})
	tree := OpenSnapshot("/etc/raddb", map[string]string{
		"/etc/raddb/users": kept + "/1", "/etc/scripts/lib/a.lua": kept + "/2", "/etc/scripts/b.lua": kept + "/2",
	})
	if b, err := tree.ReadFile("users"); string(b) != "one" || err != nil {
		t.Errorf("users: %q %v", b, err)
	}
	if b, err := tree.ReadFile("../scripts/b.lua"); string(b) != "two" || err != nil {
		t.Errorf("b.lua: %q %v", b, err)
	}
	if _, err := tree.ReadFile("/etc/passwd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of the disk: %v", err)
	}
	names, err := tree.ReadDir("/etc/scripts")
	if d := cmp.Diff([]string{"b.lua", "lib/"}, names); d != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if _, err := tree.ReadDir("/etc/other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}
	if tree.OnDisk() || !Open("/").OnDisk() {
		t.Error("OnDisk")
	}
}

// TestCarried: files inside the program make a tree, too.
func TestCarried(t *testing.T) {
	tree := OpenFS(fstest.MapFS{"users": {Data: []byte("one")}, "d/x": {}})
	f, err := tree.OpenFile("users")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); string(b) != "one" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if names, err := tree.ReadDir("."); err != nil || !cmp.Equal(names, []string{"d/", "users"}) {
		t.Errorf("%q %v", names, err)
	}
}

func TestIsScratch(t *testing.T) {
	for name, want := range map[string]bool{
		".#hello.lua": true, "#hello.lua#": true, "hello.lua~": true, ".hello.lua.swp": true, "x.swp": true, "x.tmp": true, "x.orig": true,
		"x.rej": true, "x.bak": true, "users.dpkg-old": true, "users.rpmnew": true, "4913": true, "": true,
		"hello.lua": false, "4914": false, "users": false, "a.tmpl": false, "backup": false,
	} {
		if got := IsScratch(name); got != want {
			t.Errorf("IsScratch(%q) = %t", name, got)
		}
	}
}

func TestReadFileUpTo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := Open(dir)
	for _, tt := range []struct {
		name  string
		limit int64
		want  string
	}{{"a", 5, ""}, {"a", 4, "has 5 octets; expected at most 4"}, {".", 4096, "is no regular file"}, {"b", 5, "no such file"}} {
		text, err := tree.ReadFileUpTo(tt.name, tt.limit)
		switch {
		case tt.want == "" && (err != nil || string(text) != "12345"):
			t.Errorf("%s: %q, %v", tt.name, text, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s up to %d: %v, want %s", tt.name, tt.limit, err, tt.want)
		}
	}
}
