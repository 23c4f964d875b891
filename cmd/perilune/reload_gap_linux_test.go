package main

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"perilune/engine/server"
	"perilune/policy/reload"
)

// BenchmarkReloadGaps measures for how long the work of a reload of 50 scripts with 500 tests keeps the only processor
// to itself, by the process's own time, so that other processes don't count: what a packet would have to wait.
func BenchmarkReloadGaps(b *testing.B) {
	root := filepath.Join(loopTree(b, manyTests(50, 10)), "raddb")
	r := startReloader(b, root)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var gaps []time.Duration
	for b.Loop() {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if report := r.Reload("benchmark", true); report.Tests != 500 {
				b.Errorf("%+v", report)
			}
		}()
		gaps = append(gaps, gapsUntil(ended)...)
	}
	slices.Sort(gaps)
	var sum, long time.Duration
	for _, g := range gaps {
		sum += g
		if g > time.Millisecond {
			long += g
		}
	}
	b.ReportMetric(float64(sum.Microseconds())/1000/float64(b.N), "cpu-ms")
	b.ReportMetric(float64(long.Microseconds())/1000/float64(b.N), "ms-in-gaps-over-1ms")
	b.ReportMetric(float64(gaps[len(gaps)/2].Microseconds()), "p50-gap-µs")
	b.ReportMetric(float64(gaps[len(gaps)*99/100].Microseconds()), "p99-gap-µs")
}

// startReloader gives one that has its first generation.
func startReloader(b *testing.B, root string) *reload.Reloader {
	r, err := reload.New(reload.Options{Root: root, State: b.TempDir(), Busy: new(server.Busy)})
	if err == nil {
		_, err = r.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.Close)
	return r
}

// gapsUntil gives the processor time between two turns of this goroutine, again and again until ended is closed.
func gapsUntil(ended <-chan struct{}) (gaps []time.Duration) {
	last := processTime()
	for {
		select {
		case <-ended:
			return gaps
		default:
		}
		runtime.Gosched()
		now := processTime()
		gaps = append(gaps, now-last)
		last = now
	}
}

func processTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}
