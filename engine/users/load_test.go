package users

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/quick"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// TestLoadYields counts the calls of Yield: one each 30 to 100 entries, while reading and while indexing.
func TestLoadYields(t *testing.T) {
	const n = 10_000
	d := loadDictionary(t)
	var errs raddb.List
	calls := 0
	table := Load(writeMany(t, n), "users", Options{Dictionary: d, Yield: func() { calls++ }}, &errs)
	if errs.Failed() {
		t.Fatal(errs)
	}
	if calls < 2*n/100 || calls > 2*n/30 {
		t.Errorf("%d calls of Yield for %d entries", calls, n)
	}
	calls = 0
	table.Close(func() { calls++ })
	if calls == 0 && len(table.slab.chunks) > 0 {
		t.Error("Close does not yield")
	}
}

// TestWindows reads entries that lie across the ends of windows, and one that is longer than a window.
func TestWindows(t *testing.T) {
	d := loadDictionary(t)
	var text bytes.Buffer
	const n = 12_000
	for i := range n {
		fmt.Fprintf(&text, "user%d	Cleartext-Password := \"%s\"\n	# a comment\n	Reply-Message = \"r%d\"\n", i, strings.Repeat("p", 1+i%97), i)
	}
	fmt.Fprintf(&text, "# %s\n", strings.Repeat("long comment ", firstWindow/5))
	text.WriteString("long	Cleartext-Password := \"x\"\n	Reply-Message += \"0\"")
	for i := range 3000 {
		fmt.Fprintf(&text, ",\n	# %s\n	Reply-Message += \"%d\"", strings.Repeat("c", 200), i)
	}
	table, errs := loadText(t, d, text.String(), Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for i := range n {
		q := query(t, d, "NAS-Port = 1")
		q.Name = fmt.Appendf(nil, "user%d", i)
		table.Match(q)
		if want := fmt.Sprintf("Reply-Message = \"r%d\"", i); listText(q.Reply) != want || q.Rules[0].Line != 3*i+1 {
			t.Fatalf("user%d: %s, line %d", i, listText(q.Reply), q.Rules[0].Line)
		}
	}
	q := query(t, d, "User-Name = long")
	if table.Match(q); len(q.Reply.Pairs) != 3001 {
		t.Errorf("%d pairs of the long entry", len(q.Reply.Pairs))
	}
}

// TestErrorsAreBounded reads a file of another kind.
func TestErrorsAreBounded(t *testing.T) {
	d := loadDictionary(t)
	_, errs := loadText(t, d, strings.Repeat("not a users file, is it?\n", 100_000), Options{})
	if len(errs) < maxErrors || len(errs) > maxErrors+10 {
		t.Errorf("%d errors", len(errs))
	}
}

func TestTooLong(t *testing.T) {
	d := loadDictionary(t)
	for text, want := range map[string]string{
		"bob	NULL\n	Reply-Message = \"" + strings.Repeat("x", 254) + "\"\n": "users:2:18: the value of Reply-Message has 254 octets; expected at most 253",
		"bob	NULL\n	Acme-Role = \"" + strings.Repeat("x", 248) + "\"\n":     "users:2:14: the value of Acme-Role has 248 octets; expected at most 247",
		strings.Repeat("b", 254) + "	NULL\n	Reply-Message = \"x\"\n":        "users:1:1: the name has 254 octets; a User-Name has 1 to 253",
		"\"\"	NULL\n	Reply-Message = \"x\"\n":                               "users:1:1: found an empty name; no User-Name is empty",
	} {
		if _, errs := loadText(t, d, text, Options{}); errs.Error() != want {
			t.Errorf("got %s\nwant %s", errs.Error(), want)
		}
	}
}

// TestRecords writes pairs and reads them back: in the common form, in the wide one, and as whole heads.
func TestRecords(t *testing.T) {
	table := &Table{heads: newHeads(), attrs: make([]*dictionary.Attribute, 1<<16)}
	for i := range table.attrs {
		table.attrs[i] = &dictionary.Attribute{}
	}
	roundTrip := func(kind, rel uint8, attr uint16, tag int8, flags uint8, value []byte, longer uint16) bool {
		value = append(value, make([]byte, longer%(maxValue/2))...)
		in := pair{pairKind(kind % 23), relation(rel % 6), attr, tag, pairFlag(flags % 16), value}
		for _, list := range [][]byte{table.append(nil, &in), table.share(table.append(nil, &in))} {
			out, rest := table.nextPair(append(list, 1, 2, 3))
			if len(rest) != 3 || out.kind != in.kind || out.rel != in.rel || out.attr != attr || out.tag != tag ||
				out.flags != in.flags || !bytes.Equal(out.value, value) {
				return false
			}
		}
		return true
	}
	if err := quick.Check(roundTrip, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
	if n := len(table.heads.list); n <= wide || len(table.heads.whole) < maxWhole/4 {
		t.Errorf("%d heads, %d of them whole: not all forms were tried", n, len(table.heads.whole))
	}
}

// TestRecordBounds writes records whose parts are on either side of what the short header has room for.
func TestRecordBounds(t *testing.T) {
	table := &Table{}
	defer table.Close(nil)
	sizes := []int{0, 1, 254, 255, 256, maxList}
	for _, file := range []int{0, 1, 254, 255, 256, 0xffff} {
		for _, checks := range sizes {
			for _, reply := range sizes {
				c, r := bytes.Repeat([]byte{1}, checks), bytes.Repeat([]byte{2}, reply)
				p, err := table.add(header{line: checks + reply, file: file, flags: flagOrders}, []byte("bob"), c, r)
				if err != nil {
					t.Fatal(err)
				}
				got := table.record(p)
				if got.file() != file || got.line() != checks+reply || string(got.name()) != "bob" || !got.has(flagOrders) ||
					got.has(flagAlways) || !bytes.Equal(got.checks(), c) || !bytes.Equal(got.reply(), r) {
					t.Fatalf("file %d, checks of %d octets, reply of %d: read otherwise", file, checks, reply)
				}
			}
		}
	}
	n := 0
	for range table.records() {
		n++
	}
	if want := 6 * len(sizes) * len(sizes); n != want {
		t.Errorf("walked %d records of %d", n, want)
	}
}

// TestSlabGrows fills more than one chunk and walks the records in order.
func TestSlabGrows(t *testing.T) {
	var table Table
	defer table.Close(nil)
	big := make([]byte, maxList)
	const n = 600
	for i := range n {
		if _, err := table.add(header{line: i + 1}, []byte("x"), big, nil); err != nil {
			t.Fatal(err)
		}
	}
	line := 0
	for _, r := range table.records() {
		if line++; r.line() != line {
			t.Fatalf("record %d says line %d", line, r.line())
		}
	}
	if line != n || len(table.slab.chunks) < 3 {
		t.Errorf("%d records in %d chunks", line, len(table.slab.chunks))
	}
}

func TestUnescape(t *testing.T) {
	for _, c := range []struct {
		quote           byte
		text            string
		gnu, freeradius string
	}{
		{'"', `a\tb\"c\\d\101\n`, "a\tb\"c\\dA\n", "a\tb\"c\\dA\n"},
		{'"', "one \\\r\ntwo \\\nthree", "one two three", "one two three"},
		{'"', `\a\b\f\v\e\q\'\x41`, "\a\b\f\v\x1bq'A", `\a\b\f\v\e\q\'\x41`},
		{'"', `\7\07\0077\777\xZ`, "\a\a\a7?7xZ", `\7\07` + "\a7" + `\777\xZ`},
		{'"', `end\`, `end\`, `end\`},
		{'\'', `a\n\'\\\"`, "a\n'\\\"", "a\n'\\\""},
		{0, `a\n\\b\sc`, `a\n\\b\sc`, "a\n" + `\b\sc`},
	} {
		for d, want := range map[Dialect]string{GNU: c.gnu, FreeRADIUS: c.freeradius} {
			if got := string(unescape(nil, token{text: []byte(c.text), quote: c.quote}, d)); got != want {
				t.Errorf("%s %c%s%c: %q, want %q", d, c.quote, c.text, c.quote, got, want)
			}
		}
	}
}
