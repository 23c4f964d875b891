package server

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNearest: of the entries that did not match those are shown that came nearest, the user's own first.
func TestNearest(t *testing.T) {
	const users = `
DEFAULT NAS-Port == 1, Service-Type == Framed-User, Framed-Protocol == 1
DEFAULT NAS-Port == 2, Service-Type == Framed-User, Framed-Protocol == 1, Calling-Station-Id == "x"
DEFAULT NAS-Port == 3
DEFAULT NAS-Port == 4
bob     Cleartext-Password := "hello", NAS-Port == 5
bob     Cleartext-Password := "hello", Service-Type == Framed-User, NAS-Port == 6
DEFAULT NAS-Port == 7, Framed-Protocol == 1
`
	g := load(t, users, nil)
	out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x", "NAS-Port = 9", "Service-Type = Framed-User", "Framed-Protocol = 1")})
	var got []string
	for _, s := range out.Trace.Steps() {
		for _, n := range s.Nearest {
			got = append(got, strings.Join([]string{n.Rule, n.Label, n.Wants, n.Found}, " | "))
		}
		if len(s.Nearest) > 0 {
			got = append(got, s.Text)
		}
	}
	want := []string{
		"users:7 | bob | NAS-Port == 6 | has NAS-Port = 9",
		"users:6 | bob | NAS-Port == 5 | has NAS-Port = 9",
		"users:2 | DEFAULT | NAS-Port == 1 | has NAS-Port = 9",
		"4 more users entries did not match",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, out)
	}
}

// TestUnknownVendors: what no dictionary knows comes with its octets and lines that a script can begin with.
func TestUnknownVendors(t *testing.T) {
	g := load(t, "", nil)
	out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x",
		"Attr-26.64999.1 = 0x48656c6c6f", "Attr-26.64999.1 = 0x00", "Attr-26.64999.2 = 0x00000010", "Attr-26.64999.3 = 0xc0a80001",
		"Attr-26.64999.4 = 0x0106000000050208c0a80001ffff0103ab", "Attr-26.64999.5 = 0x01", "Attr-26.64999.6 = 0xff02", "Attr-26.64999.7 = 0x0102030405060708090a",
		"Attr-26.311.250 = 0xfffefdfcfbfa")})
	golden(t, "unknown-vendors.txt", fittingWidth(t, out.String()))
}

// TestUnknownVendorLua: all lines behind the head are Lua, also where a comment needs two.
func TestUnknownVendorLua(t *testing.T) {
	g := load(t, "", nil)
	out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x",
		"Attr-26.64999.1 = 0x"+hex.EncodeToString([]byte(strings.Repeat("a long text, ", 9))))})
	_, lines, _ := strings.Cut(fittingWidth(t, out.String()), "a script can begin with\n")
	for line := range strings.Lines(lines) {
		if text := strings.TrimSpace(line); !strings.HasPrefix(text, "--") && !strings.Contains(text, "{") {
			t.Errorf("no Lua: %s", line)
		}
	}
}

// FuzzLooksLike: whatever the octets are, a type comes out, and of every TLV the fields.
func FuzzLooksLike(f *testing.F) {
	for _, seed := range []string{"", "Hello", "\x00\x00\x00\x01", "\x01\x03a", "\x01\x05\x01\x03\xff\x02\x03\x00", "\xff\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if got := looksLike("A", v, 1); !strings.HasPrefix(got, "type=") {
			t.Errorf("%x: %s", v, got)
		}
	})
}
