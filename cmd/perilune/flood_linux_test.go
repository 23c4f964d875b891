package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFlood sends ten times what a server on one processor carries, or as near to that as the machine can, and looks at
// what becomes of it. -flood says how long:
//
//	go test ./cmd/perilune -run TestFlood -flood 2m -v
func TestFlood(t *testing.T) {
	t.Run("native", func(t *testing.T) { floodLogins(t, "", "127.0.0.1") })
	t.Run("policy", func(t *testing.T) { floodLogins(t, floodScript, "127.0.0.1") })
	t.Run("two clients", func(t *testing.T) {
		floodLogins(t, "", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2")
	})
	t.Run("hooks that hang", floodHooks)
	t.Run("accounting without its database", floodRecords)
}

// floodScript costs some twenty times as much as the native way, so that the sender can reach ten times what is carried.
const floodScript = `-- A policy that computes.
on("reply", {name="work", when={verdict="accept"}}, function(req)
  local sum = 0
  for i = 1, 200 do sum = sum + i % 7 end
  req.reply["Session-Timeout"] = 3000 + sum % 600
end)
`

// exact is from how long on the bounds are the narrow ones. CI floods for seconds, on a machine that has other work.
const exact = time.Minute

// enoughCPU is the least processor time that can be compared: it is counted in steps of 10 ms.
const enoughCPU = 150 * time.Millisecond

// A floodTest is a server on a processor of its own, a NAS that floods it, and one that does not.
type floodTest struct {
	*testing.T
	dir    string
	server *serverProcess
	flood  *flooder
	quiet  *bystander
}

// fullBuffer is how many datagrams fit a receive buffer about.
const fullBuffer = 11_000

// newFloodTest starts a server with a script, and further settings.
func newFloodTest(t *testing.T, script, settings string) *floodTest {
	files := map[string]string{
		"raddb/config.toml": strings.Replace(quietConfig, "[http]\nlisten = []", "[http]\nlisten = [\"127.0.0.1:0\"]", 1) + "[clients]\nlimit-proxy-state = \"no\"\n",
		"raddb/clients":     fmt.Sprintf("127.0.0.0/8 %[1]q loop\n127.0.0.2 %[1]q other\n127.0.0.9 %[1]q quiet\n", loopSecret),
		"raddb/users":       generationFiles(0)["raddb/users"],
	}
	if text, ok := strings.CutPrefix(settings, "[server]\n"); ok {
		files["raddb/config.toml"] = strings.Replace(files["raddb/config.toml"], "[server]\n", "[server]\n"+text[:strings.Index(text, "[")], 1)
		settings = text[strings.Index(text, "["):]
	}
	files["raddb/config.toml"] += settings
	if script != "" {
		files["scripts/work.lua"] = script
	}
	f := &floodTest{T: t, dir: loopTree(t, files)}
	f.server = startServerProcess(t, f.dir, "GOMAXPROCS=1")
	part(t, f.server.process.Pid)
	f.quiet = newBystander(t, "127.0.0.9", f.server.auth)
	return f
}

// part gives the server the first processor and this process the others, if there are two.
func part(t *testing.T, server int) {
	var before, first, others unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil || before.Count() < 2 {
		t.Logf("the sender shares the server's processor (%v)", err)
		return
	}
	others = before
	for cpu := 0; first.Count() == 0; cpu++ {
		if before.IsSet(cpu) {
			first.Set(cpu)
			others.Clear(cpu)
		}
	}
	pin(t, server, &first)
	pin(t, os.Getpid(), &others)
	t.Cleanup(func() { pin(t, os.Getpid(), &before) })
}

// pin holds all threads of a process to processors; those that they start inherit it.
func pin(t testing.TB, process int, to *unix.CPUSet) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", process))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			unix.SchedSetaffinity(id, to) // one that has ended meanwhile needs none
		}
	}
}

// A span is what happened in a time.
type span struct {
	took, cpu      time.Duration
	kept           time.Duration // in which the server could have run, and other programs did
	sent, answered float64
	before, after  samples
}

