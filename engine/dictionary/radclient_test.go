package dictionary

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// These tests let FreeRADIUS's radclient send every attribute of FreeRADIUS's own dictionary directory, with
// values of each kind, and compare four things: what we read of the octets that it sends, how we show it, the
// octets that we make of the same text, and what radclient reads when we send these back.

const radclientSecret = "testing123"

// needRadclient ends the test where radclient or the directory is missing.
func needRadclient(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("radclient")
	if _, missing := os.Stat(freeradius + "/dictionary"); err == nil && missing == nil {
		return
	}
	if os.Getenv("PERILUNE_TOOLS") == "require" {
		t.Fatal("radclient or its dictionaries are not installed, and PERILUNE_TOOLS=require")
	}
	t.Skip("radclient or its dictionaries are not installed")
}

// A foreign is one attribute with a value as radclient reads it.
type foreign struct{ name, text string }

// foreignTexts are the values that each type is tried with.
var foreignTexts = map[Type][]string{
	TypeString:     {`"some text"`, `"a \"q\" \\ \303\244\nb"`},
	TypeOctets:     {"0x01", "0x0102030405060708090a0b0c0d0e0f1011121314"},
	TypeByte:       {"1", "254"},
	TypeShort:      {"1", "65534"},
	TypeInteger:    {"1", "16777214", "4294967294"},
	TypeInteger64:  {"1", "18446744073709551614"},
	TypeSigned:     {"1", "-2", "2147483646"},
	TypeDate:       {`"Nov 14 2023 22:13:20 UTC"`, "4294967294"},
	TypeIPv4Addr:   {"192.0.2.1", "255.255.255.255"},
	TypeIPv6Addr:   {"2001:db8::1", "::"},
	TypeIPv4Prefix: {"192.0.2.0/24", "192.0.2.1/32", "0.0.0.0/0", "192.0.2.129/25"},
	TypeIPv6Prefix: {"2001:db8::/32", "2001:db8:8000::/33", "::/0", "2001:db8::1/128", "2001:db8::1/64"},
	TypeComboIP:    {"192.0.2.1", "2001:db8::1"},
	TypeIfID:       {"1:2:3:4", "ffff:0:0:abcd"},
	TypeEther:      {"00:00:5e:00:53:01"},
	TypeABinary:    {`"ip in forward tcp est"`},
}

// foreigns gives every attribute of the wire that a file declares, or any file, with its values.
func foreigns(d *Dictionary, file string) (all []foreign) {
	for _, a := range d.Attributes() {
		if a.Internal || a.carried && a.at.File == "" || d.occupant(a) != a || digitNames(a) || file != "" && a.at.File != file {
			continue
		}
		texts := foreignTexts[a.Type]
		if a.Type == TypeOctets && a.Length > 0 {
			texts = []string{"0x" + strings.Repeat("0a", a.Length)}
		}
		if a.Tagged && a.Type == TypeInteger {
			texts = []string{"1", "16777214"}
		}
		for _, text := range texts {
			all = append(all, foreign{a.Name, text})
			if a.Tagged {
				all = append(all, foreign{a.Name + ":7", text})
			}
		}
		for _, v := range a.values.byName {
			all = append(all, foreign{a.Name, `"` + v.name + `"`})
		}
	}
	return all
}

// digitNames reports whether a number has digits for its name. FreeRADIUS shows these and reads them as a
// number, which is another one.
func digitNames(a *Attribute) bool {
	for name := range a.ValueNames() {
		if strings.Trim(name, "0123456789") == "" {
			return true
		}
	}
	return false
}

// A dialog is what radclient and the test's server told each other of one packet.
type dialog struct {
	asked    []foreign // radclient sends these
	answered []foreign // the server does
	request  []byte    // as it came
	sent     []string  // as radclient shows it
	received []string  // what radclient shows of the answer
}

// A foreignRun is one run of radclient against a server of the test.
type foreignRun struct {
	d       *Dictionary
	dir     string
	dialogs []*dialog
}

