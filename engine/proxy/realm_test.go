package proxy

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// asciiEqual compares without case of ASCII letters alone.
func asciiEqual(a, b string) bool {
	return slices.EqualFunc([]byte(a), []byte(b), func(x, y byte) bool {
		letter := x|0x20 >= 'a' && x|0x20 <= 'z'
		return x == y || letter && x|0x20 == y|0x20
	})
}

// TestLookupFollowsTheLines compares Lookup with a walk through the lines: a later line of a name replaces
// earlier ones, a realm that minds the case goes before one that does not, DEFAULT is for all others.
func TestLookupFollowsTheLines(t *testing.T) {
	names := []string{"a.net", "A.net", "A.NET", "b.net", "\xe4.net", "\xf6.net", "\u212a.net", "k.net", "DEFAULT", "NOREALM", "default"}
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		type line struct {
			name string
			fold bool
			tag  int // tells the lines apart
		}
		var lines []line
		var text strings.Builder
		for i := range rapid.IntRange(0, 12).Draw(t, "lines") {
			l := line{rapid.SampledFrom(names).Draw(t, "name"), rapid.Bool().Draw(t, "ignorecase"), i + 1}
			fmt.Fprintf(&text, "%s LOCAL quota=%d%s\n", l.name, l.tag, map[bool]string{true: ",ignorecase"}[l.fold])
			lines = slices.DeleteFunc(lines, func(old line) bool {
				special := l.name == DefaultRealm || l.name == NoRealm || old.name == DefaultRealm || old.name == NoRealm
				return old.name == l.name || !special && old.fold && l.fold && asciiEqual(old.name, l.name)
			})
			lines = append(lines, l)
		}
		if err := os.WriteFile(filepath.Join(root, "realms"), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs raddb.List
		realms := Load(raddb.Open(root), "realms", Options{}, &errs)
		if errs.Failed() {
			t.Fatal(errs)
		}
		find := func(fits func(line) bool) int {
			if i := slices.IndexFunc(lines, fits); i >= 0 {
				return lines[i].tag
			}
			return 0
		}
		for _, name := range append(names, "", "B.NET", "c.net") {
			named := func(l line) bool { return l.name != DefaultRealm && l.name != NoRealm }
			want := find(func(l line) bool { return named(l) && !l.fold && l.name == name })
			if want == 0 {
				want = find(func(l line) bool { return named(l) && l.fold && asciiEqual(l.name, name) })
			}
			if want == 0 {
				want = find(func(l line) bool { return l.name == DefaultRealm })
			}
			if name == "" {
				want = find(func(l line) bool { return l.name == NoRealm })
			}
			got := 0
			if r := realms.Lookup(name); r != nil {
				got = r.Quota
			}
			if got != want {
				t.Fatalf("%s%q is the realm of line %d, want %d", text.String(), name, got, want)
			}
		}
		if realms.Len() != len(lines) {
			t.Fatalf("%s%d realms, want %d", text.String(), realms.Len(), len(lines))
		}
	})
}

// TestSecretsNeverPrint: no way to print what was loaded, nor an error about it, shows a secret or a part of one.
func TestSecretsNeverPrint(t *testing.T) {
	realms, errs := load(t, `a.net 192.0.2.1 secret=hush-hush
b.net 192.0.2.1 secret="hush-hush",timeout=99
c.net 192.0.2.1 secret=hush-1,hush-2
d.net 192.0.2.1 secret=hush-1,hush-2=3,strip
e.net 192.0.2.1 secret="hush
f.net 192.0.2.1 secret=hex:hush
g.net 192.0.2.1 secret@192.0.2.1="hush-hush" secret@192.0.2.1=hush,hush@x=1,weight@192.0.2.1
h.net 192.0.2.1 secret@192.0.2.2="hush-hush"
`)
	var said strings.Builder
	fmt.Fprintln(&said, errs)
	for _, e := range errs {
		fmt.Fprintf(&said, "%+v %#v\n", *e, *e)
	}
	log := slog.New(slog.NewTextHandler(&said, nil))
	jsonLog := slog.New(slog.NewJSONHandler(&said, nil))
	for _, r := range realms.All() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%e", "%t"} {
			fmt.Fprintf(&said, verb+verb+verb+"\n", *r, r, r.Servers)
		}
		log.Info("x", "realm", r, "value", *r, "servers", r.Servers)
		jsonLog.Info("x", "realm", r, "value", *r, "servers", r.Servers)
		text, err := json.Marshal(r)
		if err != nil {
			t.Error(err)
		}
		said.Write(text)
	}
	if realms.Len() == 0 || realms.All()[0].Servers[0].Secret != radius.NewSecret("hush-hush") {
		t.Fatalf("not loaded: %v", errs)
	}
	for _, part := range []string{"hush", fmt.Sprintf("%x", "hush"), fmt.Sprintf("%X", "hush"), "104 117 115 104"} {
		if i := strings.Index(said.String(), part); i >= 0 {
			t.Errorf("%q is told: ...%.80s", part, said.String()[max(0, i-80):])
		}
	}
}

