package server

import (
	"strings"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"

	"github.com/google/go-cmp/cmp"
)

const someUsers = `
bob    Cleartext-Password := "hello"
       Reply-Message += "hi", Session-Timeout = 60
empty  Password-With-Header := "{clear}"
unset  Cleartext-Password := ""
nt     NT-Password := 0x8846f7eaee8fb117ad06bdd830b7586c
ssha   Password-With-Header := "{sha}qvTGHdzF6KLavt4PO0gs2a6pQ00="
sha    SHA-Password := "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
crypt  Crypt-Password := "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"
in     Auth-Type := Accept
out    Auth-Type := Reject
       Reply-Message += "your account is closed", Session-Timeout = 5
mute   Auth-Type := Ignore
chap   Auth-Type := CHAP, Cleartext-Password := "hello"
pap    Auth-Type := PAP, Cleartext-Password := "hello"
gone   Auth-Type := lost
none   Service-Type == Framed-User
       Reply-Message = "x"
bare
`

func TestPassword(t *testing.T) {
	g := load(t, someUsers, nil)
	for _, c := range []struct{ user, password, want string }{
		{"bob", "hello", "accept"},
		{"bob", "Hello", "reject password"},
		{"bob", "hello ", "reject password"},
		{"bob", "", "reject password"},
		{"empty", "", "accept"},
		{"empty", "x", "reject password"},
		{"unset", "", "reject password"},
		{"nt", "password", "accept"},
		{"nt", "Password", "reject password"},
		{"ssha", "hello", "accept"},
		{"ssha", "hello2", "reject password"},
		{"sha", "hello", "accept"},
		{"sha", "hellO", "reject password"},
		{"crypt", "nope", "reject password"},
		{"nobody", "hello", "reject unknown-user"},
		{"in", "whatever", "accept"},
		{"out", "whatever", "reject denied"},
		{"mute", "whatever", "discard ignored"},
		{"chap", "hello", "reject method"},
		{"pap", "hello", "accept"},
		{"gone", "hello", "reject auth-type"},
		{"bare", "hello", "reject no-password"},
		{"none", "hello", "reject unknown-user"},
	} {
		t.Run(c.user+"/"+c.password, func(t *testing.T) {
			out := login(t, g, c.user, c.password)
			got := strings.TrimSpace(out.Verdict + " " + out.Reason)
			if got != c.want {
				t.Errorf("got %q, want %q\n%s", got, c.want, out)
			}
			if (out.Answer == 0) != (out.Kind == Discard || out.Kind == Drop) {
				t.Errorf("answered with %v", out.Answer)
			}
		})
	}
}

func TestCHAP(t *testing.T) {
	g := load(t, someUsers, nil)
	for _, c := range []struct {
		user, password string
		extra          []string
		want           string
	}{
		{"bob", "hello", nil, "accept"},
		{"bob", "wrong", nil, "reject password"},
		{"chap", "hello", nil, "accept"},
		{"pap", "hello", nil, "reject method"},
		{"nt", "password", nil, "reject password"},
		{"nobody", "hello", nil, "reject unknown-user"},
		{"bob", "hello", []string{"CHAP-Challenge = 0x00112233"}, "accept"},
		{"bob", "hellO", []string{"CHAP-Challenge = 0x00112233"}, "reject password"},
		{"in", "x", nil, "accept"},
	} {
		t.Run(c.user+"/"+c.password, func(t *testing.T) {
			q := Question{CHAP: c.password, Attributes: attrs(t, g, append([]string{"User-Name = " + c.user}, c.extra...)...)}
			out := ask(t, offline(), g, q)
			if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != c.want {
				t.Errorf("got %q, want %q\n%s", got, c.want, out)
			}
			if out.Method != "chap" {
				t.Errorf("method %q", out.Method)
			}
		})
	}
}

// TestCallCheck: a request without any credential is a reject, unless a rule lets it in.
func TestCallCheck(t *testing.T) {
	g := load(t, someUsers, nil)
	for user, want := range map[string]string{"bob": "reject method", "in": "accept", "nobody": "reject method"} {
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = "+user)})
		if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != want {
			t.Errorf("%s: got %q, want %q", user, got, want)
		}
	}
}

func TestAcceptCarriesTheRulesReply(t *testing.T) {
	g := load(t, someUsers, nil)
	out := login(t, g, "bob", "hello")
	want := []string{`Reply-Message = "hi"`, "Session-Timeout = 60"}
	if diff := cmp.Diff(want, texts(&out.Reply)); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	if out.Rule != "users:2" {
		t.Errorf("rule %q", out.Rule)
	}
}

