package backend

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"perilune/policy/module"
)

// TestTableModel compares a table with a map, over restarts.
func TestTableModel(t *testing.T) {
	dir := t.TempDir()
	lives := 0
	rapid.Check(t, func(rt *rapid.T) {
		lives++
		home := filepath.Join(dir, fmt.Sprint(lives))
		now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		m := &tableModel{most: rapid.IntRange(1, 6).Draw(rt, "max")}
		o := module.KVOptions{Persist: true, Max: m.most}
		f := born(t, home, clock, o)
		defer func() { f.lease.Close() }()
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			key := rapid.StringMatching("[a-h]").Draw(rt, "key")
			ttl := time.Duration(rapid.IntRange(0, 4).Draw(rt, "ttl")) * time.Second
			n := float64(rapid.IntRange(0, 2).Draw(rt, "n"))
			what := rapid.SampledFrom([]string{"set", "incr", "cas", "del", "get", "time", "restart"}).Draw(rt, "what")
			got, want := "", ""
			switch what {
			case "set":
				got = fmt.Sprint(f.kv.Set(t.Context(), key, module.EncodeNumber(n), ttl))
				m.set(now, key, n, ttl)
				want = "<nil>"
			case "incr":
				sum, err := f.kv.Incr(t.Context(), key, n, ttl)
				got, want = fmt.Sprint(sum, err), fmt.Sprint(m.incr(now, key, n, ttl), nil)
			case "cas":
				done, err := f.kv.CAS(t.Context(), key, module.EncodeNumber(n), module.EncodeNumber(n+1), ttl)
				got, want = fmt.Sprint(done, err), fmt.Sprint(m.cas(now, key, n, ttl), nil)
			case "del":
				done, err := f.kv.Del(t.Context(), key)
				got, want = fmt.Sprint(done, err), fmt.Sprint(m.del(now, key), nil)
			case "get":
				v, err := f.kv.Get(t.Context(), key)
				n, ok := module.DecodeNumber(v)
				wn, wok := m.get(now, key)
				got, want = fmt.Sprint(n, ok, err), fmt.Sprint(wn, wok, nil)
			case "time":
				now = now.Add(ttl)
			case "restart":
				f.lease.Close()
				f = born(t, home, clock, o)
			}
			if got != want {
				rt.Fatalf("%s %s %v %v: got %s, want %s", what, key, n, ttl, got, want)
			}
		}
		if f.log.String() != "" {
			rt.Fatal(f.log.String())
		}
	})
}

// A tableModel is a table as its page describes it: a list in the order of setting, searched from one end to the other.
type tableModel struct {
	most int
	list []modelEntry
}

type modelEntry struct {
	key  string
	n    float64
	ends time.Time // zero: never
}

func (m *tableModel) find(now time.Time, key string) int {
	for i, e := range m.list {
		if e.key == key && (e.ends.IsZero() || e.ends.After(now)) {
			return i
		}
	}
	return -1
}

func (m *tableModel) get(now time.Time, key string) (float64, bool) {
	if i := m.find(now, key); i >= 0 {
		return m.list[i].n, true
	}
	return 0, false
}

func (m *tableModel) del(now time.Time, key string) bool {
	i := m.find(now, key)
	if i >= 0 {
		m.list = append(m.list[:i:i], m.list[i+1:]...)
	}
	return i >= 0
}

func (m *tableModel) set(now time.Time, key string, n float64, ttl time.Duration) {
	m.del(now, key)
	var live []modelEntry
	for _, e := range m.list {
		if e.ends.IsZero() || e.ends.After(now) {
			live = append(live, e)
		}
	}
	m.list = live
	for len(m.list) >= m.most {
		first := 0
		for i, e := range m.list {
			if have := m.list[first].ends; !e.ends.IsZero() && (have.IsZero() || e.ends.Before(have)) {
				first = i
			}
		}
		m.list = append(m.list[:first:first], m.list[first+1:]...)
	}
	e := modelEntry{key: key, n: n}
	if ttl > 0 {
		e.ends = now.Add(ttl)
	}
	m.list = append(m.list, e)
}

func (m *tableModel) incr(now time.Time, key string, n float64, ttl time.Duration) float64 {
	if i := m.find(now, key); i >= 0 {
		m.list[i].n += n
		return m.list[i].n
	}
	m.set(now, key, n, ttl)
	return n
}

func (m *tableModel) cas(now time.Time, key string, n float64, ttl time.Duration) bool {
	if have, ok := m.get(now, key); !ok || have != n {
		return false
	}
	m.set(now, key, n+1, ttl)
	return true
}