// TestOptionsOfRealms reads each option at its bounds and beyond.
func TestOptionsOfRealms(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{"timeout=1", ""},
		{"timeout=30", ""},
		{"timeout=100ms", ""},
		{"timeout=99ms", `realms:1:13: timeout=99ms; expected seconds from 1 to 30, or a duration like 500ms`},
		{"timeout=31", `realms:1:13: timeout=31; expected seconds from 1 to 30, or a duration like 500ms`},
		{"timeout=-1", `realms:1:13: timeout=-1; expected seconds from 1 to 30, or a duration like 500ms`},
		{"timeout=99999999999999999999", `realms:1:13: timeout=99999999999999999999; expected seconds from 1 to 30, or a duration like 500ms`},
		{"timeout=soon", `realms:1:13: timeout=soon; expected seconds from 1 to 30, or a duration like 500ms`},
		{"retries=1,retries=20", ""},
		{"retries=0", `realms:1:13: retries=0; expected a number from 1 to 20`},
		{"retries=21", `realms:1:13: retries=21; expected a number from 1 to 20`},
		{"quota=0", ""},
		{"quota=1048577", `realms:1:13: quota=1048577; expected a number from 0 to 1048576`},
		{"quota=x,dead=x,retransmit=x", "realms:1:13: quota=x; expected a number from 0 to 1048576\nrealms:1:21: dead=x; expected drop or reject\nrealms:1:28: retransmit=x; expected server or client"},
		{"require-message-authenticator=maybe", `realms:1:13: require-message-authenticator=maybe; expected yes, no or auto`},
		{"require-message-authenticator=yes,status-server", ""},
		{"balance", ""},
		{"operator-name=1example.net", ""},
		{"operator-name=example.net", `realms:1:13: operator-name=example.net; expected a digit for the namespace and a name, such as 1example.net`},
		{"operator-name=1", `realms:1:13: operator-name=1; expected a digit for the namespace and a name, such as 1example.net`},
		{"balance=1", `realms:1:13: realm option balance has a value; expected none`},
		{"status-servr", `realms:1:13: unknown option "status-servr" of a realm; did you mean "status-server"?`},
		{"scret=x", `realms:1:13: unknown option "scret" of a realm; did you mean "secret"?`},
		{"secret=@gone", `realms:1:13: secret: there is no file gone`},
		{`secret=""`, `realms:1:13: the secret is empty`},
		{`retries=1,secret="a b, c",strip x`, `realms:1:23: a quoted text behind a comma; expected a space before the option, and one after the closing quote`},
		{`retries=1,secret@home1='a b' nonsense`, `realms:1:23: a quoted text behind a comma; expected a space before the option, and one after the closing quote`},
		{`retries=1 secret="sixteen octets, or so"`, ""},
		{`secret=these-are-sixteen="octets`, ""},
	} {
		_, errs := load(t, "a.net home1 "+c.options+"\n")
		if d := cmp.Diff(c.want, errs.Error()); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.options, d)
		}
	}
}

// TestTraffic: auth and acct alone narrow a realm, noauth and noacct take away.
func TestTraffic(t *testing.T) {
	for options, want := range map[string]string{
		"": "auth acct", "auth": "auth", "acct": "acct", "auth,acct": "auth acct", "noacct": "auth", "noauth": "acct", "auth,noauth": "",
	} {
		realms, errs := load(t, "a.net LOCAL strip,"+options+"\n")
		if errs.Failed() {
			t.Fatal(errs)
		}
		r := realms.Lookup("a.net")
		var got []string
		if r.Auth {
			got = append(got, "auth")
		}
		if r.Acct {
			got = append(got, "acct")
		}
		if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s (-want +got)\n%s", options, d)
		}
	}
}

