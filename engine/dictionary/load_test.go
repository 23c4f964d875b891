package dictionary

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
)

// shipped loads the dictionary that comes with the server, which must be without a flaw.
func shipped(t testing.TB) *Dictionary {
	t.Helper()
	var errs raddb.List
	d := Load(raddb.Open("../../raddb"), "dictionary", &errs)
	for _, e := range errs {
		t.Error(e)
	}
	d.Freeze()
	return d
}

// loadText loads a dictionary from its text alone.
func loadText(t testing.TB, text string) (*Dictionary, raddb.List) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dictionary"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs raddb.List
	d := Load(raddb.Open(dir), "dictionary", &errs)
	return d, errs
}

// sample loads a text that must be without a flaw.
func sample(t testing.TB, text string) *Dictionary {
	t.Helper()
	d, errs := loadText(t, text)
	for _, e := range errs {
		t.Error(e)
	}
	return d
}

func TestCarriedHasAllKnown(t *testing.T) {
	var errs raddb.List
	d := carried(&errs)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	known := reflect.ValueOf(d.Known)
	for i := range known.NumField() {
		if known.Field(i).IsNil() {
			t.Errorf("Known.%s is nil", known.Type().Field(i).Name)
		}
	}
}

// What native code knows must be what arrives, whatever the files declare again.
func TestKnownKeepsItsIdentity(t *testing.T) {
	d := shipped(t)
	for _, a := range []*Attribute{d.Known.UserName, d.Known.NASPort, d.Known.EAPMessage, d.Known.TunnelType, d.Known.VendorSpecific} {
		if d.ByNumber(byte(a.Number)) != a || d.Attribute(a.Name) != a {
			t.Errorf("%s is two attributes", a.Name)
		}
	}
	if a := d.Known.FramedIPAddress; a.Additivity != Replace || a.Propagate {
		t.Errorf("Framed-IP-Address: additivity %d, propagate %v", a.Additivity, a.Propagate)
	}
	if a := d.Known.ServiceType; a.Additivity != Replace || !a.Propagate {
		t.Errorf("Service-Type: additivity %d, propagate %v", a.Additivity, a.Propagate)
	}
}

func TestIndexIsDense(t *testing.T) {
	for i, a := range shipped(t).Attributes() {
		if a.Index != i || a.Root == nil || a.Name == "" {
			t.Fatalf("attribute %d: %+v", i, a)
		}
	}
}

func TestLookup(t *testing.T) {
	d := shipped(t)
	tests := []struct{ name, want string }{
		{"User-Name", "User-Name 1 string"},
		{"user-NAME", "User-Name 1 string"},
		{"Password", "User-Password 2 string"},
		{"NAS-Port", "NAS-Port 5 integer"},
		{"NAS-Port-Id", "NAS-Port-Id 87 string"},
		{"NAS-Port-Id-String", "NAS-Port-Id 87 string"},
		{"Cisco-AVPair", "Cisco-AVPair 1 string"},
		{"Attr-1", "User-Name 1 string"},
		{"Attr-26.9.1", "Cisco-AVPair 1 string"},
		{"Vendor-9-Attr-1", "Cisco-AVPair 1 string"},
		{"attr-26.64999.3", "Attr-26.64999.3 3 octets"},
		{"Attr-200", "Attr-200 200 octets"},
		{"Attr-21", "Attr-21 21 octets"},
		{"Expiration", "Expiration 21 date"},
		{"Attr-241.1", "Frag-Status 1 integer"},
		{"Attr-241.200", "Attr-241.200 200 octets"},
		{"Attr-241.7.9", "IP-Port-Map-Range-Start 9 integer"},
		{"Attr-241.7.99", "Attr-241.7.99 99 octets"},
		{"Attr-245.26.64999.1", "Attr-245.26.64999.1 1 octets"},
		{"IPv6-6rd-Configuration.IPv6-6rd-Prefix", "IPv6-6rd-Prefix 2 ipv6prefix"},
		{"Attr-0", ""}, {"Attr-256", ""}, {"Attr-", ""}, {"Attr-26.9", ""}, {"Attr-1.2", ""},
		{"Attr-26.9.1.1", ""}, {"Attr-241.256", ""}, {"Attr-1.1.1.1.1.1.1.1.1.1", ""}, {"Attr-x", ""}, {"Attr-26.4294967296.1", ""},
		{"Vendor-9", ""}, {"Nothing", ""}, {"", ""}, {".", ""}, {"User-Name.x", ""},
	}
	for _, tt := range tests {
		if got := describe(d.Attribute(tt.name)); got != tt.want {
			t.Errorf("Attribute(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := describe(d.GNUAttribute("nas-port-id")); got != "NAS-Port 5 integer" {
		t.Errorf("GNUAttribute(NAS-Port-Id) = %q", got)
	}
}

func describe(a *Attribute) string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%s %d %s", a.Name, a.Number, a.Type)
}

func TestMadeUpIsOneAttribute(t *testing.T) {
	d := shipped(t)
	a, b := d.Attribute("Attr-26.64999.3"), d.Attribute("Vendor-64999-Attr-3")
	if a != b {
		t.Error("two attributes for one number")
	}
	for n := range 2 * maxMadeUp {
		d.vendorAttribute(70000, uint32(n))
	}
	c, e := d.vendorAttribute(70001, 1), d.vendorAttribute(70001, 1)
	if !c.Same(e) || c.Same(a) {
		t.Error("beyond the bound, attributes of one number must be the same and others not")
	}
}

func TestResolve(t *testing.T) {
	d := shipped(t)
	tests := []struct{ name, want string }{
		{"Tunnel-Type", "Tunnel-Type -1"},
		{"Tunnel-Type:1", "Tunnel-Type 1"},
		{"tunnel-type:0", "Tunnel-Type 0"},
		{"Tunnel-Type:32", `the tag of Tunnel-Type is "32"; expected a number from 0 to 31`},
		{"Tunnel-Type:", `the tag of Tunnel-Type is ""; expected a number from 0 to 31`},
		{"User-Name:1", "User-Name has no tags; expected the name without :1"},
		{"Usr-Name", `unknown attribute "Usr-Name"; did you mean "User-Name"?`},
		{"Framed-IP-Adress:2", `unknown attribute "Framed-IP-Adress"; did you mean "Framed-IP-Address"?`},
		{"IPv6-6rd-Configuration.IPv6-6rd-Prefx", `IPv6-6rd-Configuration has no field "IPv6-6rd-Prefx"; did you mean "IPv6-6rd-Prefix"?`},
	}
	for _, tt := range tests {
		r, err := d.Resolve(tt.name)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%s %d", r.Attr.Name, r.Tag)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Resolve(%q) (-want +got)\n%s", tt.name, diff)
		}
	}
}

