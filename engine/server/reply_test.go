package server

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// TestReplyFilter is the table of what each reply may carry (RFC 2865 s5.44, 3579 s3.3, 5080 s2.6.1, 5176
// s3.6).
func TestReplyFilter(t *testing.T) {
	g := load(t, "", nil)
	all := []string{
		"Reply-Message", "User-Name", "Session-Timeout", "Idle-Timeout", "Filter-Id", "Class", "Prompt", "Cisco-AVPair",
		"MS-CHAP-Error", "Error-Cause", "Service-Type", "Tunnel-Type", "State", "EAP-Message", "Proxy-State",
		"Message-Authenticator", "User-Password", "NAS-Port", "Calling-Station-Id", "Cleartext-Password", "Auth-Type",
		"Acct-Status-Type", "Acct-Session-Id", "Acct-Multi-Session-Id", "Acct-Link-Count", "Acct-Output-Gigawords", "Acct-Interim-Interval",
	}
	for _, c := range []struct {
		code   radius.Code
		client nas.Client
		want   string
	}{
		{radius.CodeAccessAccept, nas.Client{}, "Reply-Message User-Name Session-Timeout Idle-Timeout Filter-Id Class Prompt Cisco-AVPair MS-CHAP-Error Service-Type Tunnel-Type Acct-Interim-Interval"},
		{radius.CodeAccessReject, nas.Client{}, "Reply-Message MS-CHAP-Error Error-Cause"},
		{radius.CodeAccessReject, nas.Client{RejectVSA: true}, "Reply-Message Cisco-AVPair MS-CHAP-Error Error-Cause"},
		{radius.CodeAccessChallenge, nas.Client{}, "Reply-Message Session-Timeout Idle-Timeout Prompt Cisco-AVPair MS-CHAP-Error"},
		{radius.CodeAccountingResponse, nas.Client{}, "Cisco-AVPair MS-CHAP-Error"},
		{radius.CodeCoANAK, nas.Client{}, "Cisco-AVPair MS-CHAP-Error Error-Cause Service-Type"},
	} {
		var got []string
		for _, name := range all {
			if carries(c.code, g.Dictionary.Attribute(name), &c.client, g.prepare().microsoft.failure) {
				got = append(got, name)
			}
		}
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.code, diff)
		}
	}
}

// wireReply gives the attributes of the reply to a datagram as type numbers, in order.
func wireReply(t *testing.T, g *Generation, listener string, datagram []byte) ([]radius.Type, *Request) {
	t.Helper()
	c := core(t, CoreOptions{Recorder: unkept{}})
	r := incoming(g, listener)
	if why := c.receive(r, datagram); why != 0 {
		t.Fatal(why)
	}
	c.process(r)
	if r.pending != waitNothing {
		c.resume(r)
	}
	reply, err := radius.Parse(r.out)
	if err != nil {
		t.Fatal(err)
	}
	if reply.Identifier != r.Packet.Identifier {
		t.Errorf("identifier %d", reply.Identifier)
	}
	if _, err := r.Session.VerifyReply(r.out, &r.Packet.Authenticator); err != nil {
		t.Error(err)
	}
	var got []radius.Type
	for typ := range reply.Attributes.All() {
		got = append(got, typ)
	}
	return got, r
}

// TestReplyOrder: Message-Authenticator first where one belongs, then the attributes, Proxy-State last, all
// of them, in order, in every kind of reply.
func TestReplyOrder(t *testing.T) {
	const file = "bob Cleartext-Password := \"hello\"\n\tFilter-Id = \"f\", Reply-Message += \"m\"\n"
	user, p1, p2 := attribute(1, "bob"), attribute(33, "one"), attribute(33, "two")
	right, wrong := hidden(homeSecret, "hello"), hidden(homeSecret, "x")
	eap := attribute(79, "\x02\x2a\x00\x05\x01")
	for _, c := range []struct {
		name, listener string
		datagram       []byte
		mute           bool
		code           radius.Code
		want           []radius.Type
	}{
		{"accept", "auth", onWire(1, homeSecret, "first", p1, user, right, p2), false, 2, []radius.Type{80, 11, 18, 33, 33}},
		{"accept without M-A asked", "auth", onWire(1, homeSecret, "", p1, user, right, p2), false, 2, []radius.Type{80, 11, 18, 33, 33}},
		{"no-reply-ma", "auth", onWire(1, homeSecret, "first", user, right), true, 2, []radius.Type{11, 18}},
		{"reject", "auth", onWire(1, homeSecret, "first", p1, user, wrong, p2), false, 3, []radius.Type{80, 18, 33, 33}},
		{"EAP", "auth", onWire(1, homeSecret, "first", p1, user, eap), true, 3, []radius.Type{80, 79, 33}},
		{"status", "auth", onWire(12, homeSecret, "first", p1), true, 2, []radius.Type{80, 33}},
		{"status at acct", "acct", onWire(12, homeSecret, "first", p1), false, 5, []radius.Type{33}},
		{"accounting", "acct", onWire(4, homeSecret, "", p1, user, p2), false, 5, []radius.Type{33, 33}},
		{"accounting with M-A", "acct", onWire(4, homeSecret, "first", user, p2), false, 5, []radius.Type{33}},
		{"CoA", "coa", onWire(43, homeSecret, "", user, p1), false, 45, []radius.Type{101, 33}},
		{"CoA with M-A", "coa", onWire(43, homeSecret, "first", user, p1), false, 45, []radius.Type{80, 101, 33}},
		{"Disconnect", "coa", onWire(40, homeSecret, "", user), false, 42, []radius.Type{101}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, file, nil)
			home(g).NoReplyMessageAuthenticator = c.mute
			got, r := wireReply(t, g, c.listener, c.datagram)
			if diff := cmp.Diff(c.want, got); diff != "" || radius.Code(r.out[0]) != c.code || r.Code != c.code {
				t.Errorf("code %v (-want +got):\n%s", r.out[0], diff)
			}
		})
	}
}

