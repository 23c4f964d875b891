package server

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// inPhase is a policy that gives one verdict in one phase. The phase answer is reached by a State.
func inPhase(phase Phase, v *Verdict) *scripted {
	give := func(*Request) *Verdict { return v }
	p := &scripted{on: map[Phase]func(*Request) *Verdict{}}
	switch phase {
	case PhaseAuthType:
		p.authTypes = map[uint32]func(*Request) *Verdict{700: give}
	case PhaseAnswer:
		p.answers = map[string]func(*Request) *Verdict{"code": give}
		p.on[PhaseAuthorize] = func(r *Request) *Verdict {
			if r.Round == nil {
				return &Verdict{Kind: Challenge, Next: "code"}
			}
			return nil
		}
	default:
		p.on[phase] = give
	}
	return p
}

// TestPhaseVerdicts is the table of which verdict does what in which phase. The users file lets bob in by
// his password, and otp asks the policy.
func TestPhaseVerdicts(t *testing.T) {
	const file = "bob Cleartext-Password := \"hello\"\n\tFilter-Id = \"in\"\notp Auth-Type := otp\n\tFilter-Id = \"in\"\n"
	failed := "reject hook-failed"
	table := []struct {
		kind                                                              Kind
		hints, huntgroups, route, authorize, authType, answer, replyPhase string
	}{
		{Accept, failed, failed, failed, "accept", "accept", "accept", failed},
		{Authenticated, failed, failed, failed, "accept", failed, "accept", failed},
		{Reject, "reject hook", "reject hook", "reject hook", "reject hook", "reject hook", "reject hook", "reject hook"},
		{Challenge, failed, failed, failed, "challenge", "challenge", "challenge", "challenge"},
		{Proxy, failed, failed, "drop no-home-server", failed, failed, failed, failed},
		{HandleLocally, failed, failed, "accept", failed, failed, failed, failed},
		{Discard, "discard hook", "discard hook", "discard hook", "discard hook", "discard hook", "discard hook", "discard hook"},
		{Drop, "drop backend", "drop backend", "drop backend", "drop backend", "drop backend", "drop backend", "drop backend"},
	}
	for _, row := range table {
		for phase, want := range map[Phase]string{
			PhaseHints: row.hints, PhaseHuntgroups: row.huntgroups, PhaseRoute: row.route, PhaseAuthorize: row.authorize,
			PhaseAuthType: row.authType, PhaseAnswer: row.answer, PhaseReply: row.replyPhase,
		} {
			t.Run(phase.String()+"/"+row.kind.String(), func(t *testing.T) {
				v := &Verdict{Kind: row.kind, Next: map[bool]string{true: "more"}[row.kind == Challenge]}
				g := load(t, file, inPhase(phase, v))
				user := map[bool]string{true: "otp", false: "bob"}[phase == PhaseAuthType]
				q := Question{Attributes: attrs(t, g, "User-Name = "+user, "User-Password = hello")}
				o := offline()
				out := ask(t, o, g, q)
				if phase == PhaseAnswer {
					q.State = out.State
					out = ask(t, o, g, q)
				}
				if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != want {
					t.Errorf("got %q, want %q\n%s", got, want, out)
				}
			})
		}
	}
}

