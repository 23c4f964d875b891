package output

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"perilune/engine/raddb"
)

// Manifest is the file of the new tree that remembers what a conversion wrote: a line "hash  name" each.
const Manifest = ".converted"

// suffix is put after the name of a new version whose place holds an edited file.
const suffix = ".new"

// A Tree is the files of the new tree by name, relative to its root and with slashes. The zero Tree is empty.
type Tree struct{ files map[string]*File }

// A File is one of them. Secret files are readable by their owner alone.
type File struct {
	bytes.Buffer
	Secret     bool
	Executable bool
}

// File gives the file of that name, which is made if there is none.
func (t *Tree) File(name string) *File {
	f := t.files[name]
	if f == nil {
		f = new(File)
		if t.files == nil {
			t.files = map[string]*File{}
		}
		t.files[name] = f
	}
	return f
}

// Has reports whether the tree has that file.
func (t *Tree) Has(name string) bool { return t.files[name] != nil }

// Names gives the names of all files in order.
func (t *Tree) Names() []string { return slices.Sorted(maps.Keys(t.files)) }

// Printf appends text to the file.
func (f *File) Printf(format string, args ...any) { fmt.Fprintf(&f.Buffer, format, args...) }

func (f *File) mode() fs.FileMode {
	switch {
	case f.Secret:
		return 0o600
	case f.Executable:
		return 0o755
	}
	return 0o644
}

// Write puts the files below dir. A file there that somebody has edited since a conversion wrote it, or that
// none wrote, stays as it is: the new text goes beside it and the report says so.
func (t *Tree) Write(dir string, r *Report) error {
	before, err := readManifest(dir)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, name := range t.Names() {
		f := t.files[name]
		place := name
		if edited(dir, name, f, before) {
			place += suffix
			r.Lookf(raddb.Pos{File: filepath.Join(dir, name)}, "has been edited and stays; what it would be now is in %s", filepath.Base(place))
		}
		if err := replace(filepath.Join(dir, filepath.FromSlash(place)), f.Bytes(), f.mode()); err != nil {
			return err
		}
		hash := before[name] // of the file that was edited: it must stay known as such
		if place == name {
			hash = sum(f.Bytes())
		}
		fmt.Fprintf(&lines, "%s  %s\n", hash, name)
	}
	return replace(filepath.Join(dir, Manifest), []byte(lines.String()), 0o600) // hashes of files with secrets
}

// edited reports whether the file on disk is neither what was written before nor what shall be written now.
func edited(dir, name string, f *File, before map[string]string) bool {
	now, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return sum(now) != before[name] && !bytes.Equal(now, f.Bytes())
}

func readManifest(dir string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, Manifest))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	known := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if hash, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			known[name] = hash
		}
	}
	return known, nil
}

func sum(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// replace writes a file whole or not at all.
func replace(path string, text []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".convert-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(text)
	if err := errors.Join(err, temp.Chmod(mode), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
