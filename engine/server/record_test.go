package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/acct"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// testDisk is a Recorder and a DetailWriter that answer at once, with errors if they are told to.
type testDisk struct {
	order     []string
	records   []string
	files     map[string]string
	failStore error
	failFiles error
}

func (k *testDisk) Append(record []byte, done func(error)) {
	k.order = append(k.order, "store")
	if k.failStore == nil {
		k.records = append(k.records, string(record))
	}
	done(k.failStore)
}

func (k *testDisk) Healthy() bool { return k.failStore == nil }

// diskFiles is the half of testDisk that writes detail files.
type diskFiles struct{ *testDisk }

func (k diskFiles) Append(name string, record []byte, done func(error)) {
	k.order = append(k.order, "detail")
	if k.failFiles == nil {
		if k.files == nil {
			k.files = map[string]string{}
		}
		k.files[name] += string(record)
	}
	done(k.failFiles)
}

// account takes an Accounting-Request with these attributes through the whole way and gives it.
func account(t *testing.T, g *Generation, k *testDisk, files bool, lines ...string) *Request {
	t.Helper()
	o := CoreOptions{Recorder: k}
	if files {
		o.Detail = diskFiles{k}
	}
	c := core(t, o)
	r := incoming(g, "acct")
	datagram := wire(t, g, homeSecret, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, lines...)})
	if why := c.receive(r, datagram); why != 0 {
		t.Fatal(why)
	}
	c.process(r)
	if r.pending != waitNothing {
		c.wait(r, nil) // the recorders answer on this goroutine; without a desk, resume does nothing
		c.resume(r)
	}
	return r
}

func (r *Request) told() string {
	text := r.Verdict.String()
	if r.Reason != "" {
		text += " " + r.Reason
	}
	return fmt.Sprintf("%s %d", text, len(r.out))
}

// TestRecorders: which recorders run, by Acct-Type in request and control, and what becomes of the request if one of
// them fails.
func TestRecorders(t *testing.T) {
	const ok = "accept 20"
	disk := errors.New("disk full")
	for _, test := range []struct {
		name      string
		types     []int // of Acct-Type; -1: in control
		files     bool
		noSession bool
		failStore error
		failFiles error
		want      string // order, whether the record makes a session, outcome
	}{
		{"no detail files", nil, false, false, nil, nil, "store session, " + ok},
		{"both", nil, true, false, nil, nil, "store detail session, " + ok},
		{"without sessions", nil, true, true, nil, nil, "store detail apart, " + ok},
		{"the store fails", nil, true, false, disk, nil, "store none, drop recorder 0"},
		{"the file fails", nil, true, false, nil, disk, "store detail session, drop recorder 0"},
		{"System", []int{1}, true, false, nil, nil, "store session, " + ok},
		{"Detail", []int{2}, true, false, nil, nil, "detail none, " + ok},
		{"Detail fails", []int{2}, true, false, nil, disk, "detail none, drop recorder 0"},
		{"Detail and System", []int{2, 1}, true, false, nil, nil, "store detail session, " + ok},
		{"SQL", []int{3}, true, false, nil, nil, "store apart, " + ok},
		{"SQL and Detail", []int{3, 2}, true, false, nil, nil, "store detail apart, " + ok},
		{"None", []int{0}, true, false, nil, nil, "none, " + ok},
		{"None and Detail", []int{0, 2}, true, false, nil, nil, "detail none, " + ok},
		{"Detail without detail files", []int{2}, false, false, nil, nil, "store apart, " + ok},
		{"unknown", []int{77}, true, false, nil, nil, "store apart, " + ok},
		{"in control", []int{-1}, true, false, nil, nil, "detail none, " + ok},
	} {
		p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
			attr := r.Generation.Dictionary.Known.AcctType
			for _, n := range test.types {
				if n < 0 {
					r.Control.Add(attr.AnyTag(), []byte{0, 0, 0, acctTypeDetail})
				} else {
					r.Attributes.Add(attr.AnyTag(), []byte{0, 0, 0, byte(n)})
				}
			}
			return nil
		}}}
		g := load(t, "", p)
		g.Settings.Recording = Recording{Detail: test.files, NoSessions: test.noSession}
		k := &testDisk{failStore: test.failStore, failFiles: test.failFiles}
		r := account(t, g, k, test.files, "User-Name = bob", "Acct-Status-Type = Start", "Acct-Session-Id = 5e")
		got := append(k.order, "none")
		if len(k.records) > 0 {
			var e acct.Event
			if err := e.Parse(k.records[0]); err != nil {
				t.Fatal(err)
			}
			got[len(got)-1] = map[bool]string{true: "apart", false: "session"}[e.Apart]
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")+", "+r.told()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
}

