package users

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// manyGroups registers the huntgroups g0 to g9 and the rewrite functions fixup and end.
type manyGroups struct{ fakeNames }

func (manyGroups) Huntgroup(name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "g"))
	return n, err == nil && n < 10
}

func (manyGroups) Rewrite(name string) (int, bool) {
	i := slices.Index([]string{"fixup", "end"}, name)
	return i, i >= 0
}

func (manyGroups) All(string) iter.Seq[string] { return slices.Values([]string{"g0", "fixup"}) }

// A groupHost answers as it was told, fails once a huntgroup has failed, as the policy does, and keeps who was asked.
// Its rewrite function changes what later entries see.
type groupHost struct {
	d      *dictionary.Dictionary
	q      *Query
	truths [10]Truth
	fails  int // this huntgroup decides the request: all are unknown from then on
	failed bool
	asked  []int
}

func (h *groupHost) Huntgroup(ref int) Truth {
	if !slices.Contains(h.asked, ref) {
		h.asked = append(h.asked, ref)
	}
	h.failed = h.failed || ref == h.fails
	if h.failed {
		return Unknown
	}
	return h.truths[ref]
}

func (h *groupHost) Rewrite(ref int) bool {
	h.q.Request.Set(h.d.Attribute("NAS-Port").AnyTag(), []byte{0, 0, 0, 3})
	h.q.Request.Add(h.d.Attribute("Service-Type").AnyTag(), []byte{0, 0, 0, 2})
	h.q.Control.Add(h.d.Attribute("Hint").AnyTag(), []byte("x"))
	return ref == 0
}

// indexedText tells all that a match gave and asked.
func indexedText(t *Table, q *Query, h *groupHost) string {
	h.q, q.Host = q, h
	t.Match(q)
	var b strings.Builder
	for _, r := range q.Rules {
		fmt.Fprintf(&b, "matched %s:%d %s\n", r.File, r.Line, r.Label)
	}
	for _, dr := range q.Dropped {
		fmt.Fprintf(&b, "dropped %s of %d: %s\n", dr.Attr.Name, dr.Rule.Line, dr.Why)
	}
	fmt.Fprintf(&b, "request %s\ncontrol %s\nreply %s\nfound %v ended %v stripped %q error %v\nasked %v\n",
		listText(q.Request), listText(q.Control), listText(q.Reply), q.Found, q.Ended, q.Stripped, q.Err, h.asked)
	return b.String()
}

// sameWithoutIndex compares a match with one by the same table without indexes.
func sameWithoutIndex(tb interface{ Fatalf(string, ...any) }, table *Table, make func() (*Query, *groupHost)) {
	plain := *table
	plain.rules = nil
	q, h := make()
	want := indexedText(&plain, q, h)
	q, h = make()
	if diff := cmp.Diff(want, indexedText(table, q, h)); diff != "" {
		tb.Fatalf("%d indexes (-without +with)\n%s", len(table.rules), diff)
	}
}

