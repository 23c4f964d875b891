package dictionary

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const hidingText = `VENDOR Acme 64999
BEGIN-VENDOR Acme
ATTRIBUTE Acme-Keys 1 tlv
ATTRIBUTE Acme-Key 1.1 string encrypt=2
ATTRIBUTE Acme-Id 1.2 integer
ATTRIBUTE Acme-More 1.3 tlv
ATTRIBUTE Acme-Deep 1.3.1 octets[4] encrypt=1
END-VENDOR Acme
`

// Hidden fields are in clear text in a list and never on the wire.
func TestHiddenFields(t *testing.T) {
	d := sample(t, hidingText)
	s, request := testSession()
	var l List
	l.Add(ref(t, d, "Acme-Key"), []byte("hello"))
	l.Add(ref(t, d, "Acme-Id"), []byte{0, 0, 0, 7})
	l.Add(ref(t, d, "Acme-Deep"), []byte{1, 2, 0, 0})
	want := []string{`Acme-Key = "hello", Acme-Id = 7, Acme-Deep = 0x01020000`}
	wire, err := Encode(nil, &l.Pairs[0], s, request, testSalter())
	if err != nil {
		t.Fatal(err)
	}
	if len(wire) != 8+(2+2+16)+6+(2+2+16) { // a salt and a block; a block in a TLV of its own

		t.Errorf("%d octets: %x", len(wire), wire)
	}
	var back List
	if err := d.Decode(&back, wire, s, request); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, listText(&back)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if shown := string(back.Pairs[0].AppendText(nil, true)); shown != `Acme-Key = "[secret]", Acme-Id = 7, Acme-Deep = "[secret]"` {
		t.Errorf("redacted: %s", shown)
	}
	for _, without := range [][]byte{wire, append(append([]byte{}, wire[:len(wire)-1]...), 0)} {
		l.Reset()
		if err := d.Decode(&l, without, nil, nil); err != nil || l.Pairs[0].Attr.Name != "Attr-26.64999.1" {
			t.Errorf("without a secret: %v, %s", err, listText(&l))
		}
	}
	if _, err := Encode(nil, &back.Pairs[0], nil, nil, nil); err == nil {
		t.Error("a field is sent without a secret to hide it")
	}
}

func TestHiddenFieldsWithoutRoom(t *testing.T) {
	d := sample(t, hidingText)
	s, request := testSession()
	var l List
	l.Add(ref(t, d, "Acme-Key"), make([]byte, 238))
	l.Add(ref(t, d, "Acme-Id"), []byte{0, 0, 0, 7})
	if wire, err := Encode([]byte{1}, &l.Pairs[0], s, request, testSalter()); err == nil || len(wire) != 1 {
		t.Errorf("%x, %v", wire, err)
	}
}

// What is revealed comes back when it is hidden again, whatever it is.
func FuzzHiddenFields(f *testing.F) {
	d := sample(f, hidingText)
	s, request := testSession()
	var l List
	l.Add(ref(f, d, "Acme-Key"), []byte("hello"))
	l.Add(ref(f, d, "Acme-Deep"), []byte{1, 2, 0, 0})
	wire, err := Encode(nil, &l.Pairs[0], s, request, testSalter())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Add([]byte{26, 12, 0, 0, 0xfd, 0xe7, 1, 6, 1, 2, 3, 2})
	f.Fuzz(func(t *testing.T, wire []byte) {
		var l, back List
		if d.Decode(&l, wire, s, request) != nil {
			return
		}
		l.Pairs = slices.DeleteFunc(l.Pairs, func(p Pair) bool { return len(p.Value) == 0 }) // never sent
		out := make([]byte, 0, 8192)
		for i := range l.Pairs {
			if out, err = Encode(out, &l.Pairs[i], s, request, testSalter()); err != nil {
				return // no room with blocks of 16
			}
		}
		if err := d.Decode(&back, out, s, request); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(listText(&l), listText(&back)); diff != "" {
			t.Fatalf("%x (-want +got)\n%s", wire, diff)
		}
	})
}
