package module

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
	"perilune/engine/nas"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// A fakeServer has two sessions and one NAS, which answers as its function says; nil: never.
type fakeServer struct {
	mu     sync.Mutex
	told   []server.DynamicQuestion
	answer func(q *server.DynamicQuestion) *server.DynamicAnswer
	failed error // of Close
}

func (f *fakeServer) Sessions(o acct.Filter) (found []acct.Session) {
	for _, s := range []acct.Session{
		{Key: acct.Key{1}, User: "bob", Client: "nas-1", SessionID: "1", Begin: 100, Seconds: 60, Input: 1 << 40},
		{Key: acct.Key{2}, User: "ann", Client: "nas-1", SessionID: "2", FramedIPv6Address: "2001:db8::1"},
	} {
		if (o.User == "" || o.User == s.User) && (o.ID == "" || o.ID == s.Unique() || o.ID == s.SessionID) {
			found = append(found, s)
		}
	}
	return found
}

func (f *fakeServer) Count(o acct.Filter) int                       { return len(f.Sessions(o)) }
func (f *fakeServer) Close(_ string, done func(error))              { done(f.failed) }
func (f *fakeServer) Client(addr netip.Addr) *nas.Client            { return nil }
func (f *fakeServer) Login(*server.Login, func(server.LoginAnswer)) {}

func (f *fakeServer) Dynamic(q *server.DynamicQuestion, done func(server.DynamicAnswer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, *q)
	if a := f.answer(q); a != nil {
		go done(*a)
	}
}

func nasSays(a server.DynamicAnswer) func(*server.DynamicQuestion) *server.DynamicAnswer {
	return func(*server.DynamicQuestion) *server.DynamicAnswer { return &a }
}

func TestRadius(t *testing.T) {
	f := &fakeServer{answer: nasSays(server.DynamicAnswer{Code: radius.CodeDisconnectNAK, ErrorCause: 503})}
	e := &Env{Radius: f}
	check(t, e, []fact{
		{`local s = radius.sessions{user="bob"}[1] out(s.user, s.id, s.client, s.started, s.seconds, s.input, s.realm)`, "bob 1 nas-1 100 60 1099511627776 nil"},
		{`out(#radius.sessions{}, radius.count{user="ann"}, radius.count{user="nobody"})`, "2 1 0"},
		{`out(radius.sessions{user="ann"}[1].framed_address)`, "2001:db8::1"},
		{`local r = radius.disconnect{session=radius.sessions{user="bob"}[1]} out(r.ok, r.code, r.error_cause)`, "false Disconnect-NAK Session-Context-Not-Found"},
		{`out(radius.close(radius.sessions{}[1]), radius.close(("0"):rep(32)))`, "true nil"},
		{`out(radius.try_sessions{limit=0})`, "error: t.lua:1: radius.sessions: limit: got 0, expected a whole number from 1 to 1000"},
		{`out(radius.client("192.0.2.1"))`, "nil"},
		{`radius.client(nil)`, "error: t.lua:1: argument 1 is nil, expected string"},
		{`radius.count("bob")`, "error: t.lua:1: argument 1 is string, expected table"},
		{`radius.disconnect{session=radius.sessions{}[1], ["Filter-Id"]="x"}`, "error: t.lua:1: radius.disconnect: there is no dictionary here"},
		{`radius.sessions{user=""}`, `error: t.lua:1: radius.sessions: user: got "", expected text`},
	})
	f.failed = errors.New("disk full")
	check(t, e, []fact{
		{`out(radius.try_close(radius.sessions{}[1]))`, "nil refused: disk full"},
		{`radius.close(radius.sessions{}[1])`, "error: t.lua:1: radius: refused: disk full"},
	})
}

// TestRadiusElsewhere: where no server runs, nothing waits, or too many wait.
func TestRadiusElsewhere(t *testing.T) {
	check(t, &Env{}, []fact{
		{`out(radius.try_count{})`, "nil refused: no server runs here"},
		{`radius.sessions{}`, "error: t.lua:1: radius: refused: no server runs here"},
		{`out(radius.client("192.0.2.1"))`, "nil"},
	})
	check(t, &Env{Radius: &fakeServer{}, MayWait: func() error { return errors.New("nothing waits at the top level") }}, []fact{
		{`radius.count{}`, "error: t.lua:1: radius: nothing waits at the top level"},
		{`radius.try_disconnect{wait=false}`, "error: t.lua:1: radius: nothing waits at the top level"},
	})
	check(t, &Env{Radius: &fakeServer{}, Wait: func() error { return ErrBusy }}, []fact{
		{`out(radius.try_count{})`, "nil busy: too many requests are waiting"},
	})
}

// TestSlowNAS: a handler waits no longer than it may, and what it need not wait for goes on without it.
func TestSlowNAS(t *testing.T) {
	var log bytes.Buffer
	f := &fakeServer{answer: func(*server.DynamicQuestion) *server.DynamicAnswer { return nil }}
	e := &Env{Radius: f, Log: slog.New(slog.NewTextHandler(&log, nil))}
	s := sandbox.New(sandbox.Limits{}, sandbox.Host{Data: e, Seed: 1})
	defer s.Close()
	Open(s)
	p, errs := sandbox.Compile("t.lua", []byte(`return function() return radius.try_disconnect{session=radius.sessions{}[1]} end`), sandbox.Options{Globals: Globals()})
	if errs.Failed() {
		t.Fatal(errs)
	}
	fn, err := s.Call(s.Function(p), sandbox.Run{Steps: 1000})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	results, err := s.Call(fn[0].(*lua.LFunction), sandbox.Run{Steps: 1000, Deadline: begin.Add(50 * time.Millisecond)})
	if err == nil && !strings.HasPrefix(results[1].String(), "timeout: ") || time.Since(begin) > 5*time.Second {
		t.Errorf("%v, %v after %v", results, err, time.Since(begin))
	}
	if q := f.told[0]; q.Timeout > 50*time.Millisecond || q.Session.User != "bob" {
		t.Errorf("%+v", q)
	}
	f.answer = nasSays(server.DynamicAnswer{Client: "nas-1", Err: errors.New("it has not answered")})
	done := make(chan struct{})
	e.Log = slog.New(slog.NewTextHandler(&signalling{b: &log, done: done}, nil))
	check(t, e, []fact{{`local r = radius.disconnect{session=radius.sessions{}[1], wait=false} out(r.queued, r.ok)`, "true nil"}})
	<-done
	if !strings.Contains(log.String(), "nas=nas-1 answer=\"it has not answered\"") {
		t.Error(log.String())
	}
}

// signalling tells that something was written.
type signalling struct {
	b    *bytes.Buffer
	done chan struct{}
}

func (s *signalling) Write(p []byte) (int, error) {
	defer close(s.done)
	return s.b.Write(p)
}