// TestAccountingVerdicts: a reject of the access phases must not lose records, a failure is no answer.
func TestAccountingVerdicts(t *testing.T) {
	for _, c := range []struct {
		phase Phase
		v     Verdict
		want  string
	}{
		{PhaseHints, Verdict{Kind: Reject}, "accept"},
		{PhaseHuntgroups, Verdict{Kind: Reject}, "accept"},
		{PhaseRoute, Verdict{Kind: Reject}, "accept"},
		{PhaseHints, Verdict{Kind: Reject, Failed: true}, "drop hook-failed"},
		{PhaseHints, Verdict{Kind: Drop, Failed: true}, "drop hook-failed"},
		{PhaseHints, Verdict{Kind: Discard}, "discard hook"},
		{PhaseRoute, Verdict{Kind: Proxy}, "drop no-home-server"},
		{PhaseRoute, Verdict{Kind: HandleLocally}, "accept"},
		{PhaseAccounting, Verdict{Kind: Accept}, "accept"},
		{PhaseAccounting, Verdict{Kind: Accept, NoRecord: true}, "accept unrecorded"},
		{PhaseAccounting, Verdict{Kind: Drop}, "drop backend"},
		{PhaseAccounting, Verdict{Kind: Discard}, "discard hook"},
		{PhaseAccounting, Verdict{Kind: Reject}, "drop hook-failed"},
		{PhaseAccounting, Verdict{Kind: Challenge}, "drop hook-failed"},
		{PhaseAuthorize, Verdict{Kind: Reject}, "accept"}, // not a phase of accounting
		{PhaseReply, Verdict{Kind: Reject}, "accept"},
	} {
		t.Run(c.phase.String()+"/"+c.v.Kind.String(), func(t *testing.T) {
			g := load(t, "", inPhase(c.phase, &c.v))
			out := ask(t, offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "Acct-Status-Type = Start")})
			got := strings.TrimSpace(out.Verdict + " " + out.Reason)
			if out.Kind == Accept && len(out.Record) == 0 {
				got += " unrecorded"
			}
			if got != c.want {
				t.Errorf("got %q, want %q\n%s", got, c.want, out)
			}
		})
	}
}

func TestCoAVerdicts(t *testing.T) {
	for _, c := range []struct {
		name string
		v    *Verdict
		want []string
		code radius.Code
	}{
		{"none", nil, []string{"Error-Cause = 503"}, radius.CodeCoANAK},
		{"accept", &Verdict{Kind: Accept}, nil, radius.CodeCoAACK},
		{"reject", &Verdict{Kind: Reject, ErrorCause: 401}, []string{"Error-Cause = 401"}, radius.CodeCoANAK},
		{"failed", &Verdict{Kind: Reject, Failed: true}, []string{"Error-Cause = 506"}, radius.CodeCoANAK},
		{"challenge", &Verdict{Kind: Challenge}, []string{"Error-Cause = 506"}, radius.CodeCoANAK},
		{"drop", &Verdict{Kind: Drop}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := inPhase(PhaseCoA, c.v)
			g := load(t, "", p)
			out := ask(t, offline(), g, Question{Code: radius.CodeCoARequest, Attributes: attrs(t, g, "User-Name = bob")})
			if diff := cmp.Diff(c.want, texts(&out.Reply)); diff != "" || out.Answer != c.code {
				t.Errorf("%v (-want +got):\n%s", out.Answer, diff)
			}
		})
	}
}

// TestAuthenticated: the password question is settled; the users file gives the rest, and a blocked user
// stays blocked.
func TestAuthenticated(t *testing.T) {
	const file = `
bob    Cleartext-Password := "other"
       Filter-Id = "bob"
out    Auth-Type := Reject
mute   Auth-Type := Ignore
otp    Auth-Type := otp
old    Expiration := "1 Jan 2020"
`
	for user, want := range map[string]string{
		"bob": `accept Filter-Id = "bob"`, "nobody": "accept", "out": "reject denied", "mute": "discard ignored",
		"otp": "accept", "old": "reject expired-account",
	} {
		g := load(t, file, inPhase(PhaseAuthorize, &Verdict{Kind: Authenticated}))
		out := login(t, g, user, "x")
		got := strings.TrimSpace(out.Verdict + " " + out.Reason + strings.Join(texts(&out.Reply), ","))
		if got != want {
			t.Errorf("%s: got %q, want %q", user, got, want)
		}
	}
}

// TestAcceptIsRestricted: restrictions run after every accept, whoever gave it, also over control.
func TestAcceptIsRestricted(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("Login-Time")
		r.Control.Add(ref, []byte("Su"))
		return &Verdict{Kind: Accept}
	}}}
	if out := login(t, load(t, "", p), "bob", "x"); out.Reason != "login-time" {
		t.Errorf("%s", out)
	}
}

