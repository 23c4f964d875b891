package policy

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/policy/module"
)

// maxExact is the largest whole number that a Lua number holds exactly.
const maxExact = 1 << 53

// value gives the Lua value of one attribute value; it is a copy. nil if the value does not fit its type.
func (rn *Runner) value(a *dictionary.Attribute, value []byte) lua.LValue {
	if a.Codec != nil {
		return rn.decoded(a, value)
	}
	if rn.r != nil {
		rn.r.Reads(a, value)
	}
	switch a.Type {
	case dictionary.TypeString, dictionary.TypeOctets, dictionary.TypeABinary:
		return rn.box.Text(value)
	case dictionary.TypeByte, dictionary.TypeShort, dictionary.TypeInteger, dictionary.TypeInteger64:
		return rn.number(a, value)
	case dictionary.TypeSigned:
		n, ok := a.Uint(value)
		if !ok {
			return lua.LNil
		}
		return lua.LNumber(int64(n))
	case dictionary.TypeDate:
		n, ok := a.Uint(value)
		if !ok {
			return lua.LNil
		}
		return lua.LNumber(n)
	case dictionary.TypeTLV, dictionary.TypeStruct:
		return rn.fields(a, value)
	}
	rn.scratch = a.AppendText(rn.scratch[:0], value)
	return rn.box.Text(rn.scratch)
}

// named gives the Lua value of an attribute as a name means it: by a name of numbers also what does not fit
// its type, as octets.
func (rn *Runner) named(ref dictionary.Ref, value []byte) lua.LValue {
	if ref.Raw != nil && !ref.Attr.Fits(value) {
		return rn.box.Text(value)
	}
	if ref.Raw != nil && ref.Attr.Codec != nil {
		return rn.box.Text(value)
	}
	return rn.value(ref.Attr, value)
}

func (rn *Runner) number(a *dictionary.Attribute, value []byte) lua.LValue {
	n, ok := a.Uint(value)
	if !ok {
		return lua.LNil
	}
	if a.HasValues() {
		if name, ok := a.ValueName(n); ok {
			return lua.LString(name)
		}
	}
	if n > maxExact {
		return module.NewU64(n)
	}
	return lua.LNumber(n)
}

// fields gives a TLV or struct as a table by the names of its fields.
func (rn *Runner) fields(a *dictionary.Attribute, value []byte) lua.LValue {
	var l dictionary.List
	if a.IsField() {
		l.Add(a.AnyTag(), value) // a Root that holds this field alone
	} else {
		l.AddShared(dictionary.Pair{Attr: a, Value: value})
	}
	return rn.fieldsOf(&l, a)
}

func (rn *Runner) fieldsOf(l *dictionary.List, a *dictionary.Attribute) lua.LValue {
	t := rn.lua().NewTable()
	for _, child := range a.Children() {
		ref := child.AnyTag()
		for i := 0; ; i++ {
			v, ok := l.Get(ref, i)
			if !ok {
				break
			}
			rn.addField(t, child, i, rn.value(child, v))
		}
	}
	return t
}

// fieldName gives the key of a field in a table: its name without the name of what it lies in.
func fieldName(child *dictionary.Attribute) string {
	return strings.TrimPrefix(child.Name, child.Parent.Name+".")
}

// addField sets one field; fields that may come many times are lists.
func (rn *Runner) addField(t *lua.LTable, child *dictionary.Attribute, i int, v lua.LValue) {
	if !child.Array {
		if i == 0 {
			t.RawSetString(fieldName(child), v)
		}
		return
	}
	list, ok := t.RawGetString(fieldName(child)).(*lua.LTable)
	if !ok {
		list = rn.lua().NewTable()
		t.RawSetString(fieldName(child), list)
	}
	list.Append(v)
}

// wireAs is wire for an attribute as a name means it: by a name of numbers a codec's octets are given as they are.
func (rn *Runner) wireAs(dst []byte, ref dictionary.Ref, v lua.LValue) ([]byte, error) {
	if ref.Raw != nil && ref.Attr.Codec != nil {
		return rn.wire(dst, ref.Raw, v)
	}
	return rn.wire(dst, ref.Attr, v)
}

