package gnu

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A ruleMaker makes rule files of pairs that mean something.
type ruleMaker struct {
	*rand.Rand
	labels []string
	left   []string
	right  []string
}

func (m *ruleMaker) pick(list []string) string { return list[m.IntN(len(list))] }

func (m *ruleMaker) list(from []string, least int) string {
	n := least + m.IntN(3)
	if n == 0 {
		return "NULL"
	}
	var parts []string
	for range n {
		parts = append(parts, m.pick(from))
	}
	return strings.Join(parts, ", ")
}

func (m *ruleMaker) file(rules, leastRight int) string {
	var b strings.Builder
	for range 1 + m.IntN(rules) {
		fmt.Fprintf(&b, "%s\t%s\n\t%s\n", m.pick(m.labels), m.list(m.left, 0), m.list(m.right, leastRight))
	}
	return b.String()
}

var compared = []string{
	"NAS-Port-Id = 1", "NAS-Port-Id != 1", "NAS-Port-Id < 5", "NAS-Port-Id >= 2", `NAS-Port-Id = "1-3,7"`, `NAS-Port-Id != "1-3"`,
	"NAS-IP-Address = 192.0.2.1", "NAS-IP-Address > 192.0.2.1", "NAS-IP-Address != 192.0.2.9", "Service-Type = Framed-User", "Service-Type != 99",
	`Called-Station-Id = "a"`, `Called-Station-Id != "a"`, `Called-Station-Id >= "b"`, `Called-Station-Id < "b"`, "Framed-Protocol = PPP",
	`Prefix = "P"`, `Suffix = ".x"`, `Prefix != "P"`,
}

// TestRandomRules tests that what rules of all kinds become loads and passes the tests that are made with it:
// what they expect is computed from the rules alone.
func TestRandomRules(t *testing.T) {
	const rounds = 12
	allow := "\nPROPERTY NAS-Port-Id [LRLRLR]\nPROPERTY NAS-IP-Address [LRLRLR]\nPROPERTY Service-Type [LRLRLR]=\nPROPERTY Framed-Protocol [LRLRLR]=\n"
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 7))
		names := []string{"DEFAULT", "DEFAULT1", "ann", "bob", "Pcarl.x"}
		hints := ruleMaker{r, names, append([]string{`Hint = "one"`}, compared...), []string{`Hint = "one"`, `Hint = "two"`, "Service-Type = Login-User",
			`Called-Station-Id = "b"`, "Fall-Through = Yes", "Strip-User-Name = No", `Replace-User-Name = "x%u"`, `Replace-User-Name = "%C{Called-Station-Id:-c}%p"`,
			"Example-Gateway = 192.0.2.5", "Framed-Protocol = SLIP", "Acct-Type = Detail"}}
		groups := ruleMaker{r, []string{"east", "west", "DEFAULT"}, compared, append([]string{`Hint = "one"`, `Huntgroup-Name = "west"`}, compared...)}
		users := ruleMaker{r, append([]string{"BEGIN", "staff"}, names...), append([]string{`Hint = "one"`, `Hint != "two"`, `Huntgroup-Name = "east"`, `Huntgroup-Name != "west"`,
			"Auth-Type = Accept", "Auth-Type = Accept", "Auth-Type = Reject", "Auth-Type = Ignore", `User-Password = "x"`, `User-Password = "x"`,
			`Crypt-Password = "y"`, "Match-Profile = staff", "Auth-Type = Local"}, compared...), []string{"Fall-Through = Yes", "Fall-Through = Yes", "Session-Timeout = 5",
			"Session-Timeout = 7", `Reply-Message = "m"`, `Reply-Message = "n"`, "Framed-IP-Address = 192.0.2.1+", "Example-Gateway = 192.0.2.6",
			"Example-Gateway = 192.0.2.7", "Match-Profile = staff", "Service-Type = Framed-User", `Reply-Message = "=\"c\" + %[User-Name]"`}}
		files := map[string]string{
			"dictionary": readText(t, "testdata/rules/dictionary") + allow, "clients": "127.0.0.1 x\n",
			"hints": hints.file(6, 1), "huntgroups": groups.file(5, 0), "users": users.file(9, 0),
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			out, report := convert(t, files, Options{})
			build(t, out)
			if t.Failed() {
				t.Logf("hints\n%s\nhuntgroups\n%s\nusers\n%s\n%s", files["hints"], files["huntgroups"], files["users"], report)
				for _, name := range out.Names() {
					if strings.HasPrefix(name, "scripts/") {
						t.Logf("%s\n%s", name, out.File(name).String())
					}
				}
			}
		})
	}
}
