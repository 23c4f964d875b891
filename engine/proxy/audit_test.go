package proxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWarningsOfRealms: what is said in vain, twice or in contradiction loads, with a warning.
func TestWarningsOfRealms(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"a.net home1 strip,nostrip", "realms:1:19: warning: strip and nostrip in one line: nostrip holds"},
		{"a.net home1 nostrip strip", "realms:1:21: warning: strip and nostrip in one line: strip holds"},
		{"a.net home1 noauth,auth,acct", "realms:1:20: warning: auth and noauth in one line: noauth holds"},
		{"a.net home1 acct,noacct,auth", "realms:1:18: warning: acct and noacct in one line: noacct holds"},
		{"a.net home1 noauth,noacct", "realms:1:1: warning: the flags of realm a.net leave out both kinds of requests: nobody goes by this line"},
		{"a.net home1 auth,acct,strip,strip", ""},
		{"a.net 10.0.0.1,10.0.0.2,10.0.0.1", "realms:1:25: warning: home server 10.0.0.1 stands twice in realm a.net: a second try there is no fail-over"},
		{"a.net home1,10.0.0.7:1812:1813", "realms:1:13: warning: home server 10.0.0.7:1812:1813 stands twice in realm a.net: a second try there is no fail-over"},
		{"a.net home1,10.0.0.7:1645\nb.net home1", ""},
		{"a.net 0.0.0.0 secret=sixteen-octets-or-more", "realms:1:7: warning: home server 0.0.0.0 of realm a.net: 0.0.0.0 is not the address of one machine, so nothing will answer from there"},
		{"a.net 224.0.0.1,[ff02::1]:1812,255.255.255.255 secret=sixteen-octets-or-more", `realms:1:7: warning: home server 224.0.0.1 of realm a.net: 224.0.0.1 is not the address of one machine, so nothing will answer from there
realms:1:17: warning: home server ff02::1 of realm a.net: ff02::1 is not the address of one machine, so nothing will answer from there
realms:1:32: warning: home server 255.255.255.255 of realm a.net: 255.255.255.255 is not the address of one machine, so nothing will answer from there`},
		{"a.net home1 secret=testing123\nb.net home1 secret=testing123\nc.net home1 secret=short", `realms:1:7: warning: the secret of home server home1 is one that everybody knows; expected a random one, for instance from ` + "`openssl rand -hex 16`" + `; the same holds for 1 more
realms:3:7: warning: the secret of home server home1 is shorter than 16 octets (RFC 2865 s3)`},
		{"a.net 10.0.0.1,10.0.0.2 secret@10.0.0.2=short", "realms:1:16: warning: the secret of home server 10.0.0.2 is shorter than 16 octets (RFC 2865 s3)"},
		{"a.net 127.0.0.1,[::1]:1812 secret=testing123", ""},
		{"a.net LOCAL retries=3,nostrip,quota=4 secret=testing123 retries=4", "realms:1:13: warning: no effect on LOCAL, as nothing is sent on: retries, secret"},
		{"a.net LOCAL ignorecase,strip,auth,quota=1", ""},
	} {
		t.Run(c.lines, func(t *testing.T) {
			realms, errs := load(t, c.lines+"\n")
			if d := cmp.Diff(c.want, errs.Error()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if errs.Failed() || realms.Lookup("a.net") == nil {
				t.Error("not loaded")
			}
		})
	}
}
