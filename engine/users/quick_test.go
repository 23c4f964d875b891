package users

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A loaded is what can be told of a table.
type loaded struct {
	Errs    string
	Entries int
	Records []written
}

// A written is a record, decoded.
type written struct {
	Line, File    int
	Name          string
	Flags         recordFlag
	Next          int // the record's number
	Checks, Reply []pair
}

// written decodes all records.
func (t *Table) written() (list []written) {
	numbers := map[place]int{}
	for p := range t.records() {
		numbers[p] = len(numbers)
	}
	for _, r := range t.records() {
		list = append(list, written{r.line(), r.file(), string(r.name()), recordFlag(r[atFlags]), numbers[r.next()], t.pairs(r.checks()), t.pairs(r.reply())})
	}
	return list
}

// pairs decodes a list, into memory of its own.
func (t *Table) pairs(rest []byte) (list []pair) {
	var p pair
	for len(rest) > 0 {
		p, rest = t.nextPair(rest)
		p.value = bytes.Clone(p.value)
		list = append(list, p)
	}
	return list
}

// loadWay loads a text, by the quick way where it goes or by the other alone.
func loadWay(d *dictionary.Dictionary, text string, dialect Dialect, quick bool) loaded {
	var errs raddb.List
	tree := raddb.OpenFS(fstest.MapFS{"users": {Data: []byte(text)}})
	o := Options{Dictionary: d, Dialect: dialect, Location: time.UTC, slow: !quick}
	o.Stored = func(_ *dictionary.Attribute, value []byte) error {
		if string(value) == "refused" {
			return os.ErrInvalid
		}
		return nil
	}
	t := Load(tree, "users", o, &errs)
	defer t.Close(nil)
	return loaded{errs.Error(), t.Len(), t.written()}
}

// alike is a file whose entries differ as those of large sites do, between some that do not.
const alike = `ann Cleartext-Password := "one"
	Service-Type = Framed-User,
	Framed-IP-Address = 10.0.0.1,
	Reply-Message = "hello ann"

bob Cleartext-Password := "two"
	Service-Type = Framed-User,
	Framed-IP-Address = 10.0.0.2 ,
	Reply-Message = "hello bob"
# a comment
eve	Cleartext-Password := "three"	
 Framed-IP-Address = 10.0.0.3

	Service-Type = Framed-User
fay Cleartext-Password := "four", NAS-Port == 1
gil Cleartext-Password := "refused"
	Framed-IP-Address = 10.0.0.03
hal Cleartext-Password := ""
ivy Cleartext-Password := "a\"b"
	Reply-Message = "%{User-Name}",
	Reply-Message += "=x"
jim Cleartext-Password := "five" # a comment
kim Auth-Type := Reject
	Framed-IP-Address = 10.0.0.4,
ann Cleartext-Password := "six"
	Fall-Through = Yes
ann Cleartext-Password := "seven"
DEFAULT Cleartext-Password := "eight"
	Service-Type = Framed-User
"lee" Cleartext-Password := "nine"
mia Cleartext-Password := "ten"
	Framed-IP-Address = 10.0.0.5+,
	Service-Type = Framed-User
ned Cleartext-Password := "eleven"
	Service-Type = Framed-User
	Framed-IP-Address = 10.0.0.6
oli
pia Cleartext-Password := "twelve" \
	, NAS-Port == 2
quo Cleartext-Password := "thirteen"
	Framed-IP-Address = 256.0.0.1
`

// TestQuick: entries that are read the quick way are as the parser and the compiler make them.
func TestQuick(t *testing.T) {
	d := loadDictionary(t)
	texts := []string{alike, strings.ReplaceAll(alike, "\n", "\r\n"), strings.Repeat(alike, 400)}
	names, _ := filepath.Glob("testdata/*.txt")
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil {
			texts = append(texts, string(b), string(b)+string(b))
		}
	}
	for _, text := range texts {
		for _, dialect := range []Dialect{Infer, GNU, FreeRADIUS} {
			want, got := loadWay(d, text, dialect, false), loadWay(d, text, dialect, true)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(pair{})); diff != "" {
				t.Fatalf("%v %.300q (-want +got)\n%s", dialect, text, diff)
			}
		}
	}
}

// FuzzQuick is TestQuick for anything.
func FuzzQuick(f *testing.F) {
	d := loadDictionary(f)
	f.Add(alike, true)
	for _, entry := range strings.SplitAfter(alike, "\n\n") {
		f.Add(entry+entry, false)
	}
	f.Fuzz(func(t *testing.T, text string, declared bool) {
		dialect := Infer
		if declared {
			dialect = FreeRADIUS
		}
		// What was learnt of the first half is used in the second.
		want, got := loadWay(d, text+"\n"+text, dialect, false), loadWay(d, text+"\n"+text, dialect, true)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(pair{})); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	})
}

// TestQuickIsTaken: a file of entries that are alike leaves few to the parser.
func TestQuickIsTaken(t *testing.T) {
	d := loadDictionary(t)
	entry := strings.Join(strings.SplitAfter(alike, "\n")[:5], "")
	lots := strings.Repeat(entry, 100)
	taken := 0
	o := Options{Dictionary: d, Location: time.UTC, quickly: &taken}
	var errs raddb.List
	table := Load(raddb.OpenFS(fstest.MapFS{"users": {Data: []byte(lots)}}), "users", o, &errs)
	defer table.Close(nil)
	if table.Len() != 100 || taken < 97 {
		t.Errorf("%d of %d entries: %v", taken, table.Len(), errs)
	}
}
