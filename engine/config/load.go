package config

import (
	"bytes"
	"errors"
	"io/fs"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"perilune/engine/raddb"
)

// Load reads config.toml of the tree. What is wrong is collected in errs; a setting that is wrong keeps its
// default. A tree without the file has all the defaults.
func Load(tree *raddb.Tree, errs *raddb.List) *Config {
	r := &reader{tree: tree, errs: errs, config: Default()}
	r.config.places = map[string]raddb.Pos{}
	text, err := tree.ReadFile(FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return r.config
	}
	if err != nil {
		errs.Errorf(raddb.Pos{File: FileName}, "the file cannot be read: %v", err)
		return r.config
	}
	if r.read(text) {
		r.validate()
	}
	return r.config
}

type reader struct {
	tree   *raddb.Tree
	errs   *raddb.List
	config *Config
	parser unstable.Parser
}

// read decodes the text twice: go-toml's decoder says whether it is TOML and gives the values; its parser
// gives the places of the keys. It reports whether the text is TOML.
func (r *reader) read(text []byte) bool {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		r.syntax(err)
		r.salvage(text, err)
		return false
	}
	r.parser.Reset(text)
	table, good := []string(nil), true
	for r.parser.NextExpression() {
		n := r.parser.Expression()
		switch n.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, good = r.table(n)
		case unstable.KeyValue:
			if good {
				r.keyValue(table, n, values)
			}
		}
	}
	return true
}

func (r *reader) syntax(err error) {
	at := raddb.Pos{File: FileName}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		at.Line, at.Col = de.Position()
	}
	r.errs.Errorf(at, "%s", strings.TrimPrefix(err.Error(), "toml: "))
}

// maxSalvage bounds the lines that salvage leaves out.
const maxSalvage = 20

// salvage takes what it can from a file that is no TOML: the lines that are in the way are left out. The tree
// is refused all the same, but the other files can be checked, and a start on it and the commands for the
// running server still find the state directory and the admin socket.
func (r *reader) salvage(text []byte, err error) {
	text = bytes.Clone(text)
	for range maxSalvage {
		var de *toml.DecodeError
		if !errors.As(err, &de) {
			return
		}
		line, _ := de.Position()
		if !blank(text, line) {
			return
		}
		var values map[string]any
		if err = toml.Unmarshal(text, &values); err == nil {
			told := r.errs
			r.errs = new(raddb.List) // what follows from the first error would mislead
			r.read(text)
			r.errs = told
			return
		}
	}
}

// blank overwrites a line, counted from 1; false if it is blank already.
func blank(text []byte, number int) bool {
	for line := range bytes.Lines(text) {
		if number--; number == 0 {
			was := len(bytes.TrimSpace(line)) > 0
			line = bytes.TrimRight(line, "\r\n")
			copy(line, bytes.Repeat([]byte(" "), len(line)))
			return was
		}
	}
	return false
}

// table reads a line [a.b]; false if there is no such table, so that its keys are nobody's.
func (r *reader) table(n *unstable.Node) (path []string, ok bool) {
	path, places := r.path(nil, n)
	name, at := strings.Join(path, "."), places[len(places)-1]
	if n.Kind == unstable.ArrayTable {
		r.errs.Errorf(at, "[[%s]] is a list of tables; expected one table, [%s]", name, name)
		return nil, false
	}
	s, ok := r.find(path, places)
	if !ok {
		return nil, false
	}
	if !isTable(s.value.Type()) {
		r.errs.Errorf(at, "%s is no table; expected %s = ... under [%s]", name, path[len(path)-1], strings.Join(path[:len(path)-1], "."))
		return nil, false
	}
	r.config.places[name] = at
	return path, true
}

// path gives the key of a node behind that of its table, and the places of the node's parts.
func (r *reader) path(table []string, n *unstable.Node) (path []string, places []raddb.Pos) {
	path = append(path, table...)
	for it := n.Key(); it.Next(); {
		k := it.Node()
		path = append(path, string(k.Data))
		places = append(places, r.place(k.Raw))
	}
	return path, places
}

func (r *reader) place(raw unstable.Range) raddb.Pos {
	p := r.parser.Shape(raw).Start
	return raddb.Pos{File: FileName, Line: p.Line, Col: p.Column}
}

// keyValue handles one `key = value`, or each one of an inline table.
func (r *reader) keyValue(table []string, n *unstable.Node, values map[string]any) {
	path, places := r.path(table, n)
	s, ok := r.find(path, places)
	if !ok {
		return
	}
	key, at := strings.Join(path, "."), places[len(places)-1]
	inline := n.Value().Kind == unstable.InlineTable
	switch isValue := !isTable(s.value.Type()); {
	case isValue && inline:
		r.errs.Errorf(at, "%s is no table; expected a value", key)
	case isValue:
		r.config.places[key] = at
		if raw := n.Value().Raw; raw.Length != 0 {
			at = r.place(raw)
		}
		r.set(s, key, lookup(values, path), at)
	case inline:
		r.config.places[key] = at
		for it := n.Value().Children(); it.Next(); {
			r.keyValue(path, it.Node(), values)
		}
	default:
		r.errs.Errorf(at, "%s is a table; expected [%s] on a line of its own", key, key)
	}
}

// lookup finds the decoded value of a path that the parser has seen.
func lookup(values map[string]any, path []string) any {
	var v any = values
	for _, key := range path {
		table, _ := v.(map[string]any)
		v = table[key]
	}
	return v
}

// A slot is the place of a value in the settings.
type slot struct {
	value reflect.Value
	tag   reflect.StructTag
}

// find walks the path through the settings; an unknown key is an error at its place. places belong to the
// last parts of path: the first parts have been found before.
func (r *reader) find(path []string, places []raddb.Pos) (slot, bool) {
	s := slot{value: reflect.ValueOf(r.config).Elem()}
	for i, key := range path {
		next, ok := s.child(key)
		if ok {
			s = next
			continue
		}
		if at := i - (len(path) - len(places)); at >= 0 {
			r.unknown(s, path[:i], key, places[at])
		}
		return s, false
	}
	return s, true
}
