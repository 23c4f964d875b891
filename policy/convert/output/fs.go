package output

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"time"
)

// treeFS is a directory of an output tree as a file system, so that the loaders can read it before it is
// written. Directories are not listed.
type treeFS struct {
	tree *Tree
	dir  string
}

func (t treeFS) Open(name string) (fs.File, error) {
	full := path.Join(t.dir, name)
	if !t.tree.Has(full) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{bytes.NewReader(t.tree.File(full).Bytes()), path.Base(name)}, nil
}

// A memoryFile is one open file of it.
type memoryFile struct {
	*bytes.Reader
	name string
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *memoryFile) Close() error               { return nil }

// Of fs.FileInfo; Size is the Reader's.

func (f *memoryFile) Name() string       { return f.name }
func (f *memoryFile) Mode() fs.FileMode  { return 0o600 }
func (f *memoryFile) ModTime() time.Time { return time.Time{} }
func (f *memoryFile) IsDir() bool        { return false }
func (f *memoryFile) Sys() any           { return nil }

// FS gives a directory of the tree as a file system, so that loaders can read it before it is written.
// Directories are not listed.
func (t *Tree) FS(dir string) fs.FS { return treeFS{t, dir} }

// CopyShipped puts those of the shipped files into raddb of the tree whose names begin with the prefix.
func CopyShipped(t *Tree, files fs.FS, prefix string) {
	fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(name, prefix) {
			return err
		}
		text, err := fs.ReadFile(files, name)
		t.File("raddb/" + name).Write(text)
		return err
	})
}
