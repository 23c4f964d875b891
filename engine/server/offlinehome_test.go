package server

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// TestOfflineHome: a home server that is a function gets what a real one would, and its answer takes the native way.
func TestOfflineHome(t *testing.T) {
	g := load(t, "$DIALECT freeradius\nbob\n    Session-Timeout = 5\n", nil)
	g.Realms = realmsOf(t, `example.net 192.0.2.1 secret="a secret of the home server"`)
	for _, c := range []struct {
		name   string
		home   func(*HomeQuestion) HomeAnswer
		kind   Kind
		result string
		reply  []string
		broken string
	}{
		{"accept", func(*HomeQuestion) HomeAnswer {
			return HomeAnswer{Code: radius.CodeAccessAccept, Attributes: attrs(t, g, `MS-MPPE-Send-Key = 0123456789abcdef`, `Class = 0x63`)}
		}, Accept, "accept", []string{`MS-MPPE-Send-Key = "[secret]"`, "Class = (1 octets)", "Session-Timeout = 5"}, ""},
		{"silence", func(*HomeQuestion) HomeAnswer { return HomeAnswer{} }, Drop, "timeout", nil, ""},
		{"dead", func(*HomeQuestion) HomeAnswer { return HomeAnswer{Dead: true} }, Drop, "dead", nil, ""},
		{"nobody there", nil, Drop, "dead", nil, ""},
		{"another code", func(*HomeQuestion) HomeAnswer { return HomeAnswer{Code: radius.CodeAccountingResponse} }, Reject, "dead", nil,
			"request cannot be sent on: server: a home server cannot answer Access-Request with Accounting-Response"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := NewOffline(nil)
			log := &logged{}
			o.core.log = slog.New(log)
			var asked *HomeQuestion
			if c.home != nil {
				o.Home = func(q *HomeQuestion) HomeAnswer { asked = q; return c.home(q) }
			}
			out := ask(t, o, g, Question{Attributes: attrs(t, g, `User-Name = bob@example.net`, `User-Password = hello`)})
			if out.Kind != c.kind || out.Sent == nil || out.Sent.Result != c.result || out.Realm != "example.net" {
				t.Errorf("%s\n%+v", out, out.Sent)
			}
			if c.reply != nil {
				if diff := cmp.Diff(c.reply, redactedTexts(&out.Reply)); diff != "" {
					t.Errorf("reply (-want +got):\n%s", diff)
				}
			}
			if !strings.Contains(log.String(), c.broken) {
				t.Errorf("log %s, want %s", log, c.broken)
			}
			if asked == nil {
				return
			}
			if user, _ := asked.Attributes.First(g.Dictionary.Known.UserName); string(user) != "bob" || asked.Server != "192.0.2.1" || asked.Line.Name != "example.net" {
				t.Errorf("asked %q at %s", user, asked.Server)
			}
			if password, _ := asked.Attributes.First(g.Dictionary.Known.UserPassword); string(password) != "hello" {
				t.Errorf("password %q", password)
			}
		})
	}
}
