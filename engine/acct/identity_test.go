package acct

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var k Key
		copy(k[:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "key"))
		epoch := rapid.Uint32().Draw(t, "epoch")
		text := k.Unique(epoch)
		back, e, ok := ParseUnique(text)
		if !ok || back != k || e != epoch || len(text) != 32 {
			t.Fatalf("%s became %v %d", text, back, e)
		}
		if epoch > 0 && k.Unique(epoch-1) >= text {
			t.Fatal("epochs are out of order in the index")
		}
	})
	for _, bad := range []string{"", "xyz", "0123456789abcdef0123456789abcdeg"} {
		if _, _, ok := ParseUnique(bad); ok {
			t.Errorf("taken: %q", bad)
		}
	}
}

func TestIdentify(t *testing.T) {
	base := Event{SessionID: "1", Client: "c", NASAddress: "10.0.0.1", NASIdentifier: "n", UserName: "u", NASPort: "7", CallingStationID: "m"}
	key := func(set Identity, change func(*Event)) Key {
		e := base
		change(&e)
		k, ok := set.Identify(&e)
		if !ok {
			t.Fatal("no key")
		}
		return k
	}
	for _, c := range []struct {
		name   string
		bit    Identity // that makes it another session
		change func(*Event)
	}{
		{"client", ByClient, func(e *Event) { e.Client = "d" }}, {"identifier", ByNASIdentifier, func(e *Event) { e.NASIdentifier = "o" }},
		{"address", ByNASAddress, func(e *Event) { e.NASAddress = "10.0.0.2" }}, {"IPv6 address", ByNASAddress, func(e *Event) { e.NASIPv6Address = "::1" }},
		{"multi", ByMultiSession, func(e *Event) { e.MultiSessionID = "x" }}, {"user", ByUser, func(e *Event) { e.UserName = "v" }},
		{"port", ByPort, func(e *Event) { e.NASPort = "8" }}, {"station", ByCallingStation, func(e *Event) { e.CallingStationID = "o" }},
	} {
		for _, set := range []Identity{0, DefaultIdentity, DefaultIdentity | c.bit, DefaultIdentity &^ c.bit} {
			effective := set
			if set == 0 {
				effective = DefaultIdentity
			}
			same := key(set, func(*Event) {}) == key(set, c.change)
			if same != (effective&c.bit == 0) {
				t.Errorf("%s in %b: same session is %v", c.name, set, same)
			}
		}
	}
	if _, ok := DefaultIdentity.Identify(&Event{Client: "c"}); ok {
		t.Error("a session without an Acct-Session-Id")
	}
	port := ByClient | ByNASAddress | ByPort | WithoutSessionID
	from := netip.MustParseAddrPort("10.0.0.1:1024")
	if key(port, func(*Event) {}) != key(port, func(e *Event) { e.NASAddress, e.Source = "", from }) {
		t.Error("a NAS that names itself once is two")
	}
	a, _ := DefaultIdentity.Identify(&Event{SessionID: "1", Client: "ab", NASIdentifier: "c"})
	b, _ := DefaultIdentity.Identify(&Event{SessionID: "1", Client: "a", NASIdentifier: "bc"})
	if a == b {
		t.Error("two identities look alike")
	}
}
