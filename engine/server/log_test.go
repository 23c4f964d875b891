package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/nas"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// A sink keeps what is written; it can be held up and can fail.
type testSink struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	hold   chan struct{}
	err    error
	writes int
}

func (s *testSink) Write(p []byte) (int, error) {
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.err != nil {
		return 0, s.err
	}
	return s.buf.Write(p)
}

func loggedRequest() *Request {
	r := &Request{Generation: new(Generation), Arrival: time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)}
	r.Client = &nas.Client{Name: "campus"}
	r.Source = netip.MustParseAddrPort("10.0.0.1:4000")
	r.Packet.Code, r.Packet.Identifier = radius.CodeAccessRequest, 17
	r.ReceivedUser, r.Verdict = []byte("bob"), Accept
	return r
}

// logLine gives the line that l makes of r, with the time it took cut off.
func logLine(o LogOptions, r *Request) string {
	sink := new(testSink)
	o.Writer = sink
	l := NewLog(o)
	var ls lines
	l.request(&ls, r)
	l.flush(&ls)
	l.Close(context.Background())
	line, _, _ := strings.Cut(sink.buf.String(), "took")
	return line
}

func TestLogLine(t *testing.T) {
	full := loggedRequest()
	full.Verdict, full.Reason, full.Hook = Reject, "wrong password", "hints.lua:7"
	full.ReceivedUser = []byte("b\"o\nb\x1b[31m é\xff")
	full.Notes = []Note{{"port", "3"}, {"bad key", "a=b"}}
	full.way.query.Rules = []users.Rule{{File: "users", Line: 42}}
	tests := []struct {
		name string
		o    LogOptions
		r    *Request
		want string
	}{
		{"short", LogOptions{}, loggedRequest(),
			`time=2026-03-04T05:06:07.089Z level=INFO msg=Access-Request nas=campus id=17 user=bob verdict=accept `},
		{"full", LogOptions{}, full,
			`time=2026-03-04T05:06:07.089Z level=INFO msg=Access-Request nas=campus id=17 ` +
				`user="b\"o\x0ab\x1b[31m é\xff" verdict=reject reason="wrong password" rule=users:42 hooks=hints.lua:7 port=3 bad_key="a=b" `},
		{"json", LogOptions{JSON: true}, full,
			`{"time":"2026-03-04T05:06:07.089Z","level":"INFO","msg":"Access-Request","nas":"campus","id":17,` +
				`"user":"b\"o\\x0ab\\x1b[31m é\\xff","verdict":"reject","reason":"wrong password","rule":"users:42",` +
				`"hooks":"hints.lua:7","port":"3","bad_key":"a=b","`},
		{"hashed", LogOptions{Key: []byte("k")}, loggedRequest(),
			`time=2026-03-04T05:06:07.089Z level=INFO msg=Access-Request nas=campus id=17 user=73662dcee4acad8d verdict=accept `},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, logLine(test.o, test.r)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLogHandler(t *testing.T) {
	var buf bytes.Buffer
	l := NewLog(LogOptions{Handler: slog.NewTextHandler(&buf, nil)})
	var ls lines
	r := loggedRequest()
	r.way.query.Rules = []users.Rule{{File: "users", Line: 42}}
	l.request(&ls, r)
	_, r.broken = radius.Parse([]byte("\x01\x11\x00\x17an authenticator\x20\x01\x00"))
	l.refusal(&ls, r, ReasonMalformed, 3)
	l.flush(&ls)
	l.Close(context.Background())
	for _, want := range []string{"msg=Access-Request", "user=bob", "rule=users:42", "took=", "level=WARN", "source=10.0.0.1:4000",
		"reason=malformed", "suppressed=3",
		`error="radius: attribute 32 at byte 20: length 1 is under 2"`} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("%q lacks %s", buf.String(), want)
		}
	}
}

func TestSlowSinkLosesLinesAlone(t *testing.T) {
	sink := &testSink{hold: make(chan struct{})}
	l := NewLog(LogOptions{Writer: sink, Room: 300})
	r := loggedRequest()
	for range 50 {
		var ls lines
		l.request(&ls, r)
		l.flush(&ls)
	}
	if lost := l.Lost(); lost < 40 || lost >= 50 {
		t.Errorf("%d lines of 50 lost", lost)
	}
	close(sink.hold)
	l.Close(context.Background())
	if got := uint64(strings.Count(sink.buf.String(), "\n")); got+l.Lost() != 50 {
		t.Errorf("%d lines written and %d lost, want 50 in all", got, l.Lost())
	}
}