var indexedChecks = map[Dialect][]string{
	GNU: {
		`NAS-IP-Address = 10.0.0.1`, `NAS-IP-Address = 10.0.0.2`, `NAS-IP-Address = "10.0.0.0/30"`, `NAS-IP-Address = "10.0.0.0/9"`,
		`NAS-IP-Address != 10.0.0.1`, `NAS-Port = 1`, `NAS-Port = 2`, `NAS-Port = 3`, `NAS-Port = "1-2"`, `NAS-Port < 3`,
		`Service-Type = Framed-User`, `Service-Type = Login-User`, `Called-Station-Id = "a"`, `Called-Station-Id = "b"`,
		`Hint = "x"`, `Hint = "y"`, `Hint != "x"`, `Suffix = "@a"`, `Suffix = "@b.c"`, `Suffix = ".c"`, `Suffix != "@a"`, `Prefix = "P"`, `Prefix = "b"`, `Prefix = "bo"`,
		`Huntgroup-Name = "g0"`, `Huntgroup-Name = "g1"`, `Huntgroup-Name = "g2"`, `Huntgroup-Name = "g3"`, `Huntgroup-Name != "g0"`, `Huntgroup-Name != "g4"`,
		`Rewrite-Function = "fixup"`, `Match-Profile = p`, `Simultaneous-Use = 1`, `Rewrite-Function = "end"`,
	},
	FreeRADIUS: {
		`NAS-IP-Address == 10.0.0.1`, `NAS-IP-Address == 10.0.0.2`, `NAS-IP-Address == "10.0.0.0/30"`, `NAS-IP-Address <= "10.0.0.0/9"`,
		`NAS-Port == 1`, `NAS-Port == 2`, `NAS-Port == 3`, `NAS-Port != 1`, `NAS-Port =* ANY`, `NAS-Port !* ANY`, `NAS-Port == "1-2"`,
		`Service-Type == Framed-User`, `Service-Type == Login-User`, `Called-Station-Id == "a"`, `Called-Station-Id == "b"`,
		`Called-Station-Id =~ "^(a)"`, `Called-Station-Id =~ "b$"`, `Called-Station-Id =~ "^a"`, `User-Name =~ "^bob$"`, `Called-Station-Id =~ "(?i)^A"`, `User-Name =~ "^(.*)@a$"`, `User-Name !~ "^b"`, `User-Name =~ "@b"`,
		`Called-Station-Id == "%{1}"`, `User-Password == "x"`, `User-Password == "y"`, `Tunnel-Type:1 == VLAN`, `Tunnel-Type == VLAN`,
		`Hint == "x"`, `Hint == "y"`, `Hint := "y"`, `Class == "a"`, `Suffix == "@a"`, `Suffix == "@b.c"`, `Prefix == "bo"`,
		`Huntgroup-Name == "g0"`, `Huntgroup-Name == "g1"`, `Huntgroup-Name == "g2"`, `Huntgroup-Name != "g3"`, `Rewrite-Function == "fixup"`,
		`Framed-IPv6-Prefix == 2001:db8::/32`, `Acme-Down == 1`, `Acme-Role == "a"`,
	},
}

var indexedReplies = map[Dialect][]string{
	GNU:        {`Reply-Message = "a"`, `Session-Timeout = 5`, `Match-Profile = p`, `Framed-IP-Address = 10.0.0.1+`},
	FreeRADIUS: {`Reply-Message += "%{0}-%{1}"`, `Session-Timeout := 5`, `Filter-Id = "%{Called-Station-Id}"`, `Class = "%{1}"`},
}

