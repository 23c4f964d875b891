package users

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

const plainUsers = `BEGIN	NULL
	Idle-Timeout = 5, Fall-Through = Yes
bob	User-Password = "x", NAS-Port = "1-5,9", Huntgroup-Name = "east"
	Reply-Message = "hi", Session-Timeout = 10, Framed-IP-Address = 10.0.0.1+, Fall-Through = Yes
carl	Cleartext-Password := "y", Service-Type == Framed-User
	Reply-Message = "hi", Session-Timeout := 10, Tunnel-Type:1 = VLAN, Fall-Through = Yes
DEFAULT	Called-Station-Id = "none"
	Reply-Message = "never"
DEFAULT	Match-Profile = p
	Session-Timeout = 20
p	NULL
	Filter-Id = "p"
`

func TestMatchAllocatesNothing(t *testing.T) {
	d := loadDictionary(t)
	table, errs := loadText(t, d, plainUsers+"dora	Called-Station-Id =~ \"^a+b\"\n	Filter-Id = \"x\"\n", Options{})
	if errs.Failed() {
		t.Fatal(errs)
	}
	for _, request := range []string{
		"User-Name = bob, NAS-Port = 3", "User-Name = carl, Service-Type = Framed-User", "User-Name = nobody",
		"User-Name = dora, Called-Station-Id = aaab",
	} {
		q := query(t, d, request)
		least := 1.0
		for range 20 { // the pools of the race detector forget at random
			least = min(least, testing.AllocsPerRun(10, func() {
				q.Control.Reset()
				q.Reply.Reset()
				table.Match(q)
			}))
		}
		if least != 0 || !q.Found {
			t.Errorf("%s: %v allocations or more, found %v", request, least, q.Found)
		}
	}
}

func TestNamesThatOnlyFailToMatch(t *testing.T) {
	d := loadDictionary(t)
	for _, fold := range []bool{false, true} {
		table, errs := loadText(t, d, "bob	NAS-Port = 1\n	Reply-Message = \"x\"\n", Options{IgnoreCase: fold})
		if errs.Failed() {
			t.Fatal(errs)
		}
		for _, name := range []string{"", strings.Repeat("b", 300), "bob\x00", "b\xff", "\x00"} {
			q := query(t, d, "NAS-Port = 1")
			q.Name = []byte(name)
			if table.Match(q); q.Found {
				t.Errorf("%q was found", name)
			}
			table.Touch(table.Hash(q.Name))
			table.Warm(table.Hash(q.Name))
		}
	}
}

func TestQueryIsReusable(t *testing.T) {
	d := loadDictionary(t)
	table, _ := loadText(t, d, plainUsers, Options{})
	q := query(t, d, "User-Name = bob, NAS-Port = 3")
	table.Match(q)
	rules, reply := len(q.Rules), listText(q.Reply)
	q.Name = []byte("nobody")
	table.Match(q)
	q.Name = []byte("bob")
	q.Reply.Reset()
	table.Match(q)
	if len(q.Rules) != rules || listText(q.Reply) != reply {
		t.Errorf("second match: %d rules, %s; first: %d rules, %s", len(q.Rules), listText(q.Reply), rules, reply)
	}
}

func TestWithoutHostAndControl(t *testing.T) {
	d := loadDictionary(t)
	table, _ := loadText(t, d, plainUsers, Options{})
	q := &Query{Name: []byte("bob"), Request: parsePairs(t, d, "NAS-Port = 1"), Reply: &dictionary.List{}, Control: &dictionary.List{}}
	table.Match(q)
	if !q.Found || len(q.Control.Pairs) != 0 {
		t.Errorf("found %v, control %s", q.Found, listText(q.Control))
	}
}

