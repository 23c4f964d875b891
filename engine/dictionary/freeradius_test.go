package dictionary

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perilune/engine/raddb"
)

// freeradius is where Debian's freeradius-common puts its dictionaries.
const freeradius = "/usr/share/freeradius"

func needFreeRADIUS(t *testing.T) []string {
	files, _ := filepath.Glob(freeradius + "/dictionary*")
	if len(files) == 0 {
		t.Skip("no dictionaries of FreeRADIUS here: install freeradius-common to run this test")
	}
	return files
}

// Each file loads on top of the root file, which includes most of them.
func TestFreeRADIUSDirectoryLoads(t *testing.T) {
	files := needFreeRADIUS(t)
	for _, file := range files {
		if testing.Short() && file != freeradius+"/dictionary" {
			continue
		}
		if isIncluded(t, file) {
			continue
		}
		_, errs := loadText(t, "$INCLUDE "+freeradius+"/dictionary\n$INCLUDE- "+file+"\n")
		for _, e := range errs {
			if !e.Warning {
				t.Error(e)
			}
		}
	}
	t.Logf("%d files", len(files))
}

// isIncluded reports whether the root file reads the file by itself.
func isIncluded(t *testing.T, file string) bool {
	root, err := os.ReadFile(freeradius + "/dictionary")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(root), "\n$INCLUDE "+filepath.Base(file)+"\n")
}

// What a count by words finds must be what the parser read, with the same number and type.
func TestFreeRADIUSIsReadWhole(t *testing.T) {
	needFreeRADIUS(t)
	var errs raddb.List
	d := Load(raddb.Open(freeradius), "dictionary", &errs)
	if errs.Failed() {
		t.Fatal(errs)
	}
	lines := attributeLines(t, freeradius, "dictionary", nil)
	names := map[string]bool{}
	for _, w := range lines {
		names[strings.ToLower(w[1])] = true
		if d.Attribute(w[1]) == nil {
			t.Errorf("%s is not read", w[1])
		}
	}
	read := 0
	for name := range d.Names() {
		if a := d.names[fold(name)]; a != nil && names[fold(name)] {
			read++
		}
	}
	if read != len(names) {
		t.Errorf("%d names are read, %d are in the files", read, len(names))
	}
	t.Logf("%d ATTRIBUTE lines, %d names, %d attributes", len(lines), len(names), len(d.Attributes()))
}

// attributeLines gives the words of each ATTRIBUTE line of a file and what it includes.
func attributeLines(t *testing.T, dir, name string, into [][]string) [][]string {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		switch w := strings.Fields(line); {
		case len(w) > 3 && w[0] == "ATTRIBUTE":
			into = append(into, w)
		case len(w) > 1 && w[0] == "$INCLUDE":
			into = attributeLines(t, dir, w[1], into)
		}
	}
	return into
}

// The dictionary that is shipped agrees with FreeRADIUS's on everything that both have.
func TestShippedAgreesWithFreeRADIUS(t *testing.T) {
	needFreeRADIUS(t)
	ours := shipped(t)
	var errs raddb.List
	theirs := Load(raddb.Open(freeradius), "dictionary", &errs)
	compared := 0
	for _, a := range ours.Attributes() {
		b := theirs.Attribute(a.FullName())
		if b == nil || a.Internal || b.Internal || a.vendorID() != b.vendorID() {
			continue
		}
		compared++
		if a.NumberName() != b.NumberName() || a.Type != b.Type || a.Length != b.Length {
			t.Errorf("%s: %s %s[%d], FreeRADIUS has %s %s[%d]", a.Name, a.NumberName(), a.Type, a.Length, b.NumberName(), b.Type, b.Length)
		}
		if a.Name == "NAS-Filter-Rule" {
			continue // FreeRADIUS cannot send long ones
		}
		if a.Tagged != b.Tagged || a.Encrypt != b.Encrypt || a.Concat != b.Concat || a.Array != b.Array {
			t.Errorf("%s: other flags than FreeRADIUS's", a.Name)
		}
		for n, name := range a.values.byNumber {
			if m, ok := b.ValueNumber(name); ok && m != n {
				t.Errorf("%s %s is %d, FreeRADIUS has %d", a.Name, name, n, m)
			}
		}
	}
	if compared < 400 {
		t.Errorf("only %d attributes are compared", compared)
	}
	t.Logf("%d of %d attributes are compared", compared, len(ours.Attributes()))
}

// A dictionary of FreeRADIUS must not change what native code and rules rely on.
func TestFreeRADIUSLeavesInternalAlone(t *testing.T) {
	needFreeRADIUS(t)
	var errs raddb.List
	plain, d := carried(&errs), Load(raddb.Open(freeradius), "dictionary", &errs)
	for _, a := range plain.Attributes() {
		b := d.Attribute(a.Name)
		if a.Internal && (b == nil || !b.Internal || b.Type != a.Type) {
			t.Errorf("%s is %+v", a.Name, b)
		}
		for _, v := range a.values.byName {
			if n, ok := b.ValueNumber(v.name); a.Internal && (!ok || n != v.number) {
				t.Errorf("%s %s is %d, want %d", a.Name, v.name, n, v.number)
			}
		}
	}
	if d.ByNumber(5) != d.Known.NASPort || d.ByNumber(26) != d.Known.VendorSpecific || d.ByNumber(79) != d.Known.EAPMessage {
		t.Error("known attributes have lost their numbers")
	}
	if a := d.Attribute("Client-Port-Id"); a != d.Known.NASPort || a.Name != "NAS-Port" {
		t.Errorf("Client-Port-Id is %s, want another name of NAS-Port", a.Name)
	}
}

// Both directories together are one dictionary: what both have is one attribute, whatever order they are in.
func TestFreeRADIUSOnTopOfShipped(t *testing.T) {
	needFreeRADIUS(t)
	ours, theirs := "$INCLUDE "+shippedPath(t)+"\n", "$INCLUDE "+freeradius+"/dictionary\n"
	for _, text := range []string{ours + theirs, theirs + ours} {
		d, errs := loadText(t, text)
		for _, e := range errs {
			// Old names of SIP attributes, and a file that gives names to octets, are warned about.
			if !e.Warning || !strings.Contains(e.Msg, "attribute Digest-") && !strings.Contains(e.Msg, "CableLabs") {
				t.Error(e)
			}
		}
		if a := d.Attribute("Frag-Status"); a.Parent != d.ByNumber(241) || d.Attribute("Attr-241.1") != a {
			t.Errorf("Frag-Status is not found by number: %+v", a)
		}
	}
}
