package output

import (
	"path/filepath"
	"strings"
)

// Outside tells where a file of an old directory lies if links lead out of that, "" if it lies within. What
// somebody else has linked to may be a file that only the one who converts can read.
func Outside(root, name string) string {
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
	if rel, err := filepath.Rel(root, file); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return ""
	}
	return file
}
