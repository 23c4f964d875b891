package dictionary

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// foreignTexts are the values that each type is tried with.
var foreignTexts = map[Type][]string{
	TypeString:     {`"some text"`, `"a \"q\" \\ \303\244\nb"`},
	TypeOctets:     {"0x01", "0x0102030405060708090a0b0c0d0e0f1011121314"},
	TypeByte:       {"1", "254"},
	TypeShort:      {"1", "65534"},
	TypeInteger:    {"1", "16777214", "4294967294"},
	TypeInteger64:  {"1", "18446744073709551614"},
	TypeSigned:     {"1", "-2", "2147483646"},
	TypeDate:       {`"Nov 14 2023 22:13:20 UTC"`, "4294967294"},
	TypeIPv4Addr:   {"192.0.2.1", "255.255.255.255"},
	TypeIPv6Addr:   {"2001:db8::1", "::"},
	TypeIPv4Prefix: {"192.0.2.0/24", "192.0.2.1/32", "0.0.0.0/0", "192.0.2.129/25"},
	TypeIPv6Prefix: {"2001:db8::/32", "2001:db8:8000::/33", "::/0", "2001:db8::1/128", "2001:db8::1/64"},
	TypeComboIP:    {"192.0.2.1", "2001:db8::1"},
	TypeIfID:       {"1:2:3:4", "ffff:0:0:abcd"},
	TypeEther:      {"00:00:5e:00:53:01"},
	TypeABinary:    {`"ip in forward tcp est"`},
}

// foreigns gives every attribute of the wire that a file declares, or any file, with its values.
func foreigns(d *Dictionary, file string) (all []foreign) {
	for _, a := range d.Attributes() {
		if a.Internal || a.carried && a.at.File == "" || d.occupant(a) != a || digitNames(a) || file != "" && a.at.File != file {
			continue
		}
		texts := foreignTexts[a.Type]
		if a.Type == TypeOctets && a.Length > 0 {
			texts = []string{"0x" + strings.Repeat("0a", a.Length)}
		}
		if a.Tagged && a.Type == TypeInteger {
			texts = []string{"1", "16777214"}
		}
		for _, text := range texts {
			all = append(all, foreign{a.Name, text})
			if a.Tagged {
				all = append(all, foreign{a.Name + ":7", text})
			}
		}
		for _, v := range a.values.byName {
			all = append(all, foreign{a.Name, `"` + v.name + `"`})
		}
	}
	return all
}

// digitNames reports whether a number has digits for its name. FreeRADIUS shows these and reads them as a
// number, which is another one.
func digitNames(a *Attribute) bool {
	for name := range a.ValueNames() {
		if strings.Trim(name, "0123456789") == "" {
			return true
		}
	}
	return false
}

// flat gives a pair as radclient shows one: a line for every field.
func flat(dst []string, a *Attribute, tag uint8, value []byte) []string {
	if len(a.children) > 0 && a.Fits(value) {
		for c, v := range a.fields(value) {
			dst = flat(dst, c, 0, v)
		}
		return dst
	}
	name := a.FullName()
	if tag != 0 {
		name += ":" + strconv.Itoa(int(tag))
	}
	return append(dst, string(a.appendAssigned([]byte(name), value, false)))
}

// shown gives a line of radclient's as we show the same value.
func (r *foreignRun) shown(line string) string {
	p, err := r.d.ParsePair(line)
	if err != nil {
		return err.Error()
	}
	return strings.Join(flat(nil, p.Attr, p.Tag, p.Value), "; ")
}

// sameText reports whether we must show a value as radclient does. We show dates in another form, and the
// first of several names of a number where FreeRADIUS shows the last.
func (r *foreignRun) sameText(line string) bool {
	name, _, _ := splitPair(line)
	ref, err := r.d.Resolve(name)
	if err != nil || ref.Attr.Type == TypeDate {
		return false
	}
	names := map[uint64]int{}
	for _, v := range ref.Attr.values.byName {
		names[v.number]++
	}
	p, _ := r.d.ParsePair(line)
	if ref.Attr.IsField() {
		p.Value, _ = ref.Attr.Field(p.Value, 0)
	}
	n, _ := ref.Attr.Uint(p.Value)
	return names[n] < 2
}

