package server

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"perilune/engine/dictionary"
)

// TestTraceLeaks: wherever a secret turns up, no text of a trace has it: not raw, not quoted, not in hex or base64.
func TestTraceLeaks(t *testing.T) {
	const password, stored, revealed = `pass"wö\rd` + "\x01", "stored-secret", "revealed-secret"
	g := load(t, "DEFAULT NAS-Port == 7\n\tFilter-Id = x\nbob Cleartext-Password := "+stored+"\n", nil)
	var request *Request
	hook := func(r *Request) *Verdict {
		request = r
		var before, after dictionary.List
		r.Reply.CopyTo(&before)
		for _, secret := range []string{password, stored, revealed} {
			for _, name := range []string{"Reply-Message", "Filter-Id", "Attr-200", "Attr-26.64999.3"} {
				ref, _ := g.Dictionary.Resolve(name)
				r.Reply.Add(ref, []byte(secret))
			}
			r.Trace.Step("trace: " + secret)
			r.Trace.Step(fmt.Sprintf("%q %s", secret, base64.StdEncoding.EncodeToString([]byte(secret))))
			r.Trace.Skip(TraceSkip{Hook: "a.lua:9", Name: "x", Key: "user", Wants: "user = a", Found: "has " + secret, Near: true})
		}
		r.Reply.CopyTo(&after)
		r.Trace.Began("a.lua:1", `hook "leaky"`)
		r.Trace.Step("sql.row select " + password)
		r.Trace.Conceal(revealed)
		r.Trace.Ended("", Change{"reply", &before, &after})
		return &Verdict{Kind: Reject, Reason: "wrong " + password + stored + revealed, Hook: "a.lua:1"}
	}
	g = load(t, "bob Cleartext-Password := "+stored+"\n", &scripted{on: map[Phase]func(*Request) *Verdict{PhaseReply: hook}})
	q := Question{Attributes: attrs(t, g, "User-Name = bob")}
	q.Attributes.Add(g.Dictionary.Known.UserPassword.AnyTag(), []byte(password))
	out := ask(t, offline(), g, q)
	blob, err := json.Marshal(out.Traced())
	if err != nil || request == nil {
		t.Fatal(err, request)
	}
	for _, secret := range []string{password, stored, revealed} {
		quoted := dictionary.Quote(secret)
		for _, form := range []string{
			secret, quoted[1 : len(quoted)-1], strings.Trim(fmt.Sprintf("%q", secret), `"`), hex.EncodeToString([]byte(secret)),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		} {
			for name, text := range map[string]string{"screen": out.String(), "JSON": string(blob)} {
				if strings.Contains(text, form) {
					t.Errorf("%q in the %s:\n%s", form, name, text)
				}
			}
		}
	}
	if !strings.Contains(out.String(), "reply + Filter-Id = \"[secret]\"") || !strings.Contains(out.String(), "→ reject, reason wrong [secret]") {
		t.Errorf("what is left:\n%s", out)
	}
}

// TestTraceCutsNoSecret: a secret at the place where a long text is cut does not show by half.
func TestTraceCutsNoSecret(t *testing.T) {
	secret := strings.Repeat("0123456789", 20)
	for at := traceKept - len(secret) - 1; at < traceKept+1; at++ {
		var trace Trace
		trace.Conceal(secret)
		trace.Step(strings.Repeat(secret, 3) + strings.Repeat("x", at-3*len(secret)) + secret)
		if text := trace.Steps()[0].Text; strings.Contains(text, "01") {
			t.Fatalf("at %d: %s", at, text)
		}
	}
}

// TestTraceShowsNames: a device's password is its name, which everybody reads off its case.
func TestTraceShowsNames(t *testing.T) {
	g := load(t, "", nil)
	out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = 0011.22AA.bbcc", "User-Password = 00-11-22-aa-bb-cc", "Calling-Station-Id = 00:11:22:aa:bb:cc")})
	if text := out.String(); !strings.Contains(text, `User-Name = "0011.22AA.bbcc"`) || !strings.Contains(text, `Calling-Station-Id = "00:11:22:aa:bb:cc"`) || strings.Contains(text, `"00-11`) {
		t.Error(text)
	}
}

// TestTraceOpaque: of what lends somebody a session the length alone is shown.
func TestTraceOpaque(t *testing.T) {
	g := load(t, "", nil)
	l := attrs(t, g, "State = 0x0123456789", "Class = 0x6162", "EAP-Message = 0x0201000401", "CHAP-Password = 0x0102030405060708090a0b0c0d0e0f1011", "MS-CHAP-Challenge = 0x01")
	got := strings.Join(redactedTexts(&l), "\n")
	want := "State = (5 octets)\nClass = (2 octets)\nEAP-Message = (5 octets)\nCHAP-Password = \"[secret]\"\nMS-CHAP-Challenge = 0x01"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTraceMovesNoCursor: what a packet holds does not reach the terminal as an order.
func TestTraceMovesNoCursor(t *testing.T) {
	var trace Trace
	trace.Step("a\x1b[2Jb\r\nc\u009bd\u202ee")
	if got, want := trace.Steps()[0].Text, `a\x1b[2Jb\x0d\nc\x9bd\x202ee`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
