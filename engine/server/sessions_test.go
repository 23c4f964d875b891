package server

import (
	"testing"

	"perilune/engine/proxy"
)

// unkept is a Recorder that has kept at once what it is given.
type unkept struct{}

func (unkept) Append(_ []byte, done func(error)) { done(nil) }

func (unkept) Healthy() bool { return true }

// TestAccountsOfRealms: users of two organisations with one name are two, whether the realm was taken off for the way,
// as for logins, or not, as for accounting that stays here. A realm of this server's own is no part of the name.
func TestAccountsOfRealms(t *testing.T) {
	away, here := &proxy.Realm{Name: "a.example"}, &proxy.Realm{Name: "our.example", Local: true}
	for _, c := range []struct {
		user, realm string
		line        *proxy.Realm
		stripped    bool
		ignoreCase  bool
		want        string
	}{
		{user: "bob", want: "bob"},
		{user: "bob", realm: "a.example", line: away, want: "bob@a.example"},
		{user: "bob@A.Example", realm: "a.example", line: away, want: "bob@a.example"},
		{user: "bob@A.Example", realm: "a.example", want: "bob@a.example"},
		{user: "bob@b@a.example", realm: "a.example", line: away, want: "bob@b@a.example"},
		{user: "bob", realm: "our.example", line: here, want: "bob"},
		{user: "bob@our.example", realm: "our.example", line: here, want: "bob@our.example"},
		{user: "bob", realm: "a.example", line: away, stripped: true, want: "bob"},
		{user: "Bob", want: "Bob"},
		{user: "BoB", ignoreCase: true, want: "bob"},
		{user: "BOB", realm: "a.example", line: away, ignoreCase: true, want: "bob@a.example"},
		{user: "\xc3\x84bC", ignoreCase: true, want: "\xc3\x84bc"},
	} {
		g := load(t, "", nil)
		g.Settings.Sessions.Stripped, g.Settings.IgnoreCase = c.stripped, c.ignoreCase
		r := &Request{Generation: g, Realm: c.realm}
		r.Attributes.Add(g.Dictionary.Known.UserName.AnyTag(), []byte(c.user))
		r.way.realm = c.line
		if got := string(r.account()); got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.user, c.realm, got, c.want)
		}
	}
}