// compare reports all differences.
func (r *foreignRun) compare(t *testing.T) {
	t.Helper()
	for i, p := range r.dialogs {
		q, err := radius.Parse(p.request)
		if err != nil {
			t.Errorf("packet %d: %v", i, err)
			continue
		}
		r.compareDecoded(t, i, p, &q)
		r.compareEncoded(t, i, p, &q)
		if len(p.answered) == 0 {
			continue
		}
		var want []string
		for _, f := range p.answered {
			want = append(want, r.shown(f.name+" = "+f.text))
		}
		var got []string
		for at, line := range p.received {
			if strings.HasPrefix(line, "Attr-") && at < len(p.answered) && !isNumberName(p.answered[at].name) {
				t.Errorf("packet %d: radclient does not understand our %s: %s", i, p.answered[at].name, line)
			}
			got = append(got, r.shown(line))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("packet %d: radclient reads what we send as (-want +got)\n%s", i, diff)
		}
	}
}

// compareDecoded compares what radclient has sent with what we read.
func (r *foreignRun) compareDecoded(t *testing.T, i int, p *dialog, q *radius.Packet) {
	t.Helper()
	var l List
	if err := r.d.Decode(&l, q.Attributes, foreignSession(), &q.Authenticator); err != nil {
		t.Error(err)
	}
	var got, want []string
	for _, pair := range l.Pairs[1:] {
		got = flat(got, pair.Attr, pair.Tag, pair.Value)
	}
	for _, line := range p.sent {
		if !r.sameText(line) {
			line = r.shown(line)
		}
		want = append(want, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packet %d: we read what radclient sends as (-want +got)\n%s", i, diff)
	}
}

// compareEncoded compares the octets that radclient has sent with those that we make of the same text.
func (r *foreignRun) compareEncoded(t *testing.T, i int, p *dialog, q *radius.Packet) {
	t.Helper()
	_, _, attrs, _ := q.Attributes.Next() // its number
	for _, f := range p.asked {
		pair, err := r.d.ParsePair(f.name + " = " + f.text)
		if err != nil {
			t.Error(err)
		}
		ours, err := Encode(nil, &pair, foreignSession(), &q.Authenticator, nil)
		if err != nil {
			t.Error(err)
		}
		theirs := attrs[:min(len(attrs), len(ours))]
		if pair.Attr.Type == TypeIPv6Prefix && len(attrs) > 0 { // theirs has 16 octets of address, zeros too
			theirs = attrs[:attrs[1]]
			ours = append(ours, make([]byte, max(0, len(theirs)-len(ours)))...)
			ours[1] = theirs[1]
			if pair.Attr.Vendor != nil {
				ours[7] = theirs[7]
			}
		}
		attrs = attrs[len(theirs):]
		if !bytes.Equal(theirs, ours) {
			t.Errorf("packet %d: %s = %s: radclient sends %x, we %x", i, f.name, f.text, theirs, ours)
			return
		}
	}
	if len(attrs) > 0 {
		t.Errorf("packet %d: radclient sends more: %x", i, attrs)
	}
}

// unsendable reports whether radclient cannot send an attribute as it was told.
func unsendable(a *Attribute) bool {
	switch a.Name {
	case "User-Password", "CHAP-Password", "Message-Authenticator":
		return true // it computes them, from the last one in the file
	}
	if a.Vendor != nil && a.Vendor.Format.TypeLen > 1 && a.IsField() {
		return true // it writes the field's number over the high octet of the type
	}
	return a.Encrypt == EncryptSalted || inStandardTLV(a) // it hides such values only in replies
}

// inStandardTLV is of the fields of IPv6-6rd-Configuration: FreeRADIUS 3 has no TLVs in the space of RFC 2865.
func inStandardTLV(a *Attribute) bool {
	return a.IsField() && a.Root.Vendor == nil && a.Root.Parent == nil
}

// unreadable reports whether radclient does not read an attribute from an answer.
func unreadable(a *Attribute) bool {
	return a.Name == "Message-Authenticator" || inStandardTLV(a)
}

func TestRadclientHasAll(t *testing.T) {
	needRadclient(t)
	r := newForeignRun(t, "")
	all := foreigns(r.d, "")
	r.add(t, all)
	r.run(t)
	t.Logf("%d values of %d attributes", len(all), len(r.d.Attributes()))
	r.compare(t)
}

// The files that the root file does not include, each on top of it.
func TestRadclientHasTheOthers(t *testing.T) {
	needRadclient(t)
	for _, file := range needFreeRADIUS(t) {
		if isIncluded(t, file) || file == freeradius+"/dictionary" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := newForeignRun(t, file)
			all := foreigns(r.d, file)
			if len(all) == 0 {
				return
			}
			r.add(t, all)
			r.run(t)
			r.compare(t)
		})
	}
}