func drawIndexedEntry(t *rapid.T, d Dialect) string {
	labels := []string{"DEFAULT", "DEFAULT", "DEFAULT", "DEFAULT", "DEFAULT", "DEFAULT", "bob", "bob@a"}
	if d == GNU {
		labels = append(labels, "BEGIN", "BEGIN", "DEFAULT7", "p", "p")
	}
	var checks, replies []string
	for range rapid.IntRange(0, 3).Draw(t, "checks") {
		checks = append(checks, rapid.SampledFrom(indexedChecks[d]).Draw(t, "check"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "replies") {
		replies = append(replies, rapid.SampledFrom(indexedReplies[d]).Draw(t, "reply"))
	}
	label := rapid.SampledFrom(labels).Draw(t, "label")
	if label == "p" { // no circle
		checks = slices.DeleteFunc(checks, func(s string) bool { return strings.HasPrefix(s, "Match-Profile") })
		replies = slices.DeleteFunc(replies, func(s string) bool { return strings.HasPrefix(s, "Match-Profile") })
	}
	if rapid.IntRange(0, 3).Draw(t, "through") > 0 {
		replies = append(replies, "Fall-Through = Yes")
	}
	if len(checks) == 0 && d == GNU {
		checks = []string{"NULL"}
	}
	if len(replies) == 0 {
		replies = []string{`Idle-Timeout = 1`}
	}
	return label + "\t" + strings.Join(checks, ", ") + "\n\t" + strings.Join(replies, ", ") + "\n"
}

var indexedPairs = []string{
	`NAS-IP-Address = 10.0.0.1`, `NAS-IP-Address = 10.0.0.2`, `NAS-IP-Address = 10.127.0.2`, `NAS-Port = 1`, `NAS-Port = 2`, `NAS-Port = 3`,
	`Service-Type = Framed-User`, `Service-Type = Login-User`, `Called-Station-Id = "a"`, `Called-Station-Id = "b"`, `Called-Station-Id = "ab"`,
	`Hint = "x"`, `Hint = "y"`, `Class = "a"`, `User-Password = "x"`, `Tunnel-Type:1 = VLAN`, `Tunnel-Type:2 = VLAN`,
	`Framed-IPv6-Prefix = 2001:db8::/32`, `Acme-Down = 1`, `Acme-Role = "a"`,
}

// TestIndexIsNotSeen compares matches of drawn files by their indexes with those entry by entry.
func TestIndexIsNotSeen(outer *testing.T) {
	d := loadDictionary(outer)
	dir := outer.TempDir()
	rapid.Check(outer, func(t *rapid.T) {
		dialect := rapid.SampledFrom([]Dialect{GNU, FreeRADIUS}).Draw(t, "dialect")
		text := "p\tNAS-Port = 77\n\tIdle-Timeout = 2\n"
		if dialect == FreeRADIUS {
			text = "p\n\tIdle-Timeout = 2\n"
		}
		for range rapid.IntRange(1, 40).Draw(t, "entries") {
			text += drawIndexedEntry(t, dialect)
		}
		if err := os.WriteFile(filepath.Join(dir, "users"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs raddb.List
		table := Load(raddb.Open(dir), "users", Options{Dictionary: d, Names: manyGroups{}, Dialect: dialect}, &errs)
		defer table.Close(nil)
		if errs.Failed() {
			t.Fatalf("%s\n%v", text, errs)
		}
		table.indexRules(rapid.SampledFrom([]int{0, 1, minRules}).Draw(t, "min"), usersOf(table), func() {})
		name := rapid.SampledFrom([]string{"bob", "bob@a", "bob@b.c", "Pbob", "DEFAULT", "x", "", "@a"}).Draw(t, "name")
		request := strings.Join(rapid.SliceOfN(rapid.SampledFrom(indexedPairs), 0, 16).Draw(t, "pairs"), ", ")
		var truths [10]Truth
		for i := range truths {
			truths[i] = Truth(rapid.IntRange(0, 2).Draw(t, "truth"))
		}
		fails := rapid.IntRange(-1, 20).Draw(t, "fails")
		sameWithoutIndex(t, table, func() (*Query, *groupHost) {
			q := &Query{Name: []byte(name), Request: parsePairs(outer, d, request), Control: &dictionary.List{}, Reply: &dictionary.List{}, Now: clock}
			return q, &groupHost{d: d, truths: truths, fails: fails}
		})
	})
}

// usersOf gives the last entries of some users.
func usersOf(t *Table) (places []place) {
	for _, name := range []string{"bob", "bob@a"} {
		if p := t.lookup([]byte(name)); p != 0 {
			places = append(places, p)
		}
	}
	return places
}

// TestIndexOfUsers has users of many entries, others between them.
func TestIndexOfUsers(t *testing.T) {
	d := loadDictionary(t)
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "bob NAS-Port = %d\n\tIdle-Timeout = 1\nu%d NULL\n\tIdle-Timeout = 1\n", i, i)
	}
	for i := range 2 * minRules {
		fmt.Fprintf(&text, "few%d NAS-Port = 1\n\tIdle-Timeout = 1\nmany NAS-Port = %d\n\tIdle-Timeout = 1\n", i, i)
	}
	table, errs := loadText(t, d, text.String(), Options{})
	if errs.Failed() {
		t.Fatal(errs)
	}
	got := []bool{}
	for _, name := range []string{"bob", "few1", "many", "nobody"} {
		got = append(got, table.ruleIndex(table.lookup([]byte(name))) != nil)
	}
	if diff := cmp.Diff([]bool{true, false, true, false}, got); diff != "" {
		t.Errorf("indexes of bob, few1, many, nobody (-want +got)\n%s", diff)
	}
}

// TestIndexFollowsChanges has entries that make candidates of later ones.
func TestIndexFollowsChanges(t *testing.T) {
	d := loadDictionary(t)
	for _, test := range []struct {
		name, users string
		rules       []int // lines
	}{
		{"control", "$DIALECT freeradius\nDEFAULT Hint := y\n\tFall-Through = Yes\nDEFAULT Hint == y\n", []int{2, 4}},
		{"rewrite", "DEFAULT Rewrite-Function = fixup\n\tFall-Through = Yes\nDEFAULT NAS-Port = 3\n\tIdle-Timeout = 1\n", []int{1, 3}},
		{"rewrite in a profile", "DEFAULT Match-Profile = p\n\tFall-Through = Yes\nDEFAULT NAS-Port = 3\n\tIdle-Timeout = 1\n" +
			"p Rewrite-Function = fixup\n\tFall-Through = Yes\n", []int{1, 5, 3}},
		{"an ended list", "$DIALECT freeradius\nDEFAULT NAS-Port == 9\nbob Rewrite-Function == fixup\n\tFall-Through = Yes\nDEFAULT NAS-Port == 3\n", []int{3, 5}},
		{"the past", "$DIALECT freeradius\nDEFAULT NAS-Port == 3\nbob Rewrite-Function == fixup\n\tFall-Through = Yes\nDEFAULT NAS-Port == 4\n", []int{3}},
		{"expansion", "$DIALECT freeradius\nDEFAULT NAS-Port == 9\nDEFAULT Called-Station-Id == \"%{User-Name}\"\n", []int{3}},
		{"huntgroups", "DEFAULT Huntgroup-Name = g1\n\tFall-Through = Yes\nDEFAULT Huntgroup-Name = g2\n\tIdle-Timeout = 1\n" +
			"DEFAULT Huntgroup-Name = g2, NAS-Port = 1\n\tIdle-Timeout = 1\nDEFAULT NAS-Port = 1, Huntgroup-Name = g1\n\tIdle-Timeout = 1\n", []int{1, 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			table, errs := loadText(t, d, test.users, Options{Names: manyGroups{}})
			if errs.Failed() {
				t.Fatal(errs)
			}
			table.indexRules(0, nil, func() {})
			q := query(t, d, "User-Name = bob, NAS-Port = 1, Called-Station-Id = bob")
			h := &groupHost{d: d, q: q, fails: -1, truths: [10]Truth{1: True}}
			q.Host = h
			table.Match(q)
			var lines []int
			for _, r := range q.Rules {
				lines = append(lines, r.Line)
			}
			if diff := cmp.Diff(test.rules, lines); diff != "" || len(table.rules) == 0 {
				t.Errorf("%d indexes (-want +got)\n%s", len(table.rules), diff)
			}
		})
	}
}

// TestIndexOfGolden tells of each request of the golden files that the index changes nothing.
func TestIndexOfGolden(t *testing.T) {
	d := loadDictionary(t)
	paths, _ := filepath.Glob("testdata/*.txt")
	for _, path := range paths {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			table, _ := loadFiles(t, d, ar.Files, Options{})
			table.indexRules(0, nil, func() {})
			plain := *table
			plain.rules = nil
			for _, f := range ar.Files {
				for line := range strings.Lines(string(f.Data)) {
					if request, ok := strings.CutPrefix(line, "> "); ok {
						request = strings.TrimSpace(request)
						if diff := cmp.Diff(matched(t, d, &plain, request), matched(t, d, table, request)); diff != "" {
							t.Errorf("%s (-without +with)\n%s", request, diff)
						}
					}
				}
			}
		})
	}
}