// newForeignRun loads the root file of FreeRADIUS's directory and, if it has a name, another one.
func newForeignRun(t *testing.T, more string) *foreignRun {
	r := &foreignRun{dir: t.TempDir()}
	text := "$INCLUDE " + freeradius + "/dictionary\n"
	if more != "" {
		text += "$INCLUDE " + more + "\n"
	}
	if err := os.WriteFile(filepath.Join(r.dir, "dictionary"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var errs raddb.List
	r.d = Load(raddb.Open(r.dir), "dictionary", &errs)
	r.d.Freeze()
	return r
}

// add spreads values over packets. Those of one TLV do not follow each other, because radclient would join
// them in one attribute.
func (r *foreignRun) add(t *testing.T, all []foreign) {
	const room, stride = 2600, 7919 // a prime
	size := room
	var last *Attribute
	for i := range all {
		f := all[i*stride%len(all)]
		ref, err := r.d.Resolve(f.name)
		if err != nil {
			t.Error(err)
			continue
		}
		if size += len(f.text) + 18; size > room {
			r.dialogs, size = append(r.dialogs, &dialog{}), 0
		}
		p := r.dialogs[len(r.dialogs)-1]
		if ref.Attr.Root == last {
			between := foreign{"Reply-Message", `"between"`}
			p.asked, p.answered = append(p.asked, between), append(p.answered, between)
		}
		last = ref.Attr.Root
		if !unsendable(ref.Attr) {
			p.asked = append(p.asked, f)
		}
		if !unreadable(ref.Attr) {
			p.answered = append(p.answered, f)
		}
	}
}

func (r *foreignRun) run(t *testing.T) {
	t.Helper()
	var file bytes.Buffer
	for i, p := range r.dialogs {
		fmt.Fprintf(&file, "User-Name = \"packet-%d\"\n", i)
		for _, f := range p.asked {
			fmt.Fprintf(&file, "%s = %s\n", f.name, f.text)
		}
		file.WriteString("\n")
	}
	name := filepath.Join(r.dir, "packets")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.serve(t, conn)
	}()
	cmd := exec.Command("radclient", "-D", r.dir, "-x", "-r", "3", "-t", "3", "-p", "4", "-f", name, conn.LocalAddr().String(), "auth", radclientSecret)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.CombinedOutput()
	conn.Close()
	<-done
	if bytes.Contains(out, []byte("dict_init")) {
		t.Skipf("radclient itself cannot load this: %s", out)
	}
	if err != nil {
		t.Fatalf("radclient: %v\n%s", err, out[max(0, len(out)-2000):])
	}
	r.read(string(out))
	t.Logf("%d packets", len(r.dialogs))
}

// serve answers every packet with the values that belong to it, as we write them.
func (r *foreignRun) serve(t *testing.T, conn net.PacketConn) {
	s := foreignSession()
	buf := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		p, err := radius.Parse(bytes.Clone(buf[:n]))
		if err != nil {
			t.Errorf("a packet of radclient's: %v", err)
			continue
		}
		_, value, _, _ := p.Attributes.Next()
		i, err := strconv.Atoi(strings.TrimPrefix(string(value), "packet-"))
		if err != nil || i >= len(r.dialogs) {
			t.Errorf("a packet begins with %q", value)
			continue
		}
		r.dialogs[i].request = bytes.Clone(buf[:n])
		out := r.reply(t, &p, value, r.dialogs[i].answered, s)
		if _, err := conn.WriteTo(out, from); err != nil {
			t.Error(err)
		}
	}
}

func foreignSession() *radius.Session {
	var s radius.Session
	s.Use(radius.NewSecret(radclientSecret))
	return &s
}

// reply gives a signed answer.
func (r *foreignRun) reply(t *testing.T, p *radius.Packet, name []byte, values []foreign, s *radius.Session) []byte {
	reply := radius.Packet{Code: radius.CodeAccessAccept, Identifier: p.Identifier}
	attrs := radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
	attrs = radius.AppendAttribute(attrs, radius.TypeUserName, name)
	salt := testSalter()
	for _, f := range values {
		pair, err := r.d.ParsePair(f.name + " = " + f.text)
		if err == nil {
			attrs, err = Encode(attrs, &pair, s, &p.Authenticator, salt)
		}
		if err != nil {
			t.Errorf("%s = %s: %v", f.name, f.text, err)
		}
	}
	reply.Attributes = attrs
	out, err := reply.AppendTo(nil)
	if err != nil {
		t.Error(err)
		return nil
	}
	s.SignReply(out, &p.Authenticator)
	return out
}

var packetNumber = regexp.MustCompile(`^User-Name = "packet-(\d+)"`)