// TestCredentialsFromHook: a handler that sets a password or Auth-Type makes an unknown user known.
func TestCredentialsFromHook(t *testing.T) {
	for _, c := range []struct{ attr, value, password, want string }{
		{"Cleartext-Password", "hello", "hello", "accept"},
		{"Cleartext-Password", "hello", "other", "reject password"},
		{"Auth-Type", "Accept", "x", "accept"},
		{"Auth-Type", "Reject", "x", "reject denied"},
		{"Filter-Id", "x", "x", "reject unknown-user"},
	} {
		p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
			ref, _ := r.Generation.Dictionary.Resolve(c.attr)
			value, err := ref.Attr.ParseText(nil, c.value)
			if err != nil {
				t.Error(err)
			}
			r.Control.Add(ref, value)
			return nil
		}}}
		out := login(t, load(t, "", p), "bob", c.password)
		if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != c.want {
			t.Errorf("%s = %s: got %q, want %q", c.attr, c.value, got, c.want)
		}
	}
}

// TestVerdictAttributes: `=` replaces at its place, later ones of a list append; reject and challenge begin
// empty, accept does not.
func TestVerdictAttributes(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		want []string
	}{
		{Accept, []string{`Filter-Id = "new"`, "Idle-Timeout = 5", `Reply-Message = "a"`, `Reply-Message = "b"`}},
		{Reject, []string{`Reply-Message = "a"`, `Reply-Message = "b"`}},
		{Challenge, []string{`Reply-Message = "a"`, `Reply-Message = "b"`, "Prompt = 1"}},
	} {
		p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
			d := r.Generation.Dictionary
			for name, value := range map[string][]byte{"Filter-Id": []byte("old")} {
				ref, _ := d.Resolve(name)
				r.Reply.Add(ref, value)
			}
			r.Reply.Add(dictionary.Ref{Attr: d.Known.IdleTimeout}, []byte{0, 0, 0, 5})
			message, _ := d.Resolve("Reply-Message")
			filter, _ := d.Resolve("Filter-Id")
			return &Verdict{Kind: c.kind, Next: map[bool]string{true: "n"}[c.kind == Challenge], Echo: true, Attributes: []Assignment{
				{Ref: message, Value: []byte("a")}, {Ref: message, Value: []byte("b"), Append: true}, {Ref: filter, Value: []byte("new")},
			}}
		}}}
		out := login(t, load(t, "", p), "bob", "x")
		var got []string
		for _, line := range texts(&out.Reply) {
			if !strings.HasPrefix(line, "State") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.kind, diff)
		}
		if (out.State != nil) != (c.kind == Challenge) {
			t.Errorf("%s: State %x", c.kind, out.State)
		}
	}
}

func TestRejectDelay(t *testing.T) {
	for _, c := range []struct {
		v    *Verdict
		want time.Duration
	}{
		{nil, time.Second},
		{&Verdict{Kind: Reject}, time.Second},
		{&Verdict{Kind: Reject, HasDelay: true}, 0},
		{&Verdict{Kind: Reject, HasDelay: true, Delay: time.Minute}, time.Minute},
	} {
		g := load(t, "", inPhase(PhaseAuthorize, c.v))
		g.Settings.RejectDelay = time.Second
		if out := login(t, g, "bob", "x"); out.Delay != c.want {
			t.Errorf("%+v: %v, want %v", c.v, out.Delay, c.want)
		}
	}
}

// TestReplyOnlyTightens: it runs after rejects too, and never makes an accept of them; nobody asks it after
// a discard.
func TestReplyOnlyTightens(t *testing.T) {
	p := inPhase(PhaseReply, &Verdict{Kind: Reject, Reason: "late thought"})
	g := load(t, "in Auth-Type := Accept\n\tFilter-Id = \"x\"\nmute Auth-Type := Ignore\n", p)
	for user, ran := range map[string]int{"in": 1, "nobody": 1, "mute": 0} {
		p.ran = nil
		out := login(t, g, user, "x")
		if len(p.ran) != ran || out.Kind == Accept || len(out.Reply.Pairs) > 0 {
			t.Errorf("%s: ran %v\n%s", user, p.ran, out)
		}
	}
	p.on[PhaseReply] = func(*Request) *Verdict { return &Verdict{Kind: Accept} }
	if out := login(t, g, "nobody", "x"); out.Kind != Reject {
		t.Errorf("reply let somebody in: %s", out)
	}
	p.on[PhaseReply] = func(*Request) *Verdict { return &Verdict{Kind: Challenge, Next: "n"} }
	if out := login(t, g, "nobody", "x"); out.Kind != Reject {
		t.Errorf("reply made a challenge of a reject: %s", out)
	}
}

