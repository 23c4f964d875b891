package config

import (
	"iter"
	"reflect"
	"slices"
	"strings"
)

// A table of named tables, like [filters.NAME], is a field of type map[string]*T: each name that the file has gets a
// T with its defaults. T is a table like others.

// A defaulter fills a new named table before the file's keys are set.
type defaulter interface{ setDefaults() }

func isNamed(t reflect.Type) bool { return t.Kind() == reflect.Map }

// newNamed makes a named table of the map's type.
func newNamed(m reflect.Type) reflect.Value {
	table := reflect.New(m.Elem().Elem())
	if d, ok := table.Interface().(defaulter); ok {
		d.setDefaults()
	}
	return table
}

// namedTable gives the table of a name and makes it if it is the first time.
func namedTable(m reflect.Value, name string) reflect.Value {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	key := reflect.ValueOf(name)
	if table := m.MapIndex(key); table.IsValid() {
		return table.Elem()
	}
	table := newNamed(m.Type())
	m.SetMapIndex(key, table)
	return table.Elem()
}

// namedFields gives the tables of a map, ordered by name.
func namedFields(m reflect.Value, prefix string) iter.Seq[field] {
	return func(yield func(field) bool) {
		keys := m.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			if !yield(field{key: prefix + "." + k.String(), value: m.MapIndex(k).Elem()}) {
				return
			}
		}
	}
}

// maxTableName bounds the names of named tables, in octets.
const maxTableName = 64

// plainName reports whether a name is one word that needs no quotes anywhere.
func plainName(name string) bool {
	return name != "" && len(name) <= maxTableName && strings.IndexFunc(name, func(c rune) bool {
		return c > 0x7e || !strings.ContainsRune("-_.", c) && (c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z')
	}) < 0
}
