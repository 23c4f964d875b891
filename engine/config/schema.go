package config

import (
	"iter"
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
func isTable(t reflect.Type) bool { return t.Kind() == reflect.Struct }

// fields gives the direct keys of a table.
func fields(table reflect.Value, prefix string) iter.Seq[field] {
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
	return func(yield func(field) bool) {
		for table := range fields(reflect.ValueOf(c).Elem(), "") {
			for f := range fields(table.value, table.key) {
				if !yield(f) {
					return
				}
			}
		}
	}
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
