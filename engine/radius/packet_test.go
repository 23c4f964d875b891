package radius

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// attributesGen draws valid sequences of attributes that fit a packet.
func attributesGen() *rapid.Generator[Attributes] {
	return rapid.Custom(func(t *rapid.T) Attributes {
		var attrs Attributes
		for range rapid.IntRange(0, 16).Draw(t, "attributes") {
			value := rapid.SliceOfN(rapid.Byte(), 0, MaxValueLen).Draw(t, "value")
			attrs = AppendAttribute(attrs, Type(rapid.Byte().Draw(t, "type")), value)
		}
		return attrs[:len(attrs):len(attrs)]
	})
}

func packetGen() *rapid.Generator[Packet] {
	return rapid.Custom(func(t *rapid.T) Packet {
		p := Packet{
			Code:       Code(rapid.Byte().Draw(t, "code")),
			Identifier: rapid.Byte().Draw(t, "identifier"),
			Attributes: attributesGen().Filter(func(a Attributes) bool { return HeaderLen+len(a) <= MaxPacketLen }).Draw(t, "attributes"),
		}
		copy(p.Authenticator[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "authenticator"))
		return p
	})
}

func TestParseGivesBackWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := packetGen().Draw(t, "packet")
		raw, err := want.AppendTo([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(raw, []byte("before")) {
			t.Fatal("AppendTo did not append")
		}
		padding := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "padding")
		got, err := Parse(append(raw[6:], padding...))
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Attributes) == 0 {
			want.Attributes = Attributes{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	})
}

func TestAppendToRefuses(t *testing.T) {
	long := bytes.Repeat(AppendAttribute(nil, 1, make([]byte, 252)), 16) // 254 each: 4084 with the header
	for _, tc := range []struct {
		name  string
		attrs Attributes
		want  error
	}{
		{"fits", append(bytes.Clone(long), 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), nil},
		{"one octet over", append(bytes.Clone(long), 1, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), ErrTooLong},
		{"length under 2", Attributes{1, 1}, ErrAttributes},
		{"torn", Attributes{1}, ErrAttributes},
		{"past the end", Attributes{1, 3}, ErrAttributes},
	} {
		p := Packet{Attributes: tc.attrs}
		dst := []byte{42}
		got, err := p.AppendTo(dst)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", tc.name, err, tc.want)
		}
		if err != nil && !bytes.Equal(got, dst) {
			t.Errorf("%s: dst changed to % x", tc.name, got)
		}
	}
}

func TestParseErrorNamesPlace(t *testing.T) {
	_, err := Parse(octets("01 02 00 19 00*16 01 03 62 1a 01"))
	var got *ParseError
	if !errors.As(err, &got) {
		t.Fatalf("error is %T, want *ParseError", err)
	}
	want := &ParseError{Problem: ProblemAttribute, Offset: 23, Type: 26, Found: 1, Limit: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRandom(t *testing.T) {
	a, b := NewAuthenticator(), NewAuthenticator()
	if a == b || a.IsZero() {
		t.Errorf("authenticators %x and %x are not random", a, b)
	}
	if !(Authenticator{}).IsZero() {
		t.Error("the zero Authenticator is not zero")
	}
	seen := map[byte]bool{}
	for range 64 {
		seen[NewIdentifier()] = true
	}
	if len(seen) < 16 {
		t.Errorf("%d different identifiers of 64", len(seen))
	}
}

func TestPutLength(t *testing.T) {
	raw := make([]byte, 300)
	PutLength(raw)
	if p, err := Parse(raw[:299]); err == nil {
		t.Errorf("parsed %v from less than its Length", p)
	}
	if raw[2] != 1 || raw[3] != 44 {
		t.Errorf("Length is % x", raw[2:4])
	}
}
