package dictionary

import (
	"fmt"
	"strconv"

	"perilune/engine/radius"
)

// A Part is a run of octets with what they mean, for people. Parts that lie in others follow them, one deeper.
type Part struct {
	Depth  int    `json:"depth"`
	At     int    `json:"at"` // of the first octet, header included, in the whole
	Octets []byte `json:"-"`  // the value without its header
	Name   string `json:"name"`
	Number string `json:"number,omitempty"` // as Attr-26.9.1
	Type   string `json:"type,omitempty"`
	Tag    int    `json:"tag,omitempty"`
	Text   string `json:"text,omitempty"` // "" where the parts inside say it
	Note   string `json:"note,omitempty"` // what is wrong or not known
}

// Explain takes attributes in wire form apart, every level of them. It accepts any octets: what is cut off or
// unknown is a Part with a Note. Hidden values stay as they are.
func (d *Dictionary) Explain(attrs []byte) []Part {
	x := explainer{d: d}
	x.attributes(attrs, 0)
	return x.parts
}

type explainer struct {
	d     *Dictionary
	parts []Part
}

func (x *explainer) add(p Part) *Part {
	x.parts = append(x.parts, p)
	return &x.parts[len(x.parts)-1]
}

// cutOff adds octets that are no whole attribute.
func (x *explainer) cutOff(b []byte, at, depth int, what string) {
	if len(b) > 0 {
		x.add(Part{Depth: depth, At: at, Octets: b, Name: "?", Text: hexText(b), Note: what})
	}
}

const cutOffNote = "cut off: the length does not fit"

func (x *explainer) attributes(b []byte, at int) {
	for rest := radius.Attributes(b); ; {
		here := at + len(b) - len(rest)
		t, value, next, ok := rest.Next()
		if !ok {
			x.cutOff(rest, here, 0, cutOffNote)
			return
		}
		x.attribute(t, value, here)
		rest = next
	}
}

func (x *explainer) attribute(t radius.Type, value []byte, at int) {
	a := x.d.wire[t]
	switch a.Type {
	case TypeVSA:
		x.vendorSpecific(a, value, at)
	case TypeExtended, TypeLongExtended:
		x.extended(a, t, value, at)
	default:
		x.value(a, value, at, at+2, 0)
	}
}

// vendorSpecific takes attribute 26 apart (RFC 2865 s5.26).
func (x *explainer) vendorSpecific(a *Attribute, value []byte, at int) {
	id, data, ok := radius.SplitVSA(value)
	if !ok {
		x.add(Part{At: at, Octets: value, Name: a.Name, Number: a.NumberName(), Text: hexText(value), Note: "no vendor: 4 octets of its number are missing"})
		return
	}
	vendor, format := x.d.Vendor(id), usualFormat(id)
	head := Part{At: at, Octets: value, Name: a.Name, Number: a.NumberName(), Type: "vsa", Text: fmt.Sprintf("vendor %d", id)}
	if vendor != nil {
		format = vendor.Format
		head.Text += " " + vendor.Name
	} else {
		head.Note = "no dictionary declares this vendor"
	}
	x.add(head)
	for rest := data; len(rest) > 0; {
		here := at + 6 + len(data) - len(rest)
		sub, next, ok := format.Next(rest)
		if !ok {
			x.cutOff(rest, here, 1, fmt.Sprintf("not in the vendor's format %d,%d", format.TypeLen, format.LenLen))
			return
		}
		x.value(x.d.vendorAttribute(id, sub.Number), sub.Value, here, here+format.HeaderLen(), 1)
		if sub.More {
			x.parts[len(x.parts)-1].Note = "goes on in the next attribute"
		}
		rest = next
	}
}

// extended takes an attribute 241 to 246 apart (RFC 6929 s2.1, s2.2).
func (x *explainer) extended(parent *Attribute, t radius.Type, value []byte, at int) {
	e, ok := radius.SplitExtended(t, value)
	if !ok {
		x.add(Part{At: at, Octets: value, Name: parent.Name, Number: parent.NumberName(), Text: hexText(value), Note: cutOffNote})
		return
	}
	inner := at + 2 + len(value) - len(e.Value)
	a := parent.Child(uint32(e.Number))
	if a == nil {
		a = x.d.made.get(parent, nil, 0, uint32(e.Number))
	}
	if vendor, n, data, ok := radius.SplitEVS(e.Value); ok && a.Type == TypeEVS {
		a, inner, e.Value = x.d.evsAttribute(a, vendor, uint32(n)), inner+len(e.Value)-len(data), data
	}
	first := len(x.parts)
	x.value(a, e.Value, at, inner, 0)
	if e.More {
		x.parts[first].Note = "goes on in the next attribute"
	}
}

// value adds one value, and what lies in it: in begins in the whole at inner.
func (x *explainer) value(a *Attribute, value []byte, at, inner, depth int) {
	p := x.add(Part{Depth: depth, At: at, Octets: value, Name: a.FullName(), Type: a.Type.String()})
	if a.Index >= 0 {
		p.Number = a.NumberName()
	} else {
		p.Note = "no dictionary declares this number"
	}
	if a.Encrypt != EncryptNone {
		p.Text, p.Note = hexText(value), "hidden by the shared secret"
		return
	}
	if depth < maxDepth && len(a.children) > 0 && a.Type == TypeTLV {
		x.tlvs(a, value, inner, depth+1)
		return
	}
	if depth < maxDepth && len(a.children) > 0 && a.Fits(value) {
		for c, v := range a.fields(value) {
			x.value(c, v, inner, inner, depth+1)
			inner += len(v)
		}
		return
	}
	x.leaf(p, a, value)
}

// leaf gives a part its text.
func (x *explainer) leaf(p *Part, a *Attribute, value []byte) {
	dec := decoder{d: x.d, l: new(List)}
	pair := Pair{Attr: a, Value: value}
	dec.untag(&pair)
	p.Tag = int(pair.Tag)
	switch {
	case a.Array && a.size() > 0 && len(value) > 0 && len(value)%a.size() == 0:
		for i := 0; i < len(value); i += a.size() {
			p.Text += " " + string(a.AppendText(nil, value[i:i+a.size()]))
		}
		p.Text = p.Text[1:]
		return
	case a.Index >= 0 && !a.Fits(pair.Value):
		p.Text, p.Note = hexText(value), "does not fit the type: "+strconv.Itoa(len(value))+" octets"
		return
	}
	text := pair.Attr.appendAssigned(nil, pair.Value, false)
	p.Text = string(text[len(" = "):])
}

// tlvs takes the fields of a TLV apart; those that nobody declares are named by number.
func (x *explainer) tlvs(parent *Attribute, b []byte, at, depth int) {
	for rest := radius.TLVs(b); ; {
		here := at + len(b) - len(rest)
		n, value, next, ok := rest.Next()
		if !ok {
			x.cutOff(rest, here, depth, cutOffNote)
			return
		}
		c := parent.Child(uint32(n))
		if c == nil {
			c = x.d.made.get(parent, parent.Vendor, 0, uint32(n))
		}
		x.value(c, value, here, here+2, depth)
		rest = next
	}
}

func hexText(b []byte) string { return string(appendHex(nil, b)) }
