package users

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// writeMany writes a users file with n users, some 155 octets each, as sites have them.
func writeMany(tb testing.TB, n int) *raddb.Tree {
	tb.Helper()
	dir := tb.TempDir()
	f, err := os.Create(filepath.Join(dir, "users"))
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range n {
		fmt.Fprintf(w, "user%07d@example.net\tCleartext-Password := \"secret%07d\"\n"+
			"\tService-Type = Framed-User,\n\tFramed-IP-Address = 10.%d.%d.%d,\n\tSession-Timeout = 86400\n",
			i, i, i>>16&255, i>>8&255, i&255)
	}
	fmt.Fprintf(w, "DEFAULT\tService-Type == Login-User\n\tReply-Message = \"no such user\"\n")
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return raddb.Open(dir)
}

func loadMany(tb testing.TB, d *dictionary.Dictionary, tree *raddb.Tree) *Table {
	tb.Helper()
	var errs raddb.List
	t := Load(tree, "users", Options{Dictionary: d, Location: time.UTC}, &errs)
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	return t
}

// BenchmarkMatch matches names in an order that caches do not guess.
func BenchmarkMatch(b *testing.B) {
	d := loadDictionary(b)
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := loadMany(b, d, writeMany(b, n))
			defer t.Close(nil)
			names := make([][]byte, 1<<16)
			for i := range names {
				names[i] = fmt.Appendf(nil, "user%07d@example.net", i*7919%n)
			}
			q := query(b, d, "NAS-Port = 1, Service-Type = Framed-User")
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				q.Name = names[i&(len(names)-1)]
				q.Control.Reset()
				q.Reply.Reset()
				t.Match(q)
				if i++; !q.Found {
					b.Fatal("not found")
				}
			}
		})
	}
}

// BenchmarkTouch is BenchmarkMatch with the lines of a batch of 64 touched first.
func BenchmarkTouch(b *testing.B) {
	const n, batch = 1_000_000, 64
	d := loadDictionary(b)
	t := loadMany(b, d, writeMany(b, n))
	defer t.Close(nil)
	names := make([][]byte, 1<<16)
	for i := range names {
		names[i] = fmt.Appendf(nil, "user%07d@example.net", i*7919%n)
	}
	q := query(b, d, "NAS-Port = 1, Service-Type = Framed-User")
	var handles [batch]Handle
	var sum uint64
	i := 0
	for b.Loop() {
		if i%batch == 0 {
			for j := range handles {
				handles[j] = t.Hash(names[(i+j)&(len(names)-1)])
			}
			for _, h := range handles {
				sum += t.Touch(h)
			}
			for j := range handles {
				sum += t.Warm(handles[j])
			}
		}
		q.Name = names[i&(len(names)-1)]
		q.Control.Reset()
		q.Reply.Reset()
		t.Match(q)
		i++
	}
	if sum == 0 {
		b.Fatal("nothing was touched")
	}
}

// BenchmarkLoad reads a million users and reports the memory that their table takes.
func BenchmarkLoad(b *testing.B) {
	const n = 1_000_000
	d := loadDictionary(b)
	tree := writeMany(b, n)
	info, err := os.Stat(tree.Path("users"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		t := loadMany(b, d, tree)
		if t.Len() != n+1 {
			b.Fatalf("%d entries", t.Len())
		}
		b.ReportMetric(float64(t.memory())/(1<<20), "MiB/table")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/(1<<20), "MiB/heap")
		t.Close(nil)
	}
}

// memory gives the octets that a table uses outside the heap.
func (t *Table) memory() int {
	n := len(t.index.slots)
	if c := len(t.slab.chunks); c > 0 {
		n += (c-1)*chunkSize + t.slab.used
	}
	return n
}
