package dictionary

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listOf makes a list of pairs as text has them.
func listOf(t testing.TB, d *Dictionary, texts ...string) *List {
	t.Helper()
	var l List
	for _, text := range texts {
		p, err := d.ParsePair(text)
		if err != nil {
			t.Fatal(err)
		}
		l.AddShared(p)
	}
	return &l
}

func ref(t testing.TB, d *Dictionary, name string) Ref {
	t.Helper()
	r, err := d.Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// value gives the wire form of a text for the name.
func value(t testing.TB, d *Dictionary, name, text string) []byte {
	t.Helper()
	v, err := ref(t, d, name).Attr.ParseText(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestListChanges(t *testing.T) {
	d := demoDictionary(t)
	start := []string{
		`User-Name = "bob"`, `Reply-Message = "one"`, `Tunnel-Type:1 = VLAN`, `Reply-Message = "two"`, `Tunnel-Type = L2TP`,
		`Demo-QoS.Down=1`, `Attr-26.64999.3 = 0x01`, `Tunnel-Type:2 = GRE`, `Reply-Message = "three"`,
	}
	tests := []struct {
		does string
		run  func(l *List) any
		want string // what changes: lines with - go, with + come; the result first
	}{
		{"set at the place of the first", func(l *List) any {
			l.Set(ref(t, d, "Reply-Message"), []byte("x"))
			return nil
		}, `<nil> -Reply-Message = "one" +Reply-Message = "x" -Reply-Message = "two" -Reply-Message = "three"`},
		{"set what is absent", func(l *List) any { l.Set(ref(t, d, "Class"), []byte{1}); return nil }, `<nil> +Class = 0x01`},
		{"set one tag", func(l *List) any {
			l.Set(ref(t, d, "Tunnel-Type:2"), value(t, d, "Tunnel-Type", "VLAN"))
			return nil
		}, `<nil> -Tunnel-Type:2 = GRE +Tunnel-Type:2 = VLAN`},
		{"set among the first", func(l *List) any { return l.SetBefore(ref(t, d, "Reply-Message"), 5, []byte("x")) },
			`1 -Reply-Message = "one" +Reply-Message = "x" -Reply-Message = "two"`},
		{"set among the first that lack it", func(l *List) any {
			return l.SetBefore(ref(t, d, "Tunnel-Type"), 2, value(t, d, "Tunnel-Type", "GRE"))
		}, `0 +Tunnel-Type = GRE`},
		{"set a field among the first", func(l *List) any {
			return l.SetBefore(ref(t, d, "Demo-QoS.Down"), 3, value(t, d, "Demo-QoS.Down", "7"))
		}, `0 -Demo-QoS.Down = 1 +Demo-QoS.Down = 7`},
		{"set without tag", func(l *List) any {
			l.Set(ref(t, d, "Tunnel-Type"), value(t, d, "Tunnel-Type", "GRE"))
			return nil
		}, `<nil> -Tunnel-Type:1 = VLAN +Tunnel-Type = GRE -Tunnel-Type = L2TP -Tunnel-Type:2 = GRE`},
		{"set the second", func(l *List) any { return l.SetAt(ref(t, d, "Reply-Message"), 1, []byte("x")) },
			`true -Reply-Message = "two" +Reply-Message = "x"`},
		{"set one beyond the last", func(l *List) any { return l.SetAt(ref(t, d, "Reply-Message"), 3, []byte("x")) },
			`true +Reply-Message = "x"`},
		{"set further beyond", func(l *List) any { return l.SetAt(ref(t, d, "Reply-Message"), 4, []byte("x")) }, `false`},
		{"set before the first", func(l *List) any { return l.SetAt(ref(t, d, "Reply-Message"), -1, []byte("x")) }, `false`},
		{"delete all", func(l *List) any { return l.Delete(ref(t, d, "Reply-Message")) },
			`3 -Reply-Message = "one" -Reply-Message = "two" -Reply-Message = "three"`},
		{"delete the untagged", func(l *List) any { return l.Delete(ref(t, d, "Tunnel-Type:0")) }, `1 -Tunnel-Type = L2TP`},
		{"delete the second", func(l *List) any { return l.DeleteAt(ref(t, d, "Reply-Message"), 1) }, `true -Reply-Message = "two"`},
		{"delete beyond", func(l *List) any { return l.DeleteAt(ref(t, d, "Reply-Message"), 3) }, `false`},
		{"delete by number", func(l *List) any { return l.Delete(ref(t, d, "Attr-26.64999.3")) }, `1 -Attr-26.64999.3 = 0x01`},
		{"add", func(l *List) any { l.Add(ref(t, d, "Tunnel-Type:3"), []byte{0, 0, 0, 13}); return nil }, `<nil> +Tunnel-Type:3 = VLAN`},
		{"set a field", func(l *List) any {
			l.Set(ref(t, d, "Demo-QoS.Down"), value(t, d, "Demo-QoS.Down", "9"))
			return nil
		}, `<nil> -Demo-QoS.Down = 1 +Demo-QoS.Down = 9`},
		{"set a field beside one", func(l *List) any {
			l.Set(ref(t, d, "Demo-QoS.Up"), value(t, d, "Demo-QoS.Up", "9"))
			return nil
		}, `<nil> +Demo-QoS.Up = 9`},
		{"delete the last field", func(l *List) any { return l.Delete(ref(t, d, "Demo-QoS.Down")) }, `1 -Demo-QoS.Down = 1`},
		{"delete a field by place", func(l *List) any { return l.DeleteAt(ref(t, d, "Demo-QoS.Down"), 1) }, `false`},
		{"set a field by place", func(l *List) any {
			return l.SetAt(ref(t, d, "Demo-QoS.Down"), 0, value(t, d, "Demo-QoS.Down", "9"))
		}, `true -Demo-QoS.Down = 1 +Demo-QoS.Down = 9`},
	}
	for _, tt := range tests {
		l := listOf(t, d, start...)
		before := listText(l)
		result := tt.run(l)
		got := strings.TrimSpace(fmt.Sprint(result) + " " + changes(before, listText(l)))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.does, diff)
		}
	}
}

// changes gives the lines that went and came, in order.
func changes(before, after []string) string {
	var out []string
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(before) > 0 && len(after) > 0 && before[0] == after[0]:
			before, after = before[1:], after[1:]
		case len(before) > 0 && !slices.Contains(after, before[0]):
			out = append(out, "-"+before[0])
			before = before[1:]
		default:
			out = append(out, "+"+after[0])
			after = after[1:]
		}
	}
	return strings.Join(out, " ")
}

