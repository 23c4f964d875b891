package gnu

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/policy/convert/output"
	shipped "perilune/raddb"
)

// convertDictionary puts the shipped dictionary into the new tree, and beside it what the old one says beyond
// it: a file of the site's own attributes, values, names and flags for each old file that has some.
func (s *source) convertDictionary() {
	output.CopyShipped(s.out, shipped.Files, "dictionary")
	var none raddb.List
	base := dictionary.Load(raddb.OpenFS(shipped.Files), "dictionary", &none)
	var errs raddb.List
	old := dictionary.Load(s.tree, "dictionary", &errs)
	s.oldDict = old
	s.noteOld(errs)
	var nothing output.Tree
	nothing.File("dictionary")
	bare := dictionary.Load(raddb.OpenFS(nothing.FS("")), "dictionary", &none)
	w := dictionaryWriter{s: s, base: base, old: old, bare: bare, files: map[string]*strings.Builder{}}
	for _, a := range inFileOrder(old) {
		w.attribute(a)
	}
	w.write()
	var wrong raddb.List
	s.dict = dictionary.Load(raddb.OpenFS(s.out.FS("raddb")), "dictionary", &wrong)
	s.dict.Freeze()
	for _, e := range wrong {
		s.report.Lookf(raddb.Pos{File: "dictionary"}, "the new dictionary: %v", e)
	}
}

// noteOld reports what the old dictionary's reader says, but for warnings that the old server gave too.
func (s *source) noteOld(errs raddb.List) {
	for _, e := range errs {
		if !e.Warning {
			s.report.Lookf(e.Pos, "left out: %s", e.Msg)
		}
	}
}

