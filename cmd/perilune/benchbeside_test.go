package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/client"
)

// TestBenchBeside measures two servers in turns.
func TestBenchBeside(t *testing.T) {
	first, second := newLoopback(t), newLoopback(t)
	me := strconv.Itoa(os.Getpid())
	args := []string{"bench", "-server", first.address, "-beside", second.address, "-secret", sendSecret, "-name", "bob", "-duration", "20ms",
		"-message-authenticator", "-rounds", "3", "-pid", me, "-beside-pid", me}
	code, out, errs := told(t, "", append(args, "-json")...)
	var got pairJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || errs != "" {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	if got.Rounds != 3 || len(got.Server.Runs) != 3 || len(got.Beside.Runs) != 3 {
		t.Errorf("%d rounds of %d and %d runs", got.Rounds, len(got.Server.Runs), len(got.Beside.Runs))
	}
	for name, s := range map[string]spread{"rate": got.Server.PerSecond, "p99": got.Beside.P99, "ratio": got.Ratio.PerSecond} {
		if s.Min <= 0 || s.Min > s.Median || s.Median > s.Max {
			t.Errorf("%s: %+v", name, s)
		}
	}
	code, out, errs = told(t, "", args...)
	for _, line := range strings.Split(strings.TrimRight(out, "\n"), "\n") {
		if utf8.RuneCountInString(line) > 100 || !regexp.MustCompile(`^(server|beside|ratio|medians of 3 rounds| )`).MatchString(line) {
			t.Errorf("%q", line)
		}
	}
	if code != exitOK || errs != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	code, _, errs = told(t, "", append(args, "-beside-secret", "another", "-wait", "50ms")...)
	if code != exitFailed || !strings.Contains(errs, "nothing was answered") {
		t.Errorf("exit code %d with the wrong secret: %s", code, errs)
	}
}

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		all  []float64
		want spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{5, 1}, spread{3, 1, 5}},
		{[]float64{9, 2, 4}, spread{4, 2, 9}},
	} {
		if diff := cmp.Diff(tc.want, spreadOf(tc.all)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestRatios compares round by round, not medians.
func TestRatios(t *testing.T) {
	first := []benchJSON{{CPU: 1, PerSecond: 10}, {CPU: 2, PerSecond: 20}, {CPU: 4, PerSecond: 40}}
	second := []benchJSON{{CPU: 3, PerSecond: 5}, {CPU: 8, PerSecond: 10}, {CPU: 20, PerSecond: 20}}
	want := figureJSON{CPU: spread{4, 3, 5}, PerSecond: spread{0.5, 0.5, 0.5}}
	if diff := cmp.Diff(want, ratios(first, second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBars: a line for each doubling, 80 columns at most, everything counted.
func TestBars(t *testing.T) {
	lines := bars([]client.Bucket{{UpTo: 1000, Count: 1}, {UpTo: 1023, Count: 1}, {UpTo: 130 * time.Microsecond, Count: 1_000_000_000}, {UpTo: 400 * time.Microsecond, Count: 500_000_000}, {UpTo: 3 * time.Second, Count: 3}})
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
	}
	want := []string{
		"  1.02 µs          2   0.0 % #",
		"   131 µs 1000000000  66.7 % " + strings.Repeat("#", 44),
		"   524 µs  500000000  33.3 % " + strings.Repeat("#", 22),
	}
	for _, line := range want {
		if !strings.Contains(strings.Join(lines, "\n")+"\n", line+"\n") {
			t.Errorf("the line %q is missing in\n%s", line, strings.Join(lines, "\n"))
		}
	}
	if len(lines) != 23 || bars(nil) != nil {
		t.Errorf("%d lines\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

// TestProcesses reads what this process uses.
func TestProcesses(t *testing.T) {
	var p processes
	me := strconv.Itoa(os.Getpid())
	if err := p.Set(me + "," + me); err != nil || p.String() != me+","+me {
		t.Fatal(err, p)
	}
	twice, err := p.usage()
	if err != nil {
		t.Fatal(err)
	}
	once, err := p[:1].usage()
	if err != nil || once.resident <= 0 || once.peak < once.resident || twice.resident <= once.peak {
		t.Errorf("%+v, %+v, %v", once, twice, err)
	}
	for _, text := range []string{"", "x", "-1", "1,,y"} {
		if err := p.Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
