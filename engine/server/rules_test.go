package server

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/nas"
)

// TestProposedAddress: the NAS's own proposal comes back in an accept without an address, if a rule of the GNU
// dialect says so.
func TestProposedAddress(t *testing.T) {
	g := load(t, "$DIALECT gnu\nbob Auth-Type = Accept\n\tSession-Timeout = 1\ncarl Auth-Type = Accept\n\tFramed-IP-Address = 10.0.0.7\n"+
		"out Auth-Type = Reject\n\tReply-Message = \"no\"\ntom Auth-Type := Accept\n\tSession-Timeout := 1\n"+
		"port Auth-Type = Accept\n\tFramed-IP-Address = 10.0.0.1+\n", nil)
	for user, want := range map[string][]string{
		"bob":  {"Session-Timeout = 1", "Framed-IP-Address = 10.9.9.9"},
		"carl": {"Framed-IP-Address = 10.0.0.7"},
		"out":  {`Reply-Message = "no"`},
		"tom":  {"Session-Timeout = 1"},
		"port": {"Framed-IP-Address = 10.0.0.8"},
	} {
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = "+user, "User-Password = x", "Framed-IP-Address = 10.9.9.9", "NAS-Port = 7")})
		if diff := cmp.Diff(want, texts(&out.Reply)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", user, diff)
		}
	}
	if out := login(t, g, "bob", "x"); len(out.Reply.Pairs) != 1 {
		t.Errorf("nothing was proposed: %s", out)
	}
	if out := login(t, g, "port", "x"); texts(&out.Reply)[0] != "Framed-IP-Address = 10.0.0.1" {
		t.Errorf("an absent port is 0: %s", out)
	}
}

// TestCallback: an accept with Callback-Id ends the session, so that nothing of it is told. FreeRADIUS knows no
// such rule.
func TestCallback(t *testing.T) {
	const reply = "Framed-Protocol = 1, Framed-IP-Address = 10.0.0.1, Framed-IP-Netmask = 255.0.0.0, Framed-Route = \"a\", Framed-Route = \"b\", Framed-MTU = 9," +
		" Framed-Compression = 1, Filter-Id = \"f\", Port-Limit = 1, Callback-Number = \"1\", Session-Timeout = 3"
	g := load(t, "$DIALECT gnu\nbob Auth-Type = Accept\n\tCallback-Id = \"home\", "+reply+"\neve Auth-Type = Accept\n\t"+reply+"\n"+
		"tom Auth-Type := Accept\n\tCallback-Id := \"home\", "+reply+"\n", nil)
	if diff := cmp.Diff([]string{`Callback-Id = "home"`, "Session-Timeout = 3"}, texts(&login(t, g, "bob", "x").Reply)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for user, want := range map[string]int{"eve": 11, "tom": 12} {
		if out := login(t, g, user, "x"); len(out.Reply.Pairs) != want {
			t.Errorf("%s", out)
		}
	}
	out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x", "Framed-IP-Address = 10.9.9.9")})
	if len(out.Reply.Pairs) != 2 {
		t.Errorf("the proposed address goes, too: %s", out)
	}
}

// TestBadNames: missing, empty and malformed names, refused or not answered.
func TestBadNames(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type = Accept\n\tNULL\n", nil)
	g.Settings.StrictNames = true
	g.Settings.Names = nas.NewCharset(`.-_!@#$%^&\/`)
	for _, c := range []struct {
		name            string
		reject, discard Kind
	}{
		{"bob", Accept, Accept}, {`a.-_!@#$%^&\/`, Accept, Accept}, {"bob smith", Reject, Discard}, {"bob+x", Reject, Discard},
		{"bob\x01", Reject, Discard}, {"bé", Reject, Discard}, {"", Reject, Discard},
	} {
		for discard, want := range map[bool]Kind{false: c.reject, true: c.discard} {
			g.Settings.DiscardNames = discard
			q := Question{Attributes: attrs(t, g, "User-Password = x")}
			if c.name != "" {
				q.Attributes = attrs(t, g, "User-Name = "+c.name, "User-Password = x")
			}
			if out := ask(t, offline(), g, q); out.Kind != want {
				t.Errorf("%q, discard %v: %s, want %s", c.name, discard, out.Kind, want)
			}
		}
	}
	home(g).Names, g.Settings.DiscardNames = nas.NewCharset("+"), true
	for name, want := range map[string]Kind{"bob+x": Accept, "b.b": Discard} {
		q := Question{Client: home(g), Attributes: attrs(t, g, "User-Name = "+name, "User-Password = x")}
		if out := ask(t, offline(), g, q); out.Kind != want {
			t.Errorf("%q of a client with its own set: %s, want %s", name, out.Kind, want)
		}
	}
}

// TestHintsMendNames: the name is looked at after hints.
func TestHintsMendNames(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("User-Name")
		r.Attributes.Set(ref, []byte("bob"))
		return nil
	}}}
	g := load(t, "bob Auth-Type = Accept\n\tNULL\n", p)
	g.Settings.DiscardNames, g.Settings.StrictNames = true, true
	for _, question := range []Question{{Attributes: attrs(t, g, "User-Password = x")}, {Attributes: attrs(t, g, "User-Name = a\x01", "User-Password = x")}} {
		if out := ask(t, offline(), g, question); out.Kind != Accept {
			t.Errorf("%s", out)
		}
	}
}

