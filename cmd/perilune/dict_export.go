package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/policy"
)

// firstLocal is where FreeRADIUS has numbers for attributes of a site that are never on the wire.
const firstLocal = 3000

// exportFreeRADIUS writes attributes as a dictionary file of FreeRADIUS 3: those of -vendor, else those that scripts
// declare.
func (x *dictRun) exportFreeRADIUS() error {
	v, err := x.wantedVendor()
	if err != nil {
		return err
	}
	var own, local []*dictionary.Attribute
	vendors := map[uint32]*dictionary.Vendor{}
	for _, a := range x.d.Attributes() {
		scripted := strings.HasSuffix(a.Declared().File, ".lua")
		switch {
		case a.Vendor == nil && a.Internal && scripted && v == nil:
			local = append(local, a)
		case a.Vendor != nil && a.Vendor == cmp.Or(v, a.Vendor) && (scripted || v != nil):
			own = append(own, a)
			vendors[a.Vendor.ID] = a.Vendor
		}
	}
	if len(own)+len(local) == 0 {
		return errors.New("no script declares an attribute; name a vendor with -vendor to export what is in dictionary files")
	}
	w := exporter{bufio.NewWriter(x.s.out)}
	fmt.Fprintf(w, "# Written by perilune dict -export.\n")
	for i, a := range local {
		w.attribute(a, strconv.Itoa(firstLocal+i))
	}
	for _, v := range x.d.Vendors() {
		if vendors[v.ID] != nil {
			w.vendor(v, own)
		}
	}
	return w.Flush()
}

// An exporter writes a dictionary file of FreeRADIUS's.
type exporter struct{ *bufio.Writer }

func (w exporter) vendor(v *dictionary.Vendor, all []*dictionary.Attribute) {
	fmt.Fprintf(w, "\nVENDOR\t\t%s\t%d%s\n\nBEGIN-VENDOR\t%s\n\n", v.Name, v.ID, formatFlag(v.Format), v.Name)
	for _, a := range all {
		if a.Vendor == v && a.Parent == nil {
			w.attribute(a, strconv.FormatUint(uint64(a.Number), 10))
		}
	}
	fmt.Fprintf(w, "\nEND-VENDOR\t%s\n", v.Name)
}

func formatFlag(f radius.VSAFormat) string {
	if f == radius.DefaultVSAFormat {
		return ""
	}
	text := fmt.Sprintf("\tformat=%d,%d", f.TypeLen, f.LenLen)
	if f.Continuation {
		text += ",c"
	}
	return text
}

// exportName is the attribute's name there: fields have names of their own.
func exportName(a *dictionary.Attribute) string { return strings.ReplaceAll(a.FullName(), ".", "-") }

// attribute writes one attribute with its values and fields; number is that with its parents', joined by dots.
func (w exporter) attribute(a *dictionary.Attribute, number string) {
	name := exportName(a)
	if text := policy.CodecExample(a); text != "" {
		fmt.Fprintf(w, "# %s holds what a codec reads as %s\n", name, text)
	}
	typeName := a.Type.String()
	if a.Type == dictionary.TypeOctets && a.Length > 0 {
		typeName = fmt.Sprintf("octets[%d]", a.Length)
	}
	fmt.Fprintf(w, "ATTRIBUTE\t%s\t%s\t%s%s\n", name, number, typeName, exportFlags(a))
	w.values(a, name)
	for _, c := range a.Children() {
		w.attribute(c, number+"."+strconv.FormatUint(uint64(c.Number), 10))
	}
}

func exportFlags(a *dictionary.Attribute) string {
	var flags []string
	if a.Tagged {
		flags = append(flags, "has_tag")
	}
	if a.Encrypt != dictionary.EncryptNone {
		flags = append(flags, "encrypt="+strconv.Itoa(int(a.Encrypt)))
	}
	if a.Array && !a.IsField() {
		flags = append(flags, "array")
	}
	if len(flags) == 0 {
		return ""
	}
	return "\t" + strings.Join(flags, ",")
}

// values writes the names of values; one with a blank cannot be said there.
func (w exporter) values(a *dictionary.Attribute, name string) {
	values := describe(a).Values
	slices.SortStableFunc(values, func(p, q describedValue) int {
		first, _ := a.ValueName(p.Number)
		return cmp.Or(cmp.Compare(p.Number, q.Number), boolOrder(p.Name != first, q.Name != first))
	})
	for _, v := range values {
		if !strings.ContainsAny(v.Name, " \t\"#") {
			fmt.Fprintf(w, "VALUE\t\t%s\t%s\t%d\n", name, v.Name, v.Number)
		}
	}
}

// boolOrder puts false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
