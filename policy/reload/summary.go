package reload

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"perilune/engine/raddb"
)

// changes sums up what differs between two generations: files by name, the rest by number.
func changes(old, now *Candidate) []string {
	list := changedFiles(old.Inputs, now.Inputs, now.Root)
	count := func(what string, was, is int) {
		if was != is {
			list = append(list, fmt.Sprintf("%s %d→%d", what, was, is))
		}
	}
	count("clients", old.Clients.Len(), now.Clients.Len())
	count("users", old.Users.Len(), now.Users.Len())
	count("attributes", len(old.Dictionary.Attributes()), len(now.Dictionary.Attributes()))
	return append(list, changedHooks(old, now)...)
}

func changedFiles(old, now []raddb.Input, root string) []string {
	was := map[string]raddb.Input{}
	for _, in := range old {
		if in.Sum != [sha256.Size]byte{} {
			was[in.Path] = in
		}
	}
	var list []string
	for _, in := range now {
		before, known := was[in.Path]
		delete(was, in.Path)
		switch {
		case in.Sum == [sha256.Size]byte{} && known:
			was[in.Path] = before
		case in.Sum == [sha256.Size]byte{} || strings.HasSuffix(in.Path, "/") || known && before.Sum == in.Sum:
		case known:
			list = append(list, "changed "+short(in.Path, root))
		default:
			list = append(list, "added "+short(in.Path, root))
		}
	}
	for path := range was {
		if !strings.HasSuffix(path, "/") {
			list = append(list, "removed "+short(path, root))
		}
	}
	sort.Strings(list)
	return list
}

// short names a file as the administrator does: below the directory that holds the raddb directory.
func short(path, root string) string {
	if rel, err := filepath.Rel(filepath.Dir(root), path); err == nil && !strings.HasPrefix(path, "[") && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

func changedHooks(old, now *Candidate) []string {
	was := map[string]bool{}
	for _, h := range old.Program.Hooks() {
		was[h.Kind+" "+h.Name] = true
	}
	added := 0
	for _, h := range now.Program.Hooks() {
		if key := h.Kind + " " + h.Name; was[key] {
			delete(was, key)
		} else {
			added++
		}
	}
	if added+len(was) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("hooks +%d -%d", added, len(was))}
}
