package config

import (
	"strings"

	"perilune/engine/raddb"
)

// child gives the part of a table named key.
func (s slot) child(key string) (slot, bool) {
	if !isTable(s.value.Type()) {
		return s, false
	}
	if isNamed(s.value.Type()) {
		return slot{value: namedTable(s.value, key)}, true
	}
	for f := range fields(s.value, "") {
		if f.key == key {
			return slot{f.value, f.tag}, true
		}
	}
	return s, false
}

func (r *reader) unknown(s slot, path []string, key string, at raddb.Pos) {
	where := strings.Join(path, ".")
	if !isTable(s.value.Type()) {
		r.errs.Errorf(at, "%s is no table: there is no %q in it", where, key)
		return
	}
	near := raddb.DidYouMean(key, keyNames(s.value.Type()))
	if len(path) == 0 {
		if near == "" {
			near = r.elsewhere(key)
		}
		r.errs.Errorf(at, "unknown table or key %q%s", key, near)
		return
	}
	if near == "" {
		near = r.elsewhere(key)
	}
	r.errs.Errorf(at, "unknown key %q in [%s]%s", key, where, near)
}

// elsewhere finds a key of that very name in another table.
func (r *reader) elsewhere(key string) string {
	for f := range r.config.leaves() {
		if _, last, _ := strings.Cut(f.key, "."); last == key {
			return `; did you mean "` + f.key + `"?`
		}
	}
	return ""
}
