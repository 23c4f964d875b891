package nas

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// drawAddr gives addresses that lie close together, so that prefixes nest.
func drawAddr(t *rapid.T) netip.Addr {
	octet := rapid.SampledFrom([]byte{0, 1, 127, 128, 255})
	if rapid.Bool().Draw(t, "v4") {
		return netip.AddrFrom4([4]byte{10, octet.Draw(t, "b"), octet.Draw(t, "c"), octet.Draw(t, "d")})
	}
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	for i := 4; i < 16; i += 3 {
		a[i] = octet.Draw(t, "octet")
	}
	return netip.AddrFrom16(a)
}

// drawPrefix gives a prefix and a way to write it.
func drawPrefix(t *rapid.T) (netip.Prefix, string) {
	a := drawAddr(t)
	bits := rapid.IntRange(1, a.BitLen()).Draw(t, "bits")
	if rapid.IntRange(0, 2).Draw(t, "host") == 0 {
		bits = a.BitLen()
	}
	p := netip.PrefixFrom(a, bits).Masked()
	forms := []string{p.String()}
	if bits == a.BitLen() {
		forms = append(forms, p.Addr().String(), p.Addr().StringExpanded())
	}
	if a.Is4() {
		mask := netip.AddrFrom4([4]byte{byte(^uint32(0) << (32 - bits) >> 24), byte(^uint32(0) << (32 - bits) >> 16), byte(^uint32(0) << (32 - bits) >> 8), byte(^uint32(0) << (32 - bits))})
		forms = append(forms, p.Addr().String()+"/"+mask.String(), fmt.Sprintf("::ffff:%s/%d", p.Addr(), 96+bits))
	}
	return p, rapid.SampledFrom(forms).Draw(t, "form")
}

// TestLookupIsLongestMatch compares Lookup with a walk through all prefixes.
func TestLookupIsLongestMatch(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		names := map[netip.Prefix]string{}
		for i := range rapid.IntRange(0, 60).Draw(t, "clients") {
			p, form := drawPrefix(t)
			if _, twice := names[p]; twice {
				continue
			}
			names[p] = fmt.Sprintf("client-%d", i)
			fmt.Fprintf(&text, "%s a-secret-number-%d %s\n", form, i, names[p])
		}
		if rapid.Bool().Draw(t, "default") {
			text.WriteString("DEFAULT a-secret-of-all any\n")
			names[netip.MustParsePrefix("0.0.0.0/0")] = "any"
			names[netip.MustParsePrefix("::/0")] = "any"
		}
		if err := os.WriteFile(filepath.Join(root, "clients"), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs raddb.List
		table := Load(raddb.Open(root), "clients", &errs)
		if errs.Failed() || table.Len() != len(names) {
			t.Fatalf("%s%d clients, want %d: %v", text.String(), table.Len(), len(names), errs)
		}
		for range 40 {
			addr := drawAddr(t)
			want, bits := "", -1
			for p, name := range names {
				if p.Contains(addr) && p.Bits() > bits {
					want, bits = name, p.Bits()
				}
			}
			got := ""
			if c := table.Lookup(addr); c != nil {
				got = c.Name
			}
			if got != want {
				t.Fatalf("%s%s is %q, want %q", text.String(), addr, got, want)
			}
		}
	})
}

// TestNoWayToPrintASecret prints, logs and marshals a client by every verb.
func TestNoWayToPrintASecret(t *testing.T) {
	table := load(t, "10.0.0.1 hush-hush-hush nas secret2=hush-second until=2030-01-01\n")
	c := table.All()[0]
	var said strings.Builder
	nested := struct {
		Client  Client
		Secret  radius.Secret
		Pointer *radius.Secret
		List    []radius.Secret
		Map     map[string]radius.Secret
		Any     any
	}{*c, c.Secret, &c.Secret, []radius.Secret{c.Secret}, map[string]radius.Secret{"x": c.Second}, c.Second}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%10.3s", "%!"} {
		fmt.Fprintf(&said, verb+"\n", *c)
		fmt.Fprintf(&said, verb+"\n", c)
		fmt.Fprintf(&said, verb+"\n", c.Secret)
		fmt.Fprintf(&said, verb+"\n", nested)
	}
	fmt.Fprintln(&said, c.Secret, *c, table.All())
	for _, h := range []slog.Handler{slog.NewTextHandler(&said, nil), slog.NewJSONHandler(&said, nil)} {
		slog.New(h).Info("x", "secret", c.Secret, "client", c, "value", *c, "nested", nested, slog.Group("g", "s", c.Second))
	}
	for _, v := range []any{c, c.Secret, nested} {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Error(err)
		}
		said.Write(text)
	}
	for _, part := range []string{"hush", fmt.Sprintf("%x", "hush"), fmt.Sprintf("% x", "hush"), fmt.Sprintf("%X", "hush"), "104 117 115 104", "aHVzaC"} {
		if i := strings.Index(said.String(), part); i >= 0 {
			t.Errorf("%q is told: ...%.100s", part, said.String()[max(0, i-80):])
		}
	}
	if !strings.Contains(said.String(), "[secret]") {
		t.Error("nothing says that there is a secret")
	}
}