// Numbers for names, and octets that do not fit the type of a declared attribute.
func TestRadclientHasNumbers(t *testing.T) {
	needRadclient(t)
	r := newForeignRun(t, "")
	values := []foreign{
		{"Attr-4", "0xc0000201"}, {"Attr-4", "0x010203"}, {"Attr-5", "0x0102"}, {"Attr-5", "0x00000102"},
		{"Attr-26.9.250", "0x61"}, {"Attr-26.9.2", "0x6162"}, {"Attr-26.99999.3", "0x0102"}, {"Attr-200", "0x01"},
		{"Attr-26.24757.250", "0x0102"}, {"Attr-26.8164.40000", "0x0102"}, {"Attr-26.429.400000", "0x0102"},
		{"Attr-26.24757.1", "0x010203"}, {"Attr-26.311.7", "0x01"},
		{"Attr-26.429.48958", "0x0102"}, {"Attr-26.637.1793", "0x01"}, {"Attr-26.24757.99", "0x0102"},
		{"Attr-64", "0x0100000d"}, {"Attr-64", "0x01"}, {"Attr-82", "0x0161"}, {"Attr-97", "0x002020010db8"},
		{"Attr-96", "0x01"}, {"Attr-55", "0x01"},
	}
	for _, f := range values {
		p := &dialog{asked: []foreign{f}}
		if !strings.HasPrefix(f.name, "Attr-26.24757.") || f.name == "Attr-26.24757.1" { // shown whole, as Vendor-Specific
			p.answered = p.asked
		}
		r.dialogs = append(r.dialogs, p)
	}
	r.run(t)
	r.compare(t)
}

// Values at the bounds of an attribute and beyond: spread over several ones, in fragments (RFC 6929 s2.2), with
// WiMAX's continuation. radclient reads lines of about a kilobyte, and spoils a third fragment.
func TestRadclientHasLongValues(t *testing.T) {
	needRadclient(t)
	r := newForeignRun(t, "")
	octets := func(n int) string {
		dst := []byte("0x")
		for i := range n {
			dst = fmt.Appendf(dst, "%02x", byte(i))
		}
		return string(dst)
	}
	for _, f := range []foreign{
		{"Class", octets(253)}, {"Reply-Message", `"` + strings.Repeat("m", 253) + `"`},
		{"EAP-Message", octets(253)}, {"EAP-Message", octets(254)}, {"EAP-Message", octets(480)},
		{"WiMAX-AAA-Session-Id", octets(245)}, {"WiMAX-AAA-Session-Id", octets(246)}, {"WiMAX-AAA-Session-Id", octets(247)},
		{"WiMAX-AAA-Session-Id", octets(480)}, {"Cisco-AVPair", `"` + strings.Repeat("p", 247) + `"`},
		{"FreeRADIUS-802.1X-EAPoL-Key-Msg", octets(246)}, {"FreeRADIUS-802.1X-EAPoL-Key-Msg", octets(247)},
		{"FreeRADIUS-802.1X-EAPoL-Key-Msg", octets(480)},
	} {
		r.dialogs = append(r.dialogs, &dialog{asked: []foreign{f}, answered: []foreign{f}})
	}
	r.run(t)
	r.compare(t)
}

// Fields that follow each other: radclient joins them in one TLV, as deep as they lie.
func TestRadclientJoinsFields(t *testing.T) {
	needRadclient(t)
	r := newForeignRun(t, "")
	for _, f := range foreigns(r.d, "") {
		a := r.d.Attribute(f.name)
		if a == nil || !a.IsField() || unsendable(a) {
			continue
		}
		n := len(r.dialogs)
		if n == 0 || len(r.dialogs[n-1].asked) >= 60 {
			r.dialogs = append(r.dialogs, &dialog{})
			n++
		}
		r.dialogs[n-1].asked = append(r.dialogs[n-1].asked, f)
	}
	r.run(t)
	for i, p := range r.dialogs {
		q, err := radius.Parse(p.request)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		r.compareDecoded(t, i, p, &q)
	}
}
