package raddb

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// OpenSnapshot gives a tree whose files are kept elsewhere: stored maps each path as it was to the file
// that has its content. Everything else does not exist in it. The last good generation is read so.
func OpenSnapshot(root string, stored map[string]string) *Tree {
	t := Open(root)
	t.stored = stored
	return t
}

// IsSnapshot reports whether the tree is read from a snapshot instead of the disk.
func (t *Tree) IsSnapshot() bool { return t.stored != nil }

func (t *Tree) open(path string) (*os.File, error) {
	if t.stored == nil {
		return os.Open(path)
	}
	kept, ok := t.stored[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return os.Open(kept)
}

// ReadDir gives the names of the files and, ending in a slash, of the directories directly below name, in
// byte order. Editors' and packagers' scratch files are left out. The listing is an input of the
// generation: a new file is a change. A directory that does not exist is an error of fs.ErrNotExist.
func (t *Tree) ReadDir(name string) ([]string, error) {
	path := t.Path(name)
	names, err := t.list(path)
	if err != nil {
		return nil, err
	}
	kept := names[:0]
	for _, n := range names {
		if !IsScratch(strings.TrimSuffix(n, "/")) {
			kept = append(kept, n)
		}
	}
	sort.Strings(kept)
	t.remember(path+"/", sha256.Sum256([]byte(strings.Join(kept, "\x00"))))
	return kept, nil
}

func (t *Tree) list(path string) ([]string, error) {
	if t.stored != nil {
		return t.listStored(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, nameOf(path, e))
	}
	return names, nil
}

// nameOf adds the slash to directories, also where the entry is a link to one (ConfigMaps).
func nameOf(dir string, e fs.DirEntry) string {
	isDir := e.IsDir()
	if e.Type()&fs.ModeSymlink != 0 {
		if st, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			isDir = st.IsDir()
		}
	}
	if isDir {
		return e.Name() + "/"
	}
	return e.Name()
}

func (t *Tree) listStored(path string) ([]string, error) {
	seen := map[string]bool{}
	for p := range t.stored {
		rest, ok := strings.CutPrefix(p, path+"/")
		if !ok {
			continue
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			rest = rest[:i+1]
		}
		seen[rest] = true
	}
	if len(seen) == 0 {
		return nil, &fs.PathError{Op: "readdir", Path: path, Err: fs.ErrNotExist}
	}
	var names []string
	for n := range seen {
		names = append(names, n)
	}
	return names, nil
}

// IsScratch reports whether a file name is one that editors and packagers leave lying about: such files
// are no part of a configuration.
func IsScratch(name string) bool {
	if name == "" || name[0] == '.' || name[0] == '#' || name == "4913" {
		return true
	}
	for _, end := range []string{"~", ".swp", ".tmp", ".orig", ".rej", ".bak"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.Contains(name, ".dpkg-") || strings.Contains(name, ".rpm")
}
