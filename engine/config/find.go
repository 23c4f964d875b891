package config

import (
	"reflect"
	"strings"

	"perilune/engine/raddb"
)

// child gives the part of a table named key.
func (s slot) child(key string) (slot, bool) {
	switch {
	case s.value.Kind() == reflect.Map:
		return s.entry(key), true
	case !isTable(s.value.Type()):
		return s, false
	}
	for f := range fields(s.value, "") {
		if f.key == key {
			return slot{f.value, f.tag, s.store}, true
		}
	}
	return s, false
}

// entry gives a copy of a map's entry, which store puts back.
func (s slot) entry(name string) slot {
	table := s.value
	v := reflect.New(table.Type().Elem()).Elem()
	if old := table.MapIndex(reflect.ValueOf(name)); old.IsValid() {
		v.Set(old)
	} else if v.Type() == reflect.TypeFor[HTTPPool]() {
		v.Set(reflect.ValueOf(defaultHTTPPool()))
	}
	return slot{v, "", func() {
		table.SetMapIndex(reflect.ValueOf(name), v)
	}}
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
