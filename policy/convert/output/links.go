package output

import (
	"path/filepath"

	"perilune/engine/raddb"
)

// Below gives a file's name relative to a directory, false if the file does not lie in it or below it. It goes by
// the names alone.
func Below(dir, name string) (rel string, ok bool) {
	rel, err := filepath.Rel(dir, name)
	return rel, err == nil && filepath.IsLocal(rel)
}

// NoteLink tells of a file of an old directory that links lead out of it. What somebody else has linked to may be a
// file that only the one who converts can read.
func (r *Report) NoteLink(root, name string) {
	if target := outside(root, name); target != "" {
		r.Lookf(raddb.Pos{File: name}, "is a link out of the old directory; what is in the new tree is of %s", target)
	}
}

// outside tells where a file lies if links lead out of the directory, "" if it lies within.
func outside(root, name string) string {
	if !filepath.IsLocal(name) {
		return "" // the old configuration says so itself
	}
	file, err := filepath.EvalSymlinks(filepath.Join(root, name))
	if err != nil {
		return ""
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return ""
	}
	if _, below := Below(root, file); below {
		return ""
	}
	return file
}
