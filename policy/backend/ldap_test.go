package backend

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/config"
)

func ldapSettings(s *slapd, more ...func(*config.BackendLDAP)) Settings {
	o := &config.BackendLDAP{
		URLs: []string{"ldap://" + s.plain}, BindDN: "cn=radius,dc=example,dc=net", BindPassword: "s3rvice", Base: "dc=example,dc=net",
		Connections: 2, Waiting: 64, Connect: 2 * time.Second, Retry: 50 * time.Millisecond, Idle: time.Minute,
	}
	for _, f := range more {
		f(o)
	}
	return Settings{
		Backend: config.Backend{LDAP: map[string]*config.BackendLDAP{"staff": o}},
		File:    func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(s.dir, name)) },
	}
}

// checkLDAP runs facts: d is the directory, and out writes.
func (w *world) checkLDAP(facts []fact) {
	w.t.Helper()
	for _, f := range facts {
		if diff := cmp.Diff(f.want, w.run("local d = ldap.open('staff') local ann, bob = 'uid=ann,ou=people,dc=example,dc=net', 'uid=bob,ou=people,dc=example,dc=net' handler(function() "+f.source+" end)")); diff != "" {
			w.t.Errorf("%s (-want +got)\n%s", f.source, diff)
		}
	}
}

var ldapFacts = []fact{
	{`local e = d:search{filter="(uid=ann)", attrs={"mail", "CN"}}[1] out(e.dn, #e.attrs.mail, e.attrs.mail[1], e.attrs.mail[2], e.attrs.CN[1], e.attrs.cn, e.attrs.sn)`, "uid=ann,ou=people,dc=example,dc=net 2 ann@example.net a@example.net Ann nil nil"},
	{`local e = d:search{filter="(uid=bob)"}[1] out(e.attrs.cn[1], e.attrs.sn[1], e.attrs.userPassword)`, "Böb (*) nil"},
	{`out(#d:search{filter="(uid=carl)"}, #d:search{base="ou=none,dc=example,dc=net"})`, "0 0"},
	{`out(#d:search{filter="(uid=*)"}, #d:search{filter="(uid=*)", limit=1}, #d:search{base="ou=people,dc=example,dc=net", scope="base"}, #d:search{base="ou=people,dc=example,dc=net", scope="one"})`, "2 1 1 2"},
	{`out(ldap.escape("a*(b)\\c\0ü"), #d:search{filter="(sn=" .. ldap.escape("(*)") .. ")"}, #d:search{filter="(cn=" .. ldap.escape("Böb") .. ")"}, #d:search{filter="(uid=" .. ldap.escape("*") .. ")"})`, `a\2a\28b\29\5cc\00\c3\bc 1 1 0`},
	{`out(#d:search{filter="(uid=" .. ldap.escape("x)(uid=*") .. ")"})`, "0"},
	{`out(d:bind(ann, "sesame"), d:bind(ann, "open"), d:bind(ann, ""), d:bind(ann, nil), d:bind("", "x"), d:bind("  ", "x"), d:bind("uid=carl,dc=example,dc=net", "x"))`, "true false false false false false false"},
	{`out(d:bind(ann, "sesame"), #d:search{filter="(uid=ann)"}, d:bind(bob, "hello"), d:bind(bob, "sesame"), #d:search{filter="(uid=ann)"})`, "true 1 true false 1"},
	{`out(#d:search{base="cn=elsewhere,dc=example,dc=net"})`, "error: t.lua:1: ldap: refused: the directory names another server, which is not asked"},
	{`out(d:try_search{base="cn=elsewhere,dc=example,dc=net"})`, "nil refused: the directory names another server, which is not asked"},
	{`out(#d:search{} > 3)`, "true"},
	{`d:search{filter="(uid=ann"}`, `error: t.lua:1: ldap: filter "(uid=ann": LDAP: Filter Compile Error: unexpected end of filter`},
	{`d:try_search{filter="uid=ann)"}`, `error: t.lua:1: ldap: filter "uid=ann)": LDAP: Filter Compile Error: filter does not start with an '('`},
	{`d:search{base="no dn"}`, "error: t.lua:1: ldap: LDAP: Invalid DN Syntax: invalid DN"},
	{`d:bind("no dn", "x")`, "error: t.lua:1: ldap: LDAP: Invalid DN Syntax: invalid DN"},
	{`d:search{fliter="x"}`, `error: t.lua:1: ldap: no option "fliter"; expected filter, base, attrs, scope, limit`},
	{`d:search{scope="subtree"}`, `error: t.lua:1: ldap: scope: got "subtree", expected "base", "one" or "sub"`},
	{`d:search{limit=1001}`, `error: t.lua:1: ldap: limit: got 1001, expected a whole number from 1 to 1000`},
	{`d:search{attrs="mail"}`, `error: t.lua:1: ldap: attrs: got "mail", expected a list of names like {"memberOf"}`},
	{`d:search{attrs={1}}`, `error: t.lua:1: ldap: attrs: got 1, expected a list of up to 100 names like {"memberOf"}`},
	{`d:search{filter=""}`, `error: t.lua:1: ldap: filter: got "", expected text`},
	{`d:search{filter=("(!"):rep(3000)}`, `error: t.lua:1: ldap: filter: 6000 octets; 4096 are allowed`},
	{`d:search("x")`, `error: t.lua:1: argument 2 is string, expected table`},
	{`d.search{}`, `error: t.lua:1: the value before the colon is table, expected a directory; write value:method()`},
	{`d:bind(ann, {})`, `error: t.lua:1: argument 3 is table, expected string`},
	{`d:bind({}, "x")`, `error: t.lua:1: argument 2 is table, expected string`},
	{`ldap.open("staff")`, `error: t.lua:1: ldap.open("staff"): handles are opened while scripts load, not in a handler`},
}

func TestLDAP(t *testing.T) {
	s := newSlapd(t)
	newWorld(t, ldapSettings(s)).checkLDAP(ldapFacts)
	for name, change := range map[string]func(*config.BackendLDAP){
		"ldaps":    func(o *config.BackendLDAP) { o.URLs, o.CA = []string{"ldaps://" + s.over}, "cert.pem" },
		"StartTLS": func(o *config.BackendLDAP) { o.StartTLS, o.CA = true, "cert.pem" },
		"another":  func(o *config.BackendLDAP) { o.URLs = append([]string{"ldap://" + freePort(t)}, o.URLs...) },
	} {
		t.Run(name, func(t *testing.T) { newWorld(t, ldapSettings(s, change)).checkLDAP(ldapFacts[:8]) })
	}
}
