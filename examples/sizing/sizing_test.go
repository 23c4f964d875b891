package main

import (
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of docs/scale.md anew")

// TestQueue compares a loop with what theory says of a queue with chance arrivals and equal work (M/D/1): the mean wait
// is load/(2(1-load)) of the work (Pollaczek and Khinchine).
func TestQueue(t *testing.T) {
	const work = 10_000
	for _, load := range []float64{0.2, 0.5, 0.8, 0.9} {
		l := loop{room: 1 << 20, deadFrom: math.MaxInt64}
		chance := rand.New(rand.NewPCG(1, 2))
		at := 0.0
		for range 2_000_000 {
			at += chance.ExpFloat64() * work / load
			l.Offer(int64(at), work)
		}
		got, want := float64(l.waited)/float64(l.offered), load/(2*(1-load))*work
		if math.Abs(got-want) > 0.03*want {
			t.Errorf("load %v: a mean wait of %.0f ns, want %.0f", load, got, want)
		}
		if used := float64(l.work) / at; math.Abs(used-load) > 0.01*load {
			t.Errorf("load %v: in use %.4f", load, used)
		}
	}
}

func TestLoopBounds(t *testing.T) {
	l := loop{room: 2, deadFrom: 1000}
	type got struct {
		Done int64
		OK   bool
	}
	var all []got
	for _, at := range []int64{0, 0, 0, 0, 100, 150, 901, 1000} {
		done, ok := l.Offer(at, 100)
		all = append(all, got{done, ok})
	}
	// The first is in work, two wait, the fourth has no room; one is done at 100, and one more waits; the last two would be
	// done when the node is dead.
	want := []got{{100, true}, {200, true}, {300, true}, {0, false}, {400, true}, {0, false}, {0, false}, {0, false}}
	if d := cmp.Diff(want, all); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if l.offered != 8 || l.dropped != 2 || l.lost != 2 {
		t.Errorf("offered %d, dropped %d, lost %d", l.offered, l.dropped, l.lost)
	}
}

func TestEventsInOrder(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	var q events
	for range 5000 {
		q.push(event{chance.Int64N(500), uint8(chance.IntN(3)), int32(chance.IntN(10))})
		if len(q) > 100 && chance.IntN(3) == 0 {
			q.pop()
		}
	}
	var last event
	for len(q) > 0 {
		e := q.pop()
		if e.before(last) {
			t.Fatalf("%v after %v", e, last)
		}
		last = e
	}
}

func known(t *testing.T) *costs {
	t.Helper()
	c, err := readCosts(measured)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// TestConservation: nothing is lost from the books, also where buffers are far too small: each login gets in at last, once.
func TestConservation(t *testing.T) {
	for _, room := range []float64{1, 3, 50, 100_000} {
		w, c := usual(), *known(t)
		c.buffer, c.login, w.rate, w.cores, w.limited = room, 300_000, 1000, 1, false
		if room == 50 {
			w.window, w.rtt = 3, 100*time.Millisecond // the window holds NASes back
		}
		r := newCell(&w, &c, 2, 10, 500, time.Second)
		o := r.play()
		offered, dropped, lost, served := 0, 0, 0, int64(0)
		for _, node := range r.loops {
			for _, l := range node {
				offered, dropped, lost, served = offered+l.offered, dropped+l.dropped, lost+l.lost, served+l.work
			}
		}
		if o.logins != 5000 || o.records+o.recordsLost != 5000 || lost != 0 {
			t.Errorf("room %v: %d logins, %d+%d records, %d lost", room, o.logins, o.records, o.recordsLost, lost)
		}
		if sum(o.took) != o.logins || sum(o.starts) != o.records {
			t.Errorf("room %v: the sums are wrong", room)
		}
		// Each packet is the first of its request, or a repetition.
		if requests := o.logins + o.gaveUp + o.records + o.recordsLost; offered != requests+o.repeated {
			t.Errorf("room %v: %d packets, %d requests, %d repetitions", room, offered, requests, o.repeated)
		}
		if room == 1 && (dropped == 0 || o.repeated == 0) || room > 1000 && dropped != 0 {
			t.Errorf("room %v: %d dropped, %d gave up", room, dropped, o.gaveUp)
		}
		for i := range r.nases {
			if n := &r.nases[i]; n.out != [2]int{} || n.records != 0 || n.come != n.logins || len(n.again) != 0 {
				t.Errorf("room %v: something is left at NAS %d: %+v", room, i, n)
			}
		}
	}
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}

// TestNASBounds: a NAS that sets up ten sessions a second has a thousand of them up after a hundred seconds, however quick the nodes are.
func TestNASBounds(t *testing.T) {
	w := usual()
	w.rate = 10
	o := newCell(&w, known(t), 1, 1, 1000, time.Second).play()
	if s := float64(o.last) / 1e9; s < 99 || s > 102 {
		t.Errorf("it took %.1f s", s)
	}
	if half := float64(o.within(0.5)) / 1e9; half < 48 || half > 52 {
		t.Errorf("half of it %.1f s", half)
	}
}

// TestLoss: a dead node costs as many repetitions as the balancer takes to notice; if that is longer than the NAS goes on, logins begin anew.
func TestLoss(t *testing.T) {
	logins := func(noticed time.Duration) (gaveUp string, worst time.Duration) {
		w := usual()
		w.subscribers, w.noticed = 1_000_000, noticed
		s := sizeOf(&w, known(t))
		lines := loss(&w, known(t), &s)
		text := lines[2].value[strings.Index(lines[2].value, ", ")+2:]
		if worst, _ = time.ParseDuration(strings.ReplaceAll(text, " ", "")); worst == 0 {
			t.Fatalf("%v", lines)
		}
		return strings.Fields(lines[1].value)[0], worst
	}
	if gaveUp, worst := logins(5 * time.Second); gaveUp != "0" || worst < 6*time.Second || worst > 6100*time.Millisecond {
		t.Errorf("noticed in time: %s begin anew, worst %v", gaveUp, worst)
	}
	if gaveUp, worst := logins(30 * time.Second); gaveUp == "0" || worst < 30*time.Second {
		t.Errorf("noticed too late: %s begin anew, worst %v", gaveUp, worst)
	}
}

// TestPlaces: a database that counts a thousand logins a second is asked for so many, and one that is asked for too many is left alone
// for a second.
func TestPlaces(t *testing.T) {
	r := &cell{place: 1e6}
	for i := range 1000 {
		if done := r.askPlace(0); done != int64(i+1)*1e6 {
			t.Fatalf("login %d: %d", i, done)
		}
	}
	if done := r.askPlace(0); done != 1e9 || r.result.unasked != 1 {
		t.Errorf("one too many: %d, %d unasked", done, r.result.unasked)
	}
	if done := r.askPlace(15e8); done != 15e8 || r.result.unasked != 2 {
		t.Errorf("in the pause: %d, %d unasked", done, r.result.unasked)
	}
	if done := r.askPlace(3e9); done != 3e9+1e6 || r.result.unasked != 2 {
		t.Errorf("after it: %d, %d unasked", done, r.result.unasked)
	}
}

func TestBacklog(t *testing.T) {
	o := outcome{starts: []int{1000, 1000, 0}}
	if behind, most := o.backlog(1e9 / 500.0); behind != 4e9 || most != 1000 {
		t.Errorf("behind for %d ns, %d wait", behind, most)
	}
}

func TestReadCosts(t *testing.T) {
	for text, want := range map[string]string{
		strings.Replace(measured, "login ", "logins ", 1): `unknown, or twice: "logins`,
		measured + "hook 1 µs again":                      `unknown, or twice: "hook 1 µs"`,
		"hook 1":                                          "costs:1: expected: name value unit where-from",
		"hook 1 MHz x":                                    "costs:1: unknown",
		"hook 1 µs x":                                     "is missing",
	} {
		if _, err := readCosts(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, line := range []string{"-subscribers 0", "-online 2", "-cores 0", "-timeout 0s", "-sessions -1", "-costs /nonexistent", "-x"} {
		f := flag.CommandLine.Output()
		flag.CommandLine.SetOutput(io.Discard)
		if err := run(strings.Fields(line), io.Discard); err == nil {
			t.Errorf("%s: no error", line)
		}
		flag.CommandLine.SetOutput(f)
	}
}

// TestChanceIsSeeded: the same seed prints the same, another one something else.
func TestChanceIsSeeded(t *testing.T) {
	print := func(seed string) string {
		var b strings.Builder
		if err := run([]string{"-subscribers", "300000", "-sessions", "20", "-seed", seed}, &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if one := print("1"); one != print("1") || one == print("2") {
		t.Errorf("%s\n%s", one, print("2"))
	}
}

// TestScalePage runs the commands before the tables of docs/scale.md and compares what they print.
func TestScalePage(t *testing.T) {
	if raceDetector {
		t.Skip("it takes minutes with the race detector, and has one goroutine")
	}
	const page = "../../docs/scale.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile("(?s)(    go run \\./examples/sizing([^\n]*)\n\n\\| what \\| \\|\n\\|---\\|---\\|\n)((?:\\| [^\n]*\n)*)")
	n := 0
	text := table.ReplaceAllStringFunc(string(b), func(found string) string {
		m := table.FindStringSubmatch(found)
		var out strings.Builder
		if err := run(strings.Fields(m[2]), &out); err != nil {
			t.Errorf("%s: %v", m[2], err)
		}
		n++
		return m[1] + out.String()
	})
	if n == 0 {
		t.Fatal("the page has no table")
	}
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d := cmp.Diff(strings.Split(text, "\n"), strings.Split(string(b), "\n")); d != "" {
		t.Errorf("docs/scale.md is stale; go test ./examples/sizing -run TestScalePage -update writes it anew (-want +got):\n%s", d)
	}
	if !slices.Contains(strings.Split(text, "\n"), "    go run ./examples/sizing -subscribers 10000000") {
		t.Error("the page does not size ten million subscribers")
	}
}
