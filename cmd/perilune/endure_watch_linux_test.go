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

// gauges are what must stay flat, with what it may grow by from the first fifth to the last: a part of it, and a piece for
// what comes and goes by chance.
var gauges = []struct {
	name string
	unit float64
	part float64
	more float64
}{
	{"resident MiB", 1 << 20, 0.10, 16},
	{"heap MiB", 1 << 20, 0.15, 8},
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
}

// A fifth is what was seen in a fifth of the time.
type fifth struct {
	toll
	gauges [][]float64 // by gauge
}

func newWatcher(e *endurance) *watcher {
	w := &watcher{e: e}
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

// grown reports whether a gauge has grown by more than it may: the median of its last fifth against the first. In a time
// so short that memory and caches are still being filled it may double.
func grown(gauge int, short bool, first, last []float64) bool {
	g := gauges[gauge]
	if short {
		return middle(last) > middle(first)*2+4*g.more
	}
	return middle(last) > middle(first)*(1+g.part)+g.more
}

// warm is from how long on the bounds are the narrow ones: then a fifth is longer than caches and pools take to fill.
const warm = 2 * time.Minute

func middle(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// check compares the first fifth with the last. Latency is a matter of the machine, too: only what no other program can
// have done to it fails.
func (w *watcher) check() {
	first, last := &w.fifths[0], &w.fifths[4]
	for i, g := range gauges {
		if grown(i, *endureFor < warm, first.gauges[i], last.gauges[i]) && !raceDetector { // whose own memory grows
			w.e.t.Errorf("%s: %.0f in the first fifth, %.0f in the last", g.name, middle(first.gauges[i]), middle(last.gauges[i]))
		}
	}
	if early, late := first.latency.quantile(0.5), last.latency.quantile(0.5); late > 10*early+20*time.Millisecond {
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

// TestGrown holds the bounds to what they are for: a thing that stays is fine, one that climbs is not.
func TestGrown(t *testing.T) {
	for i, g := range gauges {
		flat, climbing := []float64{}, []float64{}
		for n := range 80 {
			flat = append(flat, 400+float64(n*7%13))
			climbing = append(climbing, 400+float64(n)*(2*g.more+8*g.part*100)/10)
		}
		if grown(i, false, flat[:16], flat[64:]) || !grown(i, false, climbing[:16], climbing[64:]) {
			t.Errorf("%s: flat %v, climbing %v", g.name, grown(i, false, flat[:16], flat[64:]), grown(i, false, climbing[:16], climbing[64:]))
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
