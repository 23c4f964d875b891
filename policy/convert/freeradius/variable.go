package freeradius

import (
	"path/filepath"
	"strings"

	"perilune/policy/convert/output"
)

// maxValue bounds the text of one value: of values that double each other forty are too many.
const maxValue = 64 << 10

// replace puts values in the place of ${name}: of an item of the section or of one around it, or with dots
// from the root down; ${.name} is of the section itself, ${.:instance} the section's own name. What has no value
// stays as it is.
func (r *confReader) replace(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			b.WriteString("${" + rest)
			return b.String()
		}
		value, known := r.variable(name)
		if !known || b.Len()+len(value) > maxValue {
			value = "${" + name + "}"
		}
		b.WriteString(value)
		text = after
	}
}

func (r *confReader) variable(name string) (string, bool) {
	switch name {
	case ".:instance":
		if r.inside.second != "" {
			return r.inside.second, true
		}
		return r.inside.name, r.inside.up != nil
	case ".:name":
		return r.inside.name, r.inside.up != nil
	}
	if local, ok := strings.CutPrefix(name, "."); ok {
		return value(r.inside, strings.TrimLeft(local, "."))
	}
	for s := r.inside; s != nil; s = s.up {
		if v, ok := value(s, name); ok {
			return v, true
		}
	}
	switch name {
	case "confdir", "raddbdir":
		return r.tree.Root, true
	case "modconfdir":
		return filepath.Join(r.tree.Root, "mods-config"), true
	}
	return "", false
}

// value gives an item below a section by its dotted name.
func value(s *item, name string) (string, bool) {
	for {
		first, rest, dotted := strings.Cut(name, ".")
		if !dotted {
			e := s.find(name)
			if e == nil {
				return "", false
			}
			return e.value, true
		}
		subs := s.all(first)
		if len(subs) == 0 {
			return "", false
		}
		s, name = subs[0], rest
	}
}

// relative gives a file's name below the directory that is converted. Where the configuration names the place
// it was installed at, the file of that name here is meant: a copy of the directory is often what one has.
func (r *confReader) relative(name string) string {
	if !filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	for _, key := range [...]string{"raddbdir", "confdir"} {
		for s := r.inside; s != nil; s = s.up {
			base, ok := value(s, key)
			if rel, below := output.Below(base, name); ok && below {
				return rel
			}
		}
	}
	if rel, below := output.Below(r.tree.Root, name); below {
		return rel
	}
	return name
}
