package reload

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// watched says which directories to watch and which names in them matter; nil: all of them.
type watched map[string]map[string]bool

// hops bounds how many links one path may lead over.
const hops = 40

// watchedFor gives what may change the inputs: their directories, the links on the way to them (a release
// switched by a link, a ConfigMap), and the first missing part of what is not there yet.
func watchedFor(inputs fingerprint, holds []string) watched {
	w, plain := watched{}, map[string]bool{}
	for path := range inputs {
		dir, isDir := strings.CutSuffix(path, "/")
		real := w.resolve(dir, hops, plain)
		switch {
		case real == "":
		case isDir:
			w[real] = nil
			w.name(real)
		default:
			w.name(real)
			w.name(filepath.Dir(real))
		}
	}
	for _, dir := range holds {
		if real := w.resolve(dir, hops, plain); real != "" {
			w.name(filepath.Join(real, holdFile))
		}
	}
	return w
}

// name adds one path.
func (w watched) name(path string) {
	dir, base := filepath.Split(path)
	dir = filepath.Clean(dir)
	names, known := w[dir]
	if known && names == nil {
		return
	}
	if names == nil {
		names = map[string]bool{}
		w[dir] = names
	}
	names[base] = true
}

// resolve follows a path part by part and adds each link that it meets. It gives the real path, "" if there
// is none; then the part that is missing was added. What is known to be there and no link is noted in plain: most paths
// begin alike.
func (w watched) resolve(path string, hops int, plain map[string]bool) string {
	real := string(filepath.Separator)
	parts := strings.Split(strings.Trim(path, real), real)
	for i, part := range parts {
		at := filepath.Join(real, part)
		if plain[at] {
			real = at
			continue
		}
		target, err := os.Readlink(at)
		switch {
		case err == nil && hops == 0:
			return ""
		case err == nil:
			w.name(at)
			if !filepath.IsAbs(target) {
				target = filepath.Join(real, target)
			}
			return w.resolve(filepath.Join(append([]string{target}, parts[i+1:]...)...), hops-1, plain)
		case errors.Is(err, fs.ErrNotExist):
			w.name(at)
			return ""
		}
		plain[at], real = true, at
	}
	return real
}

// concerns reports whether an event at path may mean a change. Of a directory that is not known all do.
func (w watched) concerns(path string) bool {
	names, known := w[filepath.Dir(path)]
	return !known || names == nil || names[filepath.Base(path)]
}