// TestUntil reads the end of a second secret in the zone of the server.
func TestUntil(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-05-31":                "2026-05-30T22:00:00Z",
		"2026-05-31T12:30":          "2026-05-31T10:30:00Z",
		"2026-05-31T12:30:00Z":      "2026-05-31T12:30:00Z",
		"2026-05-31T12:30:00-05:00": "2026-05-31T17:30:00Z",
	} {
		var errs raddb.List
		tr := tree(t, map[string]string{"clients": "10.0.0.1 " + good + " secret2=another-good-secret until=" + text + "\n"})
		table := LoadWith(tr, "clients", Options{Location: berlin}, &errs)
		if errs != nil {
			t.Fatal(errs)
		}
		c := table.All()[0]
		if got := c.Until.UTC().Format(time.RFC3339); got != want {
			t.Errorf("until=%s ends at %s, want %s", text, got, want)
		}
		if !c.Second.Equal(radius.NewSecret("another-good-secret")) || !c.Secret.Equal(radius.NewSecret(good)) {
			t.Error("the two secrets are not as written")
		}
	}
}

// TestParseSecret reads a secret in each form where it stands alone, as on the command line or in the realms.
func TestParseSecret(t *testing.T) {
	tr := tree(t, map[string]string{"key": "of a file\n", "empty": "\n", "secrets/a": "of the directory"})
	for _, c := range []struct{ text, raw, want, errs string }{
		{"plain", "plain", "plain", ""},
		{"a b", `"a b"`, "a b", ""},
		{"hex:6869", "hex:6869", "hi", ""},
		{"hex:6869", `"hex:6869"`, "hex:6869", ""},
		{"@key", "@key", "of a file", ""},
		{"secret(a)", `secret("a")`, "of the directory", ""},
		{"secret(../key)", `secret("../key")`, "", `at:1:2: "../key" is no name of a secret; expected letters, digits, - _ and dots inside`},
		{"@empty", "@empty", "", "at:1:2: secret: the file empty is empty; expected a secret"},
		{"@gone", "@gone", "", "at:1:2: secret: there is no file gone"},
		{"", `""`, "", "at:1:2: the secret is empty"},
	} {
		var errs raddb.List
		s, ok := ParseSecret(tr, c.text, c.raw, raddb.Pos{File: "at", Line: 1, Col: 2}, &errs)
		if d := cmp.Diff(c.errs, errs.Error()); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.raw, d)
		}
		if ok != (c.errs == "") || s != radius.NewSecret(c.want) {
			t.Errorf("%s: ok is %v, the secret has %d octets", c.raw, ok, s.Len())
		}
	}
}

// TestNamed: of several clients of a name the first of the file is given.
func TestNamed(t *testing.T) {
	table := load(t, "10.0.0.2 0123456789abcdef nas\n10.0.0.1 0123456789abcdef nas\n10.0.0.3 0123456789abcdeg other\n")
	for name, want := range map[string]string{"nas": "10.0.0.2/32", "other": "10.0.0.3/32", "": "", "NAS": ""} {
		got := ""
		if c := table.Named(name); c != nil {
			got = c.Prefix.String()
		}
		if got != want {
			t.Errorf("Named(%q) = %s, want %s", name, got, want)
		}
	}
}

// TestModes: what files write is what is printed.
func TestModes(t *testing.T) {
	for _, m := range []Mode{No, Yes, Auto} {
		if got, ok := ParseMode(m.String()); !ok || got != m {
			t.Errorf("%s is read as %v, %v", m, got, ok)
		}
	}
	for _, text := range []string{"", "inherit", "Yes", "on"} {
		if m, ok := ParseMode(text); ok {
			t.Errorf("%q is read as %v", text, m)
		}
	}
}

// TestClientsInSeveralFiles: included files count as one, errors name the file in which they stand, and a prefix
// is not declared twice over them.
func TestClientsInSeveralFiles(t *testing.T) {
	var errs raddb.List
	table := Load(tree(t, map[string]string{
		"clients":        "10.0.0.1 " + good + " one\n$INCLUDE more/clients\n10.0.0.2 another-good-secret-2 two\n",
		"more/clients":   "10.0.0.2 another-good-secret-3 three bad=1\n$INCLUDE beside\n",
		"more/beside":    "10.0.0.1 another-good-secret-4 four\n10.0.0.4 another-good-secret-5 five\n",
		"beside":         "10.0.0.9 never\n",
		"unused/clients": "x",
	}), "clients", &errs)
	want := `more/clients:1:38: unknown option "bad" of a client
more/beside:1:1: the prefix 10.0.0.1/32 is declared twice: first at clients:1:1`
	if d := cmp.Diff(want, errs.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"one 10.0.0.1/32", "five 10.0.0.4/32", "two 10.0.0.2/32"}, names(table)); d != "" {
		t.Errorf("clients (-want +got)\n%s", d)
	}
}