// TestRunnerOnlyWhenNeeded: a request that no script wants gets no Lua state.
func TestRunnerOnlyWhenNeeded(t *testing.T) {
	p := &scripted{huntgroups: map[string]func(*Request) (users.Truth, *Verdict){
		"dialup": func(*Request) (users.Truth, *Verdict) { return users.True, nil },
	}}
	g := load(t, "in Auth-Type := Accept\nhunt Huntgroup-Name == \"dialup\", Auth-Type := Accept\n", p)
	if login(t, g, "in", "x"); p.acquired != 0 || p.ends != 0 {
		t.Errorf("%d states taken for nothing", p.acquired)
	}
	if out := login(t, g, "hunt", "x"); p.acquired != 1 || p.released != 1 || p.ends != 1 || out.Kind != Accept {
		t.Errorf("acquired %d, released %d, ended %d: %s", p.acquired, p.released, p.ends, out)
	}
}

// TestUsersAsksPolicy: huntgroups and rewrite functions in the middle of a match may decide the request.
func TestUsersAsksPolicy(t *testing.T) {
	for _, c := range []struct {
		truth users.Truth
		v     *Verdict
		want  string
	}{
		{users.True, nil, "accept"},
		{users.False, nil, "reject unknown-user"},
		{users.Unknown, nil, "reject unknown-user"},
		{users.False, &Verdict{Kind: Drop, Failed: true}, "drop hook-failed"},
		{users.False, &Verdict{Kind: Reject, Failed: true}, "reject hook-failed"},
		{users.True, &Verdict{Kind: Proxy}, "reject hook-failed"},
	} {
		p := &scripted{huntgroups: map[string]func(*Request) (users.Truth, *Verdict){
			"h": func(*Request) (users.Truth, *Verdict) { return c.truth, c.v },
		}}
		out := login(t, load(t, "bob Huntgroup-Name == \"h\", Auth-Type := Accept\n", p), "bob", "x")
		if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != c.want {
			t.Errorf("%v %v: got %q, want %q", c.truth, c.v, got, c.want)
		}
	}
}

// TestComputedValues: they are computed once the password was good, in their places, and a reject has none.
func TestComputedValues(t *testing.T) {
	asked := 0
	p := &scripted{values: map[string]func(*Request) (string, *Verdict){
		"seven": func(*Request) (string, *Verdict) { asked++; return "7", nil },
		"none":  func(*Request) (string, *Verdict) { return "", nil },
		"fails": func(*Request) (string, *Verdict) { return "", &Verdict{Kind: Drop, Failed: true} },
	}}
	const file = `
bob   Cleartext-Password := "x"
      Filter-Id = "a", Session-Timeout = "=seven", Idle-Timeout = "=none", Reply-Message = "b"
fails Cleartext-Password := "x"
      Session-Timeout = "=fails"
`
	g := load(t, file, p)
	out := login(t, g, "bob", "x")
	want := []string{`Filter-Id = "a"`, "Session-Timeout = 7", `Reply-Message = "b"`}
	if diff := cmp.Diff(want, texts(&out.Reply)); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	if out := login(t, g, "bob", "y"); asked != 1 || len(out.Reply.Pairs) != 1 {
		t.Errorf("computed %d times: %s", asked, out)
	}
	if out := login(t, g, "fails", "x"); out.Kind != Drop || out.Answer != 0 {
		t.Errorf("%s", out)
	}
}

