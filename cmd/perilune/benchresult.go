package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"

	"perilune/engine/client"
)

// measured is one run: what the load saw, and what server and generator used meanwhile.
type measured struct {
	*client.LoadResult
	before, used usage
	own          time.Duration
}

// benchJSON is a result as -json prints it; times are microseconds, those of processors for each answered request.
type benchJSON struct {
	Sent      uint64            `json:"sent"`
	Replies   map[string]uint64 `json:"replies"`
	Bad       uint64            `json:"bad"`
	Lost      uint64            `json:"lost"`
	Wrong     uint64            `json:"wrong"`
	Late      uint64            `json:"late"`
	PerSecond float64           `json:"per_second"`
	CPU       float64           `json:"cpu_us"`
	User      float64           `json:"user_us"`
	System    float64           `json:"system_us"`
	OwnCPU    float64           `json:"own_cpu_us"`
	RSSBefore float64           `json:"rss_before_mib"`
	RSS       float64           `json:"rss_mib"`
	RSSPeak   float64           `json:"rss_peak_mib"` // since the server's start
	P50       int64             `json:"p50_us"`
	P90       int64             `json:"p90_us"`
	P99       int64             `json:"p99_us"`
	P999      int64             `json:"p999_us"`
	Worst     int64             `json:"worst_us"`
	Histogram []bucketJSON      `json:"histogram"`
}

// bucketJSON counts replies that took at most UpTo and longer than the bucket before.
type bucketJSON struct {
	UpTo  float64 `json:"up_to_us"`
	Count uint64  `json:"count"`
}

func (m *measured) json() benchJSON {
	b := benchJSON{
		Sent: m.Sent, Replies: map[string]uint64{}, Bad: m.Bad, Lost: m.Lost, Wrong: m.Wrong, Late: m.Late,
		P50: m.micro(0.5), P90: m.micro(0.9), P99: m.micro(0.99), P999: m.micro(0.999), Worst: m.Worst().Microseconds(),
		RSSBefore: mebibytes(m.before.resident), RSS: mebibytes(m.used.resident), RSSPeak: mebibytes(m.used.peak),
		Histogram: []bucketJSON{},
	}
	for c, n := range m.Replies {
		b.Replies[c.String()] = n
	}
	for _, h := range m.Histogram() {
		b.Histogram = append(b.Histogram, bucketJSON{float64(h.UpTo) / 1000, h.Count})
	}
	if n := float64(m.Answered()); n > 0 {
		each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / n }
		b.CPU, b.User, b.System, b.OwnCPU = each(m.used.processor()), each(m.used.user), each(m.used.system), each(m.own)
		b.PerSecond = n / max(m.Took, time.Microsecond).Seconds()
	}
	return b
}

func (m *measured) micro(q float64) int64 { return m.Quantile(q).Microseconds() }

func mebibytes(octets int64) float64 { return float64(octets) / (1 << 20) }

// complain tells what makes a run fail, or its figures doubtful, and gives the exit code.
func (m *measured) complain(s streams, rate int) int {
	code := exitOK
	if m.Answered() == 0 {
		code = exitFailed
		fmt.Fprintln(s.err, "perilune bench: nothing was answered; is the secret right, and does the server ask for -message-authenticator?")
	}
	if m.Wrong > 0 {
		code = exitFailed
		fmt.Fprintf(s.err, "perilune bench: %d replies have another code than they should\n", m.Wrong)
	}
	if m.Late*100 > m.Sent {
		fmt.Fprintf(s.err, "perilune bench: %d of %d requests left more than %v late: this generator did not hold %d a second, and latencies have its own delay in them\n",
			m.Late, m.Sent, client.LateAfter, rate)
	}
	return code
}

func (o *benchOptions) show(s streams, m *measured) int {
	code := m.complain(s, o.load.Rate)
	b := m.json()
	if o.json {
		json.NewEncoder(s.out).Encode(b)
		return code
	}
	fmt.Fprintf(s.out, "%d sent, %d answered, %d lost, %d bad; %.0f a second\n", m.Sent, m.Answered(), m.Lost, m.Bad, b.PerSecond)
	for _, name := range slices.Sorted(maps.Keys(b.Replies)) {
		fmt.Fprintf(s.out, "  %-20s %d\n", name, b.Replies[name])
	}
	fmt.Fprintf(s.out, "latency p50 %v, p90 %v, p99 %v, p99.9 %v, worst %v\n", m.Quantile(0.5), m.Quantile(0.9), m.Quantile(0.99), m.Quantile(0.999), m.Worst())
	if o.histogram {
		for _, line := range bars(m.Histogram()) {
			fmt.Fprintln(s.out, line)
		}
	}
	if len(o.pids) > 0 {
		fmt.Fprintf(s.out, "server: %.2f µs of processor time for each request (user %.2f, system %.2f)\n", b.CPU, b.User, b.System)
		fmt.Fprintf(s.out, "  resident %.1f MiB before, %.1f after, %.1f at most since its start\n", b.RSSBefore, b.RSS, b.RSSPeak)
	}
	fmt.Fprintf(s.out, "this generator: %.2f µs for each request, %.0f %% of a processor\n", b.OwnCPU, 100*m.own.Seconds()/max(m.Took, time.Microsecond).Seconds())
	return code
}

// bars draws latencies, a line for each doubling.
func bars(all []client.Bucket) (lines []string) {
	var doublings [64]uint64
	var most, total uint64
	first, last := len(doublings), 0
	for _, b := range all {
		i := bits.Len64(uint64(b.UpTo))
		doublings[i] += b.Count
		most, total = max(most, doublings[i]), total+b.Count
		first, last = min(first, i), max(last, i)
	}
	for i := first; i <= last; i++ {
		n := doublings[i]
		bar := strings.Repeat("#", int((n*44+most-1)/most))
		lines = append(lines, strings.TrimRight(fmt.Sprintf("%9s %10d %5.1f %% %s", shortDuration(1<<i), n, 100*float64(n)/float64(total), bar), " "))
	}
	return lines
}

// shortDuration gives three figures at most.
func shortDuration(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g µs", float64(d)/float64(time.Microsecond))
}