// TestSecretOfTheClient: a home server without a secret of its own has that of the client with its address,
// as in GNU Radius; one of its own goes before that.
func TestSecretOfTheClient(t *testing.T) {
	realms, errs := load(t, "a.net 10.0.0.1,10.0.0.2\nb.net 10.0.0.1 secret=own\n")
	if errs.Failed() {
		t.Fatal(errs)
	}
	for name, want := range map[string]string{"a.net": "a-secret-of-clients", "b.net": "own"} {
		for _, s := range realms.Lookup(name).Servers {
			if !s.Secret.Equal(radius.NewSecret(want)) {
				t.Errorf("%s of %s has another secret", s.Name, name)
			}
		}
	}
}

// TestServerOptions reads what is given for one server of several.
func TestServerOptions(t *testing.T) {
	realms, errs := load(t, `a.net 10.0.0.1,10.0.0.2,10.0.0.3:1645 balance,weight@10.0.0.2=3 secret@10.0.0.1="one, two, sixteen" status-server@10.0.0.3 weight@10.0.0.3=100
b.net 10.0.0.1:1812,10.0.0.1:1645,home1,home2 weight@10.0.0.1:1645=7,weight@home1=2 secret@2001:db8::7=x,secret@home2=six-sixteen-octets
`)
	want := `realms:2:85: secret@2001:db8::7: the line has no such home server`
	if errs.Error() != want {
		t.Errorf("%v, want %v", errs, want)
	}
	describe := func(r *Realm) (list []string) {
		for _, s := range r.Servers {
			own := "shared"
			for _, secret := range []string{"one, two, sixteen", "six-sixteen-octets", "x"} {
				if s.Secret.Equal(radius.NewSecret(secret)) {
					own = secret
				}
			}
			list = append(list, fmt.Sprint(s.Auth, " weight ", s.Weight, " status ", s.Status, " secret ", own))
		}
		return list
	}
	a := realms.Lookup("a.net")
	if d := cmp.Diff([]string{
		"10.0.0.1:1812 weight 0 status false secret one, two, sixteen",
		"10.0.0.2:1812 weight 3 status false secret shared",
		"10.0.0.3:1645 weight 100 status true secret shared",
	}, describe(a)); d != "" || !a.Balance {
		t.Errorf("balance %t (-want +got)\n%s", a.Balance, d)
	}
	for options, want := range map[string]string{
		"weight@10.0.0.1=0":        `realms:1:17: weight@10.0.0.1=0; expected a number from 1 to 100`,
		"weight@10.0.0.1=101":      `realms:1:17: weight@10.0.0.1=101; expected a number from 1 to 100`,
		"weight@10.0.0.1":          `realms:1:17: realm option weight@10.0.0.1 has no value; expected weight@10.0.0.1=...`,
		"status-server@10.0.0.1=1": `realms:1:17: realm option status-server@10.0.0.1 has a value; expected none`,
		"secret@10.0.0.1":          `realms:1:17: realm option secret@10.0.0.1 has no value; expected secret@10.0.0.1=...`,
		"weight@10.0.0.9=1":        `realms:1:17: weight@10.0.0.9: the line has no such home server; did you mean "10.0.0.1"?`,
		"wieght@10.0.0.1=1":        `realms:1:17: unknown option "wieght" of a home server; did you mean "weight"?`,
		"retries@10.0.0.1=1":       `realms:1:17: unknown option "retries" of a home server`,
		"weight=3":                 `realms:1:17: unknown option "weight" of a realm`,
		`secret@10.0.0.1=""`:       `realms:1:17: the secret is empty`,
	} {
		_, errs := load(t, "a.net  10.0.0.1 "+options+"\n")
		if d := cmp.Diff(want, errs.Error()); d != "" {
			t.Errorf("%s (-want +got)\n%s", options, d)
		}
	}
	_, errs = load(t, "a.net "+strings.TrimSuffix(strings.Repeat("10.0.0.1,", 65), ",")+"\n")
	if !strings.Contains(errs.Error(), "65 home servers of one realm; expected at most 64") {
		t.Errorf("%v", errs)
	}
}
