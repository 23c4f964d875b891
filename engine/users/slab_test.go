package users

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// indexed makes a table whose index has room for n names.
func indexed(tb testing.TB, n int, fold bool) *Table {
	tb.Helper()
	x, err := newIndex(n, fold)
	if err != nil {
		tb.Fatal(err)
	}
	table := &Table{index: x}
	tb.Cleanup(func() { table.Close(nil) })
	return table
}

// TestEqualHashes puts names into the index as if all had one hash, so near to the end of the slots that the
// chain goes on at their beginning: each is still found by its octets alone, and a further one is not.
func TestEqualHashes(t *testing.T) {
	for _, fold := range []bool{false, true} {
		const n = 2000
		table := indexed(t, n, fold)
		h := uint64(0xfeedface)<<32 | table.index.mask - 3
		places := map[string]place{}
		for i := range n {
			name := fmt.Sprintf("User-%d", i)
			p, err := table.add(header{line: i + 1}, []byte(name), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			slot, have := table.find([]byte(name), h)
			if have != 0 {
				t.Fatalf("%s is there before it was entered", name)
			}
			table.index.set(slot, uint32(h>>32), p)
			places[name] = p
		}
		for name, want := range places {
			if _, got := table.find([]byte(name), h); got != want {
				t.Fatalf("fold %v: %s is at %d, want %d", fold, name, got, want)
			}
			if _, got := table.find([]byte(strings.ToUpper(name)), h); (got == want) != fold {
				t.Fatalf("fold %v: %s in capitals is at %d, the name at %d", fold, name, got, want)
			}
			if _, got := table.find([]byte(name), h^1<<32); got != 0 {
				t.Fatalf("%s was found by another tag", name)
			}
		}
		if _, got := table.find([]byte("User-x"), h); got != 0 {
			t.Errorf("a name that was not entered is at %d", got)
		}
	}
}

// TestIndexFollowsAMap enters random names, some several times, and compares what is found with a map.
func TestIndexFollowsAMap(t *testing.T) {
	letter := rapid.SampledFrom([]byte("aAbB\x00\xff@"))
	name := rapid.OneOf(rapid.SliceOfN(letter, 1, 3), rapid.SliceOfN(letter, maxName-1, maxName))
	rapid.Check(t, func(rt *rapid.T) {
		fold := rapid.Bool().Draw(rt, "fold")
		labels := rapid.SliceOfN(name, 1, 200).Draw(rt, "labels")
		x, err := newIndex(len(labels), fold)
		if err != nil {
			rt.Fatal(err)
		}
		table := &Table{index: x}
		defer table.Close(nil)
		key := func(b []byte) string {
			if fold {
				b = asciiLower(b)
			}
			return string(b)
		}
		want := map[string][]int{}
		for i, l := range labels {
			p, err := table.add(header{line: i + 1}, l, nil, nil)
			if err != nil {
				rt.Fatal(err)
			}
			table.enter(p, table.index.hash(table.record(p).name()))
			want[key(l)] = append(want[key(l)], i+1)
		}
		for _, l := range append(labels, rapid.SliceOfN(name, 0, 50).Draw(rt, "others")...) {
			var got []int
			for _, r := range table.ring(table.lookup(l)) {
				got = append(got, r.line())
			}
			if diff := cmp.Diff(want[key(l)], got); diff != "" {
				rt.Fatalf("fold %v: entries of %q (-want +got)\n%s", fold, l, diff)
			}
			h := table.Hash(l)
			table.Touch(h)
			if len(want[key(l)]) > 0 && table.Warm(h) == 0 {
				rt.Fatalf("Warm finds nothing for %q", l)
			}
		}
	})
}

func asciiLower(b []byte) []byte {
	b = slices.Clone(b)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// TestLongestNames: a name of 253 octets is found, one of more is no user and does no harm.
func TestLongestNames(t *testing.T) {
	d := loadDictionary(t)
	long := strings.Repeat("n", maxName)
	table, errs := loadText(t, d, long+"	NAS-Port = 1\n	Reply-Message = \"long\"\n", Options{IgnoreCase: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for name, want := range map[string]bool{
		long: true, strings.ToUpper(long): true, long[1:]: false, long + "n": false, strings.Repeat(long, 16): false,
	} {
		q := query(t, d, "NAS-Port = 1")
		q.Name = []byte(name)
		if table.Match(q); q.Found != want {
			t.Errorf("a name of %d octets: found %v", len(name), q.Found)
		}
		table.Touch(table.Hash(q.Name))
		table.Warm(table.Hash(q.Name))
	}
}

// TestManyItems: a thousand check and reply items work, and lists that are too long for a record are told of.
func TestManyItems(t *testing.T) {
	d := loadDictionary(t)
	items := func(format string, n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(format, i+100))
		}
		return strings.Join(list, ",\n\t")
	}
	text := "bob	" + items("NAS-Port != %d", 1000) + "\n	" + items("Reply-Message = \"%d\"", 1000) + "\n"
	table, errs := loadText(t, d, text, Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for port, want := range map[string]int{"1": 1000, "1099": 0, "100": 0, "1100": 1000} {
		q := query(t, d, "User-Name = bob, NAS-Port = "+port)
		if table.Match(q); len(q.Reply.Pairs) != want {
			t.Errorf("port %s: %d reply pairs, want %d", port, len(q.Reply.Pairs), want)
		}
	}
	long := strings.Repeat("x", 200)
	for text, want := range map[string]string{
		"bob	" + items("Called-Station-Id != \""+long+"%d\"", 400) + " NULL\n":              "users:1:1: the lists of bob are too long; expected at most 65535 octets each",
		"bob	NULL\n	" + items("Reply-Message = \""+long+"%d\"", 400) + "\ncarl	NULL NULL\n": "users:1:1: the lists of bob are too long; expected at most 65535 octets each\nusers:402:1: warning: carl has two empty lists and is left out",
		"bob	NAS-Port = \"1-2" + strings.Repeat(",5-6", 511) + "\" NULL\n":                  "users:1:16: more than 511 ranges of ports",
	} {
		if _, errs := loadText(t, d, text, Options{}); errs.Error() != want {
			t.Errorf("got  %s\nwant %s", errs.Error(), want)
		}
	}
}

// TestEndlessEntry: an entry, a comment or a string that goes on for ever is told of once, not read into memory.
func TestEndlessEntry(t *testing.T) {
	d := loadDictionary(t)
	for name, text := range map[string]string{
		"entry":   "bob	NULL\n" + strings.Repeat("	Reply-Message = \"0123456789012345678901234567890\",\n", maxWindow/15),
		"string":  "bob	NULL\n	Reply-Message = \"" + strings.Repeat("x", 3*maxWindow),
		"comment": "#" + strings.Repeat("x", 3*maxWindow),
	} {
		_, errs := loadText(t, d, text, Options{Dialect: GNU})
		if want := fmt.Sprintf("users:1:1: an entry or a comment has more than %d octets; the rest of the file was not read", maxWindow); len(errs) != 1 || errs.Error() != want {
			t.Errorf("%s: got %.200s\nwant %s", name, errs.Error(), want)
		}
	}
}

// TestRuleOutlivesTheTable: a cloned rule is good after Close, and Reset leaves nothing of a generation behind.
func TestRuleOutlivesTheTable(t *testing.T) {
	d := loadDictionary(t)
	table, _ := loadText(t, d, "bob	NAS-Port = 1\n	Reply-Message = \"x\"\n", Options{})
	q := query(t, d, "User-Name = bob, NAS-Port = 1")
	table.Match(q)
	rule := q.Rules[0].Clone()
	all := q.Rules[:1]
	q.Reset()
	table.Close(nil)
	if diff := cmp.Diff(Rule{"users", 1, "bob", GNU}, rule); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(Rule{}, all[0]); diff != "" {
		t.Errorf("Reset keeps a rule (-want +got)\n%s", diff)
	}
}

// TestNobodyRegistered: without a policy huntgroups, rewrite functions and computed values are errors with a
// place, never rules that silently do not hold.
func TestNobodyRegistered(t *testing.T) {
	_, errs := loadText(t, loadDictionary(t), `bob	Huntgroup-Name = "east", Rewrite-Function = "fixup"
	Reply-Message = "=req.user"
`, Options{Names: nobody{}})
	want := `users:1:22: no script registers huntgroup("east", fn)
users:1:49: no script registers rewrite("fixup", fn)
users:2:20: computed values need a policy; there is none`
	if diff := cmp.Diff(want, errs.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestTwoTables: queries go from one generation's table to the next one's and back.
func TestTwoTables(t *testing.T) {
	d := loadDictionary(t)
	one, _ := loadText(t, d, "bob	NAS-Port = 1\n	Reply-Message = \"one\"\n", Options{})
	two, _ := loadText(t, d, "carl	NULL\n	Filter-Id = \"-\"\nbob	NAS-Port = 1\n	Reply-Message = \"two\"\n", Options{})
	q := query(t, d, "User-Name = bob, NAS-Port = 1")
	for range 3 {
		for want, table := range map[string]*Table{"one": one, "two": two} {
			q.Reply.Reset()
			table.Match(q)
			v, _ := q.Reply.Get(d.Known.ReplyMessage.AnyTag(), 0)
			if string(v) != want {
				t.Fatalf("got %q, want %q", v, want)
			}
		}
	}
}