// TestAuthTypesOfGNU: what each method makes of PAP, CHAP and no credential.
func TestAuthTypesOfGNU(t *testing.T) {
	const md5 = "$1$abcdefgh$dsyLSagVpZ7ZGVZpSYLOd1" // hamlet
	for _, c := range []struct {
		check, password string
		want            Kind
		reason          string
	}{
		{"Auth-Type = Accept", "x", Accept, ""},
		{"Auth-Type = Accept", "", Accept, ""},
		{"Auth-Type = Reject", "x", Reject, "denied"},
		{"Auth-Type = Reject", "", Reject, "denied"},
		{"Auth-Type = Ignore", "x", Discard, "ignored"},
		{"Auth-Type = Ignore", "", Discard, "ignored"},
		{"Auth-Type = Local, Password = x", "x", Accept, ""},
		{"Auth-Type = Local, Password = x", "", Reject, "method"},
		{"Auth-Type = Crypt-Local, Password = \"" + md5 + "\"", "hamlet", Accept, ""},
		{"Auth-Type = Crypt-Local, Password = \"" + md5 + "\"", "", Reject, "method"},
		{"Crypt-Password = \"" + md5 + "\"", "hamlet", Accept, ""},
		{"Crypt-Password = \"" + md5 + "\", Auth-Type = Local", "hamlet", Accept, ""},
		{"Crypt-Password = \"" + md5 + "\", Auth-Type = Accept", "wrong", Reject, "password"},
		{"Password = x", "x", Accept, ""},
		{"NULL", "x", Reject, "no-password"},
		{"NULL", "", Reject, "method"},
		{"Auth-Type = Accept, Auth-Type = Reject", "x", Accept, ""},
		{"Auth-Type = Local, Password = x, Password = y", "y", Reject, "password"},
	} {
		g := load(t, "DEFAULT "+c.check+"\n\tSession-Timeout = 1\n", nil)
		g.Settings.NoCredential = true
		q := Question{Attributes: attrs(t, g, "User-Name = bob")}
		if c.password != "" {
			q.Attributes = attrs(t, g, "User-Name = bob", "User-Password = "+c.password)
		}
		out := ask(t, offline(), g, q)
		if out.Kind != c.want || out.Reason != c.reason {
			t.Errorf("%s with %q: %s %s, want %s %s", c.check, c.password, out.Kind, out.Reason, c.want, c.reason)
		}
	}
}

// TestReplaceUserName: a rule gives the user another name once his password was right.
func TestReplaceUserName(t *testing.T) {
	file := "$DIALECT gnu\nguest Auth-Type = Local, Password = \"x\"\n\tReplace-User-Name = \"guest#%C{NAS-Port}\", Reply-Message = \"=name\"\n" +
		"check Auth-Type = Accept, Replace-User-Name = \"%u.%u\"\n\tReply-Message = \"=name\"\n" +
		"empty Auth-Type = Accept\n\tReplace-User-Name = \"%C{Hint}\", Reply-Message = \"=name\"\n" +
		"huge Auth-Type = Accept\n\tReplace-User-Name = \"" + strings.Repeat("%u", 64) + "\", Reply-Message = \"=name\"\n"
	p := &scripted{values: map[string]func(*Request) (string, *Verdict){"name": func(r *Request) (string, *Verdict) { return string(r.User()), nil }}}
	g := load(t, file, p)
	for user, want := range map[string]string{"guest": "guest#7", "check": "check.check", "empty": "empty", "huge": "huge"} {
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = "+user, "User-Password = x", "NAS-Port = 7")})
		if got, _ := out.Reply.First(g.Dictionary.Known.ReplyMessage); string(got) != want || out.Kind != Accept {
			t.Errorf("%s: %q, want %q\n%s", user, got, want, out)
		}
	}
	if out := login(t, g, "guest", "wrong"); out.Kind != Reject {
		t.Errorf("%s", out)
	}
}

// TestAuthData: rules leave it in the request, where programs find it.
func TestAuthData(t *testing.T) {
	g := load(t, "$DIALECT gnu\nbob Auth-Type = Reject, Auth-Data = \"extra\"\n\tNULL\n", nil)
	g.Settings.Texts.Denied = textOf(t, g, "%C{Auth-Data}")
	if got := texts(&login(t, g, "bob", "x").Reply); len(got) != 1 || got[0] != `Reply-Message = "extra"` {
		t.Errorf("%s", got)
	}
}

// TestLocalAttributes: what was asked is in the request, if the settings say so.
func TestLocalAttributes(t *testing.T) {
	g := load(t, "bob Auth-Type = Reject\n\tNULL\n", nil)
	g.Settings.Texts.Denied = textOf(t, g, "%C{GNU-Server-Address}:%C{GNU-Server-Port}")
	for local, want := range map[string]string{"192.0.2.1:1645": "192.0.2.1:1645", "[::ffff:192.0.2.1]:1812": "192.0.2.1:1812", "[::1]:1645": "0:1645", "": "0:0"} {
		g.Settings.LocalAttributes = local != ""
		r := incoming(g, "auth")
		if local != "" {
			r.Peer.Local = netip.MustParseAddrPort(local)
		}
		c := core(t, CoreOptions{})
		if why := c.receive(r, wire(t, g, homeSecret, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
		if got, _ := r.Reply.First(g.Dictionary.Known.ReplyMessage); string(got) != want {
			t.Errorf("%s: %q", local, got)
		}
	}
}