// TestStatusAnswer: the text goes out on authentication ports. An answer to a request that had no
// Message-Authenticator has one, unless the client must not see any.
func TestStatusAnswer(t *testing.T) {
	for _, c := range []struct {
		listener, place string
		mute            bool
		want            []radius.Type
	}{
		{"auth", "first", true, []radius.Type{80, 18}},
		{"auth", "", false, []radius.Type{80, 18}},
		{"auth", "", true, []radius.Type{18}},
		{"acct", "", true, nil},
	} {
		g := load(t, "", nil)
		g.Settings.PlainStatus, g.Settings.Texts.Operational = true, textOf(t, g, "fully operational")
		home(g).NoReplyMessageAuthenticator = c.mute
		got, _ := wireReply(t, g, c.listener, onWire(12, homeSecret, c.place))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %q %t (-want +got):\n%s", c.listener, c.place, c.mute, diff)
		}
	}
}

// TestEAPFailure: a native reject of EAP carries EAP-Failure with the identifier of the response.
func TestEAPFailure(t *testing.T) {
	g := load(t, "", nil)
	_, r := wireReply(t, g, "auth", onWire(1, homeSecret, "first", attribute(1, "bob"), attribute(79, "\x02\x2a\x00\x05\x01")))
	reply, _ := radius.Parse(r.out)
	message, _ := reply.Attributes.Find(radius.TypeEAPMessage)
	if string(message) != "\x04\x2a\x00\x04" {
		t.Errorf("%x", message)
	}
}

// TestSalts: two encrypted attributes of one reply have different salts, with the high bit set.
func TestSalts(t *testing.T) {
	const file = "bob Cleartext-Password := \"hello\"\n\tTunnel-Password:1 = \"a\", Tunnel-Password:2 += \"a\"\n"
	g := load(t, file, nil)
	_, r := wireReply(t, g, "auth", onWire(1, homeSecret, "first", attribute(1, "bob"), hidden(homeSecret, "hello")))
	reply, _ := radius.Parse(r.out)
	var salts []uint16
	for typ, v := range reply.Attributes.All() {
		if typ == 69 {
			salts = append(salts, binary.BigEndian.Uint16(v[1:]))
		}
	}
	if len(salts) != 2 || salts[0] == salts[1] || salts[0]&salts[1]&0x8000 == 0 {
		t.Errorf("salts %x", salts)
	}
}

// TestReplyTooLong: a reply is never cut. Access becomes a reject without what was too much; if even that
// cannot be, and for accounting, there is none.
func TestReplyTooLong(t *testing.T) {
	long := &Verdict{Kind: Accept}
	g := load(t, "", inPhase(PhaseAuthorize, long))
	ref, _ := g.Dictionary.Resolve("Reply-Message")
	for range 20 {
		long.Attributes = append(long.Attributes, Assignment{Ref: ref, Value: make([]byte, 250), Append: true})
	}
	for i := range long.Attributes {
		copy(long.Attributes[i].Value, strings.Repeat("x", 250))
	}
	out := login(t, g, "bob", "x")
	if out.Kind != Reject || out.Reason != "too-long" || len(out.Reply.Pairs) != 0 {
		t.Errorf("%s", out)
	}
	ref, _ = g.Dictionary.Resolve("Cisco-AVPair")
	account := &Verdict{Kind: Accept, Attributes: make([]Assignment, 20)}
	for i := range account.Attributes {
		account.Attributes[i] = Assignment{Ref: ref, Value: []byte(strings.Repeat("x", 240)), Append: true}
	}
	g = load(t, "", inPhase(PhaseAccounting, account))
	out = ask(t, offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = bob")})
	if out.Kind != Drop || out.Reason != "too-long" {
		t.Errorf("accounting: %s", out)
	}
}

// TestValueTooLong: the same for one value that has no room.
func TestValueTooLong(t *testing.T) {
	g := load(t, "", nil)
	r := incoming(g, "auth")
	c := core(t, CoreOptions{})
	if why := c.receive(r, onWire(1, homeSecret, "first", attribute(1, "bob"), hidden(homeSecret, "x"))); why != 0 {
		t.Fatal(why)
	}
	ref, _ := g.Dictionary.Resolve("Filter-Id")
	r.Reply.Add(ref, make([]byte, 300))
	for i := range r.Reply.Pairs[0].Value {
		r.Reply.Pairs[0].Value[i] = 'x'
	}
	r.Verdict = Accept
	c.encodeAccess(r)
	if r.Verdict != Reject || r.Cause != ReasonEncode || r.Code != radius.CodeAccessReject || len(r.out) == 0 {
		t.Errorf("%v %v %v", r.Verdict, r.Cause, r.Code)
	}
}

// TestWithheld: what the request itself keeps out of its reply.
func TestWithheld(t *testing.T) {
	const file = "DEFAULT Auth-Type := Accept\n\tChargeable-User-Identity = \"c\", Tunnel-Password = \"geheim\", Filter-Id = \"f\"\n"
	g := load(t, file, nil)
	for request, want := range map[string]string{
		"User-Name = bob":                 "Tunnel-Password Filter-Id",
		"Chargeable-User-Identity = 0x00": "Chargeable-User-Identity Tunnel-Password Filter-Id",
		"Service-Type = 10":               "Filter-Id",
	} {
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, request)})
		var got []string
		for _, p := range out.Reply.Pairs {
			got = append(got, p.Attr.Name)
		}
		if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", request, diff)
		}
	}
}

