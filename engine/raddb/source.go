package raddb

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A source is where a tree's files come from. Names of directories in a listing end in a slash.
type source interface {
	open(path string) (fs.File, error)
	list(dir string) ([]string, error)
}

// disk is the file system itself.
type disk struct{}

// open refuses pipes, which would make the reader wait for ever, and devices, of which some never end.
func (disk) open(path string) (fs.File, error) {
	if st, err := os.Stat(path); err == nil {
		switch mode := st.Mode(); {
		case mode&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
			return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a pipe or socket")}
		case mode&fs.ModeDevice != 0 && path != os.DevNull:
			return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is no regular file but a device")}
		}
	}
	return os.Open(path)
}

func (disk) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, nameOf(dir, e))
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

// snapshot maps each path as it was to the file that keeps its content.
type snapshot map[string]string

func (s snapshot) open(path string) (fs.File, error) {
	kept, ok := s[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return os.Open(kept)
}

func (s snapshot) list(dir string) ([]string, error) {
	seen := map[string]bool{}
	for p := range s {
		if rest, ok := strings.CutPrefix(p, dir+"/"); ok {
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				rest = rest[:i+1]
			}
			seen[rest] = true
		}
	}
	if len(seen) == 0 {
		return nil, &fs.PathError{Op: "readdir", Path: dir, Err: fs.ErrNotExist}
	}
	var names []string
	for n := range seen {
		names = append(names, n)
	}
	return names, nil
}

// carried are files inside the program.
type carried struct{ fs.FS }

func (c carried) open(path string) (fs.File, error) { return c.Open(filepath.ToSlash(path)) }

func (c carried) list(dir string) ([]string, error) {
	entries, err := fs.ReadDir(c, filepath.ToSlash(dir))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names, nil
}
