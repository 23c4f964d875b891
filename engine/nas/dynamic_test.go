package nas

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

func TestDynamicAddress(t *testing.T) {
	for _, c := range []struct{ line, nas, want string }{
		{"10.0.0.1 " + good, "", "10.0.0.1:3799"},
		{"10.0.0.1 " + good, "192.168.1.1", "10.0.0.1:3799"}, // behind NAT the source counts
		{"10.0.0.1 " + good + " coa=:1700", "", "10.0.0.1:1700"},
		{"10.0.0.1 " + good + " coa=192.0.2.9", "10.0.0.1", "192.0.2.9:3799"},
		{"10.0.0.1 " + good + " coa=[2001:db8::1]:1700", "", "[2001:db8::1]:1700"},
		{"10.0.0.0/8 " + good, "10.1.2.3", "10.1.2.3:3799"},
		{"10.0.0.0/8 " + good + " coa=:1700", "::ffff:10.1.2.3", "10.1.2.3:1700"},
		{"10.0.0.0/8 " + good, "192.0.2.1", "none"},
		{"10.0.0.0/8 " + good, "", "none"},
		{"DEFAULT " + good, "0.0.0.0", "none"},
		{"fe80::1%lo " + good, "", "[fe80::1%lo]:3799"},
	} {
		nas, _ := netip.ParseAddr(c.nas)
		var errs raddb.List
		client := Load(tree(t, map[string]string{"clients": c.line + "\n"}), "clients", &errs).All()[0]
		got := "none"
		if to, ok := client.DynamicAddress(nas); ok {
			got = to.String()
		}
		if got != c.want {
			t.Errorf("%s, NAS %q: %s, want %s", c.line, c.nas, got, c.want)
		}
	}
}

func TestDynamicOptions(t *testing.T) {
	c := one(t, `10.0.0.1 `+good+` coa-secret="another secret, long" coa-identify=session,nas dynamic-authorization=realm type=Cisco`)
	if c.CoASecret != radius.NewSecret("another secret, long") || c.Dynamic != RightRealm || c.Identification() != IdentifySession|IdentifyNAS {
		t.Errorf("%v, %v, %b", c.CoASecret, c.Dynamic, c.Identification())
	}
	for line, want := range map[string]Identification{
		"":            identifyDefault,
		" type=other": identifyDefault,
		" type=CISCO": IdentifySession | IdentifyStation | IdentifyNAS,
		" type=cisco coa-identify=user,session,multi-session,port,address,station,called,nas": 1<<len(identifyWords) - 1,
	} {
		if got := one(t, "10.0.0.1 "+good+line).Identification(); got != want {
			t.Errorf("%q: %b, want %b", line, got, want)
		}
	}
	for line, want := range map[string]Right{
		"": RightOwn, " dynamic-authorization=own": RightOwn, " dynamic-authorization": RightAll, " dynamic-authorization=yes": RightAll, " dynamic-authorization=no": RightNone,
	} {
		if got := one(t, "10.0.0.1 "+good+line).Dynamic; got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestDynamicErrors(t *testing.T) {
	for option, want := range map[string]string{
		"coa=:0":        "coa=:0; expected a port from 1 to 65535 behind the colon",
		"coa=:70000":    "coa=:70000; expected a port from 1 to 65535 behind the colon",
		"coa=:":         "coa=:; expected a port from 1 to 65535 behind the colon",
		"coa=":          "coa=; expected address, address:port or :port",
		`coa-secret=""`: "the secret is empty",
		"coa-identify=user,xyzzyx": "coa-identify=user,xyzzyx; expected words parted by commas out of " +
			"user, session, multi-session, port, address, station, called, nas",
		"coa-identify=sesion": "coa-identify=sesion; expected words parted by commas out of " +
			`user, session, multi-session, port, address, station, called, nas; did you mean "session"?`,
		"dynamic-authorization=all": "dynamic-authorization=all; expected yes, no, own or realm",
	} {
		var errs raddb.List
		Load(tree(t, map[string]string{"clients": "10.0.0.1 " + good + " " + option + "\n"}), "clients", &errs)
		if len(errs) != 1 {
			t.Errorf("%s: %v", option, errs)
			continue
		}
		if d := cmp.Diff(want, errs[0].Msg); d != "" {
			t.Errorf("%s (-want +got)\n%s", option, d)
		}
	}
}