func TestFullSinkIsCounted(t *testing.T) {
	l := NewLog(LogOptions{Writer: &testSink{err: errors.New("no space left")}})
	var ls lines
	l.request(&ls, loggedRequest())
	l.request(&ls, loggedRequest())
	l.flush(&ls)
	l.Close(context.Background())
	if l.Lost() != 2 {
		t.Errorf("%d lines lost, want 2", l.Lost())
	}
}

func TestNilLog(t *testing.T) {
	var l *Log
	var ls lines
	l.request(&ls, loggedRequest())
	l.flush(&ls)
	l.Reopen()
	if err := l.Close(context.Background()); err != nil || l.Lost() != 0 {
		t.Error("a nil Log does something")
	}
}

// TestServerLogs sends requests through a server; a batch is one write, refusals are limited.
func TestServerLogs(t *testing.T) {
	sink := new(testSink)
	l := NewLog(LogOptions{Writer: sink})
	way := newFakeWay()
	way.clients = map[netip.Addr]*nas.Client{netip.MustParseAddr("127.0.0.1"): way.client}
	ts := startServer(t, way, Options{Log: l})
	n := newNAS(t, ts.Addrs()[0])
	stranger := newNASFrom(t, netip.MustParseAddr("127.0.0.2"), ts.Addrs()[0])
	for range 10 {
		stranger.send(1, 1, "x")
	}
	n.send(1, 1, "x")
	n.expect("Access-Accept 1 x")
	n.send(2, 1, "wait w")
	close(way.gate("w"))
	n.expect("Access-Accept 2 wait w")
	ts.eventually("unknown", func(c Counters) bool { return c.Reasons[ReasonUnknownClient] == 10 })
	ts.close()
	l.Close(context.Background())
	out := sink.buf.String()
	if got := strings.Count(out, "reason=unknown-client"); got != 1 {
		t.Errorf("%d lines about the stranger, want 1:\n%s", got, out)
	}
	if got := strings.Count(out, "msg=Access-Request"); got != 2 {
		t.Errorf("%d request lines, want 2:\n%s", got, out)
	}
}

func TestRefusalsSayWhatWasLeftOut(t *testing.T) {
	var l refusals
	now := time.Unix(1000, 0)
	a := netip.MustParseAddr("192.0.2.1")
	for i := range 5 {
		if _, ok := l.allow(a, ReasonMalformed, now); ok != (i == 0) {
			t.Errorf("line %d: %v", i, ok)
		}
	}
	if n, ok := l.allow(a, ReasonMalformed, now.Add(refusalPause)); !ok || n != 4 {
		t.Errorf("after the pause: %v, %d left out", ok, n)
	}
	lines := 0
	for i := range byte(200) {
		if _, ok := l.allow(netip.AddrFrom4([4]byte{10, 0, i, i}), ReasonMalformed, now.Add(time.Minute)); ok {
			lines++
		}
	}
	if lines != refusalsInAll {
		t.Errorf("%d lines in one second, want %d", lines, refusalsInAll)
	}
}

// reopened is a sink that marks where it began anew.
type reopened struct{ bytes.Buffer }

func (r *reopened) Reopen() error { r.WriteString("reopened\n"); return nil }

// TestLogReopens: lines after Reopen come behind it.
func TestLogReopens(t *testing.T) {
	sink := &reopened{}
	l := NewLog(LogOptions{Writer: sink})
	var ls lines
	l.Reopen()
	l.request(&ls, loggedRequest())
	l.flush(&ls)
	l.Close(context.Background())
	if got := sink.String(); !strings.HasPrefix(got, "reopened\n") || !strings.Contains(got, "user=bob") {
		t.Errorf("the sink holds %q", got)
	}
}

// FuzzEscape checks that no value can break out of its line or of JSON.
func FuzzEscape(f *testing.F) {
	f.Add([]byte("bob"))
	f.Add([]byte("a\"b\\c\n\x1b[0m\xff é\u202e"))
	f.Fuzz(func(t *testing.T, value []byte) {
		text := appendText(nil, value)
		if bytes.ContainsAny(text, "\n\r\x1b") || !utf8.Valid(text) {
			t.Fatalf("text %q", text)
		}
		if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte(`"`)) && bytes.ContainsAny(text, " =\"") {
			t.Fatalf("%q needs quotes", text)
		}
		var back string
		if err := json.Unmarshal(appendJSON(nil, value), &back); err != nil {
			t.Fatalf("%s: %v", appendJSON(nil, value), err)
		}
	})
}

func BenchmarkLogLine(b *testing.B) {
	l := NewLog(LogOptions{})
	defer l.Close(context.Background())
	r := loggedRequest()
	r.Reason, r.way.query.Rules = "", []users.Rule{{File: "users", Line: 42}}
	var ls lines
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.request(&ls, r)
		if i%64 == 63 {
			l.flush(&ls)
		}
	}
}
