package users

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// The model says slowly and plainly what the documentation of the two dialects says: it keeps entries as text
// in the order of the file, goes through all of them, and knows nothing of indexes, slabs and compiled pairs.

type modelPair struct {
	name, op, value string
	tag             int
}

func (p modelPair) write() string {
	name := p.name
	if p.tag > 0 {
		name += ":" + strconv.Itoa(p.tag)
	}
	return fmt.Sprintf("%s %s %q", name, p.op, p.value)
}

type modelEntry struct {
	label         string
	free          bool // of the FreeRADIUS dialect
	checks, reply []modelPair
	through       bool
}

func (e modelEntry) write() string {
	reply := slices.Clone(e.reply)
	if e.through {
		reply = append(reply, modelPair{name: "Fall-Through", op: "=", value: "Yes"})
	}
	lists := [2]string{}
	for i, list := range [][]modelPair{e.checks, reply} {
		var items []string
		for _, p := range list {
			items = append(items, p.write())
		}
		if lists[i] = strings.Join(items, ", "); lists[i] == "" && !e.free {
			lists[i] = "NULL"
		}
	}
	if lists[1] == "" {
		return e.label + "\t" + lists[0] + "\n"
	}
	return e.label + "\t" + lists[0] + "\n\t" + lists[1] + "\n"
}

// An item is a pair of a list that is filled. own: the entry at work gave it.
type modelItem struct {
	name, value string
	tag         int
	own         bool
}

type model struct {
	free    bool // the order is that of the file
	fold    bool
	entries []modelEntry

	name           string
	request        []modelItem
	control, reply []modelItem
	rules          []string
	found          bool
	stripped       string
}

// modelAdditivity of the attributes that the model sets: + append, = replace the first, N keep.
var modelAdditivity = map[string]byte{
	"Reply-Message": '+', "Session-Timeout": '=', "X-Keep": 'N', "Class": '+', "Simultaneous-Use": '+', "Hint": '+',
}

func numeric(name string) bool {
	return name == "NAS-Port" || name == "Session-Timeout" || name == "Simultaneous-Use"
}

// modelRelation compares as `have op want`.
func modelRelation(name, have, op, want string) bool {
	c := strings.Compare(have, want)
	if numeric(name) {
		a, _ := strconv.ParseUint(have, 10, 32)
		b, _ := strconv.ParseUint(want, 10, 32)
		switch {
		case a < b:
			c = -1
		case a > b:
			c = 1
		}
	}
	switch op {
	case "=", "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	case ">=":
		return c >= 0
	case "=~":
		return strings.HasPrefix(have, strings.TrimPrefix(want, "^"))
	case "!~":
		return !strings.HasPrefix(have, strings.TrimPrefix(want, "^"))
	}
	panic(op)
}

func (m *model) values(list []modelItem, name string) (values []string) {
	for _, i := range list {
		if i.name == name {
			values = append(values, i.value)
		}
	}
	return values
}

// order reports whether a check is an order for the server and never compared.
func (p modelPair) order() bool { return p.op == ":=" || p.op == "+=" || p.name == "Simultaneous-Use" }

func (m *model) holds(e modelEntry, p modelPair) bool {
	switch p.name {
	case "Prefix":
		return m.name != "" && strings.HasPrefix(m.name, p.value) == (p.op != "!=")
	case "Suffix":
		return m.name != "" && strings.HasSuffix(m.name, p.value) == (p.op != "!=")
	case "Hint":
		has := append(m.values(m.request, "Hint"), m.values(m.control, "Hint")...)
		return len(has) > 0 && slices.Contains(has, p.value) == (p.op != "!=")
	}
	has := m.values(m.request, p.name)
	switch {
	case p.op == "=*":
		return len(has) > 0
	case p.op == "!*":
		return len(has) == 0
	case !e.free:
		return len(has) > 0 && modelRelation(p.name, has[0], p.op, p.value)
	}
	return slices.ContainsFunc(has, func(v string) bool { return modelRelation(p.name, v, p.op, p.value) })
}

func sameItem(p modelPair) func(modelItem) bool {
	return func(i modelItem) bool { return i.name == p.name && i.tag == p.tag }
}

// put fills a list with one pair of an entry.
func (m *model) put(list []modelItem, e modelEntry, p modelPair, reply bool) []modelItem {
	item := modelItem{p.name, p.value, p.tag, true}
	same := sameItem(p)
	earlier := func(i modelItem) bool { return i.name == p.name && !i.own } // whatever its tag
	at := slices.IndexFunc(list, same)
	op := p.op
	if !e.free {
		op = string(modelAdditivity[p.name])
	}
	switch {
	case op == "N" && at >= 0, op == "=" && e.free && !reply && at >= 0, op == "=" && e.free && slices.ContainsFunc(list, earlier):
		return list // what is there stays
	case op == "=" && !e.free && at >= 0: // additivity: replace
		list[at] = item
		return list
	case op == ":=" && !reply && at >= 0:
		list[at] = item
		kept := slices.DeleteFunc(slices.Clone(list[at+1:]), same)
		return append(list[:at+1], kept...)
	case op == ":=":
		if at = slices.IndexFunc(list, earlier); at >= 0 { // the first of earlier entries'
			list[at] = item
			return list
		}
	}
	return append(list, item)
}