// A dictionary is read from many goroutines, also for numbers that it does not know.
func TestConcurrentReading(t *testing.T) {
	d := shipped(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var l List
			for n := range 300 {
				l.Reset()
				_ = d.Decode(&l, []byte{26, 9, 0, 1, byte(n >> 6), byte(g + n), byte(n), 3, 'x', 1, 3, 'b'}, nil, nil)
				if d.Attribute("Attr-26.70000."+fmt.Sprint(n)) == nil {
					t.Error("no attribute by number")
				}
			}
		})
	}
	wg.Wait()
}

func TestDescribe(t *testing.T) {
	d := shipped(t)
	if got := d.Attribute("User-Password").Aliases(); !slices.Contains(got, "Password") {
		t.Errorf("aliases of User-Password: %q", got)
	}
	if at := d.Attribute("Cisco-AVPair").Declared(); at.File != "dictionary.d/cisco" || at.Line == 0 {
		t.Errorf("Cisco-AVPair is declared at %s", at)
	}
	var fields []string
	for _, c := range d.Attribute("IPv6-6rd-Configuration").Children() {
		fields = append(fields, c.Name)
	}
	if diff := cmp.Diff([]string{"IPv6-6rd-IPv4MaskLen", "IPv6-6rd-Prefix", "IPv6-6rd-BR-IPv4-Address"}, fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !slices.Contains(slices.Collect(d.VendorNames()), "Microsoft") || d.Vendor(9).Name != "Cisco" || d.Vendor(65000) != nil {
		t.Error("vendors are wrong")
	}
	if d.VendorAttribute(9, 1) != d.Attribute("Cisco-AVPair") || d.VendorAttribute(9, 254) != nil || d.VendorAttribute(65000, 1) != nil {
		t.Error("attributes of vendors are wrong")
	}
	for name := range typeNames {
		if typ, ok := ParseType(name); !ok || typ.String() == "unknown" {
			t.Errorf("type %s: %s, %v", name, typ, ok)
		}
	}
	r, err := d.ResolveGNU("NAS-Port-Id")
	if err != nil || r.Attr != d.Known.NASPort {
		t.Errorf("ResolveGNU: %v, %v", r, err)
	}
}

func TestPrefix(t *testing.T) {
	d := demoDictionary(t)
	tests := []struct{ name, text, want string }{
		{"Framed-IPv6-Prefix", "2001:db8::1/32", "2001:db8::/32"},
		{"NAS-IP-Address", "192.0.2.1", "192.0.2.1/32"},
		{"NAS-IPv6-Address", "::1", "::1/128"},
		{"User-Name", "::1", "invalid Prefix"},
	}
	for _, tt := range tests {
		p, ok := d.Attribute(tt.name).Prefix(value(t, d, tt.name, tt.text))
		if p.String() != tt.want || ok != (tt.name != "User-Name") {
			t.Errorf("%s %s: %s, %v", tt.name, tt.text, p, ok)
		}
	}
}

// All files of the directory are included, but for those that take numbers of the standards on purpose; these
// load on top of the others.
func TestShippedFiles(t *testing.T) {
	root, err := os.ReadFile("../../raddb/dictionary")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../raddb/dictionary.d/*")
	if err != nil {
		t.Fatal(err)
	}
	var without []string
	for _, file := range files {
		name := filepath.Base(file)
		if strings.Contains(string(root), "\n$INCLUDE dictionary.d/"+name+"\n") {
			continue
		}
		without = append(without, name)
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		d, errs := loadText(t, "$INCLUDE "+shippedPath(t)+"\n$INCLUDE "+path+"\n")
		if errs.Failed() {
			t.Errorf("%s: %v", name, errs)
		}
		if d.ByNumber(5) != d.Known.NASPort || d.ByNumber(79) != d.Known.EAPMessage {
			t.Errorf("%s takes numbers that the server needs", name)
		}
	}
	if diff := cmp.Diff([]string{"ascend-old", "usr-old"}, without); diff != "" {
		t.Errorf("not included (-want +got)\n%s", diff)
	}
	text := "$INCLUDE " + shippedPath(t) + "\n$INCLUDE " + shippedPath(t) + ".d/ascend-old" + "\n"
	d, _ := loadText(t, text)
	var l List
	if err := d.Decode(&l, []byte{135, 6, 192, 0, 2, 1}, nil, nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"X-Ascend-Client-Primary-DNS = 192.0.2.1"}, listText(&l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
