package dictionary

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perilune/engine/raddb"
)

// Decode must be total, and what it gives must come back.
func FuzzDecode(f *testing.F) {
	text, err := os.ReadFile("testdata/codec.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if _, octets, ok := strings.Cut(line, " "); ok {
			if wire, err := hex.DecodeString(strings.ReplaceAll(octets, " ", "")); err == nil {
				f.Add(wire)
			}
		}
	}
	f.Add(bytes.Repeat([]byte{79, 3, 1}, 5))
	f.Add([]byte{245, 5, 1, 0x80, 1, 245, 5, 1, 0, 2, 246, 4, 26, 0, 241, 7, 26, 0, 0, 0, 9})
	d := demoDictionary(f)
	f.Fuzz(func(t *testing.T, wire []byte) {
		checkStable(t, d, wire)
		var l List
		_ = d.Decode(&l, wire, nil, nil)
		for _, p := range l.Pairs {
			if p.Attr.Internal || p.Attr.IsField() {
				t.Fatalf("a packet brings %s", p.Attr.FullName())
			}
		}
		checkFields(t, d, &l)
	})
}

// checkFields reads and changes every field, to see that nothing in a packet upsets it.
func checkFields(t *testing.T, d *Dictionary, l *List) {
	for _, name := range []string{"Demo-QoS.Up", "Demo-Leaf", "Demo-List", "Demo-Map.Port"} {
		r := ref(t, d, name)
		for i := range l.Count(r) {
			if _, ok := l.Get(r, i); !ok {
				t.Fatalf("%s has no value %d of %d", name, i, l.Count(r))
			}
		}
		l.SetAt(r, 0, []byte{0, 0, 0, 1})
		l.DeleteAt(r, 0)
		l.Delete(r)
	}
}

// What ParseText reads must be shown and read back as the same value.
func FuzzParseText(f *testing.F) {
	d := demoDictionary(f)
	for _, text := range []string{
		"Framed-User", "192.0.2.1", "2001:db8::/32", "0x0102", "Jan 05 2026", "2026-01-05T09:00:00Z", "-1", "1:2:3:4", "00:00:5e:00:53:01", "::", "",
	} {
		for _, number := range []int{0, 3, 5, 40, 60, 100} {
			f.Add(number, text)
		}
	}
	f.Fuzz(func(t *testing.T, index int, text string) {
		all := d.Attributes()
		a := all[uint(index)%uint(len(all))]
		value, err := a.ParseText(nil, text)
		if err != nil {
			if a.Secret && len(text) > 6 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error of %s tells its text: %v", a.Name, err)
			}
			return
		}
		shown := a.AppendText(nil, value)
		if a.Type == TypeOctets || a.Type == TypeABinary || a.Type == TypeString {
			return // text of octets is shown as 0x…
		}
		back, err := a.ParseText(nil, string(shown))
		if order, ok := a.Compare(value, back); err != nil || order != 0 || !ok {
			t.Fatalf("%s %q is %x, shown as %q and read back as %x, %v", a.Name, text, value, shown, back, err)
		}
	})
}

// ParsePair takes anything, and what it reads it reads again from its text.
func FuzzParsePair(f *testing.F) {
	d := demoDictionary(f)
	for _, text := range []string{`User-Name = "b\"ob"`, `Tunnel-Type:1 := VLAN`, `Attr-26.9.1=0x01`, `Demo-QoS.Down=1`, `X='`, `Class+=a`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := d.ParsePair(text)
		if err != nil || p.Attr.Type.isSpace() {
			return
		}
		shown := string(p.AppendText(nil, false))
		if len(p.Attr.children) > 0 {
			return // several pairs
		}
		back, err := d.ParsePair(shown)
		if err != nil || !back.Attr.Same(p.Attr) || back.Tag != p.Tag {
			t.Fatalf("%q is shown as %s and read back as %v, %v", text, shown, back, err)
		}
	})
}

// Whatever a file says, loading ends, and the dictionary is usable.
func FuzzLoad(f *testing.F) {
	f.Add(gnuText)
	f.Add(demo)
	f.Add("ATTRIBUTE Vendors 26 string\nVENDOR Example 32473\nATTRIBUTE Example-Quota 2 integer Example\n")
	if bad, err := os.ReadFile("testdata/bad.txt"); err == nil {
		for _, block := range strings.Split(string(bad), "\n------\n") {
			f.Add(block)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "$include") {
			t.Skip("reads other files")
		}
		name := filepath.Join(t.TempDir(), "dictionary")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs raddb.List
		d := Load(raddb.Open(filepath.Dir(name)), "dictionary", &errs)
		d.Freeze()
		for i, a := range d.Attributes() {
			if a.Index != i || a.Root == nil || d.Attribute(a.NumberName()) == nil {
				t.Fatalf("%s (%s) is broken", a.Name, a.NumberName())
			}
		}
		var l List
		_ = d.Decode(&l, []byte{1, 3, 'b', 26, 11, 0, 0, 0, 9, 1, 5, 'a', '=', 'b', 241, 4, 1, 2}, nil, nil)
		for i := range l.Pairs {
			l.Pairs[i].AppendText(nil, true)
			_, _ = Encode(nil, &l.Pairs[i], nil, nil, nil)
		}
	})
}