// TestAcctTypeOfThePacket: a NAS cannot order who records: Acct-Type is no attribute of the wire.
func TestAcctTypeOfThePacket(t *testing.T) {
	g := load(t, "", nil)
	if a := g.Dictionary.Known.AcctType; a == nil || !a.Internal {
		t.Fatalf("Acct-Type: %+v", a)
	}
	k := &testDisk{}
	account(t, g, k, true, "User-Name = bob")
	if diff := cmp.Diff([]string{"store", "detail"}, k.order); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestIncomplete: what GNU Radius left unanswered is answered and recorded, unless settings say otherwise.
func TestIncomplete(t *testing.T) {
	for _, test := range []struct {
		lines   []string
		refused bool
	}{
		{[]string{"User-Name = bob", "NAS-Port = 1", "Acct-Session-Id = 5e"}, true},
		{nil, true},
		{[]string{"Acct-Status-Type = Start", "NAS-Port = 1", "Acct-Session-Id = 5e"}, true},
		{[]string{"Acct-Status-Type = Interim-Update", "NAS-Port = 1"}, false}, // of a session that is open, maybe
		{[]string{"Acct-Status-Type = Start", "Acct-Session-Id = 5e"}, false},  // without a port there is no session
		{[]string{"Acct-Status-Type = Start", "NAS-Port = 1", "Calling-Station-Id = 12"}, false},
		{[]string{"Acct-Status-Type = Stop", "NAS-Port = 1"}, false},
		{[]string{"Acct-Status-Type = Accounting-On"}, false},
		{[]string{"Acct-Status-Type = 99", "NAS-Port = 1"}, false},
		{[]string{"Acct-Status-Type = Start", "User-Name = bob"}, false},
	} {
		for _, refuse := range []bool{false, true} {
			g := load(t, "", nil)
			g.Settings.Recording.RefuseIncomplete = refuse
			k := &testDisk{}
			r := account(t, g, k, true, test.lines...)
			want := "accept 20"
			if refuse && test.refused {
				want = "discard incomplete 0"
			}
			if r.told() != want || (len(k.order) == 2) != (want == "accept 20") {
				t.Errorf("%v, refuse %v: %s, recorders %v; want %s", test.lines, refuse, r.told(), k.order, want)
			}
		}
	}
}

// TestDetailOnly: without Acct-Type a record goes to the detail file alone where that is set, and is never lost where
// there are no files.
func TestDetailOnly(t *testing.T) {
	for _, files := range []bool{true, false} {
		g := load(t, "", nil)
		g.Settings.Recording = Recording{Detail: files, DetailOnly: true}
		k := new(testDisk)
		account(t, g, k, files, "Acct-Status-Type = Start", "Acct-Session-Id = 1", "User-Name = bob")
		want := "store"
		if files {
			want = "detail"
		}
		if diff := cmp.Diff([]string{want}, k.order); diff != "" {
			t.Errorf("files %v (-want +got):\n%s", files, diff)
		}
	}
}

// TestDetailNames: what a detail file is called. Nothing that a packet says leads elsewhere.
func TestDetailNames(t *testing.T) {
	for _, test := range []struct {
		name, macro string
		lines       []string
		want        string
	}{
		{"the client", "", nil, "home/detail"},
		{"the client by NAS-IP-Address", "", []string{"NAS-IP-Address = 10.1.2.3"}, "campus/detail"},
		{"an address that no client has", "", []string{"NAS-IP-Address = 192.0.2.1"}, "home/detail"},
		{"an address of a client without a name", "", []string{"NAS-IP-Address = 198.51.100.7"}, "198.51.100.7/detail"},
		{"macros", "%n/%u.log", []string{"NAS-IP-Address = 10.1.2.3", "User-Name = bob"}, "10.1.2.3/bob.log"},
		{"no value", "%n/%u.log", nil, "0/.log"},
		{"a path in a name", "%u/detail", []string{"User-Name = ../../etc/passwd"}, ".._.._etc_passwd/detail"},
		{"the directory above", "%u/detail", []string{"User-Name = .."}, "_./detail"},
		{"a line in a name", "x/%u", []string{"User-Name = a\nb\\c"}, "x/a_b_c"},
	} {
		g := load(t, "", nil)
		if test.macro != "" {
			m, problems := users.ParseMacro(test.macro, g.Dictionary)
			if problems != nil {
				t.Fatal(problems)
			}
			g.Settings.Recording.Name.Macro = m
		}
		k := &testDisk{}
		r := account(t, g, k, true, test.lines...)
		if _, ok := k.files[test.want]; !ok || len(k.files) != 1 || r.Verdict != Accept {
			t.Errorf("%s: %q; want %q", test.name, k.files, test.want)
		}
	}
}

// TestDetailNameOfGNU: with the names of GNU Radius the directory of an address that no client has is the address.
func TestDetailNameOfGNU(t *testing.T) {
	g := load(t, "", nil)
	g.Settings.Recording.OldNames = true
	k := &testDisk{}
	account(t, g, k, true, "NAS-IP-Address = 192.0.2.1")
	if _, ok := k.files["192.0.2.1/detail"]; !ok || len(k.files) != 1 {
		t.Errorf("%q", k.files)
	}
}

// TestComputedDetailName: a script gives the name. One that fails gets no answer, one that gives nothing the default.
func TestComputedDetailName(t *testing.T) {
	for _, test := range []struct {
		value   string
		verdict *Verdict
		want    string
	}{
		{"by/script", nil, "accept 20 by/script"},
		{"", nil, "accept 20 home/detail"},
		{"x", &Verdict{Kind: Reject, Failed: true, Reason: ReasonHookFailed.String()}, "drop hook-failed 0 "},
	} {
		p := &scripted{names: []string{"name"}, values: map[string]func(*Request) (string, *Verdict){
			"name": func(*Request) (string, *Verdict) { return test.value, test.verdict },
		}}
		g := load(t, "", p)
		g.Settings.Recording.Name = DetailName{Computed: true}
		k := &testDisk{}
		r := account(t, g, k, true, "User-Name = bob")
		got := r.told() + " "
		for name := range k.files {
			got += name
		}
		if got != test.want {
			t.Errorf("%q: %s; want %s", test.value, got, test.want)
		}
	}
}

// TestDetailRecord: the form of a record, by name as received and as it stands, and by the client that does not sign.
func TestDetailRecord(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
		r.Attributes.Set(r.Generation.Dictionary.Known.UserName.AnyTag(), []byte("bob"))
		return nil
	}}}
	const head = "Mon Jan  1 12:00:00 2024\n"
	const tail = "\tTimestamp = 1704110400\n\tRequest-Authenticator = Verified\n\n"
	for _, test := range []struct {
		strip, old bool
		want       string
	}{
		{false, false, head + "\tUser-Name = Bob@x\n\tAcct-Status-Type = Start\n\tNAS-Port = 7\n" + tail},
		{true, false, head + "\tAcct-Status-Type = Start\n\tUser-Name = bob\n\tNAS-Port = 7\n" + tail},
		{false, true, head + "\tUser-Name = Bob@x\n\tAcct-Status-Type = Start\n\tNAS-Port-Id = 7\n" + tail},
	} {
		g := load(t, "", p)
		g.Settings.Location = monday.Location()
		g.Settings.Recording = Recording{StripNames: test.strip, OldNames: test.old}
		k := &testDisk{}
		account(t, g, k, true, "Acct-Status-Type = Start", "User-Name = Bob@x", "NAS-Port = 7")
		if diff := cmp.Diff(map[string]string{"home/detail": test.want}, k.files); diff != "" {
			t.Errorf("strip %v, old %v (-want +got)\n%s", test.strip, test.old, diff)
		}
	}
}

