package dictionary

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
)

var temporary = regexp.MustCompile(`/\S*/nowhere`)

func TestBadDictionaries(t *testing.T) {
	text, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "\n\n")
	for _, block := range strings.Split(body, "\n------\n") {
		lines, want, _ := strings.Cut(block, "\n======\n")
		_, errs := loadText(t, lines)
		errs.Sort()
		got := temporary.ReplaceAllString(errs.Error(), "DIR/nowhere")
		if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" {
			t.Errorf("%s\n(-want +got)\n%s", lines, diff)
		}
	}
}

func TestIncludeDepth(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(dir+"/"+name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// beside the including file first, then from the root; other's own path last
	write("dictionary", "$INCLUDE a/one\n$INCLUDE "+dir+"/b/three\n")
	write("a/one", "$INCLUDE two\n$INCLUDE b/three\n")
	write("a/two", "ATTRIBUTE Two 202 string\n")
	write("b/three", "ATTRIBUTE Three 203 string\n")
	var errs raddb.List
	d := Load(raddb.Open(dir), "dictionary", &errs)
	if len(errs) > 0 || d.Attribute("Two") == nil || d.Attribute("Three") == nil {
		t.Errorf("%v", errs)
	}
	write("dictionary", "$INCLUDE a/x0\n")
	for i := range 20 {
		write("a/x"+string(rune('0'+i)), "$INCLUDE x"+string(rune('1'+i))+"\n")
	}
	errs = nil
	Load(raddb.Open(dir), "dictionary", &errs)
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "files are included more than 16 deep") {
		t.Errorf("%v", errs)
	}
}