// TestRejectLeaksNothing: what was meant for the accept stays at home; the matched rule's Reply-Message is
// part of a reject, a handler's for an accept is not.
func TestRejectLeaksNothing(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
		d := r.Generation.Dictionary
		ref, _ := d.Resolve("Reply-Message")
		r.Reply.Add(ref, []byte("welcome"))
		ref, _ = d.Resolve("Filter-Id")
		r.Reply.Add(ref, []byte("inside"))
		return nil
	}}}
	g := load(t, someUsers, p)
	g.Settings.Texts.Denied = textOf(t, g, "Access denied")
	for _, c := range []struct {
		user, password string
		want           []string
	}{
		{"out", "x", []string{`Reply-Message = "your account is closed"`, `Reply-Message = "Access denied"`}},
		{"bob", "wrong", []string{`Reply-Message = "hi"`, `Reply-Message = "Access denied"`}},
		{"nobody", "x", []string{`Reply-Message = "Access denied"`}},
	} {
		out := login(t, g, c.user, c.password)
		if out.Kind != Reject {
			t.Errorf("%s: %s", c.user, out.Kind)
		}
		if diff := cmp.Diff(c.want, texts(&out.Reply)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.user, diff)
		}
	}
}

// TestWelcomeDoesNotLeak: what a handler said for its accept is gone when a restriction rejects after all.
func TestWelcomeDoesNotLeak(t *testing.T) {
	welcome := func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("Reply-Message")
		r.Reply.Add(ref, []byte("welcome"))
		return &Verdict{Kind: Accept, Attributes: []Assignment{{Ref: ref, Value: []byte("welcome")}}}
	}
	const file = "bob Auth-Type := otp, Login-Time := \"Su\"\n\tReply-Message = \"on Sundays only\"\neve Auth-Type := Accept\n"
	for _, c := range []struct {
		user string
		p    *scripted
		want []string
	}{
		{"bob", &scripted{authTypes: map[uint32]func(*Request) *Verdict{700: welcome}}, []string{`Reply-Message = "on Sundays only"`}},
		{"eve", &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: welcome}}, nil},
	} {
		g := load(t, file, c.p)
		g.Settings.Deny = map[string]struct{}{"eve": {}}
		out := login(t, g, c.user, "x")
		if diff := cmp.Diff(c.want, texts(&out.Reply)); diff != "" || out.Kind != Reject {
			t.Errorf("%s (-want +got):\n%s", out, diff)
		}
	}
}

// TestGNUWrongPassword: there only a rule that rejects keeps its messages, so that nothing tells a wrong password
// from an unknown name.
func TestGNUWrongPassword(t *testing.T) {
	g := load(t, "bob Auth-Type = Local, Password = \"x\"\n\tReply-Message = \"ok\"\n"+
		"old Auth-Type = Local, Password = \"x\", Expiration = \"Jan 01 1999\"\n\tReply-Message = \"ok\"\n"+
		"new Auth-Type = Local, Password = \"x\", Expiration = \"Jan 01 2099\"\n\tReply-Message = \"ok\"\n"+
		"out Auth-Type = Reject\n\tReply-Message = \"closed\"\n", nil)
	for user, want := range map[string]int{"old": 0, "new": 1, "out": 1} {
		if out := login(t, g, user, "x"); len(out.Reply.Pairs) != want {
			t.Errorf("%s: %s", user, out)
		}
	}
	if out := login(t, g, "bob", "x"); out.Kind != Accept || len(out.Reply.Pairs) != 1 {
		t.Errorf("right password: %s", out)
	}
	if out := login(t, g, "bob", "y"); out.Kind != Reject || len(out.Reply.Pairs) != 0 {
		t.Errorf("wrong password: %s", out)
	}
}

// TestBeginAlone: a BEGIN entry makes a user known only by a password or an Auth-Type.
func TestBeginAlone(t *testing.T) {
	g := load(t, "BEGIN Auth-Type = Accept\n\tReply-Message = \"B\"\nbob Auth-Type = Accept\n\tNULL\n", nil)
	if out := login(t, g, "bob", "x"); out.Kind != Accept || len(out.Reply.Pairs) != 1 {
		t.Errorf("%s", out)
	}
	if out := login(t, g, "eve", "x"); out.Kind != Accept {
		t.Errorf("%s", out)
	}
	g = load(t, "BEGIN NULL\n\tReply-Message = \"B\", Fall-Through = Yes\nbob Auth-Type = Accept\n\tNULL\n", nil)
	if out := login(t, g, "bob", "x"); out.Kind != Accept || len(out.Reply.Pairs) != 1 {
		t.Errorf("%s", out)
	}
	if out := login(t, g, "eve", "x"); out.Reason != "unknown-user" || len(out.Reply.Pairs) != 0 {
		t.Errorf("%s", out)
	}
}

func TestStrictNames(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type := Accept\n", nil)
	g.Settings.StrictNames = true
	for name, want := range map[string]Kind{"bob": Accept, "b b+:'é": Accept, "b\x01b": Reject, "b\x7f": Reject} {
		if out := login(t, g, name, "x"); out.Kind != want {
			t.Errorf("%q: %s, want %s", name, out.Kind, want)
		}
	}
}

