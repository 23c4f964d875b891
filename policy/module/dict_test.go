package module

import (
	"testing"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// testDictionary has the internal attributes and one vendor.
func testDictionary(t *testing.T) *dictionary.Dictionary {
	t.Helper()
	tree := raddb.Open(t.TempDir())
	var errs raddb.List
	d := dictionary.Load(tree, "none", &errs)
	at := raddb.Pos{File: "test"}
	if err := d.AddVendor(dictionary.Vendor{Name: "Acme", ID: 64999, Format: radius.DefaultVSAFormat}, at); err != nil {
		t.Fatal(err)
	}
	a, err := d.AddAttribute(dictionary.Attribute{Name: "Acme-Role", Number: 1, Vendor: d.VendorNamed("Acme"), Type: dictionary.TypeInteger}, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.AddValue(a, "Admin", 1, at); err != nil {
		t.Fatal(err)
	}
	d.Freeze()
	return d
}

func TestDict(t *testing.T) {
	check(t, &Env{Dictionary: testDictionary(t)}, []fact{
		{`local a = dict.attribute("acme-role") out(a.name, a.number, a.vendor, a.type)`, "Acme-Role 1 Acme integer"},
		{`out(dict.attribute("Acme-Roll"))`, "nil"},
		{`local a = dict.attribute("Auth-Type") out(a.name, a.number)`, "Auth-Type nil"},
		{`out(dict.value("Acme-Role", "Admin"), dict.value("Acme-Role", 1), dict.value("Acme-Role", "x"), dict.value("Acme-Role", 9))`, "1 Admin nil nil"},
		{`dict.value("Acme-Role", {})`, "error: t.lua:1: argument 2 is table, expected a VALUE name or a whole number"},
		{`out((pcall(dict.value, "Acme-Roll", 1)))`, "false"},
	})
	check(t, &Env{}, []fact{{`dict.attribute("User-Name")`, "error: t.lua:1: there is no dictionary here"}})
}
