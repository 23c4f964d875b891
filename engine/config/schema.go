package config

import (
	"iter"
	"net/netip"
	"reflect"
)

// A field of the settings, found by walking the struct.
type field struct {
	key   string // dotted: listen.auth
	value reflect.Value
	tag   reflect.StructTag
}

func (f field) restart() bool { return f.tag.Get("restart") == "yes" }

// isTable reports whether a type is a table of keys, not one value.
func isTable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[netip.Addr]() || isNamed(t)
}

// fields gives the direct keys of a table.
func fields(table reflect.Value, prefix string) iter.Seq[field] {
	if isNamed(table.Type()) {
		return namedFields(table, prefix)
	}
	return func(yield func(field) bool) {
		for i := range table.NumField() {
			sf := table.Type().Field(i)
			key := sf.Tag.Get("toml")
			if key == "" {
				continue
			}
			if prefix != "" {
				key = prefix + "." + key
			}
			if !yield(field{key, table.Field(i), sf.Tag}) {
				return
			}
		}
	}
}

// leaves gives the keys that have a value, in the order of the struct.
func (c *Config) leaves() iter.Seq[field] {
	return func(yield func(field) bool) { leavesOf(reflect.ValueOf(c).Elem(), "", yield) }
}

func leavesOf(table reflect.Value, prefix string, yield func(field) bool) bool {
	for f := range fields(table, prefix) {
		if isTable(f.value.Type()) {
			if !leavesOf(f.value, f.key, yield) {
				return false
			}
		} else if !yield(f) {
			return false
		}
	}
	return true
}

// keyNames gives the last parts of the names of a table's keys, for "did you mean".
func keyNames(table reflect.Type) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range table.NumField() {
			if key := table.Field(i).Tag.Get("toml"); key != "" && !yield(key) {
				return
			}
		}
	}
}