// TestClientNames: username-chars= of a client bounds the names that it may send.
func TestClientNames(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type := Accept\n", nil)
	home(g).Names = nas.NewCharset(".-")
	for name, want := range map[string]Kind{"bob": Accept, "b.b-1": Accept, "b:b": Reject, "b b": Reject, "bé": Reject} {
		q := Question{Client: home(g), Attributes: attrs(t, g, "User-Name = "+name, "User-Password = x")}
		if out := ask(t, offline(), g, q); out.Kind != want {
			t.Errorf("%q: %s, want %s", name, out.Kind, want)
		}
	}
}

// TestKeep: dup= of a client stands above the server's setting.
func TestKeep(t *testing.T) {
	set := &Generation{Settings: Settings{DuplicateKeep: 7 * time.Second}}
	both := &Generation{Settings: Settings{DuplicateKeep: 7 * time.Second, DuplicateKeepAcct: 9 * time.Second}}
	for _, c := range []struct {
		g      *Generation
		client nas.Client
		code   radius.Code
		want   time.Duration
	}{
		{&Generation{}, nas.Client{}, radius.CodeAccessRequest, 10 * time.Second},
		{set, nas.Client{}, radius.CodeAccessRequest, 7 * time.Second},
		{set, nas.Client{}, radius.CodeAccountingRequest, 7 * time.Second},
		{both, nas.Client{}, radius.CodeAccessRequest, 7 * time.Second},
		{both, nas.Client{}, radius.CodeAccountingRequest, 9 * time.Second},
		{both, nas.Client{DuplicateKeep: time.Minute}, radius.CodeAccountingRequest, time.Minute},
	} {
		if got := keep(c.g, &c.client, c.code); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

func TestDeny(t *testing.T) {
	g := load(t, someUsers, nil)
	g.Settings.Deny = map[string]struct{}{"bob": {}}
	g.Settings.Texts.Closed = textOf(t, g, "closed")
	out := login(t, g, "bob", "hello")
	if out.Kind != Reject || out.Reason != "access-deny" {
		t.Errorf("%s", out)
	}
	if out := login(t, g, "bob", "wrong"); out.Reason != "password" {
		t.Errorf("a stranger learns that the name is closed: %s", out)
	}
}

// TestDenyIgnoresCase: where the users file takes BOB for bob, access.deny does too.
func TestDenyIgnoresCase(t *testing.T) {
	g := load(t, someUsers+"BOB Auth-Type = Accept\n", nil)
	g.Settings.Deny = map[string]struct{}{"bob": {}}
	if out := login(t, g, "BOB", "hello"); out.Kind != Accept {
		t.Errorf("%s", out)
	}
	g.Settings.IgnoreCase = true
	if out := login(t, g, "BOB", "hello"); out.Kind != Reject || out.Reason != "access-deny" {
		t.Errorf("%s", out)
	}
}

// TestNoAllocation: the native path of PAP with a users file, from the datagram to the signed reply.
func TestNoAllocation(t *testing.T) {
	g := load(t, someUsers, nil)
	c := core(t, CoreOptions{})
	for _, c2 := range []struct {
		name, user, password string
		unsigned             bool
	}{{"accept", "bob", "hello", false}, {"reject", "bob", "nope", false}, {"unknown", "nobody", "x", false}, {"no M-A", "bob", "hello", true}} {
		r := new(Request)
		q := Question{Unsigned: c2.unsigned, Attributes: attrs(t, g, "User-Name = "+c2.user, "User-Password = "+c2.password)}
		datagram := wire(t, g, homeSecret, q)
		if c2.unsigned {
			g.Settings.RequireMessageAuthenticator = 1 // nas.No
		}
		n := allocations(200, func() {
			ready(r, g, "auth")
			if why := c.receive(r, datagram); why != 0 {
				t.Fatal(why)
			}
			c.process(r)
			c.done(r)
		})
		if n != 0 || len(r.out) == 0 {
			t.Errorf("%s: %v allocations, %d octets", c2.name, n, len(r.out))
		}
	}
}

func BenchmarkAccess(b *testing.B) {
	g := load(b, someUsers, nil)
	c := core(b, CoreOptions{})
	for _, unsigned := range []bool{false, true} {
		name := "Message-Authenticator"
		if unsigned {
			name, g.Settings.RequireMessageAuthenticator = "PAP", 1
		}
		b.Run(name, func(b *testing.B) {
			r := new(Request)
			datagram := wire(b, g, homeSecret, Question{Unsigned: unsigned, Attributes: attrs(b, g, "User-Name = bob", "User-Password = hello")})
			b.ReportAllocs()
			for b.Loop() {
				ready(r, g, "auth")
				c.receive(r, datagram)
				c.process(r)
				c.done(r)
			}
		})
	}
}
