package output

import (
	"fmt"
	"io/fs"
	"strings"

	"perilune/engine/raddb"
	shipped "perilune/raddb"
)

// Settings are the keys of the new config.toml that are not left at their defaults. The zero Settings is empty.
type Settings struct {
	keys  []setting
	index map[string]int // in keys, by table.key
}

// A setting is one key with its value as config.toml spells it, and where it comes from.
type setting struct {
	table, key, value string
	from              raddb.Pos // its zero value: from nothing in the old tree
}

// Set gives a key a value: a string, a number, a boolean or a list of strings. The last word counts.
func (t *Settings) Set(table, key string, value any, from raddb.Pos) {
	if t.index == nil {
		t.index = map[string]int{}
	}
	next := setting{table, key, literal(value), from}
	if i, ok := t.index[table+"."+key]; ok {
		t.keys[i] = next
		return
	}
	t.index[table+"."+key] = len(t.keys)
	t.keys = append(t.keys, next)
}

// Has reports whether the key was set.
func (t *Settings) Has(table, key string) bool {
	_, ok := t.index[table+"."+key]
	return ok
}

func literal(value any) string {
	switch v := value.(type) {
	case string:
		return tomlString(v)
	case []string:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = tomlString(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(value)
}

// Render gives the shipped config.toml with the settings in their places: each instead of its default, those
// of tables or keys that it does not have at the end.
func (t *Settings) Render() string {
	text, _ := fs.ReadFile(shipped.Files, "config.toml")
	placed := make([]bool, len(t.keys))
	var b strings.Builder
	table := ""
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "[") {
			t.rest(&b, table, "\n", placed)
			table = strings.Trim(line, "[]")
			b.WriteByte('\n')
		}
		key := keyOf(line)
		at, ok := t.index[table+"."+key]
		switch {
		case key == "" || !ok:
			if line != "" || i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "[") {
				b.WriteString(line + "\n")
			}
		case !placed[at]:
			placed[at] = true
			b.WriteString(t.keys[at].line())
		}
	}
	t.rest(&b, table, "\n", placed)
	t.newTables(&b, placed)
	return b.String()
}

// keyOf gives the key of a line `key = value` or `#key = value`.
func keyOf(line string) string {
	key, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), " = ")
	if !ok || strings.ContainsAny(key, " \t") {
		return ""
	}
	return key
}

func (k *setting) line() string {
	from := ""
	if k.from.Line > 0 {
		from = "  # " + Comment(k.from.File) + ":" + fmt.Sprint(k.from.Line)
	}
	return k.key + " = " + k.value + from + "\n"
}

// rest writes what belongs to a table and had no line in it, with a gap before each.
func (t *Settings) rest(b *strings.Builder, table, gap string, placed []bool) {
	for i := range t.keys {
		if k := &t.keys[i]; k.table == table && table != "" && !placed[i] {
			placed[i] = true
			b.WriteString(gap + k.line())
		}
	}
}

// newTables writes the tables that the shipped file does not have.
func (t *Settings) newTables(b *strings.Builder, placed []bool) {
	for i := range t.keys {
		if !placed[i] {
			fmt.Fprintf(b, "\n[%s]\n", t.keys[i].table)
			t.rest(b, t.keys[i].table, "", placed)
		}
	}
}