func matched(t *testing.T, d *dictionary.Dictionary, table *Table, request string) string {
	q := query(t, d, request)
	table.Match(q)
	return fmt.Sprintf("%v\n%s\n%s\n%v %v %q %v", q.Rules, listText(q.Control), listText(q.Reply), q.Found, q.Ended, q.Stripped, q.Dropped)
}

func TestRegexpText(t *testing.T) {
	for source, want := range map[string]string{
		`@example\.net$`: "end @example.net", `^(.*)@a$`: "end @a", `^bob`: "begin bob", `^bob(@.*)?$`: "begin bob", `^a$`: "end a", `é$`: "end é",
		``: "none", `$`: "none", `^`: "none", `^$`: "none", `a`: "none", `(?i)@a$`: "none", `(?m)a$`: "none", `(?m)^a`: "none", `^a|b$`: "none",
		`ab*$`: "none", `^ab*`: "begin a", `(a)$`: "none", `.*@a$`: "end @a", "\ufffd$": "none", `a$b`: "none", `a?$`: "none", `^(?:a)b`: "begin ab", `\z`: "none", `a\z`: "end a",
	} {
		got := "none"
		if end, text, ok := regexpText(source); ok {
			got = [...]string{axisBegin: "begin ", axisEnd: "end "}[end] + text
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", source, got, want)
		}
	}
}
