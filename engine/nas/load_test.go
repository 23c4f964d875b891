package nas

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/radius"

	"github.com/google/go-cmp/cmp"
)

const good = "0123456789abcdef0123456789abcdef" // a secret that nothing is said about

// one reads a single line that must have no errors.
func one(t *testing.T, line string) *Client {
	t.Helper()
	table := load(t, line+"\n")
	if table.Len() != 1 {
		t.Fatalf("%d clients", table.Len())
	}
	return table.All()[0]
}

func TestOptions(t *testing.T) {
	c := one(t, "10.0.0.1 "+good+" campus type=cisco require-message-authenticator=auto limit-proxy-state \\\n"+
		" coa=192.0.2.1 secret2=\"second secret 123\" until=2030-05-31T10:00:00Z no-reply-ma proxy=yes zero-acct-authenticator"+
		" no-credential=no reject-vsa broken-pass throttle=no compare-auth-flag=3 compare-acct-flag=0 compare-attribute-flag=9 max-inflight=100 dup=20s username-chars=\".- @\" var.site='north 1' var.x=")
	want := Client{
		Prefix: netip.MustParsePrefix("10.0.0.1/32"), Name: "campus", Type: "cisco",
		Vars:   map[string]string{"site": "north 1", "x": ""},
		At:     raddb.Pos{File: "clients", Line: 1, Col: 1},
		Secret: radius.NewSecret(good), Second: radius.NewSecret("second secret 123"),
		Until: time.Date(2030, 5, 31, 10, 0, 0, 0, time.UTC), CoA: netip.MustParseAddrPort("192.0.2.1:3799"),
		Require: Auto, Limit: Yes,
		NoReplyMessageAuthenticator: true, Proxy: true, ZeroAcctAuthenticator: true, RejectVSA: true, BrokenPassword: true,
		NoThrottle: true, CompareAuth: 3, CompareAcct: NoFlag, Compare: 9,
		MaxInflight: 100, DuplicateKeep: 20 * time.Second, Names: NewCharset(".- @"),
	}
	equal := []cmp.Option{
		cmp.Comparer(radius.Secret.Equal), cmp.Comparer(time.Time.Equal), cmp.AllowUnexported(Charset{}),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	}
	if d := cmp.Diff(want, *c, equal...); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestNameOrOption(t *testing.T) {
	for line, want := range map[string]string{
		"10.0.0.1 " + good:                 "10.0.0.1",
		"10.0.0.0/8 " + good + " proxy":    "10.0.0.0/8", // an option
		"10.0.0.1 " + good + ` "proxy"`:    "proxy",
		"10.0.0.1 " + good + " a#b # x":    "a#b",
		"10.0.0.1 " + good + " type=cisco": "10.0.0.1",
	} {
		if got := one(t, line).Name; got != want {
			t.Errorf("%s: name %q, want %q", line, got, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	tr := tree(t, map[string]string{
		"campus.key":     "from a file, long enough\n",
		"secrets/branch": "from the directory of secrets\r\n",
		"clients": `
10.0.0.1 "with \"quotes\" and \\ in it"
10.0.0.2 bare#secret\with"all
10.0.0.3 hex:00FFabcdef00112233445566778899aa
10.0.0.4 @campus.key
10.0.0.5 secret("branch")
10.0.0.6 secret(branch)
10.0.0.7 "@campus.key-quoted"
10.0.0.8 'hex:0-quoted-0123456'
10.0.0.9 a-bare="secret
`,
	})
	var errs raddb.List
	table := Load(tr, "clients", &errs)
	want := "clients:10:17: a quoted text is not closed on its line; expected another \"\n" +
		"clients:7:1: warning: client \"10.0.0.6\" has the same secret as \"10.0.0.5\" at clients:6:1"
	if d := cmp.Diff(want, errs.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for i, secret := range []string{
		`with "quotes" and \ in it`, `bare#secret\with"all`, "\x00\xff\xab\xcd\xef\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa",
		"from a file, long enough", "from the directory of secrets", "from the directory of secrets", "@campus.key-quoted", "hex:0-quoted-0123456",
	} {
		if c := table.All()[i]; c.Secret != radius.NewSecret(secret) {
			t.Errorf("%s has not the secret %q", c.Name, secret)
		}
	}
	var inputs []string
	for _, in := range tr.Inputs() {
		inputs = append(inputs, filepath.Base(in.Path))
	}
	if d := cmp.Diff([]string{"campus.key", "clients", "branch"}, inputs); d != "" {
		t.Errorf("inputs (-want +got)\n%s", d)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"10.0.0.1", `clients:1:1: client "10.0.0.1" has no secret; expected: prefix secret [name] [options]`},
		{"10.0.0.300 " + good, `clients:1:1: "10.0.0.300" is no address; expected 192.0.2.1, 192.0.2.0/24, 2001:db8::/32, a host name or DEFAULT`},
		{"10.0.0.0/33 " + good, `clients:1:1: "10.0.0.0/33" has no good length "33"; expected 0 to 32 or a mask like 255.255.255.0`},
		{"10.0.0.0/255.0.255.0 " + good, `clients:1:1: "10.0.0.0/255.0.255.0" has no good length "255.0.255.0"; expected 0 to 32 or a mask like 255.255.255.0`},
		{"10.0.0.0/ " + good, `clients:1:1: "10.0.0.0/" has no good length ""; expected 0 to 32 or a mask like 255.255.255.0`},
		{"2001:db8::/129 " + good, `clients:1:1: "2001:db8::/129" has no good length "129"; expected 0 to 128`},
		{"::ffff:10.0.0.0/95 " + good, `clients:1:1: "::ffff:10.0.0.0/95" has no good length "95"; expected 0 to 32 or a mask like 255.255.255.0`},
		{"fe80::%eth0/64 " + good, `clients:1:1: "fe80::%eth0/64" has a zone and a length; expected a zone only with a single address`},
		{"0.0.0.0 " + good, `clients:1:1: 0.0.0.0 is no source address; expected 0.0.0.0/0 or DEFAULT for any`},
		{"10.0.0.5/8 " + good, `clients:1:1: warning: 10.0.0.5/8 has bits set behind its length; taken as 10.0.0.0/8`},
		{`10.0.0.1 ""`, `clients:1:10: the secret is empty`},
		{"10.0.0.1 hex:0", `clients:1:10: hex: is not followed by an even number of hexadecimal digits; quote a secret that begins so by chance`},
		{"10.0.0.1 @nowhere", `clients:1:10: secret: there is no file nowhere`},
		{`10.0.0.1 secret("no/where")`, `clients:1:10: "no/where" is no name of a secret; expected letters, digits, - _ and dots inside`},
		{"10.0.0.1 " + good + ` ""`, `clients:1:43: the name of a client is empty`},
		{"10.0.0.1 " + good + ` "a\nb"`, `clients:1:43: the name of a client holds a control character`},
		{"10.0.0.1 " + good + " n tpye=cisco", `clients:1:45: unknown option "tpye" of a client; did you mean "type"?`},
		{"10.0.0.1 " + good + " n prxy", `clients:1:45: unknown option "prxy" of a client; did you mean "proxy"?`},
		{"10.0.0.1 " + good + " n type", `clients:1:45: option type has no value; expected type=...`},
		{"10.0.0.1 " + good + " proxy proxy=no", `clients:1:49: option proxy is given twice`},
		{"10.0.0.1 " + good + " proxy=maybe", `clients:1:49: proxy=maybe; expected yes or no`},
		{"10.0.0.1 " + good + " limit-proxy-state=on", `clients:1:61: limit-proxy-state=on; expected yes, no or auto`},
		{"10.0.0.1 " + good + " coa=nas:3799", `clients:1:47: coa=nas:3799; expected address, address:port or :port`},
		{"10.0.0.1 " + good + " max-inflight=0", `clients:1:56: max-inflight=0; expected a number from 1 to 1048576`},
		{"10.0.0.1 " + good + " throttle", `clients:1:43: option throttle has no value; expected throttle=...`},
		{"10.0.0.1 " + good + " throttle=off", `clients:1:52: throttle=off; expected yes or no`},
		{"10.0.0.1 " + good + " compare-auth-flag=10", `clients:1:61: compare-auth-flag=10; expected a flag from 1 to 9, or 0 for none`},
		{"10.0.0.1 " + good + " dup=1h", `clients:1:47: dup=1h; expected a duration from 1s to 5m`},
		{"10.0.0.1 " + good + " until=2030-01-01", `clients:1:1: until= without secret2=; until is the day on which the second secret ends`},
		{"10.0.0.1 " + good + " secret2=x1 until=tomorrow", `clients:1:60: until=tomorrow; expected a date like 2026-05-31 or 2026-05-31T22:00:00Z`},
		{"10.0.0.1 " + good + " secret2=hex:zz", `clients:1:51: hex: is not followed by an even number of hexadecimal digits; quote a secret that begins so by chance`},
		{"10.0.0.1 " + good + " var.a=1 var.a=2", `clients:1:51: var.a is set twice`},
		{"10.0.0.1 " + good + " var.=1", `clients:1:43: unknown option "var." of a client`},
		{"10.0.0.1 " + good + "\n\n 10.0.0.1 another-secret-of-it", `clients:3:2: the prefix 10.0.0.1/32 is declared twice: first at clients:1:1`},
		{"10.0.0.0/8 " + good + "\n10.255.0.0/255.0.0.0 " + good, "clients:2:1: warning: 10.255.0.0/255.0.0.0 has bits set behind its length; taken as 10.0.0.0/8\nclients:2:1: the prefix 10.0.0.0/8 is declared twice: first at clients:1:1"},
		{"DEFAULT " + good + "\n::/0 " + good, `clients:2:1: the prefix ::/0 is declared twice: first at clients:1:1`},
		{"$INCLUDE other", `clients:1:10: there is no file other`},
		{"$INCLUDE clients", `clients:1:10: $INCLUDE loop: clients includes clients; leave one of them out`},
	} {
		t.Run(c.line, func(t *testing.T) {
			var errs raddb.List
			Load(tree(t, map[string]string{"clients": c.line + "\n"}), "clients", &errs)
			if d := cmp.Diff(c.want, errs.Error()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestNoClientsFile(t *testing.T) {
	var errs raddb.List
	table := Load(tree(t, nil), "clients", &errs)
	if want := "clients: there is no file"; errs.Error() != want || table.Len() != 0 {
		t.Errorf("%v, want %s", errs, want)
	}
}

func TestAudit(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"loopback", "127.0.0.0/8 testing123\n::1 testing123\n", ""},
		{"known", "10.0.0.1 testing123 a\n10.0.0.2 testing123 a\n", `clients:1:1: warning: the secret of client "a" is one that everybody knows; expected a random one, for instance from ` + "`openssl rand -hex 16`; the same holds for 1 more"},
		{"short", "10.0.0.1 xyzzy-15-octets a\n10.0.0.2 too-short\n10.0.0.3 too_short\n", `clients:1:1: warning: the secret of client "a" is shorter than 16 octets (RFC 2865 s3); the same holds for 2 more`},
		{"shared", "10.0.0.1 " + good + " a\n10.0.0.2 " + good + " b\n10.0.0.3 " + good + " a\n", `clients:2:1: warning: client "b" has the same secret as "a" at clients:1:1`},
		{"part of a network", "10.0.0.0/8 " + good + " a\n10.0.0.2 " + good + " b\n", ""},
		{"more than loopback", "0.0.0.0/0 testing123 any\n", `clients:1:1: warning: the secret of client "any" is one that everybody knows; expected a random one, for instance from ` + "`openssl rand -hex 16`"},
		{"mute", "127.0.0.1 " + good + " a no-reply-ma\n10.0.0.2 " + good + " a no-reply-ma\n10.0.0.3 " + good + " a no-reply-ma=no\n", `clients:1:1: warning: no-reply-ma: answers to client "a" go out without Message-Authenticator, so who is on the way can forge them (CVE-2024-3596); the same holds for 1 more`},
		{"zeros", "10.0.0.1 " + good + " a zero-acct-authenticator\n", `clients:1:1: warning: zero-acct-authenticator: anybody can forge Accounting-Requests of client "a"`},
		{"same second", "10.0.0.1 " + good + " a secret2=" + good + "\n", `clients:1:1: warning: secret2= is the same as the secret of client "a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var errs raddb.List
			Load(tree(t, map[string]string{"clients": c.lines}), "clients", &errs)
			if d := cmp.Diff(c.want, errs.Error()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestExposed(t *testing.T) {
	tr := tree(t, map[string]string{"clients": "10.0.0.1 " + good + " a\n10.0.0.2 @key b\n", "key": "another-secret-0123\n"})
	for _, name := range []string{"clients", "key"} {
		if err := os.Chmod(tr.Path(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var errs raddb.List
	Load(tr, "clients", &errs)
	want := "clients:2:10: warning: everybody on this machine may read the secret in key; expected mode 0640 or less\n" +
		"clients: warning: everybody on this machine may read this file, and it has secrets; expected mode 0640 or less"
	if d := cmp.Diff(want, errs.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	// The default tree's known secret is no secret that a mode could keep.
	tr = tree(t, map[string]string{"clients": "127.0.0.1 testing123\n"})
	if err := os.Chmod(tr.Path("clients"), 0o644); err != nil {
		t.Fatal(err)
	}
	errs = nil
	if Load(tr, "clients", &errs); errs != nil {
		t.Errorf("the default tree: %v", errs)
	}
}

// TestSecretsNeverPrint loads secrets that are wrong in all ways and looks for them in what is said.
func TestSecretsNeverPrint(t *testing.T) {
	const s = "hush-hush"
	var errs raddb.List
	table := Load(tree(t, map[string]string{
		"clients": "10.0.0.1 " + s + " secret2=" + s + " until=never\n10.0.0.2 hex:" + s + "\n10.0.0.3 \"" + s + "\"x\n10.0.0.4 " + s + "\n" +
			"10.0.0.4 " + s + "\n10.0.0.5 @key\n10.0.0.6 \"" + s + "\n",
		"key": s,
	}), "clients", &errs)
	text := errs.Error()
	for _, c := range table.All() {
		text += fmt.Sprintf("%v %+v %#v %s", *c, *c, *c, c.Secret)
	}
	if strings.Contains(text, s) {
		t.Errorf("a secret is told:\n%s", text)
	}
}

func TestYield(t *testing.T) {
	n := 0
	var errs raddb.List
	LoadWith(tree(t, map[string]string{"clients": big(1000)}), "clients", Options{Yield: func() { n++ }}, &errs)
	if n != 1000/yieldEach {
		t.Errorf("yielded %d times", n)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"10.0.0.0/8 secret name type=x proxy\n", "::1 hex:00 \nDEFAULT \"a b\" n secret2=hex:11 until=2030-01-01", "fe80::1%eth0 x", "::ffff:1.2.3.4/120 x",
		"1.2.3.4/255.255.0.0 secret(\"a\")", "$INCLUDE clients", "10.0.0.1 x y var.a=\"b c\" coa=[::1]:1", "\\\n", "a b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		var errs raddb.List
		table := LoadWith(tree(t, map[string]string{"clients": lines}), "clients", Options{Resolver: phonebook{}}, &errs)
		for i, c := range table.All() {
			addr := c.Prefix.Addr()
			if c.Zone != "" {
				addr = addr.WithZone(c.Zone)
			}
			got := table.Lookup(addr)
			if c.Index != i || got == nil || got.Prefix.Bits() < c.Prefix.Bits() || c.Secret.Len() == 0 || addr.Is4In6() {
				t.Fatalf("client %d %+v: Lookup gives %+v", i, c, got)
			}
		}
	})
}
