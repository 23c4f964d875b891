package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"

	"github.com/google/go-cmp/cmp"
)

// phonebook resolves a few names.
type phonebook map[string]string

func (p phonebook) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := p[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, errors.New("no such host")
}

// load reads lines as a realms file; home servers in 10.0.0.0/8 are clients.
func load(t testing.TB, lines string) (*Realms, raddb.List) {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{"clients": "10.0.0.0/8 a-secret-of-clients\n", "realms": lines} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree := raddb.Open(root)
	var errs raddb.List
	o := Options{Clients: nas.Load(tree, "clients", &errs), Names: nas.Options{Resolver: phonebook{"home1": "10.0.0.7", "home2": "2001:db8::7"}}}
	return Load(tree, "realms", o, &errs), errs
}

// describe gives a realm in one line.
func describe(r *Realm) string {
	if r == nil {
		return "none"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s local=%t strip=%t auth=%t acct=%t timeout=%v retries=%d", r.Name, r.Local, r.Strip, r.Auth, r.Acct, r.Timeout, r.Retries)
	for _, s := range r.Servers {
		fmt.Fprintf(&b, " %s/%d", s.Auth, s.Acct.Port())
	}
	return b.String()
}

func TestLoad(t *testing.T) {
	realms, errs := load(t, `
# realm      servers                     flags
example.net  home1:1645:1700,10.0.0.9    nostrip,retries=2
spread.net   10.0.0.1:1812, 10.0.0.2,
             # not a comment inside a list
Fold.NET     10.0.0.3  ignorecase,timeout=5 quota=10,auth
six.net      home2,[2001:db8::8]:1645,2001:db8::9  secret="a secret, with comma"
local.net    LOCAL
local.net    LOCAL nostrip
DEFAULT      10.0.0.4  noacct,dead=reject,retransmit=client
NOREALM      LOCAL
`)
	if errs.Failed() {
		t.Fatal(errs)
	}
	for _, c := range []struct{ name, want string }{
		{"example.net", "example.net local=false strip=false auth=true acct=true timeout=3s retries=2 10.0.0.7:1645/1700 10.0.0.9:1812/1813"},
		{"spread.net", "spread.net local=false strip=true auth=true acct=true timeout=3s retries=3 10.0.0.1:1812/1813 10.0.0.2:1812/1813"},
		{"FOLD.net", "Fold.NET local=false strip=true auth=true acct=false timeout=5s retries=3 10.0.0.3:1812/1813"},
		{"six.net", "six.net local=false strip=true auth=true acct=true timeout=3s retries=3 [2001:db8::7]:1812/1813 [2001:db8::8]:1645/1646 [2001:db8::9]:1812/1813"},
		{"local.net", "local.net local=true strip=false auth=true acct=true timeout=3s retries=3"},
		{"Example.net", "DEFAULT local=false strip=true auth=true acct=false timeout=3s retries=3 10.0.0.4:1812/1813"},
		{"", "NOREALM local=true strip=true auth=true acct=true timeout=3s retries=3"},
	} {
		if d := cmp.Diff(c.want, describe(realms.Lookup(c.name))); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, d)
		}
	}
	if d := realms.Default; d.Dead != DeadReject || d.Retransmit != RetransmitClient {
		t.Errorf("DEFAULT: %+v", d)
	}
	if realms.Len() != 7 {
		t.Errorf("Len = %d", realms.Len())
	}
	if want := "realms:9:1: warning: realm local.net is declared twice: this line replaces the one at realms:8:1"; errs.Error() != want {
		t.Errorf("warnings: %v", errs)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"a.net", `realms:1:1: realm "a.net" has no servers; expected: realm server[:auth[:acct]],... or LOCAL, then flags`},
		{"a.net , 10.0.0.1", `realms:1:7: the list of home servers begins with an empty one`},
		{"a.net 10.0.0.1:0", `realms:1:7: home server "10.0.0.1:0": expected ports from 1 to 65535`},
		{"a.net 10.0.0.1,10.0.0.2:x", `realms:1:16: home server "10.0.0.2:x": expected ports from 1 to 65535`},
		{"a.net 10.0.0.1,LOCAL", `realms:1:16: LOCAL is not one of several servers; expected it alone`},
		{"a.net [::1", `realms:1:7: home server "[::1": expected host, host:port or host:port:acct-port; an IPv6 address in brackets`},
		{"a@b 10.0.0.1", `realms:1:1: "a@b" is no realm; expected what follows the last @ of a user name, DEFAULT or NOREALM`},
		{"a.net 10.0.0.1 strip,retrys=2", `realms:1:22: unknown option "retrys" of a realm; did you mean "retries"?`},
		{`a.net 10.0.0.1 strip,secret="a b"`, `realms:1:16: unknown option "strip,secret" of a realm; an option whose value is in quotes stands behind a space, not a comma`},
		{"a.net 10.0.0.1 retries", `realms:1:16: realm option retries has no value; expected retries=...`},
		{"a.net 10.0.0.1 strip=1", `realms:1:16: realm option strip has a value; expected none`},
		{"a.net 10.0.0.1 timeout=99", `realms:1:16: timeout=99; expected seconds from 1 to 30, or a duration like 500ms`},
		{"a.net 10.0.0.1 dead=alive", `realms:1:16: dead=alive; expected drop or reject`},
		{"a.net 10.0.0.1 no-message-authenticator", "realms:1:1: warning: no-message-authenticator: requests of realm a.net go out without it, so who is on the way can forge the answers (CVE-2024-3596)"},
		{"a.net 192.0.2.1", "realms:1:7: no secret for home server 192.0.2.1 of realm a.net; expected secret=... on this line, or 192.0.2.1 in the clients file\nrealms:1:1: warning: realm a.net has no home server that can be asked"},
		{"a.net nowhere", "realms:1:7: warning: home server nowhere does not resolve (no such host); last known addresses: []\nrealms:1:1: warning: realm a.net has no home server that can be asked"},
	} {
		t.Run(c.line, func(t *testing.T) {
			_, errs := load(t, c.line+"\n")
			if d := cmp.Diff(c.want, errs.Error()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestLookupOfNothing(t *testing.T) {
	realms, _ := load(t, "a.net LOCAL\n")
	if r := realms.Lookup("b.net"); r != nil {
		t.Errorf("b.net is %s", describe(r))
	}
	if r := realms.Lookup(""); r != nil {
		t.Errorf("no realm is %s", describe(r))
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"a LOCAL", "a b:1:2,[::1]:3 strip,retries=2", "DEFAULT 10.0.0.1, 10.0.0.2 secret=\"x\"", "a ,", "a [", "a b c,=,", "a b,b:1 balance weight@b=3,secret@b:1=x status-server@b", "a b secret=x,y@b=1 weight@=", "a 192.0.2.1 secret@192.0.2.1=\"x\" operator-name=1x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, "realms"), []byte(lines), 0o600); err != nil {
			t.Skip()
		}
		var errs raddb.List
		realms := Load(raddb.Open(root), "realms", Options{Names: nas.Options{Resolver: phonebook{}, Wait: time.Second}}, &errs)
		for _, r := range realms.All() {
			if realms.same(r) == nil {
				t.Errorf("realm %q is lost", r.Name)
			}
		}
	})
}