// read gives each dialog what radclient printed of it.
func (r *foreignRun) read(out string) {
	var into *[]string
	received := false
	for _, line := range strings.Split(out, "\n") {
		switch {
		case !strings.HasPrefix(line, "\t"):
			received, into = strings.HasPrefix(line, "Received "), nil
		case into == nil:
			if m := packetNumber.FindStringSubmatch(line[1:]); m != nil {
				i, _ := strconv.Atoi(m[1])
				into = &r.dialogs[i].sent
				if received {
					into = &r.dialogs[i].received
				}
				*into = nil // it may have been sent twice
			}
		default:
			*into = append(*into, strings.Replace(line[1:], ":0 = ", " = ", 1))
		}
	}
}

// flat gives a pair as radclient shows one: a line for every field.
func flat(dst []string, a *Attribute, tag uint8, value []byte) []string {
	if len(a.children) > 0 && a.Fits(value) {
		for c, v := range a.fields(value) {
			dst = flat(dst, c, 0, v)
		}
		return dst
	}
	name := a.FullName()
	if tag != 0 {
		name += ":" + strconv.Itoa(int(tag))
	}
	return append(dst, string(a.appendAssigned([]byte(name), value, false)))
}

// shown gives a line of radclient's as we show the same value.
func (r *foreignRun) shown(line string) string {
	p, err := r.d.ParsePair(line)
	if err != nil {
		return err.Error()
	}
	return strings.Join(flat(nil, p.Attr, p.Tag, p.Value), "; ")
}

// sameText reports whether we must show a value as radclient does. We show dates in another form, and the
// first of several names of a number where FreeRADIUS shows the last.
func (r *foreignRun) sameText(line string) bool {
	name, _, _ := splitPair(line)
	ref, err := r.d.Resolve(name)
	if err != nil || ref.Attr.Type == TypeDate {
		return false
	}
	names := map[uint64]int{}
	for _, v := range ref.Attr.values.byName {
		names[v.number]++
	}
	p, _ := r.d.ParsePair(line)
	if ref.Attr.IsField() {
		p.Value, _ = ref.Attr.Field(p.Value, 0)
	}
	n, _ := ref.Attr.Uint(p.Value)
	return names[n] < 2
}

// compare reports all differences.
func (r *foreignRun) compare(t *testing.T) {
	t.Helper()
	for i, p := range r.dialogs {
		q, err := radius.Parse(p.request)
		if err != nil {
			t.Errorf("packet %d: %v", i, err)
			continue
		}
		r.compareDecoded(t, i, p, &q)
		r.compareEncoded(t, i, p, &q)
		if len(p.answered) == 0 {
			continue
		}
		var want []string
		for _, f := range p.answered {
			want = append(want, r.shown(f.name+" = "+f.text))
		}
		var got []string
		for at, line := range p.received {
			if strings.HasPrefix(line, "Attr-") && at < len(p.answered) && !isNumberName(p.answered[at].name) {
				t.Errorf("packet %d: radclient does not understand our %s: %s", i, p.answered[at].name, line)
			}
			got = append(got, r.shown(line))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("packet %d: radclient reads what we send as (-want +got)\n%s", i, diff)
		}
	}
}

