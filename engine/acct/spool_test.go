package acct

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numbered is a journal whose lines have numbers from first on, in files of some lines.
func numbered(t testing.TB, path string, first uint64, records ...string) {
	t.Helper()
	j, err := Open(path, Options{MaxSize: 60, First: first})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := put(j, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSpool: whatever the sizes of reading are, and wherever it begins and ends, it gives the lines in order.
func TestSpool(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.jsonl")
	var want []string
	for run := range 3 {
		var records []string
		for i := range 10 {
			n := run*10 + i + 1
			records = append(records, fmt.Sprintf(`{"x":"%s"}`, strings.Repeat("y", n)))
			want = append(want, fmt.Sprintf(`{"seq":%d,"x":"%s"}`, n, strings.Repeat("y", n)))
		}
		numbered(t, path, uint64(run*10+1), records...)
	}
	if err := os.WriteFile(path+".strange", []byte("no number\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := (&spool{path: path}).segments()
	if err != nil || len(list) < 5 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := spool{path: path}
		defer p.close()
		after, durable := rapid.Uint64Range(0, 30).Draw(t, "after"), rapid.Uint64Range(0, 35).Draw(t, "durable")
		var got []string
		for at := after; ; {
			text, last, err := p.read(at, durable, rapid.IntRange(1, 200).Draw(t, "octets"))
			if err != nil {
				t.Fatal(err)
			}
			if text == "" {
				break
			}
			got = append(got, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
			if at = last; rapid.Bool().Draw(t, "lose the place") {
				p.close()
			}
		}
		if diff := cmp.Diff(want[min(after, 30):max(after, min(durable, 30))], append([]string{}, got...)); diff != "" {
			t.Fatalf("lines (-want +got):\n%s", diff)
		}
	})
	if last, octets, err := (&spool{path: path}).last(0); last != 30 || octets < 600 || err != nil {
		t.Errorf("last %d, %d octets, %v", last, octets, err)
	}
	p := spool{path: path}
	for applied := range uint64(31) {
		if err := p.prune(applied); err != nil {
			t.Fatal(err)
		}
		if last, _, err := p.last(applied); err != nil || last != 30 {
			t.Errorf("after pruning up to %d the last line is %d, %v", applied, last, err)
		}
		p.close()
	}
	if list, _ = p.segments(); len(list) != 1 {
		t.Errorf("%d files are left, the newest must be", len(list))
	}
}

func TestNodeName(t *testing.T) {
	o := StoreOptions{Dir: t.TempDir(), Node: "n"}
	name := func() string {
		t.Helper()
		n, err := nodeName(&o)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := name()
	numbered(t, filepath.Join(o.Dir, "spool.jsonl"), 1, `{"x":1}`)
	if again := name(); again != first {
		t.Errorf("%s became %s with its journal", first, again)
	}
	os.Remove(filepath.Join(o.Dir, "spool.jsonl"))
	if other := name(); other == first {
		t.Errorf("a journal that begins anew has the name of the old one, %s", other)
	}
}

// TestSpoolWithCopies: what people do beside a journal loses no line and reads none twice.
func TestSpoolWithCopies(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string // suffix to contents: first-last, after a hole if it begins with +
		after uint64
		want  string
	}{
		{"one file", map[string]string{"": "1-9"}, 0, "1-9"},
		{"put aside", map[string]string{".20260102T000000Z": "1-4", "": "5-9"}, 0, "1-9"},
		{"in the middle of the older one", map[string]string{".20260102T000000Z": "1-4", "": "5-9"}, 2, "3-9"},
		{"an older copy", map[string]string{".bak": "1-4", "": "1-9"}, 0, "1-9"},
		{"an older copy, after its end", map[string]string{".bak": "1-4", "": "1-9"}, 6, "7-9"},
		{"a copy of a part that is done with", map[string]string{".20260102T000000Z": "1-4", "-copy": "1-4", "": "5-9"}, 0, "1-9"},
		{"copied and emptied", map[string]string{".1": "1-4", "": "+5-9"}, 0, "1-9"},
		{"only a hole", map[string]string{".1": "1-4", "": "+"}, 1, "2-4"},
		{"other files", map[string]string{".swp": "", "": "1-3"}, 0, "1-3"},
		{"numbers left out", map[string]string{".1": "1-4", "": "7-9"}, 4, "7-9"},
		{"nothing left", map[string]string{"": "1-9"}, 9, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a[b]*") // no pattern
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			p := spool{path: filepath.Join(dir, "spool.jsonl")}
			for suffix, content := range c.files {
				text := ""
				if rest, hole := strings.CutPrefix(content, "+"); hole {
					content, text = rest, strings.Repeat("\x00", 100<<10)
				}
				var first, last int
				if n, _ := fmt.Sscanf(content, "%d-%d", &first, &last); n == 2 {
					for i := first; i <= last; i++ {
						text += fmt.Sprintf("{\"seq\":%d,}\n", i)
					}
				}
				if err := os.WriteFile(p.path+suffix, []byte(text+strings.Repeat("\x00", 5000)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for after := c.after; ; {
				chunk, last, err := p.read(after, 1<<62, 20)
				if err != nil {
					t.Fatal(err)
				}
				if chunk == "" {
					break
				}
				for line := range strings.Lines(chunk) {
					n, _ := lineNumber(line)
					got = append(got, fmt.Sprint(n))
				}
				after = last
			}
			var want []string
			var first, last int
			fmt.Sscanf(c.want, "%d-%d", &first, &last)
			for i := first; i <= last && first > 0; i++ {
				if i != 5 && i != 6 || c.name != "numbers left out" {
					want = append(want, fmt.Sprint(i))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPruneKeepsWhatIsNeeded(t *testing.T) {
	p := spool{path: filepath.Join(t.TempDir(), "spool.jsonl")}
	for suffix, first := range map[string]int{".1": 1, ".2": 5, ".2.bak": 5, "": 9} {
		if err := os.WriteFile(p.path+suffix, fmt.Appendf(nil, "{\"seq\":%d,}\n", first), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		applied uint64
		want    int
	}{{0, 0}, {3, 0}, {4, 1}, {7, 1}, {8, 3}, {100, 3}} {
		if done, err := p.prunable(c.applied); err != nil || len(done) != c.want {
			t.Errorf("after %d: %v, %v; want %d", c.applied, done, err, c.want)
		}
	}
}

// TestSpoolBesideTheWriter: what is only half written behind the last durable line is read when it is whole.
func TestSpoolBesideTheWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.jsonl")
	first, second := inJournal(1, `{"a":1}`), inJournal(2, `{"b":2}`)
	torn := strings.Repeat("\x00", 8) + second[8:]
	if err := os.WriteFile(path, []byte(first+torn+strings.Repeat("\x00", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := spool{path: path}
	defer p.close()
	if got, last, err := p.read(0, 1, 1<<20); got != first || last != 1 || err != nil {
		t.Errorf("%q, %d, %v", got, last, err)
	}
	if err := os.WriteFile(path, []byte(first+second), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, last, err := p.read(1, 2, 1<<20); got != second || last != 2 || err != nil {
		t.Errorf("%q, %d, %v", got, last, err)
	}
}