func (s *span) delta(name string, labels ...string) float64 {
	return s.after.sum(name, labels...) - s.before.sum(name, labels...)
}

// each gives the server's processor time for an answer.
func (s *span) each() float64 {
	return float64(s.cpu.Microseconds()) / max(s.answered, 1)
}

// rate gives the answers in a second.
func (s *span) rate() float64 { return s.answered / s.took.Seconds() }

// leaves gives what of the peak a flood leaves: of the throughput if it was more than was served, of the throughput for each
// second of processor if the sender had too little of one to flood; and 1 if that cannot be told.
func (s *span) leaves(peak *span) float64 {
	switch {
	case raceDetector || min(peak.cpu, s.cpu) < enoughCPU:
		return 1
	case s.sent < 1.5*peak.rate()*s.took.Seconds():
		return peak.each() / s.each()
	}
	return s.rate() / peak.rate()
}

func (s *span) String() string {
	return fmt.Sprintf("%.0f sent a second, %.0f answered, %.2f µs of processor for each answer, processor %.0f%% busy, %.0f%% of the time with others", s.sent/s.took.Seconds(), s.rate(),
		s.each(), 100*s.cpu.Seconds()/s.took.Seconds(), 100*s.kept.Seconds()/s.took.Seconds())
}

// keptWaiting gives for how long the threads of a process were ready and had no processor.
func keptWaiting(process int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", process))
	for _, path := range threads {
		text, _ := os.ReadFile(path)
		var ran, waited int64
		fmt.Sscan(string(text), &ran, &waited)
		sum += time.Duration(waited)
	}
	return sum
}

// measure counts what happens while f runs.
func (f *floodTest) measure(do func()) *span {
	s := &span{before: f.server.metrics(f)}
	sent, began := f.flood.sent.Load(), time.Now()
	cpu, err := processorTime(f.server.process.Pid)
	kept := keptWaiting(f.server.process.Pid)
	if err != nil {
		f.Fatalf("the server is gone: %v", err)
	}
	do()
	s.took = time.Since(began)
	after, _ := processorTime(f.server.process.Pid)
	s.kept = keptWaiting(f.server.process.Pid) - kept
	s.cpu, s.sent = after-cpu, float64(f.flood.sent.Load()-sent)
	s.after = f.server.metrics(f)
	s.answered = s.delta("perilune_verdicts_total", `verdict="accept"`)
	return s
}

// floodLogins floods, and compares with what is served otherwise. Where it is to be exact it does so a few times, as the one
// changes from second to second like the other.
func floodLogins(t *testing.T, script string, from ...string) {
	f := newFloodTest(t, script, "")
	f.flood = newFlooder(t, "u", f.server.auth, from...)
	f.flood.sparing = script == ""
	rounds, unit, least := 1, *floodFor/50, 0.5
	if *floodFor >= exact {
		rounds, unit, least = 5, *floodFor/150, 0.9
	}
	var kept []float64
	for range rounds {
		kept = append(kept, f.round(unit))
	}
	slices.Sort(kept)
	if t.Logf("the flood leaves %.2f of the peak", kept); kept[rounds/2] < least {
		t.Errorf("%.0f%% of the peak is wanted", 100*least)
	}
	if n := f.flood.wrong.Load(); n > 0 {
		t.Errorf("%d replies were wrong", n)
	}
	f.addsUp()
}

// round measures the peak, floods, and looks at the time after. It gives what part of the peak the flood leaves.
func (f *floodTest) round(unit time.Duration) (kept float64) {
	f.flood.closed(64, unit)
	peak := f.measure(func() { f.flood.closed(64, 2*unit) })
	if wide := f.measure(func() { f.flood.closed(256, 2*unit) }); wide.each() < peak.each() {
		peak = wide
	}
	f.Logf("peak:  %v", peak)
	f.flood.settle()
	before := f.quiet.watch(unit)
	f.Logf("before: %v", before)
	flood := f.overload(unit, peak, before)
	recovered := f.checkRecovery(before)
	f.Logf("as before %v after the flood; became: %s", recovered.Round(time.Millisecond), flood.after.became())
	return flood.leaves(peak)
}