// compareDecoded compares what radclient has sent with what we read.
func (r *foreignRun) compareDecoded(t *testing.T, i int, p *dialog, q *radius.Packet) {
	t.Helper()
	var l List
	if err := r.d.Decode(&l, q.Attributes, foreignSession(), &q.Authenticator); err != nil {
		t.Error(err)
	}
	var got, want []string
	for _, pair := range l.Pairs[1:] {
		got = flat(got, pair.Attr, pair.Tag, pair.Value)
	}
	for _, line := range p.sent {
		if !r.sameText(line) {
			line = r.shown(line)
		}
		want = append(want, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packet %d: we read what radclient sends as (-want +got)\n%s", i, diff)
	}
}

// compareEncoded compares the octets that radclient has sent with those that we make of the same text.
func (r *foreignRun) compareEncoded(t *testing.T, i int, p *dialog, q *radius.Packet) {
	t.Helper()
	_, _, attrs, _ := q.Attributes.Next() // its number
	for _, f := range p.asked {
		pair, err := r.d.ParsePair(f.name + " = " + f.text)
		if err != nil {
			t.Error(err)
		}
		ours, err := Encode(nil, &pair, foreignSession(), &q.Authenticator, nil)
		if err != nil {
			t.Error(err)
		}
		theirs := attrs[:min(len(attrs), len(ours))]
		if pair.Attr.Type == TypeIPv6Prefix && len(attrs) > 0 { // theirs has 16 octets of address, zeros too
			theirs = attrs[:attrs[1]]
			ours = append(ours, make([]byte, max(0, len(theirs)-len(ours)))...)
			ours[1] = theirs[1]
			if pair.Attr.Vendor != nil {
				ours[7] = theirs[7]
			}
		}
		attrs = attrs[len(theirs):]
		if !bytes.Equal(theirs, ours) {
			t.Errorf("packet %d: %s = %s: radclient sends %x, we %x", i, f.name, f.text, theirs, ours)
			return
		}
	}
	if len(attrs) > 0 {
		t.Errorf("packet %d: radclient sends more: %x", i, attrs)
	}
}

// unsendable reports whether radclient cannot send an attribute as it was told.
func unsendable(a *Attribute) bool {
	switch a.Name {
	case "User-Password", "CHAP-Password", "Message-Authenticator":
		return true // it computes them, from the last one in the file
	}
	if a.Vendor != nil && a.Vendor.Format.TypeLen > 1 && a.IsField() {
		return true // it writes the field's number over the high octet of the type
	}
	return a.Encrypt == EncryptSalted || inStandardTLV(a) // it hides such values only in replies
}

// inStandardTLV is of the fields of IPv6-6rd-Configuration: FreeRADIUS 3 has no TLVs in the space of RFC 2865.
func inStandardTLV(a *Attribute) bool {
	return a.IsField() && a.Root.Vendor == nil && a.Root.Parent == nil
}

// unreadable reports whether radclient does not read an attribute from an answer.
func unreadable(a *Attribute) bool {
	return a.Name == "Message-Authenticator" || inStandardTLV(a)
}

func TestRadclientHasAll(t *testing.T) {
	needRadclient(t)
	r := newForeignRun(t, "")
	all := foreigns(r.d, "")
	r.add(t, all)
	r.run(t)
	t.Logf("%d values of %d attributes", len(all), len(r.d.Attributes()))
	r.compare(t)
}

// The files that the root file does not include, each on top of it.
func TestRadclientHasTheOthers(t *testing.T) {
	needRadclient(t)
	for _, file := range needFreeRADIUS(t) {
		if isIncluded(t, file) || file == freeradius+"/dictionary" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := newForeignRun(t, file)
			all := foreigns(r.d, file)
			if len(all) == 0 {
				return
			}
			r.add(t, all)
			r.run(t)
			r.compare(t)
		})
	}
}

// Numbers for names, and octets that do not fit the type of a declared attribute.
func TestRadclientHasNumbers(t *testing.T) {
	needRadclient(t)
	r := newForeignRun(t, "")
	values := []foreign{
		{"Attr-4", "0xc0000201"}, {"Attr-4", "0x010203"}, {"Attr-5", "0x0102"}, {"Attr-5", "0x00000102"},
		{"Attr-26.9.250", "0x61"}, {"Attr-26.9.2", "0x6162"}, {"Attr-26.99999.3", "0x0102"}, {"Attr-200", "0x01"},
		{"Attr-26.24757.250", "0x0102"}, {"Attr-26.8164.40000", "0x0102"}, {"Attr-26.429.400000", "0x0102"},
		{"Attr-26.24757.1", "0x010203"}, {"Attr-26.311.7", "0x01"},
		{"Attr-26.429.48958", "0x0102"}, {"Attr-26.637.1793", "0x01"}, {"Attr-26.24757.99", "0x0102"},
		{"Attr-64", "0x0100000d"}, {"Attr-64", "0x01"}, {"Attr-82", "0x0161"}, {"Attr-97", "0x002020010db8"},
		{"Attr-96", "0x01"}, {"Attr-55", "0x01"},
	}
	for _, f := range values {
		p := &dialog{asked: []foreign{f}}
		if !strings.HasPrefix(f.name, "Attr-26.24757.") || f.name == "Attr-26.24757.1" { // shown whole, as Vendor-Specific
			p.answered = p.asked
		}
		r.dialogs = append(r.dialogs, p)
	}
	r.run(t)
	r.compare(t)
}
