package radius

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// formats are those of FreeRADIUS's dictionaries, and some that nobody has.
var formats = []VSAFormat{
	DefaultVSAFormat, {1, 0, false}, {2, 1, false}, {2, 2, false}, {4, 0, false}, {1, 1, true},
	{4, 2, true}, {0, 0, false}, {0, 1, false}, {0, 0, true}, {3, 1, false}, {255, 255, true}, {200, 100, false},
}

// usual are the formats that can carry attributes with a number.
var usual = formats[:7]

func TestVSARoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(usual).Draw(t, "format")
		limit := f.MaxValueLen()
		if f.Continuation {
			limit = 1000
		}
		vendor := rapid.Uint32().Draw(t, "vendor")
		number := rapid.Uint32().Draw(t, "number") & uint32(1<<(8*f.TypeLen)-1)
		want := rapid.SliceOfN(rapid.Byte(), 0, limit).Draw(t, "value")
		attrs, err := f.AppendVSA(nil, vendor, number, want)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, ok := f.JoinVSA([]byte{}, Attributes(attrs))
		if !ok || len(rest) > 0 {
			t.Fatalf("ok %v, rest % x", ok, rest)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got % x, want % x", got, want)
		}
		for typ, value := range Attributes(attrs).All() {
			v, data, ok := SplitVSA(value)
			sub, _, fits := f.Next(data)
			if typ != TypeVendorSpecific || v != vendor || !ok || !fits || sub.Number != number || !f.Valid(data) {
				t.Fatalf("attribute %d of vendor %d, number %d", typ, v, sub.Number)
			}
		}
	})
}

func TestAppendSubShares(t *testing.T) {
	f := DefaultVSAFormat
	data, err := f.AppendSub(nil, 1, []byte("a=b"))
	if err != nil {
		t.Fatal(err)
	}
	data, err = f.AppendSub(data, 2, []byte("c"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(octets("01 05 61 3d 62 02 03 63"), data); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for sub := range f.All(data) {
		_ = append(sub.Value, '!') // must not run into its neighbour
		break
	}
	if data[5] != 2 {
		t.Error("a value has room behind it")
	}
}

func TestVSAErrors(t *testing.T) {
	full := make([]byte, 248)
	for _, tc := range []struct {
		name   string
		f      VSAFormat
		number uint32
		value  []byte
		want   error
	}{
		{"full", VSAFormat{1, 1, false}, 255, full[:247], nil},
		{"one over", VSAFormat{1, 1, false}, 255, full[:248], ErrValueLen},
		{"number", VSAFormat{1, 1, false}, 256, nil, ErrNumber},
		{"two octets' number", VSAFormat{2, 1, false}, 1 << 16, nil, ErrNumber},
		{"four octets' number", VSAFormat{4, 0, false}, 1<<32 - 1, full[:245], nil},
		{"over with continuation", VSAFormat{1, 1, true}, 1, full, nil},
		{"more than a packet", VSAFormat{1, 1, true}, 1, make([]byte, 4097), ErrValueLen},
		{"no number at all", VSAFormat{0, 1, false}, 1, nil, ErrNumber},
		{"no room", VSAFormat{255, 255, true}, 1, nil, ErrValueLen},
	} {
		got, err := tc.f.AppendVSA([]byte{42}, 9, tc.number, tc.value)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", tc.name, err, tc.want)
		}
		if err != nil && !bytes.Equal(got, []byte{42}) {
			t.Errorf("%s: dst changed to % x", tc.name, got)
		}
	}
	if got, err := DefaultVSAFormat.AppendSub([]byte{42}, 1, full); !errors.Is(err, ErrValueLen) || len(got) != 1 {
		t.Errorf("AppendSub one over: % x, %v", got, err)
	}
	if got, err := DefaultVSAFormat.AppendSub([]byte{42}, 256, nil); !errors.Is(err, ErrNumber) || len(got) != 1 {
		t.Errorf("AppendSub number: % x, %v", got, err)
	}
}

func TestJoinVSABreaksOff(t *testing.T) {
	f := VSAFormat{1, 1, true}
	first := "1a 0a 00 00 60 b5 01 04 80 aa "
	for _, rest := range []string{
		"",
		"1a 0a 00 00 60 b6 01 04 00 bb",    // another vendor
		"1a 0a 00 00 60 b5 02 04 00 bb",    // another number
		"1b 0a 00 00 60 b5 01 04 00 bb",    // another attribute
		"1a 0b 00 00 60 b5 01 04 00 bb cc", // more behind it
		"1a 06 00 00 60 b5",
	} {
		attrs := Attributes(octets(first + rest))
		dst := []byte("x")
		got, back, ok := f.JoinVSA(dst, attrs)
		if ok || string(got) != "x" || len(back) != len(attrs) {
			t.Errorf("%q: joined % x", rest, got)
		}
	}
	got, back, ok := f.JoinVSA(nil, Attributes(octets(first+"1a 0a 00 00 60 b5 01 04 00 bb 01 02")))
	if !ok || !bytes.Equal(got, []byte{0xaa, 0xbb}) || len(back) != 2 {
		t.Errorf("joined % x, rest % x, %v", got, back, ok)
	}
}