// inFileOrder gives the attributes that the old files declare, and those that the program carries whose flags
// they may have changed, in the order of the files.
func inFileOrder(d *dictionary.Dictionary) []*dictionary.Attribute {
	all := slices.Clone(d.Attributes())
	slices.SortStableFunc(all, func(a, b *dictionary.Attribute) int {
		x, y := a.Declared(), b.Declared()
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	return all
}

// A dictionaryWriter compares the old dictionary with the shipped one and writes what is different.
type dictionaryWriter struct {
	s         *source
	base, old *dictionary.Dictionary
	bare      *dictionary.Dictionary      // what the program itself declares
	files     map[string]*strings.Builder // lines by old file
	order     []string
	vendors   map[uint32]bool // declared in the new files
}

func (w *dictionaryWriter) line(a *dictionary.Attribute, format string, args ...any) {
	name := a.Declared().File
	if carried(a) {
		name = "dictionary" // an order to the server whose flags or values the old files changed
	}
	b := w.files[name]
	if b == nil {
		b = &strings.Builder{}
		w.files[name] = b
		w.order = append(w.order, name)
	}
	fmt.Fprintf(b, format+"\n", args...)
}

// attribute writes what the old dictionary says of one attribute and the shipped one does not.
func (w *dictionaryWriter) attribute(a *dictionary.Attribute) {
	same := w.counterpart(a)
	if same == nil {
		w.declare(a)
		return
	}
	if own := w.own(a); own != nil {
		w.carried(a, same, own)
		return
	}
	w.compareType(a, same)
	for _, name := range append([]string{a.Name}, a.Aliases()...) {
		if w.base.GNUAttribute(name) != same {
			w.line(a, "ALIAS     %-24s %s", same.Name, name)
		}
	}
	if want := properties(a); want != properties(same) {
		w.line(a, "PROPERTY  %-24s %s", same.Name, want)
	}
	w.values(a, same)
}

// carriedFile is the place that attributes have which the program itself declares.
const carriedFile = "internal.dictionary"

// carried reports whether the place of an attribute is the program, not an old file.
func carried(a *dictionary.Attribute) bool { return a.Declared().File == carriedFile }

// own gives the attribute as the program declares it, nil if an old file has declared it.
func (w *dictionaryWriter) own(a *dictionary.Attribute) *dictionary.Attribute {
	if !carried(a) {
		return nil
	}
	return w.bare.Attribute(a.Name)
}

// carried writes what the old files changed of an attribute that the program declares.
func (w *dictionaryWriter) carried(a, same, own *dictionary.Attribute) {
	if want := properties(a); want != properties(own) && want != properties(same) {
		w.line(a, "PROPERTY  %-24s %s", same.Name, want)
	}
	for name := range a.ValueNames() {
		if _, ok := own.ValueNumber(name); !ok {
			w.values(a, same)
			return
		}
	}
}

// counterpart gives the shipped attribute that stands for the same thing: of the same number on the wire, or
// of the same name among the orders to the server.
func (w *dictionaryWriter) counterpart(a *dictionary.Attribute) *dictionary.Attribute {
	var b *dictionary.Attribute
	if a.Internal {
		b = w.base.Attribute(a.Name)
		if b != nil && !b.Internal {
			return nil
		}
	} else {
		b = w.base.Attribute(a.NumberName())
	}
	if b == nil || b.Index < 0 {
		return nil
	}
	return b
}

// compareType notes an attribute whose type is of another kind there. That of an RFC is kept; a site's own
// word on a vendor's attribute holds.
func (w *dictionaryWriter) compareType(a, same *dictionary.Attribute) {
	if kind(a.Type) == kind(same.Type) {
		return
	}
	if same.Vendor == nil {
		w.s.report.Differsf(a.Declared(), "%s has type %s, not %s: so the standards and all other dictionaries have it", same.Name, same.Type, a.Type)
		return
	}
	w.s.report.Lookf(a.Declared(), "%s has type %s here and %s in the shipped dictionary; the old type holds", a.Name, a.Type, same.Type)
	w.line(a, "ATTRIBUTE %-24s %d %s %s", a.Name, a.Number, a.Type, same.Vendor.Name)
}

// kind puts together types whose values are written and compared alike.
func kind(t dictionary.Type) string {
	switch t {
	case dictionary.TypeOctets, dictionary.TypeString, dictionary.TypeABinary:
		return "text"
	case dictionary.TypeInteger, dictionary.TypeDate, dictionary.TypeSigned:
		return "number"
	}
	return t.String()
}

// declare writes an attribute that the shipped dictionary lacks.
func (w *dictionaryWriter) declare(a *dictionary.Attribute) {
	vendor := "-"
	if a.Vendor != nil {
		vendor = w.vendor(a)
	}
	w.line(a, "ATTRIBUTE %-24s %-5d %-8s %s %s", a.Name, a.Number, a.Type, vendor, properties(a))
	for _, name := range a.Aliases() {
		w.line(a, "ALIAS     %-24s %s", a.Name, name)
	}
	w.values(a, nil)
}

// vendor gives the name by which the new dictionary knows the attribute's vendor, and declares it if need be.
func (w *dictionaryWriter) vendor(a *dictionary.Attribute) string {
	if v := w.base.Vendor(a.Vendor.ID); v != nil {
		return v.Name
	}
	if !w.vendors[a.Vendor.ID] {
		if w.vendors == nil {
			w.vendors = map[uint32]bool{}
		}
		w.vendors[a.Vendor.ID] = true
		format := ""
		if f := a.Vendor.Format; f.TypeLen != 1 || f.LenLen != 1 {
			format = fmt.Sprintf(" format=%d,%d", f.TypeLen, f.LenLen)
		}
		w.line(a, "VENDOR    %-24s %d%s", a.Vendor.Name, a.Vendor.ID, format)
	}
	return a.Vendor.Name
}

// values writes the names of values that the shipped attribute, if there is one, does not have.
func (w *dictionaryWriter) values(a, same *dictionary.Attribute) {
	type value struct {
		name string
		n    uint64
	}
	var all []value
	for name := range a.ValueNames() {
		n, _ := a.ValueNumber(name)
		if same != nil {
			if m, ok := same.ValueNumber(name); ok && m == n {
				continue
			}
		}
		all = append(all, value{name, n})
	}
	slices.SortFunc(all, func(x, y value) int { return cmp.Or(cmp.Compare(x.n, y.n), cmp.Compare(x.name, y.name)) })
	owner := a.Name
	if same != nil {
		owner = same.Name
	}
	for _, v := range all {
		w.line(a, "VALUE     %-24s %-24s %d", owner, v.name, v.n)
	}
}

// properties gives the flags of GNU Radius of an attribute.
func properties(a *dictionary.Attribute) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range 6 {
		letter := byte("LRLRLR"[i])
		if a.Usage&(1<<i) == 0 {
			letter = '-'
		}
		b.WriteByte(letter)
	}
	b.WriteByte(']')
	b.WriteString([...]string{"", "=", "N"}[a.Additivity])
	if a.Propagate {
		b.WriteByte('P')
	}
	if a.Detail {
		b.WriteByte('l')
	}
	switch a.Encrypt {
	case dictionary.EncryptUserPassword:
		b.WriteByte('E')
	case dictionary.EncryptSalted:
		b.WriteByte('T')
	}
	for i := 1; i <= 9; i++ {
		if a.UserFlags&(1<<i) != 0 {
			b.WriteByte(byte('0' + i))
		}
	}
	return b.String()
}

// write puts the collected lines into files, which the new dictionary includes at its end.
func (w *dictionaryWriter) write() {
	main := w.s.out.File("raddb/dictionary")
	if len(w.order) == 0 {
		w.s.report.Donef(raddb.Pos{File: "dictionary"}, "says nothing beyond the shipped dictionary")
		return
	}
	main.Printf("\n# From the old dictionary: what it said beyond the files above\n\n")
	for _, name := range w.order {
		file := "dictionary.d/site"
		if name != "dictionary" {
			file += "-" + strings.TrimPrefix(path.Base(name), "dictionary.")
		}
		main.Printf("$INCLUDE %s\n", file)
		f := w.s.out.File("raddb/" + file)
		f.Printf("# From %s of the old tree: what the shipped dictionary does not have, or says otherwise.\n\n%s", name, w.files[name])
		w.s.report.Donef(raddb.Pos{File: name}, "its own lines are in raddb/%s", file)
	}
}
