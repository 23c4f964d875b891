package policy

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/policy/sandbox"
)

// attributeTypes are the names of types that attribute{type=…} takes, in the words of the dictionaries.
var attributeTypes = map[string]dictionary.Type{
	"string": dictionary.TypeString, "octets": dictionary.TypeOctets, "byte": dictionary.TypeByte,
	"short": dictionary.TypeShort, "integer": dictionary.TypeInteger, "integer64": dictionary.TypeInteger64,
	"signed": dictionary.TypeSigned, "date": dictionary.TypeDate, "ipaddr": dictionary.TypeIPv4Addr,
	"ipv4addr": dictionary.TypeIPv4Addr, "ipv6addr": dictionary.TypeIPv6Addr, "ipv4prefix": dictionary.TypeIPv4Prefix,
	"ipv6prefix": dictionary.TypeIPv6Prefix, "combo-ip": dictionary.TypeComboIP, "ifid": dictionary.TypeIfID,
	"ether": dictionary.TypeEther, "abinary": dictionary.TypeABinary, "tlv": dictionary.TypeTLV,
}

var additivities = map[string]dictionary.Additivity{
	"append": dictionary.Append, "replace": dictionary.Replace, "none": dictionary.None,
}

// An optionReader takes the options of vendor{} and attribute{} apart and remembers the first error.
type optionReader struct {
	what string
	t    *lua.LTable
	err  error
	used map[string]bool
}

func newOptionReader(l *lua.LState, what string) *optionReader {
	t, ok := l.Get(1).(*lua.LTable)
	if !ok || l.GetTop() != 1 {
		sandbox.RaiseMisuse(l, "%s: expected one table: write %s{…} with braces", what, what)
	}
	return &optionReader{what: what, t: t, used: map[string]bool{}}
}

func (o *optionReader) get(name string) lua.LValue {
	o.used[name] = true
	return o.t.RawGetString(name)
}

func (o *optionReader) fail(format string, a ...any) {
	if o.err == nil {
		o.err = fmt.Errorf(o.what+": "+format, a...)
	}
}

func (o *optionReader) text(name string) string {
	switch v := o.get(name).(type) {
	case lua.LString:
		return string(v)
	case *lua.LNilType:
	default:
		o.fail("%s: %v", name, found(v, "text"))
	}
	return ""
}

// whole gives a whole number up to limit; ok is false if it is not given.
func (o *optionReader) whole(name string, limit float64) (n uint32, ok bool) {
	v := o.get(name)
	if v == lua.LNil {
		return 0, false
	}
	f, isNumber := v.(lua.LNumber)
	if !isNumber || f < 0 || float64(f) > limit || f != lua.LNumber(uint32(f)) {
		o.fail("%s: %v is not a whole number from 0 to %.0f", name, v, limit)
		return 0, true
	}
	return uint32(f), true
}

func (o *optionReader) flag(name string) bool {
	switch v := o.get(name).(type) {
	case lua.LBool:
		return bool(v)
	case *lua.LNilType:
	default:
		o.fail("%s: %v", name, found(v, "true or false"))
	}
	return false
}

// end reports the first error; an option that was not asked for is one.
func (o *optionReader) end() error {
	each(o.t, func(k, _ lua.LValue) bool {
		if !o.used[k.String()] || k.Type() != lua.LTString {
			o.fail("no option %q%s", k.String(), didYouMean(k.String(), maps.Keys(o.used)))
		}
		return true
	})
	return o.err
}

