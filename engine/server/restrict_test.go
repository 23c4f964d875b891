package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"perilune/engine/users"
)

// TestRestrictions: the clock stands on Monday, 2024-01-01, 12:00:00.
func TestRestrictions(t *testing.T) {
	for _, c := range []struct{ rule, reply, want string }{
		{`Login-Time := "Mo1100-1300"`, "", "accept Session-Timeout = 3600"},
		{`Login-Time := "Wk"`, "", "accept Session-Timeout = 388800"},
		{`Login-Time := "Al"`, "", "accept"},
		{`Login-Time := "Tu,Sa1000-1400"`, "", "reject login-time"},
		{`Login-Time := "Never"`, "", "reject login-time"},
		{`Login-Time := "Mo1100-1300"`, "Session-Timeout = 60", "accept Session-Timeout = 60"},
		{`Login-Time := "Mo1100-1300"`, "Session-Timeout = 7200", "accept Session-Timeout = 3600"},
		{`Expiration := "1 Jan 2023"`, "", "reject expired-account"},
		{`Expiration := "1 Jan 2025"`, "", "accept Session-Timeout = 31579200"},
		{`Expiration := "1 Jan 2025", Login-Time := "Mo1100-1201"`, "", "accept Session-Timeout = 60"},
		{`Expiration := "1 Jan 2025"`, "Session-Timeout = 5", "accept Session-Timeout = 5"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			file := "bob Auth-Type := Accept, " + c.rule + "\n"
			if c.reply != "" {
				file += "\t" + c.reply + "\n"
			}
			out := login(t, load(t, file, nil), "bob", "x")
			got := strings.TrimSpace(out.Verdict + " " + out.Reason + strings.Join(texts(&out.Reply), ","))
			if got != c.want {
				t.Errorf("got %q, want %q\n%s", got, c.want, out)
			}
		})
	}
}

// TestOrderOfRestrictions: of several reasons the first is told: Expiration, access.deny, Login-Time.
func TestOrderOfRestrictions(t *testing.T) {
	for rule, want := range map[string]string{
		`Login-Time := "Tu", Expiration := "1 Jan 2023"`: "expired-account", `Login-Time := "Tu"`: "access-deny", `Login-Time := "Any"`: "access-deny",
	} {
		g := load(t, "bob Auth-Type := Accept, "+rule+"\n", nil)
		g.Settings.Deny = map[string]struct{}{"bob": {}}
		if out := login(t, g, "bob", "x"); out.Kind != Reject || out.Reason != want {
			t.Errorf("%s: %s", rule, out)
		}
	}
}

// TestSimultaneousUseIsNotSilent: what is not enforced is said.
func TestSimultaneousUseIsNotSilent(t *testing.T) {
	g := load(t, "bob Auth-Type := Accept, Simultaneous-Use := 1\n", nil)
	log, o := &logged{}, offline()
	o.core.log, o.core.sessions = newLog(log), nil
	ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob")})
	if !strings.Contains(log.String(), "Simultaneous-Use and quota= are not enforced") {
		t.Errorf("log: %s", log)
	}
}

// TestHours: what is remembered of a minute is what looking again would find.
func TestHours(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	var h byText[loginTime]
	start := time.Date(2024, 3, 30, 22, 0, 0, 0, time.UTC) // the clocks change in this night
	for _, text := range []string{"Wk0800-1800", "Al", "Sa2300-0230,Su", "Never"} {
		plain, err := users.ParseLoginTime(text)
		if err != nil {
			t.Fatal(err)
		}
		for now := start; now.Before(start.Add(48 * time.Hour)); now = now.Add(17 * time.Second) {
			left, limited, inside := h.get([]byte(text), readLoginTime).at(now, zone)
			wantLeft, wantLimited, wantInside := plain.Within(now, zone)
			if limited != wantLimited || inside != wantInside || inside && limited && left != wantLeft {
				t.Fatalf("%s at %v: %v %v %v, want %v %v %v", text, now, left, limited, inside, wantLeft, wantLimited, wantInside)
			}
		}
	}
	for i := range textLimit + 10 {
		h.get(fmt.Appendf(nil, "Mo%04d-2359", i%60), readLoginTime)
		h.get(fmt.Appendf(nil, "made up %d", i), readLoginTime)
	}
	if n := len(*h.known.Load()); n > textLimit {
		t.Errorf("%d texts remembered", n)
	}
}

// TestUnreadableHours: a handler's mistake lets nobody in, and is said.
func TestUnreadableHours(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseAuthorize: func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("Login-Time")
		r.Control.Add(ref, []byte("whenever"))
		return &Verdict{Kind: Accept}
	}}}
	g, log, o := load(t, "", p), &logged{}, offline()
	o.core.log = newLog(log)
	out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob")})
	if out.Reason != "login-time" || !strings.Contains(log.String(), "Login-Time is not understood") {
		t.Errorf("%s\n%s", out, log)
	}
}

// TestJitter: sessions are shortened by up to the percentage, never lengthened.
func TestJitter(t *testing.T) {
	g := load(t, "", nil)
	for _, c := range []struct {
		percent int
		random  uint32
		before  string
		want    string
	}{
		{0, 1<<32 - 1, "3600", "3600"},
		{10, 0, "3600", "3600"},
		{10, 1 << 31, "3600", "3420"},
		{10, 1<<32 - 1, "3600", "3241"},
		{50, 1<<32 - 1, "4294967295", "2147483649"},
		{50, 1<<32 - 1, "1", "1"},
		{50, 1<<32 - 1, "0", "0"},
	} {
		g.Settings.SessionJitter = c.percent
		r := &Request{Generation: g, Reply: attrs(t, g, "Session-Timeout = "+c.before)}
		r.jitter(c.random)
		if got := texts(&r.Reply); len(got) != 1 || got[0] != "Session-Timeout = "+c.want {
			t.Errorf("%d %% of %s: %v, want %s", c.percent, c.before, got, c.want)
		}
	}
	r := &Request{Generation: g}
	if r.jitter(1 << 31); len(r.Reply.Pairs) != 0 {
		t.Error("a Session-Timeout was made up")
	}
}
