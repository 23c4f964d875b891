package backend

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/policy/module"
)

// shown gives the values of scripts' metrics as text.
func shown(p *Pools) string {
	var lines []string
	for _, s := range p.Samples() {
		lines = append(lines, fmt.Sprint(s.Name, s.Labels, " ", s.Value))
	}
	return strings.Join(lines, "\n")
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, Settings{})
	out := w.run(`
local c = metrics.counter("logins_total", "Logins.", {"site", "ok"})
local plain = metrics.counter("plain_total", "Without labels.")
local g = metrics.gauge("level", "A level.")
metrics.gauge("unset", "Never set.")
metrics.counter("logins_total", "Logins, told otherwise.", {"site", "ok"})
handler(function()
  c:inc{site="berlin", ok=true} c:inc(2.5, {site="berlin", ok=true}) c:inc({site=7, ok="no"}) c:inc(0, {site="", ok=""})
  g:set(5) g:set(-1.5)
  c:inc{site=("é"):rep(40), ok="a\0b\255\n"}
end)`)
	want := `level[] -1.5
logins_total[site  ok ] 0
logins_total[site 7 ok no] 1
logins_total[site berlin ok true] 3.5
logins_total[site ` + strings.Repeat("é", 32) + ` ok a b? ] 1
plain_total[] 0`
	if d := cmp.Diff(want, shown(w.pools)); d != "" || out != "" {
		t.Errorf("%s (-want +got)\n%s", out, d)
	}
}

func TestMetricMisuse(t *testing.T) {
	for source, want := range map[string]string{
		`metrics.counter("Logins", "x")`:                               `metrics.counter: the name "Logins"; expected letters in lower case, digits and _, like "logins_total"`,
		`metrics.counter("a b", "x")`:                                  `metrics.counter: the name "a b"; expected letters in lower case, digits and _, like "logins_total"`,
		`metrics.counter(("a"):rep(65), "x")`:                          `metrics.counter: the name "` + strings.Repeat("a", 65) + `"; expected letters in lower case, digits and _, like "logins_total"`,
		`metrics.counter("perilune_x", "x")`:                           `metrics.counter: the name "perilune_x"; names that begin with perilune_ are the server's own`,
		`metrics.counter("x", "")`:                                     `metrics.counter: x: the second argument says what it is, in 200 octets at most`,
		`metrics.counter("x")`:                                         `argument 2 is nothing, expected string`,
		`metrics.gauge("x", "x", {"a", "a"})`:                          `metrics.gauge: x: "a" cannot be a label here; expected letters in lower case, digits and _, each name once`,
		`metrics.gauge("x", "x", {"le"})`:                              `metrics.gauge: x: "le" cannot be a label here; expected letters in lower case, digits and _, each name once`,
		`metrics.gauge("x", "x", {a="b"})`:                             `metrics.gauge: labels are a list of names, as in {"site"}; their values are given with each number`,
		`metrics.gauge("x", "x", {})`:                                  `metrics.gauge: labels are a list of names, as in {"site"}; their values are given with each number`,
		`metrics.gauge("x", "x", {"a", "b", "c", "d", "e", "f", "g"})`: `metrics.gauge: x has 7 labels; expected 6 at most`,
		`metrics.gauge("x", "x") metrics.counter("x", "x")`:            `metrics.counter: x is opened twice, with other labels or as a counter and a gauge`,
		`metrics.gauge("x", "x") metrics.gauge("x", "x", {"a"})`:       `metrics.gauge: x is opened twice, with other labels or as a counter and a gauge`,
		`metrics.counter("x", "x"):inc()`:                              `metrics: read and changed in handlers, not while scripts load`,
		`handler(function() metrics.counter("x", "x") end)`:            `metrics.counter: handles are opened while scripts load, not in a handler`,
		`for i = 1, 101 do metrics.counter("x" .. i, "x") end`:         `metrics.counter: there are 100 metrics already`,
	} {
		w := newWorld(t, Settings{})
		if d := cmp.Diff("error: t.lua:1: "+want, w.run(source)); d != "" {
			t.Errorf("%s (-want +got)\n%s", source, d)
		}
	}
	w := newWorld(t, Settings{})
	for call, want := range map[string]string{
		`c:inc(-1, {site="a"})`:  `metrics: c: a counter only grows; expected a gauge for what falls`,
		`c:inc(0/0, {site="a"})`: `metrics: c: NaN is no number to show`,
		`c:inc()`:                `metrics: c: got a nil, expected the values of its labels, as in {site=…}`,
		`c:inc(1)`:               `metrics: c: got a nil, expected the values of its labels, as in {site=…}`,
		`c:inc{}`:                `metrics: c: 1 of its labels have no value; expected {site=…}`,
		`c:inc{sit="a"}`:         `metrics: c: no label "sit"; did you mean "site"?`,
		`c:inc{site={}}`:         `metrics: c: the label site is a table, expected text`,
		`c:inc{"a"}`:             `metrics: c: got the key 1, expected names`,
		`c:inc("1", {site="a"})`: `argument 2 is string, expected number`,
		`c.inc(1)`:               `the value before the colon is number, expected counter; write value:method()`,
		`g:set()`:                `argument 2 is nothing, expected number`,
		`g:set{}`:                `argument 2 is table, expected number`,
		`g:set(1, {site="a"})`:   `metrics: g: no label "site"`,
		`g:inc()`:                `attempt to call a non-function object`,
	} {
		source := `local c, g = metrics.counter("c", "c", {"site"}), metrics.gauge("g", "g") handler(function() ` + call + ` end)`
		if d := cmp.Diff("error: t.lua:1: "+want, w.run(source)); d != "" {
			t.Errorf("%s (-want +got)\n%s", call, d)
		}
	}
}

// TestMetricBounds: values beyond the bound are counted together.
func TestMetricBounds(t *testing.T) {
	w := newWorld(t, Settings{})
	w.run(`local c = metrics.counter("c", "c", {"user"}) handler(function() for i = 1, 1500 do c:inc{user=i} end for i = 1, 10 do c:inc{user=1} end end)`)
	list := w.pools.Samples()
	values := map[string]float64{}
	for _, s := range list {
		values[s.Labels[1]] = s.Value
	}
	if len(list) != module.MaxSeries+1 || values["1"] != 11 || values["other"] != 500 {
		t.Errorf("%d values, %v of 1, %v of others", len(list), values["1"], values["other"])
	}
}

// TestMetricsOverReloads: a metric goes on while a generation has it; a changed one is shown once the old one is over.
func TestMetricsOverReloads(t *testing.T) {
	p := New(nil, nil)
	open := func(l *Lease, labels ...string) module.Metric {
		t.Helper()
		m, err := l.Metric(module.MetricOptions{Name: "c", Help: "c", Labels: labels})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, second, third := p.Lease(Settings{}), p.Lease(Settings{}), p.Lease(Settings{})
	open(first, "a").Add([]string{"x"}, 1)
	open(second, "a").Add([]string{"x"}, 1)
	first.Close()
	open(third, "b").Add([]string{"y"}, 5)
	if got := shown(p); got != "c[a x] 2" {
		t.Errorf("before the second ends: %s", got)
	}
	second.Close()
	if got := shown(p); got != "c[b y] 5" {
		t.Errorf("after it: %s", got)
	}
	third.Close()
	if got := shown(p); got != "" {
		t.Errorf("after all: %s", got)
	}
}
