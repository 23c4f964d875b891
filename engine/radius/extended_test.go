package radius

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestExtendedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := Type(rapid.IntRange(241, 246).Draw(t, "type"))
		limit := 252
		if typ.IsLong() {
			limit = 4000
		}
		number := rapid.Byte().Draw(t, "number")
		want := rapid.SliceOfN(rapid.Byte(), 1, limit).Draw(t, "value")
		attrs, err := AppendExtended(nil, typ, number, want)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, ok := JoinExtended(nil, append(attrs, 1, 2))
		if !ok || !bytes.Equal(rest, []byte{1, 2}) || !bytes.Equal(got, want) {
			t.Fatalf("got % x, rest % x, %v", got, rest, ok)
		}
		_, value, _, _ := Attributes(attrs).Next()
		e, ok := SplitExtended(typ, value)
		if !ok || e.Type != typ || e.Number != number || e.More != (len(want) > 251 && typ.IsLong()) {
			t.Fatalf("first is %+v, %v", e, ok)
		}
	})
}

func TestEVSRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := Type(rapid.IntRange(241, 246).Draw(t, "type"))
		limit := 247
		if typ.IsLong() {
			limit = 4000
		}
		vendor, number := rapid.Uint32().Draw(t, "vendor"), rapid.Byte().Draw(t, "number")
		want := rapid.SliceOfN(rapid.Byte(), 1, limit).Draw(t, "value")
		attrs, err := AppendEVS(nil, typ, vendor, number, want)
		if err != nil {
			t.Fatal(err)
		}
		joined, _, ok := JoinExtended(nil, attrs)
		v, n, got, split := SplitEVS(joined)
		if !ok || !split || v != vendor || n != number || !bytes.Equal(got, want) {
			t.Fatalf("%d.%d % x", v, n, got)
		}
	})
}

// Fragments are full but for the last, and only the first holds vendor and type.
func TestFragments(t *testing.T) {
	got, err := AppendEVS(nil, TypeLongExtended1, 1, 6, bytes.Repeat([]byte{0xaa}, 261))
	if err != nil {
		t.Fatal(err)
	}
	want := octets("f5 ff 1a 80 00 00 00 01 06 aa*246 f5 13 1a 00 aa*15")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got, err = AppendExtended(nil, TypeLongExtended2, 4, bytes.Repeat([]byte{0xaa}, 251))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(octets("f6 ff 04 00 aa*251"), got); diff != "" {
		t.Errorf("just full (-want +got)\n%s", diff)
	}
}

func TestExtendedErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		typ  Type
		len  int
		want error
	}{
		{"not extended", 240, 1, ErrNumber},
		{"not extended", 247, 1, ErrNumber},
		{"empty", 241, 0, ErrValueLen},
		{"full", 244, 252, nil},
		{"one over", 244, 253, ErrValueLen},
		{"split", 246, 253, nil},
		{"more than a packet", 246, 4097, ErrValueLen},
	} {
		got, err := AppendExtended([]byte{42}, tc.typ, 1, make([]byte, tc.len))
		if !errors.Is(err, tc.want) || err != nil && !bytes.Equal(got, []byte{42}) {
			t.Errorf("%s: % x, %v, want %v", tc.name, got, err, tc.want)
		}
	}
	if got, err := AppendEVS([]byte{42}, 241, 9, 1, nil); !errors.Is(err, ErrValueLen) || len(got) != 1 {
		t.Errorf("empty EVS: % x, %v", got, err)
	}
	if _, _, _, ok := SplitEVS(octets("00 00 00 09 01")); ok {
		t.Error("an EVS without value was split")
	}
}

func TestTLVs(t *testing.T) {
	data := octets("01 04 ab cd 02 05 66 6f 6f 01 03 ff")
	type one struct {
		Number byte
		Value  []byte
	}
	var got []one
	for number, value := range TLVs(data).All() {
		got = append(got, one{number, value})
	}
	want := []one{{1, []byte{0xab, 0xcd}}, {2, []byte("foo")}, {1, []byte{0xff}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for range TLVs(data).All() {
		break // a loop may be left
	}
	number, value, rest, ok := TLVs(data).Next()
	if number != 1 || len(value) != 2 || len(rest) != 8 || !ok {
		t.Errorf("Next: %d % x % x %v", number, value, rest, ok)
	}
	for text, valid := range map[string]bool{"": false, "01": false, "01 01": false, "01 02": true, "01 04 aa": false, "01 03 aa 02": false} {
		if got := TLVs(octets(text)).Valid(); got != valid {
			t.Errorf("%q: valid %v", text, got)
		}
	}
}