// try matches one entry; done ends the search.
func (m *model) try(e modelEntry) (done bool) {
	for _, p := range e.checks {
		if !p.order() && !m.holds(e, p) {
			return false
		}
	}
	m.rules = append(m.rules, e.label)
	for i := range m.control {
		m.control[i].own = false
	}
	for i := range m.reply {
		m.reply[i].own = false
	}
	for _, p := range e.checks {
		switch {
		case p.order():
			m.control = m.put(m.control, e, p, false)
		case p.name == "Prefix" && p.op != "!=" && strings.HasPrefix(m.stripped, p.value):
			m.stripped = m.stripped[len(p.value):]
		case p.name == "Suffix" && p.op != "!=" && strings.HasSuffix(m.stripped, p.value):
			m.stripped = m.stripped[:len(m.stripped)-len(p.value)]
		}
	}
	for _, p := range e.reply {
		m.reply = m.put(m.reply, e, p, true)
	}
	return !e.through
}

// kind tells BEGIN and DEFAULT entries from those of a name.
func (e modelEntry) kind() string {
	word := strings.TrimRight(e.label, "0123456789")
	if e.label == "DEFAULT" || !e.free && (word == "DEFAULT" || word == "BEGIN") {
		return word
	}
	return "name"
}

func (m *model) named(e modelEntry) bool {
	if e.kind() != "name" {
		return false
	}
	return e.label == m.name || m.fold && strings.EqualFold(e.label, m.name)
}

// scan tries the entries that a pass asks for.
func (m *model) scan(wanted func(modelEntry) bool) (done bool) {
	for _, e := range m.entries {
		if wanted(e) && m.try(e) {
			return true
		}
	}
	return false
}

func (m *model) match() {
	m.stripped = m.name
	isKind := func(kind string) func(modelEntry) bool {
		return func(e modelEntry) bool { return e.kind() == kind }
	}
	if m.free {
		m.scan(func(e modelEntry) bool { return m.named(e) || e.kind() == "DEFAULT" })
		m.found = len(m.rules) > 0
		return
	}
	if m.name == "" || m.scan(isKind("BEGIN")) {
		return
	}
	begun := len(m.rules)
	first := m.named
	if m.name == "DEFAULT" {
		first = isKind("DEFAULT")
	}
	if !m.scan(first) {
		m.scan(isKind("DEFAULT"))
	}
	m.found = len(m.rules) > begun
}

// Generators. Few names and values, so that entries meet.

var modelLabels = []string{"bob", "bob", "bob", "bob", "Bob", "DEFAULT", "DEFAULT", "DEFAULT", "DEFAULT7", "BEGIN", "BEGIN2", "Pbob.s", "begin"}

func drawOne(t *rapid.T, label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(t, label)
}

func drawValue(t *rapid.T, name string) string {
	switch {
	case numeric(name):
		return drawOne(t, "number", "60", "61", "60", "4294967295")
	case name == "Prefix":
		return drawOne(t, "prefix", "P", "b", "Pb")
	case name == "Suffix":
		return drawOne(t, "suffix", ".s", "b", "ob")
	}
	return drawOne(t, "text", "a", "b", "ab")
}

func drawCheck(t *rapid.T, free bool) modelPair {
	p := modelPair{name: drawOne(t, "check", "NAS-Port", "NAS-Port", "Called-Station-Id", "Class", "Hint", "Prefix", "Suffix", "Simultaneous-Use")}
	ops := []string{"=", "!="}
	switch p.name {
	case "NAS-Port", "Called-Station-Id":
		ops = append(ops, "<", ">", "<=", ">=")
	case "Simultaneous-Use":
		ops = ops[:1]
	}
	if free {
		switch p.name {
		case "Simultaneous-Use":
			ops = append(ops, ":=", "+=", ":=")
		case "Called-Station-Id":
			ops = append(ops, "=*", "!*", "==", "=~", "!~")
		case "NAS-Port", "Class":
			ops = append(ops, "=*", "!*", "==", ":=", "+=")
		default:
			ops = append(ops, "==")
		}
	}
	p.op = drawOne(t, "op", ops...)
	if p.value = drawValue(t, p.name); strings.HasSuffix(p.op, "~") {
		p.value = "^" + p.value
	}
	return p
}

func drawReply(t *rapid.T, free bool) modelPair {
	names := []string{"Reply-Message", "Session-Timeout", "X-Keep"}
	p := modelPair{op: "="}
	if free {
		names = append(names, "Tunnel-Type")
		p.op = drawOne(t, "reply op", "=", ":=", "+=")
	}
	if p.name = drawOne(t, "reply", names...); p.name == "Tunnel-Type" {
		p.tag = rapid.IntRange(1, 2).Draw(t, "tag")
		p.value = drawOne(t, "tunnel", "3", "4")
		return p
	}
	p.value = drawValue(t, p.name)
	return p
}

