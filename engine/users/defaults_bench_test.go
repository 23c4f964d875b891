package users

import (
	"fmt"
	"strings"
	"testing"

	"perilune/engine/dictionary"
)

// benchGroups registers the huntgroups g0 to g19; the request is in g7.
type benchGroups struct{ manyGroups }

func (benchGroups) Huntgroup(name string) (ref int, ok bool) {
	_, err := fmt.Sscanf(name, "g%d", &ref)
	return ref, err == nil
}

type benchHost struct{}

func (benchHost) Huntgroup(ref int) Truth {
	if ref == 7 {
		return True
	}
	return False
}

func (benchHost) Rewrite(int) bool { return true }

// defaultChecks gives the checks of DEFAULT entry i. The request of BenchmarkDefaults matches that of number 7 alone;
// huntgroups and types of service are few.
var defaultChecks = []struct {
	name  string
	check func(i int) string
}{
	{"address", func(i int) string { return fmt.Sprintf("NAS-IP-Address == 10.1.%d.%d", i/250, i%250) }},
	{"network", func(i int) string { return fmt.Sprintf("NAS-IP-Address == \"10.%d.%d.0/24\"", i/250, i%250) }},
	{"suffix", func(i int) string { return fmt.Sprintf("Suffix == \"@realm%d.example\"", i) }},
	{"huntgroup", func(i int) string { return fmt.Sprintf("Huntgroup-Name == \"g%d\", NAS-Port == %d", i%20, i) }},
	{"service-type", func(i int) string {
		return fmt.Sprintf("Service-Type == %s, NAS-Port == %d", [...]string{"Login-User", "Framed-User", "Authenticate-Only"}[i%3], i)
	}},
	{"regexp", func(i int) string { return fmt.Sprintf("User-Name =~ \"@realm%d\\.example$\"", i) }},
}

func mixedCheck(i int) string { return defaultChecks[(i-7)%(len(defaultChecks)-1)].check(i) }

// writeDefaults gives a file of one user and n DEFAULT entries in front of her, from number 7 on, which fall through.
func writeDefaults(n int, check func(int) string) string {
	var b strings.Builder
	b.WriteString("$DIALECT freeradius\n")
	for i := range n {
		fmt.Fprintf(&b, "DEFAULT\t%s\n\tSession-Timeout = 60, Fall-Through = Yes\n", check(i+7))
	}
	b.WriteString("user@realm7.example\tCleartext-Password := \"secret\"\n\tFramed-MTU = 1500\n")
	return b.String()
}

// BenchmarkDefaults matches a user behind n DEFAULT entries.
func BenchmarkDefaults(b *testing.B) {
	d := loadDictionary(b)
	for _, c := range append(defaultChecks, struct {
		name  string
		check func(int) string
	}{"mixed", mixedCheck}) {
		for _, n := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				t, errs := loadText(b, d, writeDefaults(n, c.check), Options{Names: benchGroups{}})
				if len(errs) > 0 {
					b.Fatal(errs)
				}
				benchDefaults(b, d, t)
			})
		}
	}
}

func benchDefaults(b *testing.B, d *dictionary.Dictionary, t *Table) {
	q := query(b, d, `User-Name = "user@realm7.example", NAS-IP-Address = 10.1.0.7, NAS-Port = 7, Service-Type = Framed-User, `+
		`Called-Station-Id = "00-11-22-33-44-55", Calling-Station-Id = "66-77-88-99-AA-BB", Connect-Info = "50000"`)
	q.Host = benchHost{}
	b.ReportAllocs()
	for b.Loop() {
		q.Control.Reset()
		q.Reply.Reset()
		t.Match(q)
		if !q.Found {
			b.Fatal("not found")
		}
	}
}