// TestDetailAuth: Access-Requests are written without their passwords, and nobody waits for that.
func TestDetailAuth(t *testing.T) {
	for _, on := range []bool{false, true} {
		g := load(t, "bob Cleartext-Password := hello\n", nil)
		g.Settings.Location = monday.Location()
		g.Settings.Recording.DetailAuth = on
		k := &testDisk{failFiles: nil}
		c := core(t, CoreOptions{Detail: diskFiles{k}})
		r := incoming(g, "auth")
		q := Question{Unsigned: true, Attributes: attrs(t, g, "User-Name = bob", "User-Password = hello", "NAS-Port = 3")}
		if why := c.receive(r, wire(t, g, homeSecret, q)); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
		var want map[string]string
		if on {
			want = map[string]string{"home/detail.auth": "Mon Jan  1 12:00:00 2024\n\tUser-Name = bob\n\tNAS-Port = 3\n\tTimestamp = 1704110400\n\n"}
		}
		if diff := cmp.Diff(want, k.files); diff != "" || r.Verdict != Accept {
			t.Errorf("on %v: %v (-want +got)\n%s", on, r.Verdict, diff)
		}
	}
}

// TestRecordedNames: the record has the name as received and the canonical one, the realm, and the Class of ours.
func TestRecordedNames(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict {
		r.Attributes.Set(r.Generation.Dictionary.Known.UserName.AnyTag(), []byte("bob"))
		return nil
	}}}
	g := load(t, "", p)
	out := ask(t, offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = BOB", "Acct-Session-Id = 5e")})
	var e acct.Event
	if err := e.Parse(string(out.Record)); err != nil {
		t.Fatal(err)
	}
	if e.UserName != "BOB" || e.Account() != "bob" || !json.Valid(out.Record) {
		t.Errorf("received %q, canonical %q in %s", e.UserName, e.Account(), out.Record)
	}
}

