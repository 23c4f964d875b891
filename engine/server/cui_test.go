package server

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// TestChargeableUserIdentity (RFC 4372 s2.1): only who asks gets one, always the same one, and somebody else's
// is refused.
func TestChargeableUserIdentity(t *testing.T) {
	const file = "bob Cleartext-Password := \"x\"\nann Cleartext-Password := \"x\"\n" +
		"own Cleartext-Password := \"x\"\n\tChargeable-User-Identity = \"mine\"\n"
	key, former := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	g := load(t, file, nil)
	g.Settings.ChargeableUserIdentity = true
	o := offline()
	o.core.seal, _ = newSealer(key)
	login := func(user string, more ...string) *Outcome {
		return ask(t, o, g, Question{Attributes: attrs(t, g, append([]string{"User-Name = " + user, "User-Password = x"}, more...)...)})
	}
	given := func(out *Outcome) string {
		v, _ := out.Reply.First(g.Dictionary.Known.ChargeableUserIdentity)
		return string(v)
	}
	const asks = "Chargeable-User-Identity = 0x00"
	bob := given(login("bob", asks))
	text := func(s string) string { return "Chargeable-User-Identity = 0x" + hex.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		name, user string
		more       []string
		want       string
	}{
		{"not asked", "bob", nil, ""},
		{"again", "bob", []string{asks}, bob},
		{"later", "bob", []string{text(bob)}, bob},
		{"somebody else's", "ann", []string{text(bob)}, "reject identity"},
		{"made up", "bob", []string{text("x")}, "reject identity"},
		{"the rule's", "own", []string{asks}, "mine"},
		{"the rule's, later", "own", []string{text("mine")}, "mine"},
		{"not the rule's", "own", []string{text(bob)}, "reject identity"},
	} {
		out := login(c.user, c.more...)
		got := given(out)
		if out.Kind != Accept {
			got = strings.TrimSpace(out.Verdict + " " + out.Reason)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q\n%s", c.name, got, c.want, out)
		}
	}
	if ann := given(login("ann", asks)); len(bob) != 32 || ann == bob || strings.Contains(bob, "bob") {
		t.Errorf("bob has %q, ann %q", bob, ann)
	}
	o.core.seal, _ = newSealer(former, key)
	if got := given(login("bob", text(bob))); got != bob {
		t.Errorf("after a change of the key it is %q", got)
	}
	if got := given(login("bob", asks)); got == bob || len(got) != 32 {
		t.Errorf("under the new key: %q", got)
	}
	g.Settings.ChargeableUserIdentity = false
	if got := given(login("bob", text("x"))); got != "" {
		t.Errorf("switched off: %q", got)
	}
}

// TestIdentityOfOperators: two operators cannot compare notes.
func TestIdentityOfOperators(t *testing.T) {
	g := load(t, "", nil)
	s, _ := newSealer(randomKey())
	seen := map[string]bool{}
	for _, operator := range []string{"", "Operator-Name = 1example.net", "Operator-Name = 1example.org"} {
		r := &Request{Generation: g, Attributes: attrs(t, g, "User-Name = bob")}
		if operator != "" {
			r.Attributes = attrs(t, g, "User-Name = bob", operator)
		}
		seen[string(s.identity(0, r))] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d identities for three operators", len(seen))
	}
}