// wire appends the wire form of a Lua value to dst, or says why the attribute cannot hold it. The error
// never holds the value of a secret attribute.
func (rn *Runner) wire(dst []byte, a *dictionary.Attribute, v lua.LValue) ([]byte, error) {
	start := len(dst)
	dst, err := rn.wireOf(dst, a, v)
	if err != nil && (strings.HasPrefix(err.Error(), a.Name+" ") || strings.HasPrefix(err.Error(), a.Name+".")) {
		return dst, err // the dictionary's errors, and those of fields, name the attribute
	}
	if err != nil {
		return dst, fmt.Errorf("%s: %w", a.Name, err)
	}
	if n, room := len(dst)-start, room(a); n > room {
		return dst, tooLong(a, n)
	}
	return dst, nil
}

func (rn *Runner) wireOf(dst []byte, a *dictionary.Attribute, v lua.LValue) ([]byte, error) {
	if a.Codec != nil {
		value, err := rn.encoded(a.Codec.(*codec), v)
		return append(dst, value...), err
	}
	switch a.Type {
	case dictionary.TypeString, dictionary.TypeOctets, dictionary.TypeABinary:
		return wireText(dst, a, v)
	case dictionary.TypeByte, dictionary.TypeShort, dictionary.TypeInteger, dictionary.TypeInteger64, dictionary.TypeSigned:
		return wireNumber(dst, a, v)
	case dictionary.TypeDate:
		if n, ok := v.(lua.LNumber); ok {
			return wireFloat(dst, a, float64(n))
		}
		if v.Type() != lua.LTString {
			return dst, found(v, "epoch seconds or text")
		}
	case dictionary.TypeTLV, dictionary.TypeStruct:
		return rn.wireFields(dst, a, v)
	}
	text, ok := v.(lua.LString)
	if !ok {
		return dst, found(v, "text")
	}
	return a.ParseText(dst, string(text))
}

func wireText(dst []byte, a *dictionary.Attribute, v lua.LValue) ([]byte, error) {
	switch v := v.(type) {
	case lua.LString:
		return append(dst, v...), nil
	case lua.LNumber:
		if a.Type == dictionary.TypeString {
			return append(dst, v.String()...), nil
		}
	}
	if a.Type == dictionary.TypeString {
		return dst, found(v, "text")
	}
	return dst, found(v, "a byte string")
}

func wireNumber(dst []byte, a *dictionary.Attribute, v lua.LValue) ([]byte, error) {
	switch v := v.(type) {
	case lua.LNumber:
		return wireFloat(dst, a, float64(v))
	case lua.LString:
		return wireDigits(dst, a, string(v))
	}
	if n, ok := module.ToU64(v); ok {
		return wireUint(dst, a, n)
	}
	if a.HasValues() {
		return dst, found(v, "a number, digits or a VALUE name")
	}
	return dst, found(v, "a number or digits")
}

func wireFloat(dst []byte, a *dictionary.Attribute, f float64) ([]byte, error) {
	switch {
	case math.IsNaN(f):
		return dst, errors.New("not a number (NaN)")
	case f != math.Trunc(f):
		return dst, fmt.Errorf("%v has a fraction, expected a whole number", f)
	case a.Type == dictionary.TypeSigned:
		if f < math.MinInt32 || f > math.MaxInt32 {
			return dst, fmt.Errorf("%.0f is out of range (%d to %d)", f, math.MinInt32, math.MaxInt32)
		}
		return wireUint(dst, a, uint64(int64(f)))
	case f < 0 || f > maxExact:
		return dst, fmt.Errorf("%.0f is out of range (0 to %d)", f, min(maxNumber(a), maxExact))
	}
	return wireUint(dst, a, uint64(f))
}

func wireUint(dst []byte, a *dictionary.Attribute, n uint64) ([]byte, error) {
	out, ok := a.AppendUint(dst, n)
	if !ok {
		return dst, fmt.Errorf("%d is out of range (0 to %d)", n, maxNumber(a))
	}
	return out, nil
}