// declareVendor is vendor{name=, id= [, format="1,1"]}.
func declareVendor(rn *Runner, l *lua.LState) int {
	rn.whileLoading(l, "vendor")
	o := newOptionReader(l, "vendor")
	v := dictionary.Vendor{Name: o.text("name"), Format: radius.DefaultVSAFormat}
	id, given := o.whole("id", 1<<32-1)
	v.ID = id
	if v.Name == "" || !given {
		o.fail("name and id are needed")
	}
	if format := o.text("format"); format != "" {
		v.Format = o.format(format)
	}
	err := o.end()
	if err == nil && !rn.pr.linked {
		err = rn.pr.dict.AddVendor(v, whereabouts(l))
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	return 0
}

// format reads "1,1" or "1,1,c": octets of type and length, and a continuation octet.
func (o *optionReader) format(text string) (f radius.VSAFormat) {
	parts := strings.Split(text, ",")
	if len(parts) == 3 && parts[2] == "c" {
		f.Continuation, parts = true, parts[:2]
	}
	if len(parts) == 2 {
		t, err1 := strconv.Atoi(parts[0])
		n, err2 := strconv.Atoi(parts[1])
		if err1 == nil && err2 == nil && slices.Contains([]int{1, 2, 4}, t) && n >= 0 && n <= 2 {
			f.TypeLen, f.LenLen = uint8(t), uint8(n)
			return f
		}
	}
	o.fail(`format: got %q, expected octets of type and length, such as "1,1"`, text)
	return f
}

// declareAttribute is attribute{name=, type= …}.
func declareAttribute(rn *Runner, l *lua.LState) int {
	rn.whileLoading(l, "attribute")
	o := newOptionReader(l, "attribute")
	a := dictionary.Attribute{Name: o.text("name")}
	o.number(&a, rn.pr.dict)
	o.kind(&a)
	values, _ := o.get("values").(*lua.LTable)
	fields, _ := o.get("fields").(*lua.LTable)
	codec, functions := o.codec(&a)
	err := o.end()
	if err == nil {
		err = rn.addAttribute(declared{a, values, fields, codec, functions}, whereabouts(l))
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	return 0
}

// number reads vendor and id; without both the attribute is internal.
func (o *optionReader) number(a *dictionary.Attribute, d *dictionary.Dictionary) {
	id, hasID := o.whole("id", 1<<24-1)
	vendor := o.text("vendor")
	a.Number = id
	switch {
	case a.Name == "":
		o.fail("name is missing")
	case isField(a.Name):
		o.fail("name: %q looks like a field; an attribute's name has a capital or a hyphen", a.Name)
	case vendor == "" && !hasID:
		a.Internal = true
	case vendor == "" || !hasID:
		o.fail("vendor and id go together; without both the attribute is internal")
	default:
		if a.Vendor = d.VendorNamed(vendor); a.Vendor == nil {
			o.fail("no vendor %q is declared; write vendor{name=%q, id=…} above%s", vendor, vendor, didYouMean(vendor, d.VendorNames()))
		}
	}
}

// kind reads the type and the flags.
func (o *optionReader) kind(a *dictionary.Attribute) {
	name := o.text("type")
	t, ok := attributeTypes[name]
	if !ok {
		o.fail("no type %q%s", name, didYouMean(name, maps.Keys(attributeTypes)))
	}
	a.Type = t
	a.Tagged, a.Propagate, a.Array = o.flag("tag"), o.flag("propagate"), o.flag("many")
	encrypt, _ := o.whole("encrypt", 3)
	a.Encrypt = dictionary.Encrypt(encrypt)
	if word := o.text("additivity"); word != "" {
		if a.Additivity, ok = additivities[word]; !ok {
			o.fail("no additivity %q; expected append, replace or none", word)
		}
	}
}

// maxFieldDepth is how deep TLVs nest.
const maxFieldDepth = 3

// A declared is an attribute or a field as a script declares it.
type declared struct {
	dictionary.Attribute
	values, fields *lua.LTable
	codec          *codec
	functions      codecFunctions
}

// addAttribute adds an attribute to the dictionary, and its codec to this state: further states find the attribute
// there.
func (rn *Runner) addAttribute(d declared, at raddb.Pos) error { return rn.addDeclared(d, at, 1) }

func (rn *Runner) addDeclared(d declared, at raddb.Pos, depth int) error {
	made := &d.Attribute
	if !rn.pr.linked {
		var err error
		if made, err = rn.pr.dict.AddAttribute(d.Attribute, at); err != nil {
			return err
		}
		if err := rn.pr.addValues(made, d.values, at); err != nil {
			return err
		}
	}
	if d.codec != nil {
		d.codec.attr = made
		if err := rn.addCodec(d.codec, d.functions, at); err != nil {
			return err
		}
	}
	if d.fields == nil {
		return nil
	}
	return rn.addFieldsOf(made, d.fields, at, depth)
}

func (pr *Program) addValues(made *dictionary.Attribute, values *lua.LTable, at raddb.Pos) (err error) {
	if values == nil {
		return nil
	}
	each(values, func(k, v lua.LValue) bool {
		n, ok := v.(lua.LNumber)
		if !ok || n < 0 || n != lua.LNumber(uint32(n)) {
			err = fmt.Errorf("attribute: values: %v is %v, expected a whole number", k, v)
		} else {
			err = pr.dict.AddValue(made, k.String(), uint64(n), at)
		}
		return err == nil
	})
	return err
}

// addFieldsOf declares the fields of a TLV.
func (rn *Runner) addFieldsOf(parent *dictionary.Attribute, fields *lua.LTable, at raddb.Pos, depth int) error {
	if parent.Type != dictionary.TypeTLV || depth > maxFieldDepth {
		return fmt.Errorf(`attribute: fields are for type="tlv", nested at most %d deep`, maxFieldDepth)
	}
	for i := 1; i <= fields.Len(); i++ {
		t, ok := fields.RawGetInt(i).(*lua.LTable)
		if !ok {
			return fmt.Errorf("attribute: field %d: %w", i, found(fields.RawGetInt(i), "a table"))
		}
		o := &optionReader{what: "attribute: field " + strconv.Itoa(i), t: t, used: map[string]bool{}}
		a := dictionary.Attribute{Name: o.text("name"), Parent: parent, Vendor: parent.Vendor}
		a.Number, _ = o.whole("id", 255)
		o.kind(&a)
		values, _ := o.get("values").(*lua.LTable)
		inner, _ := o.get("fields").(*lua.LTable)
		codec, functions := o.codec(&a)
		if err := o.end(); err != nil {
			return err
		}
		if err := rn.addDeclared(declared{a, values, inner, codec, functions}, at, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// whileLoading refuses declarations in handlers.
func (rn *Runner) whileLoading(l *lua.LState, what string) {
	if !rn.loading {
		sandbox.RaiseMisuse(l, "%s: attributes are declared while scripts load, not later", what)
	}
}

func didYouMean(name string, names iter.Seq[string]) string {
	return raddb.DidYouMean(name, names)
}