func drawEntry(t *rapid.T, free, mixed bool) modelEntry {
	e := modelEntry{label: rapid.SampledFrom(modelLabels).Draw(t, "label"), free: free, through: rapid.IntRange(0, 3).Draw(t, "fall through") > 0}
	for range rapid.IntRange(0, 2).Draw(t, "checks") {
		e.checks = append(e.checks, drawCheck(t, free))
	}
	for range rapid.IntRange(0, 4).Draw(t, "replies") {
		e.reply = append(e.reply, drawReply(t, free))
	}
	if free && mixed { // a sign of the dialect
		e.checks = append(e.checks, modelPair{name: "Simultaneous-Use", op: ":=", value: "60"})
	}
	if len(e.checks)+len(e.reply) == 0 {
		e.reply = append(e.reply, drawReply(t, free))
	}
	return e
}

func drawModel(t *rapid.T) (m *model, o Options) {
	m = &model{fold: rapid.Bool().Draw(t, "ignore case")}
	o = Options{IgnoreCase: m.fold, Dialect: rapid.SampledFrom([]Dialect{Infer, GNU, FreeRADIUS}).Draw(t, "dialect")}
	m.free = o.Dialect == FreeRADIUS
	mixed := o.Dialect == Infer
	for range rapid.IntRange(1, 10).Draw(t, "entries") {
		free := m.free || mixed && rapid.Bool().Draw(t, "free")
		m.entries = append(m.entries, drawEntry(t, free, mixed))
	}
	if mixed { // so that both kinds of signs are there
		m.entries = append(m.entries,
			modelEntry{label: "zoe", checks: []modelPair{{name: "NAS-Port", op: "=", value: "1"}}, reply: nil},
			modelEntry{label: "zoe", free: true, checks: []modelPair{{name: "NAS-Port", op: "==", value: "1"}}})
	}
	return m, o
}

func drawRequest(t *rapid.T, m *model) {
	m.name = rapid.SampledFrom(append([]string{"bob", "bob", "", "BOB", "nobody", "default"}, modelLabels...)).Draw(t, "name")
	for range rapid.IntRange(0, 4).Draw(t, "pairs") {
		name := drawOne(t, "attribute", "NAS-Port", "NAS-Port", "Called-Station-Id", "Class", "Hint")
		m.request = append(m.request, modelItem{name: name, value: drawValue(t, name)})
	}
}

// A modelResult is what is compared.
type modelResult struct {
	Rules          []string
	Found          bool
	Stripped       string
	Control, Reply []string
}

func itemsText(items []modelItem) (out []string) {
	for _, i := range items {
		out = append(out, fmt.Sprintf("%s:%d=%s", i.name, i.tag, i.value))
	}
	return out
}

func pairsText(l *dictionary.List) (out []string) {
	for _, p := range l.Pairs {
		text := string(p.Value)
		if n, ok := p.Attr.Uint(p.Value); ok && p.Attr.Type != dictionary.TypeString && p.Attr.Type != dictionary.TypeOctets {
			text = strconv.FormatUint(n, 10)
		}
		out = append(out, fmt.Sprintf("%s:%d=%s", p.Attr.Name, p.Tag, text))
	}
	return out
}

// TestMatchFollowsTheModel compares Match with the model, over small files of each dialect and of both.
func TestMatchFollowsTheModel(t *testing.T) {
	d := loadDictionary(t)
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		m, o := drawModel(t)
		var text bytes.Buffer
		for _, e := range m.entries {
			text.WriteString(e.write())
		}
		if err := os.WriteFile(filepath.Join(dir, "users"), text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs raddb.List
		o.Dictionary = d
		table := Load(raddb.Open(dir), "users", o, &errs)
		defer table.Close(nil)
		if errs.Failed() {
			t.Fatalf("%s\n%v", text.Bytes(), errs)
		}
		drawRequest(t, m)
		q := &Query{Name: []byte(m.name), Request: &dictionary.List{}, Control: &dictionary.List{}, Reply: &dictionary.List{}, Now: clock}
		for _, i := range m.request {
			a := d.Attribute(i.name)
			v, err := encode(nil, a, []byte(i.value))
			if err != nil {
				t.Fatal(err)
			}
			q.Request.Add(a.AnyTag(), v)
		}
		m.match()
		table.Match(q)
		got := modelResult{Found: q.Found, Stripped: string(q.Stripped), Control: pairsText(q.Control), Reply: pairsText(q.Reply)}
		for _, r := range q.Rules {
			got.Rules = append(got.Rules, r.Label)
		}
		want := modelResult{m.rules, m.found, m.stripped, itemsText(m.control), itemsText(m.reply)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s name %q %v (-model +Match)\n%s", text.Bytes(), o.Dialect, m.name, m.request, diff)
		}
	})
}
