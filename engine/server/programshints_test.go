package server

import (
	"strings"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestHintPrograms: programs that hints order change the request before anything else looks at it.
func TestHintPrograms(t *testing.T) {
	for _, c := range []struct{ name, command, script, want string }{
		{"adds", "P %u", `echo "Called-Station-Id = \"from $1\""`, "accept from bob"},
		{"status does not count", "P", `echo "Called-Station-Id = x"; exit 1`, "accept x"},
		{"a second name is no other", "P", `echo "User-Name = carl"`, "accept "},
		{"garbage", "P", `echo "Called-Station-Id = x"; echo "="`, "accept "},
		{"orders no further program", "P", `echo "Exec-Program-Wait = /bin/false"`, "accept "},
		{"is missing", "/nonexistent", "", "accept "},
		{"unknown filter", "|nobody", "", "accept "},
		{"hangs", "/bin/sleep 60", "", "drop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.users = "$DIALECT gnu\ncarl Auth-Type = Accept\n\tReply-Message = \"carl\"\nbob Called-Station-Id = x, Auth-Type = Accept\n\tReply-Message = \"x\"\n" +
				"bob Called-Station-Id = \"from bob\", Auth-Type = Accept\n\tReply-Message = \"from bob\"\nbob Auth-Type = Accept\n\tSession-Timeout = 1\n"
			if c.name == "hangs" {
				s.settings.Timeout = 100 * time.Millisecond
			}
			command := strings.Replace(c.command, "P", s.program("p", c.script), 1)
			s.policy = &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
				r.Control.Add(r.Generation.Dictionary.Attribute("Exec-Program-Wait").AnyTag(), []byte(command))
				return nil
			}}}
			g := s.generation()
			out := ask(t, s.offline(), g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")})
			message, _ := out.Reply.First(g.Dictionary.Known.ReplyMessage)
			if got := out.Verdict + " " + string(message); strings.TrimSpace(got) != strings.TrimSpace(c.want) {
				t.Errorf("%s, want %s\n%s", got, c.want, s.said)
			}
			acct := ask(t, s.offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = bob", "Acct-Status-Type = Start")})
			if (acct.Verdict == "accept") != strings.HasPrefix(c.want, "accept") {
				t.Errorf("accounting: %s %s", acct.Verdict, acct.Reason)
			}
		})
	}
}
