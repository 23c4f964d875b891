package server

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"perilune/engine/radius"
)

// TestClass: what an accept seals stands in the record of the session, whatever name the NAS gives there.
func TestClass(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhaseHints: func(r *Request) *Verdict { r.strip(); return nil }}}
	g := load(t, "bob Cleartext-Password := \"hello\"\n\tClass = \"their own\"\n", p)
	g.Settings.SealedClass, g.Number = true, 7
	o := offline()
	out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob@example.net", "User-Password = hello")})
	if out.Kind != Accept || len(out.Reply.Pairs) != 2 || string(out.Reply.Pairs[0].Value) != "their own" {
		t.Fatal(out)
	}
	sealed := out.Reply.Pairs[1].Value
	for name, c := range map[string]struct {
		class func() []byte
		want  [][2]string
	}{
		"returned": {func() []byte { return sealed }, [][2]string{{"Class-User", "bob"}, {"Class-Rule", "users:1"}, {"Class-Time", "2024-01-01T12:00:00Z"}, {"Class-Generation", "7"}}},
		"altered":  {func() []byte { b := bytes.Clone(sealed); b[len(b)-1]++; return b }, nil},
		"cut":      {func() []byte { return sealed[:30] }, nil},
		"foreign":  {func() []byte { return []byte("their own") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			q := Question{Code: radius.CodeAccountingRequest, Attributes: attrs(t, g, "User-Name = anonymous", "Class = 0x00", "Acct-Status-Type = Start")}
			q.Attributes.Pairs[1].Value = c.class()
			out := ask(t, o, g, q)
			var record struct{ Attributes [][2]string }
			if err := json.Unmarshal(out.Record, &record); err != nil {
				t.Fatalf("%v in %s", err, out.Record)
			}
			if diff := cmp.Diff(c.want, record.Attributes[3:], cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	g.Settings.SealedClass = false
	if out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = hello")}); len(out.Reply.Pairs) != 1 {
		t.Errorf("switched off: %s", out)
	}
}

// TestClassRoom: a Class has at most 253 octets; a rule that does not fit is left out, for a longer name there
// is none.
func TestClassRoom(t *testing.T) {
	g := load(t, "DEFAULT Auth-Type := Accept\n", nil)
	g.Settings.SealedClass = true
	for name, want := range map[int]int{classRoom - len("users:1"): 1, classRoom: 1, classRoom + 1: 0, 253: 0} {
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = "+strings.Repeat("x", name), "User-Password = x")})
		if out.Kind != Accept || len(out.Reply.Pairs) != want {
			t.Errorf("name of %d octets: %s", name, out)
		}
	}
}

func TestClassCodec(t *testing.T) {
	s, err := newSealer(randomKey(), randomKey())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := class{monday.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "at")) * 10 * time.Millisecond), rapid.Uint64().Draw(t, "generation"),
			rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "user"), rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "rule")}
		got, err := s.openClass(s.appendClass(nil, &v))
		if err != nil || !got.at.Equal(v.at) || got.generation != v.generation || !bytes.Equal(got.user, v.user) || !bytes.Equal(got.rule, v.rule) {
			t.Fatalf("%+v %v, want %+v", got, err, v)
		}
	})
}

// FuzzClass opens what a NAS may send.
func FuzzClass(f *testing.F) {
	s, err := newSealer(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.appendClass(nil, &class{monday, 1, []byte("bob"), []byte("users:1")}))
	f.Add([]byte("foreign"))
	f.Fuzz(func(t *testing.T, value []byte) {
		if v, err := s.openClass(value); v != nil && (err != nil || !bytes.HasPrefix(value, s.keys[0].classMark[:])) {
			t.Errorf("%+v %v", v, err)
		}
	})
}