// Whatever is put in the place of a dictionary, loading ends soon and says why.
func TestNoDictionaryAtAll(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("noise", strings.Repeat("\x00\xff\xfe \x80garbage \"\n", 100_000))
	write("latin", "ATTRIBUTE Caf\xe9 200 string\nVALUE Service-Type \xe9t\xe9 900\n# \xff\xfe\n")
	write("oneline", strings.Repeat("x", 5<<20))
	write("values", strings.Repeat("VALUE Nothing-Known Some 1\n", 5000))
	write("closed", "ATTRIBUTE Closed 200 string\n")
	if err := os.Chmod(path("closed"), 0); err != nil {
		t.Fatal(err)
	}
	huge, err := os.Create(path("huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := huge.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	huge.Close()
	if err := os.Mkdir(path("directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("loop", "$INCLUDE again\n")
	write("again", "$INCLUDE loop\n")
	tests := []struct{ name, last string }{
		{"noise", "more than 1000 errors; the rest of the file was not read"},
		{"latin", ""},
		{"oneline", "unknown statement"},
		{"values", "more than 1000 values have no effect; the rest was not read"},
		{"closed", "permission denied"},
		{"huge", "has 1099511627776 octets; expected at most 67108864"},
		{"directory", "is no regular file"},
		{"/dev/zero", "is no regular file"},
		{"loop", "loop includes itself"},
		{"missing", "no such file"},
	}
	for _, tt := range tests {
		if tt.name == "closed" && os.Geteuid() == 0 {
			continue // root reads everything
		}
		write("dictionary", "$INCLUDE "+tt.name+"\nATTRIBUTE After 201 string\n")
		var errs raddb.List
		d := Load(raddb.Open(dir), "dictionary", &errs)
		if d.Attribute("After") == nil || len(errs) > maxErrors+10 {
			t.Errorf("%s: the rest is not read, or %d errors are too many", tt.name, len(errs))
		}
		last := ""
		if len(errs) > 0 {
			last = errs[len(errs)-1].Error()
		}
		if !strings.Contains(last, tt.last) || tt.last == "" && last != "" {
			t.Errorf("%s: %.300q, want %s", tt.name, last, tt.last)
		}
	}
}

// A script's declarations are strict: what clashes is refused with the place of the other.
func TestAddClashes(t *testing.T) {
	d := sample(t, "VENDOR Acme 64999\nATTRIBUTE Acme-Role 1 string Acme\nATTRIBUTE Acme-QoS 2 tlv Acme\n")
	acme, at := d.VendorNamed("acme"), raddb.Pos{File: "x.lua", Line: 1}
	qos := d.Attribute("Acme-QoS")
	tests := []struct {
		a    Attribute
		want string
	}{
		{Attribute{Name: "acme-role", Number: 9, Vendor: acme}, "attribute Acme-Role exists, declared at dictionary:2:11"},
		{Attribute{Name: "Acme-Other", Number: 1, Vendor: acme}, "attribute Acme-Other has the number of Acme-Role, declared at dictionary:2:11"},
		{Attribute{Name: "Acme-Big", Number: 256, Vendor: acme}, "attribute Acme-Big has the number 256; expected at most 255 here"},
		{Attribute{Name: "User-Name"}, "attribute User-Name exists, which the program itself declares"},
		{Attribute{Name: "a b"}, `"a b" is no name of an attribute; expected letters, digits, - _ . /`},
		{Attribute{Name: "X", Encrypt: 4}, "attribute X has encrypt=4; expected 1, 2 or 3"},
		{Attribute{Name: "X", Number: 1, Vendor: &Vendor{Name: "Nobody", ID: 5}}, "attribute X has the unknown vendor Nobody; expected one declared before"},
		{Attribute{Name: "My-Mark", Type: TypeString}, ""},
		{Attribute{Name: "Down", Number: 1, Parent: qos, Type: TypeInteger}, ""},
		{Attribute{Name: "down", Number: 2, Parent: qos, Vendor: acme, Type: TypeInteger}, "attribute Acme-QoS.Down exists, declared at x.lua:1"},
	}
	for _, tt := range tests {
		a, err := d.AddAttribute(tt.a, at)
		got := ""
		if err != nil {
			got = err.Error()
		} else if d.Attribute(a.FullName()) != a {
			t.Errorf("%s is not found", a.FullName())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.a.Name, diff)
		}
	}
	if a := d.Attribute("My-Mark"); !a.Internal {
		t.Error("an attribute without vendor and number is not internal")
	}
	checkVendorsAndValues(t, d, at)
}

func checkVendorsAndValues(t *testing.T, d *Dictionary, at raddb.Pos) {
	role := d.Attribute("Acme-QoS.Down")
	steps := []struct {
		err  error
		want string
	}{
		{d.AddVendor(Vendor{Name: "acme", ID: 64999, Format: d.VendorNamed("Acme").Format}, at), ""},
		{d.AddVendor(Vendor{Name: "Acme", ID: 1, Format: d.VendorNamed("Acme").Format}, at), "vendor Acme = 1 clashes with Acme = 64999, declared at dictionary:1:8"},
		{d.AddVendor(Vendor{Name: "Other", ID: 2}, at), "vendor Other has a format of 0,0; expected 1, 2 or 4 octets of type and 0, 1 or 2 of length"},
		{d.AddValue(role, "Fast", 7, at), ""},
		{d.AddValue(role, "fast", 8, at), "value fast of Acme-QoS.Down is 7 already; expected another name"},
		{d.AddValue(role, "Huge", 1<<32, at), "value Huge of Acme-QoS.Down is 4294967296; expected at most 4294967295"},
		{d.AddValue(d.Known.UserName, "Bob", 1, at), "User-Name has type string; expected a type of number for the value Bob"},
	}
	d.Freeze()
	frozen := "the dictionary is complete: nothing can be added after loading"
	_, err := d.AddAttribute(Attribute{Name: "Late"}, at)
	for i, got := range []error{err, d.AddVendor(Vendor{}, at), d.AddValue(role, "x", 1, at)} {
		if got == nil || got.Error() != frozen {
			t.Errorf("after Freeze, %d: %v", i, got)
		}
	}
	for _, s := range steps {
		if got := errText(s.err); got != s.want {
			t.Errorf("got  %s\nwant %s", got, s.want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
