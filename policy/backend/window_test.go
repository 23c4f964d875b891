package backend

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"perilune/policy/module"
)

// A windowModel is a window as its page describes it: all that was ever added, looked through at each question.
type windowModel struct {
	width   time.Duration
	buckets int
	base    time.Time
	added   []addition
}

type addition struct {
	key, value string
	n          float64
	bucket     int
}

func (m *windowModel) bucket(now time.Time) int { return int(now.Sub(m.base) / m.width) }

func (m *windowModel) count(now time.Time, key string) (sum float64) {
	for _, a := range m.added {
		if a.key == key && a.bucket > m.bucket(now)-m.buckets {
			sum += a.n
		}
	}
	return sum
}

func (m *windowModel) different(now time.Time, key string) float64 {
	seen := map[string]bool{}
	for _, a := range m.added {
		if a.key == key && a.bucket > m.bucket(now)-m.buckets {
			seen[a.value] = true
		}
	}
	return float64(len(seen))
}

func TestWindowModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
		o := module.WindowOptions{Buckets: rapid.IntRange(1, 6).Draw(t, "buckets"), Distinct: rapid.Bool().Draw(t, "distinct")}
		o.Span = time.Duration(o.Buckets) * time.Second
		w := newWindow(func() time.Time { return now }, o)
		m := &windowModel{width: time.Second, buckets: o.Buckets, base: now}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			key := rapid.StringMatching("[a-c]").Draw(t, "key")
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				a := addition{key: key, n: float64(rapid.IntRange(-2, 5).Draw(t, "n")), bucket: m.bucket(now)}
				a.value = fmt.Sprint(a.n)
				m.added = append(m.added, a)
				w.Add(a.key, a.n, a.value)
			case 1:
				now = now.Add(time.Duration(rapid.IntRange(0, 2500).Draw(t, "ms")) * time.Millisecond)
			}
			want := m.count(now, key)
			if o.Distinct {
				want = m.different(now, key)
			}
			if got := w.Get(key); got != want {
				t.Fatalf("%s: got %v, want %v", key, got, want)
			}
		}
	})
}

// TestWindowIsBounded: in keys and in the values of a key, and what is forgotten is what was counted longest ago.
func TestWindowIsBounded(t *testing.T) {
	now := time.Now()
	w := newWindow(func() time.Time { return now }, module.WindowOptions{Span: time.Hour, Buckets: 4})
	w.Add("last", 1, "")
	for i := range 3 * defaultKeys {
		w.Add(fmt.Sprint("key ", i), 1, "")
		if i%1000 == 0 {
			w.Add("last", 1, "")
		}
	}
	keys, octets := 0, 0
	for i := range w.shards {
		keys += len(w.shards[i].keys)
		octets += w.shards[i].octets
	}
	if keys > defaultKeys || octets > defaultOctets || w.Get("last") < 100 {
		t.Errorf("%d keys, %d octets, last = %v", keys, octets, w.Get("last"))
	}
	d := newWindow(func() time.Time { return now }, module.WindowOptions{Span: time.Hour, Buckets: 4, Distinct: true})
	for k := range 2 * defaultOctets / valueOctets / module.MaxDistinct {
		for i := range module.MaxDistinct + 10 {
			d.Add(fmt.Sprint("key ", k), 0, fmt.Sprint(i))
		}
	}
	last := fmt.Sprint("key ", 2*defaultOctets/valueOctets/module.MaxDistinct-1)
	if n := d.Get(last); n != module.MaxDistinct {
		t.Errorf("%v different values of one key", n)
	}
	octets = 0
	for i := range d.shards {
		s := &d.shards[i]
		octets += s.octets
		sum := 0
		for _, c := range s.keys {
			sum += s.size(c) + valueOctets*len(c.values)
		}
		if sum != s.octets {
			t.Errorf("shard %d: %d octets counted, %d there", i, s.octets, sum)
		}
	}
	if octets > defaultOctets {
		t.Errorf("%d octets", octets)
	}
}

// TestWindowForgets: keys that count nothing any more go without anybody asking for them.
func TestWindowForgets(t *testing.T) {
	now := time.Now()
	w := newWindow(func() time.Time { return now }, module.WindowOptions{Span: time.Minute, Buckets: 4})
	for i := range 10_000 {
		w.Add(fmt.Sprint("old ", i), 1, "")
	}
	now = now.Add(time.Hour)
	for i := range 10_000 {
		w.Add(fmt.Sprint("new ", i), 1, "")
	}
	keys := 0
	for i := range w.shards {
		keys += len(w.shards[i].keys)
	}
	if keys != 10_000 {
		t.Errorf("%d keys, want 10000", keys)
	}
}

func TestWindowsOutliveReloads(t *testing.T) {
	p := New(time.Now, nil)
	o := module.WindowOptions{Span: time.Hour, Buckets: 4}
	open := func() (*Lease, module.Window) {
		l := p.Lease(Settings{Serve: true})
		w, err := l.Window("w", o)
		if err != nil {
			t.Fatal(err)
		}
		return l, w
	}
	l, w := open()
	w.Add("a", 3, "")
	l.Close()
	l, w = open()
	if n := w.Get("a"); n != 3 {
		t.Errorf("a = %v after nobody had it open", n)
	}
	l.Close()
	if p.held != 1 {
		t.Errorf("%d are held", p.held)
	}
	p.release("window w 1h0m0s 4 false", p.open["window w 1h0m0s 4 false"])
	l, w = open()
	defer l.Close()
	if n := w.Get("a"); n != 0 || p.held != 0 {
		t.Errorf("a = %v after an hour, %d are held", n, p.held)
	}
}

func TestWindowAtOnce(t *testing.T) {
	w := newWindow(time.Now, module.WindowOptions{Span: time.Hour, Buckets: 4})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 10_000 {
				w.Add(fmt.Sprint(i%100), 1, "")
			}
		})
	}
	all.Wait()
	for i := range 100 {
		if n := w.Get(fmt.Sprint(i)); n != 800 {
			t.Errorf("%d = %v, want 800", i, n)
		}
	}
}