// overload floods, and demands that the server goes on. A short flood lasts until that is so, a busy machine may take a while.
func (f *floodTest) overload(unit time.Duration, peak *span, before *watched) (flood *span) {
	capacity := 1e6 / max(peak.each(), 1)
	ctx, end := context.WithCancel(f.Context())
	var sender sync.WaitGroup
	sender.Go(func() { f.flood.open(ctx, 10*capacity) })
	defer sender.Wait()
	defer end()
	// The first moment, in which the server finds out who it is, and reads what that one had sent before.
	first := min(unit, time.Second/2) + time.Duration(fullBuffer/capacity*float64(time.Second))
	for began := time.Now(); ; first = 0 {
		var during *watched
		flood = f.measure(func() {
			time.Sleep(first)
			during = f.quiet.watch(2 * unit)
		})
		f.Logf("flood: %.1f times what is carried: %v; kernel dropped %.0f", flood.sent/flood.took.Seconds()/capacity, flood, flood.delta("perilune_kernel_drops_total"))
		f.Logf("during: %v", during)
		wrong := f.checkQuiet(before, during, flood)
		if wrong == nil && flood.leaves(peak) > 0.5 {
			return flood
		}
		if *floodFor >= exact || time.Since(began) > 20*time.Second {
			if wrong != nil {
				f.Error(wrong)
			}
			return flood
		}
	}
}

// checkQuiet demands that the one who asks seldom gets its answers. While other programs have the server's processor its receive
// buffer overflows, and all lose alike.
func (f *floodTest) checkQuiet(before, during *watched, flood *span) error {
	switch {
	case during.lost <= during.asked/100:
		return nil
	case before.lost > 0 || flood.kept > flood.took/10:
		f.Logf("the machine is too busy to tell what the flood costs the one who asks seldom")
		return nil
	}
	return fmt.Errorf("the flood costs the one who asks seldom %d of %d answers", during.lost, during.asked)
}

// checkRecovery demands that soon after the flood logins are as before: ten in a row are answered, half of them in about the
// time that they took. It gives how long that takes.
func (f *floodTest) checkRecovery(before *watched) time.Duration {
	within, slack := time.Second, 2*time.Millisecond
	if *floodFor < exact {
		within, slack = 20*time.Second, 100*time.Millisecond
	}
	if before.lost > 0 {
		slack = patience // what they took before is not known
	}
	began := time.Now()
	for time.Since(began) < within {
		w := f.quiet.watch(110 * time.Millisecond)
		if w.lost == 0 && w.latency.quantile(0.5) <= 2*before.latency.quantile(0.5)+slack {
			return time.Since(began)
		}
	}
	f.Errorf("%v after the flood logins do not take again the %v that they took before", within, before.latency.quantile(0.5))
	return within
}

// addsUp demands that each datagram that was sent is counted as one thing.
func (f *floodTest) addsUp() {
	var m samples
	var sent, received, drops, became float64
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		f.quiet.watch(100 * time.Millisecond) // drops are looked at with the next datagrams
		m = f.server.metrics(f)
		sent = float64(f.flood.sent.Load() + f.quiet.sent.Load())
		received, drops = m.sum("perilune_datagrams_total"), m.sum("perilune_kernel_drops_total")
		became = m.sum("perilune_verdicts_total") + m.sum("perilune_duplicates_answered_total")
		if sent == received+drops && received == became {
			f.Logf("%.0f sent = %.0f received + %.0f dropped by the kernel; received = %s", sent, received, drops, m.became())
			return
		}
	}
	f.Errorf("%.0f sent, %.0f received, %.0f dropped by the kernel; %s", sent, received, drops, m.became())
}
