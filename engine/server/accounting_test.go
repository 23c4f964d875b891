package server

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// TestRecord: all attributes by name in their order, as valid JSON.
func TestRecord(t *testing.T) {
	g := load(t, "", nil)
	q := Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g,
		"User-Name = b\"o\\b\x01", "NAS-Identifier = sw1", "Acct-Status-Type = Start", "Class = 0x6f", "Class = 0x74",
		"Tunnel-Type:1 = 13", "Framed-IP-Address = 192.0.2.7", "Filter-Id = caf\xe9")}
	out := ask(t, offline(), g, q)
	var got any
	if err := json.Unmarshal(out.Record, &got); err != nil {
		t.Fatalf("%v in %s", err, out.Record)
	}
	want := `{"time":"2024-01-01T12:00:00Z","id":1,"client":"test","source":"127.0.0.1:0","nas":"sw1","status":1,"types":[1,32,40,25,25,64,8,11],"attributes":[` +
		`["User-Name","b\"o\\b\u0001"],["NAS-Identifier","sw1"],["Acct-Status-Type","Start"],["Class","0x6f"],["Class","0x74"],` +
		`["Tunnel-Type:1","13"],["Framed-IP-Address","192.0.2.7"],["Filter-Id","0x636166e9"]]}`
	if diff := cmp.Diff(want, string(out.Record)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if out.Answer != radius.CodeAccountingResponse {
		t.Errorf("answered with %v", out.Answer)
	}
}

// broken is a Recorder that refuses.
type broken struct{}

func (broken) Append(_ []byte, done func(error)) { done(errors.New("disk full")) }
func (broken) Healthy() bool                     { return false }

// TestNoAnswerWithoutRecord (RFC 2866 s2): the NAS sends it again, here or to its next server.
func TestNoAnswerWithoutRecord(t *testing.T) {
	g := load(t, "", nil)
	for name, recorder := range map[string]Recorder{"none": nil, "broken": broken{}} {
		o := offline()
		o.core.recorder = recorder
		r := new(Request)
		datagram, err := o.prepare(g, &Question{Code: radius.CodeAccountingRequest}, r)
		if err != nil {
			t.Fatal(err)
		}
		if why := o.core.checkFrom(r, datagram); why != 0 {
			t.Fatal(why)
		}
		o.core.process(r)
		if r.pending != waitNothing {
			r.way.failure = errors.New("disk full")
			o.core.resume(r)
		}
		if r.Verdict != Drop || r.Cause != ReasonRecorder || len(r.out) != 0 || r.pending != waitNothing {
			t.Errorf("%s: %v %v, %d octets", name, r.Verdict, r.Cause, len(r.out))
		}
	}
}

// TestAccountingPhases: they run in order, and what a handler changed is what is recorded.
func TestAccountingPhases(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{}}
	for _, phase := range []Phase{PhaseHints, PhaseHuntgroups, PhaseRoute, PhaseAuthorize, PhaseReply, PhaseAccounting} {
		p.on[phase] = func(*Request) *Verdict { return nil }
	}
	p.on[PhaseHints] = func(r *Request) *Verdict {
		ref, _ := r.Generation.Dictionary.Resolve("User-Name")
		r.Attributes.Set(ref, []byte("canonical"))
		ref, _ = r.Generation.Dictionary.Resolve("Cleartext-Password")
		r.Attributes.Add(ref, []byte("geheim"))
		return nil
	}
	g := load(t, "", p)
	out := ask(t, offline(), g, Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = As-Typed")})
	if diff := cmp.Diff([]string{"hints", "huntgroups", "route", "accounting"}, p.ran); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	for _, text := range []string{`["User-Name","canonical"]`, `["Orig-User-Name","As-Typed"]`, `["Cleartext-Password","***"]`} {
		if !strings.Contains(string(out.Record), text) {
			t.Errorf("no %s in %s", text, out.Record)
		}
	}
}

// TestStatusServer (RFC 5997): answered natively, unless the NAS had better ask its next server.
func TestStatusServer(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(*Request) *Verdict { return &Verdict{Kind: Drop} }}}
	g := load(t, "", p)
	for _, c := range []struct {
		listener string
		recorder Recorder
		drain    bool
		want     radius.Code
	}{
		{"auth", nil, false, radius.CodeAccessAccept},
		{"auth", broken{}, false, radius.CodeAccessAccept},
		{"auth", unkept{}, true, 0},
		{"acct", unkept{}, false, radius.CodeAccountingResponse},
		{"acct", broken{}, false, 0},
		{"acct", nil, false, 0},
		{"acct", unkept{}, true, 0},
	} {
		core := core(t, CoreOptions{Recorder: c.recorder})
		if c.drain {
			core.Drain()
		}
		r := incoming(g, c.listener)
		if why := core.receive(r, onWire(radius.CodeStatusServer, homeSecret, "first")); why != 0 {
			t.Fatal(why)
		}
		core.process(r)
		if r.Code != c.want || (len(r.out) > 0) != (c.want != 0) || len(p.ran) > 0 {
			t.Errorf("%+v: %v, %d octets, handlers %v", c, r.Code, len(r.out), p.ran)
		}
	}
}

// TestRecordAllocatesNothing: from the datagram to the record, and from there to the answer.
func TestRecordAllocatesNothing(t *testing.T) {
	g := load(t, "", nil)
	c := core(t, CoreOptions{Recorder: unkept{}})
	r := new(Request)
	datagram := onWire(radius.CodeAccountingRequest, homeSecret, "", attribute(1, "bob"), attribute(40, "\x00\x00\x00\x01"), attribute(44, "5e"))
	n := allocations(100, func() {
		ready(r, g, "acct")
		if why := c.receive(r, datagram); why != 0 {
			t.Fatal(why)
		}
		c.process(r)
		c.resume(r)
	})
	if n != 0 || len(r.out) != radius.HeaderLen {
		t.Errorf("%v allocations, %d octets", n, len(r.out))
	}
}
