package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
	"perilune/policy"
)

// describedAttribute is all that is known of one attribute.
type describedAttribute struct {
	Name     string           `json:"name"`
	Number   string           `json:"number,omitempty"`
	Type     string           `json:"type"`
	Vendor   string           `json:"vendor,omitempty"`
	VendorID uint32           `json:"vendor_id,omitempty"`
	Flags    []string         `json:"flags,omitempty"`
	Aliases  []string         `json:"aliases,omitempty"`
	Fields   []string         `json:"fields,omitempty"`
	Values   []describedValue `json:"values,omitempty"`
	Codec    string           `json:"codec,omitempty"` // a value of it as text
	Declared string           `json:"declared,omitempty"`
}

type describedValue struct {
	Name   string `json:"name"`
	Number uint64 `json:"number"`
}

func describe(a *dictionary.Attribute) describedAttribute {
	d := describedAttribute{Name: a.FullName(), Type: a.Type.String(), Aliases: a.Aliases(), Flags: flagsOf(a)}
	if !a.Internal {
		d.Number = strings.TrimPrefix(a.NumberName(), "Attr-")
	}
	if a.Vendor != nil {
		d.Vendor, d.VendorID = a.Vendor.Name, a.Vendor.ID
	}
	for _, c := range a.Children() {
		d.Fields = append(d.Fields, c.FullName())
	}
	for name := range a.ValueNames() {
		n, _ := a.ValueNumber(name)
		d.Values = append(d.Values, describedValue{name, n})
	}
	slices.SortFunc(d.Values, func(p, q describedValue) int {
		return cmp.Or(cmp.Compare(p.Number, q.Number), strings.Compare(p.Name, q.Name))
	})
	d.Codec = policy.CodecExample(a)
	if at := a.Declared(); at.File != "" {
		d.Declared = at.String()
	}
	return d
}

// flagsOf gives what a dictionary file or attribute{} says of an attribute beside its type.
func flagsOf(a *dictionary.Attribute) (flags []string) {
	add := func(on bool, text string) {
		if on {
			flags = append(flags, text)
		}
	}
	add(a.Internal, "internal")
	add(a.Tagged, "tag")
	add(a.Encrypt != dictionary.EncryptNone, "encrypt="+strconv.Itoa(int(a.Encrypt)))
	add(a.Secret && a.Encrypt == dictionary.EncryptNone, "secret")
	add(a.Concat, "concat")
	add(a.Array, "many")
	add(a.Length > 0, "octets["+strconv.Itoa(a.Length)+"]")
	add(a.Additivity == dictionary.Replace, "additivity=replace")
	add(a.Additivity == dictionary.None, "additivity=none")
	add(a.Propagate, "propagate")
	add(a.Codec != nil, "codec")
	return flags
}

// show prints everything about one attribute.
func (x *dictRun) show(a *dictionary.Attribute) error {
	d := describe(a)
	if x.asJSON {
		return json.NewEncoder(x.s.out).Encode(d)
	}
	line := func(what, text string) {
		if text != "" {
			fmt.Fprintf(x.s.out, "  %-9s %s\n", what, text)
		}
	}
	fmt.Fprintln(x.s.out, d.Name)
	line("number", d.Number)
	if d.Vendor != "" {
		line("vendor", fmt.Sprintf("%s (%d)", d.Vendor, d.VendorID))
	}
	line("type", d.Type)
	line("flags", strings.Join(d.Flags, " "))
	line("aliases", strings.Join(d.Aliases, " "))
	line("codec", d.Codec)
	line("declared", cmp.Or(d.Declared, x.undeclared(a)))
	for i, name := range d.Fields {
		line([]string{"fields", ""}[min(i, 1)], name)
	}
	for i, v := range d.Values {
		line([]string{"values", ""}[min(i, 1)], fmt.Sprintf("%-5d %s", v.Number, v.Name))
	}
	return nil
}

// undeclared says why an attribute has no place of declaration.
func (x *dictRun) undeclared(a *dictionary.Attribute) string {
	if a.Index < 0 {
		return "nowhere: octets by number"
	}
	return "by the program itself"
}
