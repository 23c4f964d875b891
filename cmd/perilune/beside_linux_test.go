package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// BenchmarkBeside measures the program as it is built and served beside FreeRADIUS, beside the least that Go can do
// for the same answer, and beside itself with less to do: docs/performance.md says what each row is and what it gave.
// The servers run on the first processor and take turns of $PERILUNE_ROUND; b.N is the number of rounds.
func BenchmarkBeside(b *testing.B) {
	k := newKit(b)
	for _, row := range besideRows() {
		b.Run(row.name, func(b *testing.B) { row.run(b, k) })
	}
}

type besideRow struct {
	name string
	run  func(*testing.B, *kit)
}

func besideRows() []besideRow {
	return []besideRow{
		{"pap", besidePAP},
		{"message-authenticator", besideMessageAuthenticator},
		{"million", besideMillion},
		{"hook", besideHook},
		{"sqlite", besideSQLite},
		{"detail", besideDetail},
		{"start", besideStart},
		{"reload", besideReload},
		{"ports", besidePorts},
		{"clients", besideClients},
		{"defaults", besideDefaults},
		{"loops", besideLoops},
		{"waiting", besideWaiting},
	}
}

// TestPerformancePage: the page has a command for each row, and no other.
func TestPerformancePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	var told, rows []string
	for _, m := range regexp.MustCompile(`(?m)^go test \./cmd/perilune -run '\^\$' -bench 'Beside/([a-z-]+)\$' -benchtime [0-9]+x$`).FindAllSubmatch(page, -1) {
		told = append(told, string(m[1]))
	}
	for _, row := range besideRows() {
		rows = append(rows, row.name)
	}
	if diff := cmp.Diff(rows, told); diff != "" {
		t.Errorf("rows (-there +on the page)\n%s", diff)
	}
}

// figures is the shortest round that gives figures. With shorter ones the kit is only tried, with small files.
const figures = 500 * time.Millisecond

// A kit is what all rows share.
type kit struct {
	program string // perilune
	floor   string
	round   time.Duration
}

func newKit(b *testing.B) *kit {
	b.Helper()
	foreignTool(b, "taskset")
	dir := b.TempDir()
	k := &kit{program: filepath.Join(dir, "perilune"), floor: filepath.Join(dir, "floor"), round: time.Second}
	if text := os.Getenv("PERILUNE_ROUND"); text != "" {
		var err error
		if k.round, err = time.ParseDuration(text); err != nil || k.round <= 0 {
			b.Fatalf("PERILUNE_ROUND=%s: expected a duration, like 1s", text)
		}
	}
	for path, source := range map[string]string{k.program: ".", k.floor: "./testdata/floor"} {
		if out, err := exec.Command(foreignTool(b, "go"), "build", "-o", path, source).CombinedOutput(); err != nil {
			b.Fatalf("go build %s: %v\n%s", source, err, out)
		}
	}
	return k
}

// size is n, or a hundredth of it where the kit is only tried.
func (k *kit) size(n int) int {
	if k.round < figures {
		return n / 100
	}
	return n
}

// The processors of servers and of who asks them.
func serverProcessor() string { return "0" }
func clientProcessor() string { return strconv.Itoa(min(1, runtime.NumCPU()-1)) }

// A shot is what one turn of a subject gave.
type shot struct {
	Sent    uint64            `json:"sent"`
	Replies map[string]uint64 `json:"replies"`
	Bad     uint64            `json:"bad"`
	Lost    uint64            `json:"lost"`
	P99     float64           `json:"p99_us"`
	Worst   float64           `json:"worst_us"`
	cpu     float64           // µs of the server's processor time for each reply
}

// wrong counts the replies that are not the one that is due.
func (s *shot) wrong(due string) uint64 {
	n := s.Bad
	for code, count := range s.Replies {
		if code != due {
			n += count
		}
	}
	return n
}

// fire has perilune bench ask a subject for some time, and measures what that costs the subject, with what it does
// behind its answers.
func (k *kit) fire(b *testing.B, s *subject, duration time.Duration) shot {
	b.Helper()
	return k.fireUntil(b, s, duration, nil)
}

// fireUntil is fire that ends before its time when stop is closed.
func (k *kit) fireUntil(b *testing.B, s *subject, duration time.Duration, stop <-chan struct{}) shot {
	b.Helper()
	args := append([]string{"-c", clientProcessor(), k.program, "bench", "-server", s.address, "-secret", loopSecret, "-duration", duration.String(), "-json"}, s.load...)
	cmd := exec.Command("taskset", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	before := s.used(b)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-stop:
			cmd.Process.Signal(os.Interrupt)
		case <-ended:
		}
	}()
	failed := cmd.Wait() // also if something was lost, which is a result
	close(ended)
	time.Sleep(s.tail)
	used := s.used(b) - before
	var got shot
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		b.Fatalf("%s: %v %v %s%s", s.name, failed, err, &errs, &out)
	}
	answered := uint64(0)
	for _, n := range got.Replies {
		answered += n
	}
	if answered == 0 {
		b.Fatalf("%s answers nothing: %s%s\n%s", s.name, &errs, &out, s.log())
	}
	got.cpu = float64(used.Nanoseconds()) / 1000 / float64(answered)
	return got
}

// turns has the subjects take turns and reports the medians: of each NAME-µs, of each but the first x-NAME.
func (k *kit) turns(b *testing.B, subjects ...*subject) {
	b.Helper()
	k.play(b, subjects...)
	report(b, subjects)
}

// play fills in the subjects' shots.
func (k *kit) play(b *testing.B, subjects ...*subject) {
	b.Helper()
	for _, s := range subjects {
		k.fire(b, s, k.round/2) // caches, the heap
	}
	for b.Loop() {
		for _, s := range subjects {
			s.shots = append(s.shots, k.fire(b, s, k.round))
		}
	}
}

func report(b *testing.B, subjects []*subject) {
	b.ReportMetric(0, "ns/op") // says nothing
	ours := subjects[0]
	for _, s := range subjects {
		cpu, ratios, lost, wrong := []float64{}, []float64{}, uint64(0), uint64(0)
		for i, got := range s.shots {
			cpu = append(cpu, got.cpu)
			ratio := got.cpu / ours.shots[i].cpu
			if s.below {
				ratio = 1 / ratio
			}
			ratios = append(ratios, ratio)
			lost, wrong = lost+got.Lost, wrong+got.wrong(s.due)
		}
		b.ReportMetric(median(cpu), s.name+"-µs")
		if s != ours {
			b.ReportMetric(median(ratios), "x-"+s.name)
		}
		if s == ours || lost+wrong > 0 {
			prefix := strings.TrimPrefix(s.name+"-", "perilune-")
			b.ReportMetric(float64(lost), prefix+"lost")
			b.ReportMetric(float64(wrong), prefix+"wrong")
		}
	}
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}

// usersFile gives users 0 to n-1. Peers read it as it is.
func usersFile(n int) string {
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "user%07d Cleartext-Password := \"pw%07d\"\n\tService-Type = Framed-User,\n\tFramed-Protocol = PPP,\n"+
			"\tFramed-IP-Address = 10.%d.%d.%d,\n\tSession-Timeout = 3600\n", i, i, i>>16&255, i>>8&255, i&255)
	}
	return text.String()
}

// askUsers are the options of perilune bench that ask for users 0 to n-1.
func askUsers(n int, more ...string) []string {
	return append([]string{"-name", "user%07d", "-password", "pw%07d", "-users", strconv.Itoa(n)}, more...)
}
