package gnu

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"strings"

	"perilune/engine/raddb"
)

// noteRest names the files of the old directory that no part has read, so that nothing is lost in silence.
func (s *source) noteRest() {
	read := map[string]bool{}
	for _, in := range s.tree.Inputs() {
		read[in.Path] = true
	}
	filepath.WalkDir(s.o.Root, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(s.o.Root, path)
		switch {
		case err != nil:
			s.report.Lookf(raddb.Pos{File: name}, "not converted: %s", reason(err))
		case e.IsDir() && name != "." && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case e.IsDir() || read[path] || isScratch(e.Name()):
		default:
			s.noteUnread(name, e)
		}
		return nil
	})
}

func (s *source) noteUnread(name string, e fs.DirEntry) {
	at := raddb.Pos{File: name}
	info, err := e.Info()
	switch {
	case err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0:
		s.report.Lookf(at, "a program stays where it is; move it if the old directory shall go, and change what names it")
	case strings.HasSuffix(name, ".rw"):
		s.report.Lookf(at, "the old config does not load this Rewrite source; left out")
	case strings.HasSuffix(name, ".scm"):
		s.report.Lookf(at, "Scheme procedures must be written anew as Lua hooks")
	default:
		s.report.Lookf(at, "nothing in the old tree names this file; left out")
	}
}

// isScratch tells what editors, packagers and the old server leave behind.
func isScratch(name string) bool {
	return raddb.IsScratch(name) || strings.HasSuffix(name, ".old") || strings.HasSuffix(name, ".parse")
}

// noteOldPaths says which new files name files in the old directory: programs, mostly.
func (s *source) noteOldPaths() {
	root, err := filepath.Abs(s.o.Root)
	if err != nil {
		return
	}
	for _, name := range s.out.Names() {
		if strings.HasPrefix(name, "raddb/dictionary") {
			continue
		}
		if i := bytes.Index(s.out.File(name).Bytes(), []byte(root+"/")); i >= 0 {
			line := 1 + bytes.Count(s.out.File(name).Bytes()[:i], []byte("\n"))
			s.report.Lookf(raddb.Pos{}, "line %d of the new %s names a file in %s: the old directory must stay, or what it names must be moved", line, name, root)
		}
	}
}