// TestCallCheckLearnsNoSecret: not even if a handler calls it something else.
func TestCallCheckLearnsNoSecret(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
		r.Attributes.Set(r.Generation.Dictionary.Known.ServiceType.AnyTag(), []byte{0, 0, 0, 2})
		return nil
	}}}
	g := load(t, "DEFAULT Auth-Type := Accept\n\tTunnel-Password = \"geheim\"\n", p)
	if out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "Service-Type = 10")}); out.Kind != Accept || len(out.Reply.Pairs) != 0 {
		t.Errorf("%s", out)
	}
}

// TestEveryReply: whatever handlers put into a reply and whatever is decided, it is well formed and signed,
// carries only what its code may carry, and gives Proxy-State back as it came.
func TestEveryReply(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{}}
	g := load(t, "", p)
	names := []string{"Reply-Message", "State", "Class", "Session-Timeout", "Cisco-AVPair", "Tunnel-Password", "Proxy-State",
		"EAP-Message", "Message-Authenticator", "User-Password", "Error-Cause", "Filter-Id", "Cleartext-Password"}
	c := core(t, CoreOptions{})
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{Accept, Reject, Challenge}).Draw(t, "kind")
		chosen := rapid.SliceOfN(rapid.SampledFrom(names), 0, 12).Draw(t, "reply")
		size := rapid.IntRange(1, 240).Draw(t, "size")
		p.on[PhaseAuthorize] = func(r *Request) *Verdict {
			v := &Verdict{Kind: kind, Next: map[bool]string{true: "n"}[kind == Challenge]}
			for _, name := range chosen {
				ref, _ := g.Dictionary.Resolve(name)
				value := []byte(strings.Repeat("v", size))
				if _, number := ref.Attr.Uint(make([]byte, 4)); number {
					value = make([]byte, 4)
				}
				v.Attributes = append(v.Attributes, Assignment{Ref: ref, Value: value, Append: true})
			}
			return v
		}
		states := rapid.SliceOfN(rapid.StringN(1, 100, 200), 0, 4).Draw(t, "proxy states")
		raw := [][]byte{attribute(1, "bob"), hidden(homeSecret, "x")}
		for _, state := range states {
			raw = append(raw, attribute(33, state))
		}
		r := incoming(g, "auth")
		if why := c.receive(r, onWire(1, homeSecret, "first", raw...)); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
		reply, err := radius.Parse(r.out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Session.VerifyReply(r.out, &r.Packet.Authenticator); err != nil {
			t.Fatal(err)
		}
		var back []string
		first := true
		for typ, v := range reply.Attributes.All() {
			if first != (typ == radius.TypeMessageAuthenticator) {
				t.Fatalf("attribute %d at the place of Message-Authenticator, or the reverse", typ)
			}
			first = false
			switch {
			case typ == radius.TypeProxyState:
				back = append(back, string(v))
			case typ == radius.TypeState && reply.Code != radius.CodeAccessChallenge,
				typ == radius.TypeEAPMessage, typ == radius.TypeUserPassword,
				reply.Code == radius.CodeAccessReject && typ != 18 && typ != 101 && typ != 80,
				reply.Code == radius.CodeAccessChallenge && typ != 80 && typ != 24 && !inChallenge.has(uint32(typ)):
				t.Fatalf("%v carries attribute %d", reply.Code, typ)
			}
		}
		if diff := cmp.Diff(strings.Join(states, "|"), strings.Join(back, "|")); diff != "" {
			t.Fatalf("Proxy-State (-want +got):\n%s", diff)
		}
	})
}
