package gnu

import "testing"

func TestRealms(t *testing.T) {
	const clients = "192.0.2.0/24 partners\nhome.example s\n"
	tests := []struct{ name, realms, config, want, notes string }{
		{name: "servers", realms: "a.example 192.0.2.1\nb.example 192.0.2.1:1645,192.0.2.2:1645:1700\nc.example 192.0.2.1,\\\n 192.0.2.2\nd.example home.example nostrip\n",
			want: "a.example 192.0.2.1:1812:1813 retransmit=client\nb.example 192.0.2.1:1645:1646,192.0.2.2:1645:1700 retransmit=client\n" +
				"c.example 192.0.2.1:1812:1813,192.0.2.2:1812:1813 retransmit=client\nd.example home.example:1812:1813 nostrip,retries=1,retransmit=client\n"},
		{name: "our own ports", realms: "a.example 192.0.2.1\n", config: "auth { port 1645; };", want: "a.example 192.0.2.1:1645:1646 retransmit=client\n"},
		{name: "flags", realms: "a.example 192.0.2.1 ignorecase,auth,retries=2,timeout=99,quota=5\nNOREALM LOCAL\nDEFAULT 192.0.2.1 noacct,turbo,retries=x\n",
			want: "a.example 192.0.2.1:1812:1813 ignorecase,auth,retries=2,timeout=30,quota=5,retransmit=client\nNOREALM LOCAL\n" +
				"DEFAULT 192.0.2.1:1812:1813 noacct,retries=1,retransmit=client\n",
			notes: "realms:1:1: realm a.example: timeout=99 is taken as 30\n" +
				"realms:3:1: realm DEFAULT: unknown flag \"turbo\"; the original left it out, too\n" +
				"realms:3:1: realm DEFAULT: retries=x is no number; left out\n"},
		{name: "without a secret", realms: "a.example 198.51.100.1,192.0.2.1\nb.example 198.51.100.1\nc.example other.example\n",
			want: "a.example 192.0.2.1:1812:1813 retransmit=client\n",
			notes: "realms:1:1: realm a.example: server 198.51.100.1 is left out: it has no secret in clients; the original dropped it, too\n" +
				"realms:2:1: realm b.example: server 198.51.100.1 is left out: it has no secret in clients; the original dropped it, too\n" +
				"realms:2:1: realm b.example is left out, as by the original: no server of it has a secret in clients\n" +
				"realms:3:1: realm c.example: server other.example is left out: it has no secret in clients; the original dropped it, too\n" +
				"realms:3:1: realm c.example is left out, as by the original: no server of it has a secret in clients\n"},
		{name: "twice", realms: "a.example LOCAL\na.example 192.0.2.1\n", want: "a.example 192.0.2.1:1812:1813 retransmit=client\n",
			notes: "realms:1:1: realm a.example is left out: realms:2:1 replaces it\n"},
		{name: "wrong", realms: "a.example\nb@c LOCAL\nd.example 192.0.2.1:x\ne.example 192.0.2.1:1812:0\n",
			notes: "realms:1:1: realm \"a.example\" has no servers; left out\n" +
				"realms:2:1: realm \"b@c\": no user name can have it; left out\n" +
				"realms:3:1: realm d.example: server 192.0.2.1:x: the port is no number; left out\n" +
				"realms:3:1: realm d.example is left out, as by the original: no server of it has a secret in clients\n" +
				"realms:4:1: realm e.example: server 192.0.2.1:1812:0: the accounting port is no number; left out\n" +
				"realms:4:1: realm e.example is left out, as by the original: no server of it has a secret in clients\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, report := convert(t, map[string]string{"clients": clients, "realms": test.realms, "config": test.config}, Options{})
			if test.want == "" && out.Has("raddb/realms") {
				t.Error("a file without realms was written")
			}
			same(t, "realms", test.want, clientsOf(out.File("raddb/realms").String()))
			same(t, "notes", test.notes, about(report, "realms"))
		})
	}
}

func TestDeny(t *testing.T) {
	out, report := convert(t, map[string]string{"access.deny": "# closed\nbob\n\"mad hatter\" since 1865\n'#1'\n"}, Options{})
	same(t, "access.deny", "# access.deny: names that are always rejected, one a line; from access.deny of the old tree.\n\nbob\n\"mad hatter\"\n\"#1\"\n",
		out.File("raddb/access.deny").String())
	same(t, "notes", "access.deny: 3 names\naccess.deny:3:1: only the first of 3 words is taken as a name\n", about(report, "access.deny"))
}

// TestRealmsOfNames: rules are tested with names that stay here.
func TestRealmsOfNames(t *testing.T) {
	tests := []struct {
		realms, name string
		want         bool
	}{
		{"", "ann", false},
		{"NOREALM LOCAL\nfar.example 192.0.2.1\n", "ann", false},
		{"NOREALM LOCAL\nfar.example 192.0.2.1\n", "ann@far.example", true},
		{"NOREALM 192.0.2.1\n", "ann", true},
		{"DEFAULT 192.0.2.1\n", "ann", false},
		{"far.example 192.0.2.1\n", "ann", false},
	}
	for _, tt := range tests {
		s := newSource(Options{Root: writeFiles(t, map[string]string{"realms": tt.realms})}, nil, nil)
		if got := s.forwarded(tt.name); got != tt.want {
			t.Errorf("with %q %s is forwarded: %v", tt.realms, tt.name, got)
		}
	}
}
