package main

import (
	"bufio"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// samples are what /metrics shows, by name and labels.
type samples map[string]float64

func (s *serverProcess) metrics(t testing.TB) samples {
	resp, err := http.Get("http://" + s.http + "/metrics")
	if err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	defer resp.Body.Close()
	m, err := readSamples(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readSamples(r io.Reader) (samples, error) {
	m := samples{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.Contains(name, "{") {
			name, value, _ = strings.Cut(lines.Text(), " ")
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			m[name] = v
		}
	}
	return m, lines.Err()
}

// sum adds all samples of a name whose labels hold the texts.
func (m samples) sum(name string, labels ...string) (sum float64) {
next:
	for series, v := range m {
		if base, rest, _ := strings.Cut(series, "{"); base == name {
			for _, l := range labels {
				if !strings.Contains(rest, l) {
					continue next
				}
			}
			sum += v
		}
	}
	return sum
}

// reasons gives the refusals that there were, as reason=n.
func (m samples) reasons() (list []string) {
	sums := map[string]float64{}
	for series, v := range m {
		if rest, ok := strings.CutPrefix(series, "perilune_refusals_total{"); ok && v > 0 {
			_, rest, _ = strings.Cut(rest, `reason="`)
			reason, _, _ := strings.Cut(rest, `"`)
			sums[reason] += v
		}
	}
	for reason, v := range sums {
		list = append(list, fmt.Sprintf("%s=%.0f", reason, v))
	}
	slices.Sort(list)
	return list
}

// A spectrum counts durations, eight steps for each doubling.
type spectrum struct {
	counts [64 * 8]uint64
	total  uint64
}

func (s *spectrum) add(d time.Duration) {
	n := uint64(max(d, 8))
	high := bits.Len64(n) - 1
	s.counts[high*8+int(n>>(high-3)&7)]++
	s.total++
}

func (s *spectrum) merge(o *spectrum) {
	for i, n := range o.counts {
		s.counts[i] += n
	}
	s.total += o.total
}

// quantile gives the duration that the fraction q did not exceed, at most an eighth too high; 0 of nothing.
func (s *spectrum) quantile(q float64) time.Duration {
	want, seen := uint64(q*float64(s.total)), uint64(0)
	for i, n := range s.counts {
		if seen += n; n > 0 && seen > want {
			return time.Duration(1<<(i/8) + (i%8+1)<<(i/8-3))
		}
	}
	return 0
}

// gauges are what must stay flat, with what it may grow by while it is watched: a part of it, and a piece for what comes and
// goes by chance.
var gauges = []struct {
	name string
	unit float64
	part float64
	more float64
}{
	{"resident MiB", 1 << 20, 0.10, 16},
	{"heap MiB", 1 << 20, 0.08, 4}, // what collections have left
	{"goroutines", 1, 0.25, 40},
	{"descriptors", 1, 0.10, 16},
	{"waiting KiB", 1 << 10, 0.5, 4096},
	{"at homes", 1, 0.5, 200},
	{"sessions", 1, 0.25, 50},
	{"to record KiB", 1 << 10, 0.5, 2048},
}

// A watcher looks at the server from time to time.
type watcher struct {
	e      *endurance
	fifths [5]fifth
	seen   [][]spell // by gauge
	full   bool      // tables that are bounded were full when it began
}

// spells are as many parts of the time whose medians are compared.
const spells = 20

// A spell is what a gauge has shown in a part of the time.
type spell []float64

// A fifth is what was seen in a fifth of the time.
type fifth struct {
	toll
	gauges [][]float64 // by gauge
}

func newWatcher(e *endurance) *watcher {
	w := &watcher{e: e, seen: make([][]spell, len(gauges))}
	for i := range w.seen {
		w.seen[i] = make([]spell, spells)
	}
	for i := range w.fifths {
		w.fifths[i].gauges = make([][]float64, len(gauges))
	}
	return w
}

// run watches until the time is over.
func (w *watcher) run(duration time.Duration) {
	begun := time.Now()
	ticks := time.NewTicker(max(duration/400, 100*time.Millisecond))
	defer ticks.Stop()
	told := begun
	for now := range ticks.C {
		passed := now.Sub(begun)
		if passed >= duration {
			return
		}
		f := &w.fifths[passed*5/duration]
		seen := w.e.window()
		f.add(&seen)
		values := w.look()
		for i, v := range values {
			f.gauges[i] = append(f.gauges[i], v)
			part := &w.seen[i][passed*spells/duration]
			*part = append(*part, v)
		}
		if now.Sub(told) >= min(10*time.Second, duration/3) {
			told = now
			w.e.t.Logf("%4.0fs: %d answered, p50 %v, p99 %v; %s", passed.Seconds(), f.answered, f.latency.quantile(0.5), f.latency.quantile(0.99), gaugesText(values))
		}
	}
}

// look gives the gauges as they are.
func (w *watcher) look() []float64 {
	m := w.e.server.metrics(w.e.t)
	descriptors, resident := w.e.server.resources(w.e.t)
	values := []float64{resident, m.sum("perilune_heap_live_bytes"), m.sum("perilune_goroutines"), float64(descriptors), m.sum("perilune_waiting_bytes"),
		m.sum("perilune_proxy_outstanding"), m.sum("perilune_sessions"), m.sum("perilune_accounting_backlog_bytes")}
	for i := range values {
		values[i] /= gauges[i].unit
	}
	return values
}

func gaugesText(values []float64) string {
	parts := []string{}
	for i, v := range values {
		parts = append(parts, fmt.Sprintf("%s %.0f", gauges[i].name, v))
	}
	return strings.Join(parts, ", ")
}

// growth gives how much a gauge was at first, and by how much it has grown: the median of the slopes between the medians of
// all pairs of spells, over the whole time. What comes and goes within spells, and in a few of them, does not count.
func growth(seen []spell) (first, by float64) {
	var middles, slopes []float64
	for i, s := range seen {
		middles = append(middles, middle(s))
		for j, earlier := range seen[:i] {
			if len(s) > 0 && len(earlier) > 0 {
				slopes = append(slopes, (middles[i]-middles[j])/float64(i-j))
			}
		}
	}
	return middle(middles[:max(1, len(seen)/5)]), middle(slopes) * float64(len(seen)-1)
}

// grown reports whether a gauge has grown by more than it may. If tables that are bounded were still being filled it may
// double.
func grown(gauge int, full bool, seen []spell) bool {
	g := gauges[gauge]
	first, by := growth(seen)
	if !full {
		return by > first+4*g.more
	}
	return by > first*g.part+g.more
}

// warm is from how long on tables are filled first, and the bounds are the narrow ones.
const warm = 2 * time.Minute

// closedKept is more sessions than the server keeps in memory after their end (engine/acct), and the records of as many
// are more than SQLite's cache of pages holds.
const closedKept = 20_000

// fill plays sessions until the tables are full whose size does not depend on the rate, by what the server has counted.
// It takes as long as the machine needs; beyond some minutes the wide bounds must do.
func (w *watcher) fill(rate int) bool {
	began := time.Now()
	w.e.pace(rate)
	for _, l := range w.e.lanes[authLanes:] {
		l.rate.Store(int64(fillRate) * 1000 / acctLanes)
	}
	for time.Since(began) < 4*time.Minute {
		m := w.e.server.metrics(w.e.t)
		ended := m.sum("perilune_accounting_records_total")/float64(len(ledgerStatuses)) - m.sum("perilune_sessions")
		if ended > closedKept {
			w.e.t.Logf("the tables of the server are full after %v", time.Since(began).Round(time.Second))
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.e.t.Log("the machine is too busy to fill the server's tables: the bounds are wide")
	return false
}

// fillRate is how many records a second fill the tables.
const fillRate = 4000

func middle(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// check looks for what has grown. Latency is a matter of the machine, too: only what no other program can have done to it
// fails.
func (w *watcher) check() {
	for i, g := range gauges {
		if grown(i, w.full, w.seen[i]) && !raceDetector { // whose own memory grows
			first, by := growth(w.seen[i])
			w.e.t.Errorf("%s: %.0f at first, and then %.0f more", g.name, first, by)
		}
	}
	slack := 20 * time.Millisecond
	if !w.full { // other tests run beside
		slack = time.Second
	}
	first, last := &w.fifths[0], &w.fifths[4]
	if early, late := first.latency.quantile(0.5), last.latency.quantile(0.5); late > 10*early+slack {
		w.e.t.Errorf("half of the cheap logins took %v in the first fifth, %v in the last", early, late)
	}
}

// table shows the fifths.
func (w *watcher) table() string {
	var b strings.Builder
	row := func(name string, cell func(f *fifth) string) {
		fmt.Fprintf(&b, "%-18s", name)
		for i := range w.fifths {
			fmt.Fprintf(&b, "%14s", cell(&w.fifths[i]))
		}
		b.WriteString("\n")
	}
	row("fifth", func(f *fifth) string {
		for i := range w.fifths {
			if f == &w.fifths[i] {
				return strconv.Itoa(i + 1)
			}
		}
		return ""
	})
	row("answered", func(f *fifth) string { return fmt.Sprint(f.answered) })
	row("cheap p50", func(f *fifth) string { return f.latency.quantile(0.5).Round(time.Microsecond).String() })
	row("cheap p99", func(f *fifth) string { return f.latency.quantile(0.99).Round(time.Microsecond).String() })
	row("cheap p99.9", func(f *fifth) string { return f.latency.quantile(0.999).Round(time.Microsecond).String() })
	row("sent again", func(f *fifth) string { return fmt.Sprint(f.again) })
	for i, g := range gauges {
		row(g.name, func(f *fifth) string { return fmt.Sprintf("%.0f", middle(f.gauges[i])) })
	}
	return b.String()
}

// TestGrown holds the bounds to what they are for: a thing that stays is fine, even if it jumps now and then, and one that
// climbs is not.
func TestGrown(t *testing.T) {
	for i, g := range gauges {
		flat, climbing, odd := make([]spell, spells), make([]spell, spells), make([]spell, spells)
		for n := range 80 {
			at, noise := n*spells/80, float64(n*7%13)/13*g.more
			rise := float64(n) / 79 * 2 * (400*g.part + g.more)
			flat[at] = append(flat[at], 400+noise)
			climbing[at] = append(climbing[at], 400+rise+noise)
			if odd[at] = append(odd[at], 400+noise); at == 19 || at%7 == 6 {
				odd[at] = spell{4000, 4000}
			}
		}
		odd[11] = nil // nobody looked
		if grown(i, true, flat) || !grown(i, true, climbing) || grown(i, true, odd) {
			t.Errorf("%s: flat %v, climbing %v, odd %v", g.name, grown(i, true, flat), grown(i, true, climbing), grown(i, true, odd))
		}
	}
}

// TestReadSamples: names, labels and values as Prometheus writes them.
func TestReadSamples(t *testing.T) {
	m, err := readSamples(strings.NewReader("# HELP a b\na 3\nb{x=\"1\",y=\"two words\"} 4e+06\nb{x=\"2\"} 1\n"))
	if err != nil || m.sum("a") != 3 || m.sum("b") != 4e6+1 || m.sum("b", `x="2"`) != 1 {
		t.Errorf("%v, %v", m, err)
	}
}