// TestNamelessSession: where GNU Radius's ways are kept the station names the user of a session without a name.
func TestNamelessSession(t *testing.T) {
	for _, gnu := range []bool{false, true} {
		g := load(t, "", nil)
		g.Settings.Recording.RefuseIncomplete = gnu
		out := ask(t, offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "Acct-Status-Type = Start", "NAS-Port = 1", "Calling-Station-Id = 555")})
		var e acct.Event
		if err := e.Parse(string(out.Record)); err != nil || e.Account() != map[bool]string{true: "#555"}[gnu] {
			t.Errorf("%v: canonical %q, %v", gnu, e.Account(), err)
		}
	}
}

// TestOfflineRecord: explain and policy tests show the record and the file, and write neither.
func TestOfflineRecord(t *testing.T) {
	g := load(t, "", nil)
	g.Settings.Recording = Recording{Detail: true}
	out := ask(t, offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = bob")})
	if len(out.Record) == 0 || !strings.Contains(out.Trace.String(), "detail file test/detail") || out.Answer != radius.CodeAccountingResponse {
		t.Errorf("record %q, answer %v\n%s", out.Record, out.Answer, out.Trace)
	}
}

// TestOddRecords: whatever stands in an Accounting-Request is recorded as JSON and answered: a NAS repeats for ever
// what is not.
func TestOddRecords(t *testing.T) {
	g := load(t, "", nil)
	values := []string{"", "\x00", "\x00\x00\x00\x01", "\x00\x00\x00\x01\x00", "\xff\xff\xff\xff", "a\nb", "\xff\xfe", strings.Repeat("x", 253), `{"a":1}`, "\u2028"}
	n := 0
	for _, kind := range []radius.Type{1, 4, 5, 8, 25, 31, 32, 40, 41, 42, 43, 44, 46, 49, 50, 52, 55, 61, 87, 95, 123, 192, 241} {
		for _, v := range values {
			n++
			k := &testDisk{}
			c := core(t, CoreOptions{Recorder: k, Detail: diskFiles{k}})
			r := incoming(g, "acct")
			if why := c.receive(r, onWire(radius.CodeAccountingRequest, homeSecret, "", attribute(kind, v), attribute(44, "5e"))); why != 0 {
				continue // no packet at all: malformed by RFC 2865
			}
			c.process(r)
			if r.pending != waitNothing {
				c.wait(r, nil)
				c.resume(r)
			}
			if r.told() != "accept 20" || len(k.records) != 1 || !json.Valid([]byte(k.records[0])) || new(acct.Event).Parse(k.records[0]) != nil {
				t.Errorf("type %d %q: %s, %q", kind, v, r.told(), k.records)
			}
		}
	}
	if n < 200 {
		t.Error(n)
	}
}

// BenchmarkRecord is the accounting path but for the store: from the datagram to the records, and to the answer.
func BenchmarkRecord(b *testing.B) {
	for name, files := range map[string]bool{"store": false, "detail": true} {
		b.Run(name, func(b *testing.B) {
			g := load(b, "", nil)
			o := CoreOptions{Recorder: unkept{}}
			if files {
				o.Detail = lost{}
			}
			c := core(b, o)
			r := new(Request)
			datagram := onWire(radius.CodeAccountingRequest, homeSecret, "", attribute(1, "bob"), attribute(4, "\x0a\x00\x00\x01"),
				attribute(5, "\x00\x00\x00\x07"), attribute(40, "\x00\x00\x00\x03"), attribute(44, "5e1f"), attribute(46, "\x00\x00\x01\x00"))
			b.ReportAllocs()
			for b.Loop() {
				ready(r, g, "acct")
				c.receive(r, datagram)
				c.process(r)
				c.wait(r, nil)
				c.resume(r)
			}
			if len(r.out) != radius.HeaderLen {
				b.Fatal(r.told())
			}
		})
	}
}

// lost is a DetailWriter that keeps nothing.
type lost struct{}

func (lost) Append(_ string, _ []byte, done func(error)) { done(nil) }

// TestRecordsAllocateNothing: both recorders, from the datagram to the answer.
func TestRecordsAllocateNothing(t *testing.T) {
	g := load(t, "", nil)
	c := core(t, CoreOptions{Recorder: unkept{}, Detail: lost{}})
	r := new(Request)
	datagram := onWire(radius.CodeAccountingRequest, homeSecret, "", attribute(1, "bob"), attribute(4, "\x0a\x00\x00\x01"), attribute(40, "\x00\x00\x00\x01"), attribute(44, "5e"))
	n := allocations(100, func() {
		ready(r, g, "acct")
		c.receive(r, datagram)
		c.process(r)
		c.wait(r, nil)
		c.resume(r)
	})
	if n != 0 || len(r.out) != radius.HeaderLen {
		t.Errorf("%v allocations, %s", n, r.told())
	}
}