func TestEmptyTable(t *testing.T) {
	d := loadDictionary(t)
	var errs raddb.List
	table := Load(raddb.Open(t.TempDir()), "users", Options{Dictionary: d}, &errs)
	if diff := cmp.Diff("users: cannot read users: no such file or directory", errs.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	q := query(t, d, "User-Name = bob")
	if table.Match(q); q.Found || table.Len() != 0 {
		t.Error("an empty table matched")
	}
	table.Close(nil)
	table.Close(nil)
	if table.Match(q); q.Found {
		t.Error("a closed table matched")
	}
}

func TestOrderTellsTheDialect(t *testing.T) {
	d := loadDictionary(t)
	for text, want := range map[string]Dialect{
		"bob	NULL\n	Reply-Message = x\n":                          GNU,
		"bob	Cleartext-Password := x\n":                           FreeRADIUS,
		"$DIALECT freeradius\nbob	Service-Type = Framed-User\n":   FreeRADIUS,
		"a	Password = x NULL\nb	Cleartext-Password := x\n":        GNU,
		"$DIALECT FreeRADIUS\na	Password = x NULL\nb	NULL NULL\n": FreeRADIUS,
	} {
		table, _ := loadText(t, d, text, Options{})
		if table.Order() != want {
			t.Errorf("%q: order %v, want %v", text, table.Order(), want)
		}
	}
}

func TestComputedValueKeepsItsTag(t *testing.T) {
	d := loadDictionary(t)
	var sources []string
	table, errs := loadText(t, d, `bob	Cleartext-Password := "x"
	Tunnel-Private-Group-Id:3 = "=vlan(req)", Filter-Id = "=vlan(req)", Reply-Message = '=text', Class = "=other()"
`, Options{Names: fakeNames{&sources}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	q := query(t, d, "User-Name = bob")
	table.Match(q)
	want := `Tunnel-Private-Group-Id = computed 0000000103, Filter-Id = computed 00000001, Reply-Message = "=text", Class = computed 00000002`
	if diff := cmp.Diff(want, listText(q.Reply)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"vlan(req)", "other()"}, sources); diff != "" {
		t.Errorf("sources (-want +got)\n%s", diff)
	}
}

func TestGroup(t *testing.T) {
	d := loadDictionary(t)
	table, errs := loadText(t, d, "DEFAULT	Group = \"root\"\n	Reply-Message = \"in\"\nDEFAULT	Group != \"root\"\n	Reply-Message = \"out\"\n", Options{})
	if errs.Failed() {
		t.Skip("no /etc/group here: ", errs)
	}
	for name, want := range map[string]string{"root": `Reply-Message = "in"`, "nobody-of-that-name": `Reply-Message = "out"`} {
		q := query(t, d, "NAS-Port = 1")
		q.Name = []byte(name)
		table.Match(q)
		if got := listText(q.Reply); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestLocal: rules may ask for the server's own address where requests have it.
func TestLocal(t *testing.T) {
	d := loadDictionary(t)
	table, errs := loadText(t, d, "DEFAULT	GNU-Server-Port = 1645, GNU-Server-Address = 127.0.0.1	Reply-Message = \"in\"\n", Options{Local: true})
	if errs.Failed() {
		t.Fatal(errs)
	}
	for request, want := range map[string]bool{"GNU-Server-Port = 1645, GNU-Server-Address = 127.0.0.1": true, "GNU-Server-Port = 1646, GNU-Server-Address = 127.0.0.1": false, "NAS-Port = 1645": false} {
		q := query(t, d, "User-Name = bob, "+request)
		if table.Match(q); q.Found != want {
			t.Errorf("%s: %v", request, q.Found)
		}
	}
}

// TestRegexpOfNothing: an attribute of two octets has a value without memory, after one that was made into text.
func TestRegexpOfNothing(t *testing.T) {
	d := loadDictionary(t)
	table, errs := loadText(t, d, "$DIALECT freeradius\nDEFAULT NAS-Port =~ \"^1\"\n\tClass = x\n"+
		"DEFAULT Called-Station-Id =~ \"^(.*)$\"\n\tReply-Message = \"got %{1}.\"\n", Options{})
	if errs.Failed() {
		t.Fatal(errs)
	}
	q := query(t, d, "User-Name = bob, NAS-Port = 2")
	q.Request.AddShared(dictionary.Pair{Attr: d.Attribute("Called-Station-Id"), Value: []byte{}})
	table.Match(q)
	if diff := cmp.Diff(`Reply-Message = "got ."`, listText(q.Reply)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
