package raddb

import (
	"crypto/sha256"
	"io/fs"
	"sort"
	"strings"
)

// OpenSnapshot gives a tree whose files are kept elsewhere: stored maps each path as it was to the file
// that has its content. Everything else does not exist in it. The last good generation is read so.
func OpenSnapshot(root string, stored map[string]string) *Tree {
	t := Open(root)
	t.from = snapshot(stored)
	return t
}

// OpenFS gives a tree of files that the program carries, named relative to its root.
func OpenFS(files fs.FS) *Tree {
	t := Open(".")
	t.from = carried{files}
	return t
}

// OnDisk reports whether the tree is the disk itself, not a snapshot nor carried by the program.
func (t *Tree) OnDisk() bool {
	_, ok := t.from.(disk)
	return ok
}

// ReadDir gives the names of the files and, ending in a slash, of the directories directly below name, in
// byte order. Editors' and packagers' scratch files are left out. The listing is an input of the
// generation: a new file is a change. A directory that does not exist is an error of fs.ErrNotExist.
func (t *Tree) ReadDir(name string) ([]string, error) {
	path := t.Path(name)
	names, err := t.from.list(path)
	if err != nil {
		t.remember(path+"/", [sha256.Size]byte{})
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
