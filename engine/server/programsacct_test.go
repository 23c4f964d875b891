package server

import (
	"strings"
	"testing"
	"time"

	"perilune/engine/radius"
)

// putAcct is a hints handler that orders an Acct-Ext-Program.
func putAcct(commands ...string) func(*Request) *Verdict {
	return func(r *Request) *Verdict {
		for _, command := range commands {
			r.Attributes.Add(r.Generation.Dictionary.Attribute("Acct-Ext-Program").AnyTag(), []byte(command))
		}
		return nil
	}
}

func TestAcctExtProgram(t *testing.T) {
	for _, c := range []struct {
		name     string
		commands []string
		noRecord bool
		want     string
	}{
		{"none", nil, false, "accept Accounting-Response"},
		{"succeeds", []string{"P 0 %u"}, false, "accept Accounting-Response"},
		{"fails", []string{"P 1 x"}, false, "drop program"},
		{"the second fails", []string{"P 0 a", "P 1 b", "P 0 c"}, false, "drop program"},
		{"is missing", []string{"/nonexistent"}, false, "drop program"},
		{"is no path", []string{"bin/true"}, false, "drop program"},
		{"unknown filter", []string{"|nobody"}, false, "drop program"},
		{"filter says yes", []string{"|yes"}, false, "accept Accounting-Response"},
		{"filter says no", []string{"|no"}, false, "drop program"},
		{"filter of authentication", []string{"|auth"}, false, "drop program"},
		{"filter is forgiven", []string{"|broken"}, false, "accept Accounting-Response"},
		{"hangs", []string{"/bin/sleep 60"}, false, "drop program-timeout"},
		{"without a record", []string{"P 0 %u"}, true, "accept Accounting-Response"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			p := s.program("p", "echo $2 >> "+s.path("mark")+"; exit $1")
			for i := range c.commands {
				c.commands[i] = strings.Replace(c.commands[i], "P", p, 1)
			}
			if c.name == "hangs" {
				s.settings.Timeout = 100 * time.Millisecond
			}
			echo := s.program("echo", "while read -r a; do echo $a; done")
			input := func(line string) FilterService { return FilterService{Input: line, Wait: true} }
			s.settings.Filters = map[string]FilterSettings{
				"yes": {Command: echo, Acct: input("0")}, "no": {Command: echo, Acct: input("1")}, "auth": {Command: echo, Auth: input("0")},
				"broken": {Command: "/bin/false", Acct: FilterService{Input: "0", Wait: true, Forgive: true}},
			}
			s.policy = &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: putAcct(c.commands...)}}
			if c.noRecord {
				s.policy.on[PhaseAccounting] = func(*Request) *Verdict { return &Verdict{Kind: Accept, NoRecord: true} }
			}
			g := s.generation()
			out := ask(t, s.offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = bob", "Acct-Status-Type = Start")})
			answer := ""
			if out.Answer != 0 {
				answer = out.Answer.String()
			}
			if got := out.Verdict + " " + out.Reason + answer; got != c.want || (len(out.Record) == 0) != c.noRecord {
				t.Errorf("%s, want %s; record %q\n%s", got, c.want, out.Record, s.said)
			}
			if c.name == "the second fails" && s.file("mark") != "a\nb\n" || c.name == "succeeds" && s.file("mark") != "bob\n" {
				t.Errorf("mark %q", s.file("mark"))
			}
		})
	}
}