func TestListReads(t *testing.T) {
	d := demoDictionary(t)
	l := listOf(t, d, `User-Name = "bob"`, `Tunnel-Type:1 = VLAN`, `Tunnel-Type = L2TP`, `Demo-QoS.Up=5`)
	if v, ok := l.First(d.Known.UserName); !ok || string(v) != "bob" {
		t.Errorf("First: %q, %v", v, ok)
	}
	if _, ok := l.First(d.Known.State); ok {
		t.Error("First finds what is absent")
	}
	tests := []struct {
		name  string
		i     int
		want  string
		count int
	}{
		{"User-Name", 0, "bob", 1}, {"User-Name", 1, "", 1},
		{"Tunnel-Type", 1, "L2TP", 2}, {"Tunnel-Type:0", 0, "L2TP", 1}, {"Tunnel-Type:2", 0, "", 0},
		{"Demo-QoS.Up", 0, "5", 1}, {"Demo-QoS.Up", 1, "", 1}, {"Demo-QoS.Down", 0, "", 0},
		{"Demo-QoS", 0, "0x020600000005", 1},
	}
	for _, tt := range tests {
		r := ref(t, d, tt.name)
		v, ok := l.Get(r, tt.i)
		got := ""
		if ok {
			got = string(r.Attr.AppendText(nil, v))
		}
		if got != tt.want || l.Count(r) != tt.count {
			t.Errorf("%s %d: %q of %d, want %q of %d", tt.name, tt.i, got, l.Count(r), tt.want, tt.count)
		}
	}
}

