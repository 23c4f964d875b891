package server

import (
	"strings"
	"testing"
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

// TestSimultaneousUseIsNotSilent: what is not enforced is said.
func TestSimultaneousUseIsNotSilent(t *testing.T) {
	g := load(t, "bob Auth-Type := Accept, Simultaneous-Use := 1\n", nil)
	log, o := &logged{}, offline()
	o.core.log = newLog(log)
	ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob")})
	if !strings.Contains(log.String(), "Simultaneous-Use is not enforced") {
		t.Errorf("log: %s", log)
	}
}