// TestOrigUserName: the name as received stays known after a handler has changed it.
func TestOrigUserName(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
		r.Attributes.Set(r.Generation.Dictionary.Known.UserName.AnyTag(), []byte("bob"))
		return nil
	}}}
	g := load(t, "bob Orig-User-Name == \"BOB\", Auth-Type := Accept\n", p)
	if out := login(t, g, "BOB", "x"); out.Kind != Accept {
		t.Errorf("%s", out)
	}
}

func TestAuthorizeOnly(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type := Accept\n", nil)
	out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "Service-Type = Authorize-Only")})
	if out.Reason != "authorize-only" {
		t.Errorf("%s", out)
	}
}

// TestAcceptByHook: accept{} in authorize lets in without any password; that is shown and counted apart.
func TestAcceptByHook(t *testing.T) {
	out := login(t, load(t, "", inPhase(PhaseAuthorize, &Verdict{Kind: Accept})), "bob", "x")
	if diff := cmp.Diff([]Note{{"auth", "hook"}}, out.Notes); diff != "" || out.Reason != "" {
		t.Errorf("%s (-want +got):\n%s", out, diff)
	}
}

// TestStaleCoA: a replayed order is silently discarded (RFC 5176 s6.3).
func TestStaleCoA(t *testing.T) {
	g := load(t, "", inPhase(PhaseCoA, &Verdict{Kind: Accept}))
	for age, want := range map[time.Duration]Kind{0: Accept, 300 * time.Second: Accept, 301 * time.Second: Discard, -301 * time.Second: Discard} {
		var list dictionary.List
		attr := g.Dictionary.Known.EventTimestamp
		value, _ := attr.AppendUint(nil, uint64(monday.Add(-age).Unix()))
		list.Add(attr.AnyTag(), value)
		out := ask(t, offline(), g, Question{Code: radius.CodeDisconnectRequest, Attributes: list})
		if out.Kind != want {
			t.Errorf("%v old: %s, want %s", age, out.Kind, want)
		}
	}
}

// TestEAPIsNotLetIn: EAP has no success without its own rounds, whoever says so.
func TestEAPIsNotLetIn(t *testing.T) {
	p := inPhase(PhaseAuthorize, &Verdict{Kind: Accept, Next: "n"})
	g := load(t, "in Auth-Type := Accept\n", p)
	for _, hook := range []bool{true, false} {
		if !hook {
			p.on = nil
		}
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = in", "EAP-Message = 0x0201000501")})
		if out.Kind != Reject || out.Reason != "method" || out.Method != "eap" || out.State != nil {
			t.Errorf("hook %v: %s", hook, out)
		}
	}
}

// TestRewriteFunction of a users rule: it may change the request, and it may end it.
func TestRewriteFunction(t *testing.T) {
	for _, c := range []struct {
		v    *Verdict
		want string
	}{{nil, "accept"}, {&Verdict{Kind: Reject, Failed: true, Reason: "hook-failed"}, "reject hook-failed"}, {&Verdict{Kind: Drop, Failed: true}, "drop hook-failed"}} {
		p := &scripted{rewrites: map[string]func(*Request) *Verdict{"fix": func(*Request) *Verdict { return c.v }}}
		out := login(t, load(t, "bob Auth-Type = Accept, Rewrite-Function = \"fix\"\n\tReply-Message = \"x\"\n", p), "bob", "x")
		if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != c.want {
			t.Errorf("got %q, want %q\n%s", got, c.want, out)
		}
	}
}

// TestStrip: handle_locally{strip=true} takes the realm off the name that the users file sees.
func TestStrip(t *testing.T) {
	for name, want := range map[string]Kind{"bob@example.net": Accept, "bob@a@b": Reject, "@x": Reject, "bob": Accept} {
		g := load(t, "bob Auth-Type := Accept\n", inPhase(PhaseRoute, &Verdict{Kind: HandleLocally, Strip: 1}))
		if out := login(t, g, name, "x"); out.Kind != want {
			t.Errorf("%s: %s", name, out)
		}
	}
}