// Merging follows the additivity of each attribute.
func TestMerge(t *testing.T) {
	d := sample(t, "ATTRIBUTE Both 200 integer []+\nATTRIBUTE Last 201 integer []=\nATTRIBUTE First 202 integer []N\n")
	l := listOf(t, d, "Last=1", "Both=1", "First=1")
	for _, text := range []string{"Both=2", "Last=2", "First=2", "Last=3"} {
		p, err := d.ParsePair(text)
		if err != nil {
			t.Fatal(err)
		}
		l.Merge(p)
	}
	want := []string{"Last = 3", "Both = 1", "First = 1", "Both = 2"}
	if diff := cmp.Diff(want, listText(l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFieldsNested(t *testing.T) {
	d := demoDictionary(t)
	var l List
	add := func(name, text string) { l.Add(ref(t, d, name), value(t, d, name, text)) }
	add("Demo-Leaf", "a")
	add("Demo-Other-Leaf", "7") // beside it, in the same TLVs
	add("Demo-List", "1")
	add("Demo-List", "2") // an array: in the same Root
	add("Demo-Leaf", "b") // no array: a Root of its own
	want := []string{
		`Demo-Leaf = "a", Demo-Other-Leaf = 7, Demo-List = 1, Demo-List = 2`,
		`Demo-Leaf = "b"`,
	}
	if diff := cmp.Diff(want, listText(&l)); diff != "" {
		t.Errorf("add (-want +got)\n%s", diff)
	}
	l.SetAt(ref(t, d, "Demo-Leaf"), 1, []byte("longer"))
	l.DeleteAt(ref(t, d, "Demo-List"), 0)
	l.Delete(ref(t, d, "Demo-Other-Leaf"))
	want = []string{`Demo-Leaf = "a", Demo-List = 2`, `Demo-Leaf = "longer"`}
	if diff := cmp.Diff(want, listText(&l)); diff != "" {
		t.Errorf("change (-want +got)\n%s", diff)
	}
	l.Set(ref(t, d, "Demo-Leaf"), []byte("one"))
	if got := l.Count(ref(t, d, "Demo-Leaf")); got != 1 {
		t.Errorf("%d leaves, want 1: %q", got, listText(&l))
	}
	l.Delete(ref(t, d, "Demo-List"))
	l.Delete(ref(t, d, "Demo-Leaf"))
	if len(l.Pairs) != 0 {
		t.Errorf("TLVs without fields are left: %x", l.Pairs[0].Value)
	}
	add("Demo-Leaf", "one")
	before := listText(&l)
	l.Set(ref(t, d, "Demo-Leaf"), []byte(strings.Repeat("x", 252)))
	if diff := cmp.Diff(before, listText(&l)); diff != "" {
		t.Errorf("a value without room changes the list (-want +got)\n%s", diff)
	}
}

func TestStructMembers(t *testing.T) {
	d := demoDictionary(t)
	var l List
	l.Add(ref(t, d, "Demo-Map.Port"), []byte{1, 2})
	l.Add(ref(t, d, "Demo-Map.Name"), []byte("n"))
	l.Set(ref(t, d, "Demo-Map.Slot"), []byte{9})
	l.Set(ref(t, d, "Demo-Map.Name"), []byte("longer"))
	want := []string{`Demo-Map.Slot = 9, Demo-Map.Port = 258, Demo-Map.Name = "longer"`}
	if diff := cmp.Diff(want, listText(&l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	steps := []struct {
		remove string
		want   []string
	}{
		{"Demo-Map.Port", []string{`Demo-Map.Slot = 9, Demo-Map.Port = 0, Demo-Map.Name = "longer"`}}, // the others keep their places
		{"Demo-Map.Name", []string{`Demo-Map.Slot = 9, Demo-Map.Port = 0`}},
		{"Demo-Map.Port", []string{`Demo-Map.Slot = 9`}},
		{"Demo-Map.Slot", nil},
	}
	for _, s := range steps {
		if n := l.Delete(ref(t, d, s.remove)); n != 1 {
			t.Errorf("%s: %d members are deleted, want 1", s.remove, n)
		}
		if diff := cmp.Diff(s.want, listText(&l)); diff != "" {
			t.Errorf("without %s (-want +got)\n%s", s.remove, diff)
		}
	}
}

// Values that do not fit a declared attribute are found by its number, and only so.
func TestMisfitsByNumber(t *testing.T) {
	d := demoDictionary(t)
	var l List
	if err := d.Decode(&l, []byte{5, 4, 1, 2, 5, 6, 0, 0, 0, 7, 26, 9, 0, 0, 1, 55, 7, 3, 1}, nil, nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		want string
	}{
		{"NAS-Port", "[00000007]"}, {"Attr-5", "[0102 00000007]"}, {"attr-5", "[0102 00000007]"},
		{"MS-MPPE-Encryption-Policy", "[]"}, {"Attr-26.311.7", "[01]"}, {"Vendor-311-Attr-7", "[01]"},
	}
	for _, tt := range tests {
		r, err := d.Resolve(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range l.Count(r) {
			v, _ := l.Get(r, i)
			got = append(got, fmt.Sprintf("%x", v))
		}
		if diff := cmp.Diff(tt.want, fmt.Sprint(got)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
	l.Delete(ref(t, d, "Attr-5"))
	if diff := cmp.Diff([]string{"Attr-26.311.7 = 0x01"}, listText(&l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A list owns its values: neither the caller's octets nor a copy's changes reach it.
func TestListOwnsValues(t *testing.T) {
	d := demoDictionary(t)
	octets := []byte("bob")
	var l, c List
	l.Add(ref(t, d, "User-Name"), octets)
	octets[0] = 'x'
	l.CopyTo(&c)
	l.Set(ref(t, d, "User-Name"), []byte("eve"))
	first, _ := c.First(d.Known.UserName)
	if string(first) != "bob" {
		t.Errorf("the copy has %q", first)
	}
	own, _ := l.First(d.Known.UserName)
	l.Set(ref(t, d, "User-Name"), own[1:]) // a value of its own
	if own, _ = l.First(d.Known.UserName); string(own) != "ve" {
		t.Errorf("set to a part of itself, it is %q", own)
	}
	l.Add(ref(t, d, "Class"), make([]byte, 2*maxKeptArena))
	l.Reset()
	if len(l.Pairs) != 0 || cap(l.arena) > maxKeptArena {
		t.Error("Reset keeps too much")
	}
}

// TestParsePairByNumber: 0x… after a number means octets, also for text that has a name.
func TestParsePairByNumber(t *testing.T) {
	d := demoDictionary(t)
	for text, want := range map[string]string{
		"Attr-1=0x626f62":            `User-Name = "bob"`,
		"attr-1=0x626f62":            `User-Name = "bob"`,
		"Vendor-24757-Attr-2=0x6101": `Demo-Text = "a\001"`,
		"attr-26.24757.2=0x6101":     `Demo-Text = "a\001"`,
		"User-Name=0x626f62":         `User-Name = "0x626f62"`,
		"Attr-1=bob":                 `User-Name = "bob"`,
		"Attr-1=0x62zz":              `User-Name = "0x62zz"`,
		"Attr-26.64999.3=0x01":       "Attr-26.64999.3 = 0x01",
	} {
		p, err := d.ParsePair(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(p.AppendText(nil, false)); got != want {
			t.Errorf("%s is read as %s, want %s", text, got, want)
		}
	}
}