func wireDigits(dst []byte, a *dictionary.Attribute, text string) ([]byte, error) {
	if n, ok := a.ValueNumber(text); ok {
		if name, _ := a.ValueName(n); name != text && strings.EqualFold(name, text) {
			return dst, fmt.Errorf("%q is spelt %q", text, name)
		}
		return wireUint(dst, a, n)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err == nil {
		return wireUint(dst, a, n)
	}
	if a.Type == dictionary.TypeSigned {
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			return wireUint(dst, a, uint64(n))
		}
	}
	what := "digits"
	if a.HasValues() {
		what = "digits or a VALUE name"
	}
	if a.Secret {
		return dst, fmt.Errorf("got text that is not %s", what)
	}
	return dst, fmt.Errorf("got %q, expected %s%s", text, what, nearestValue(a, text))
}

func maxNumber(a *dictionary.Attribute) uint64 {
	switch a.Type {
	case dictionary.TypeByte:
		return math.MaxUint8
	case dictionary.TypeShort:
		return math.MaxUint16
	case dictionary.TypeInteger64:
		return math.MaxUint64
	}
	return math.MaxUint32
}

// wireFields makes a TLV or struct of a table by the names of its fields.
func (rn *Runner) wireFields(dst []byte, a *dictionary.Attribute, v lua.LValue) ([]byte, error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return dst, found(v, "a table of fields")
	}
	var l dictionary.List
	known := 0
	for _, child := range a.Children() {
		items := t.RawGetString(fieldName(child))
		if items == lua.LNil {
			continue
		}
		known++
		if err := rn.addFields(&l, child, items); err != nil {
			return dst, err
		}
	}
	if err := onlyFields(a, t, known); err != nil {
		return dst, err
	}
	switch len(l.Pairs) {
	case 0:
		return dst, errors.New("the table has no field")
	case 1:
	default:
		return dst, errors.New("the fields are more than one value holds")
	}
	value := l.Pairs[0].Value
	if a.IsField() {
		value, _ = l.Get(a.AnyTag(), 0)
	}
	return append(dst, value...), nil
}

func (rn *Runner) addFields(l *dictionary.List, child *dictionary.Attribute, items lua.LValue) error {
	list, many := items.(*lua.LTable)
	many = many && !(structured(child) && list.Len() == 0)
	if many && !child.Array {
		return fmt.Errorf("%s: got a list, but the field comes once", child.Name)
	}
	count := 1
	if many {
		count = list.Len()
	}
	for i := range count {
		item := items
		if many {
			item = list.RawGetInt(i + 1)
		}
		value, err := rn.wire(nil, child, item)
		if err != nil {
			return err
		}
		l.Add(child.AnyTag(), value)
	}
	return nil
}

// onlyFields refuses keys that are no fields of a.
func onlyFields(a *dictionary.Attribute, t *lua.LTable, known int) error {
	keys, strange := 0, ""
	each(t, func(k, _ lua.LValue) bool {
		keys++
		for _, child := range a.Children() {
			if fieldName(child) == k.String() {
				return true
			}
		}
		strange = k.String()
		return true
	})
	if keys != known {
		return fmt.Errorf("no field %q", strange)
	}
	return nil
}

// found says that a value is of the wrong type.
func found(v lua.LValue, expected string) error {
	return fmt.Errorf("got a %s, expected %s", v.Type(), expected)
}

// room gives the octets that a value of a may have.
func room(a *dictionary.Attribute) int {
	if a.Concat || a.Internal || a.Root.Type == dictionary.TypeLongExtended {
		return radius.MaxPacketLen
	}
	n := radius.MaxValueLen
	for p := a.Parent; p != nil; p = p.Parent {
		n -= 2
	}
	if a.Vendor != nil {
		// RFC 2865 s5.26: the vendor's number and one header stand before the value.
		n -= 4 + a.Vendor.Format.HeaderLen()
	}
	if a.Tagged {
		n--
	}
	switch a.Encrypt {
	case dictionary.EncryptUserPassword:
		return 128 // RFC 2865 s5.2
	case dictionary.EncryptSalted:
		return (n-2)/16*16 - 1 // RFC 2868 s3.5: salt, then the length inside the hidden text
	}
	return n
}
