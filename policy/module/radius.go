package module

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// Radius is what the module radius asks the server for. Its methods are safe for use by many goroutines, and none
// waits: done is called once, maybe on a goroutine that must not be kept, maybe before the method is back.
type Radius interface {
	// Sessions gives the open sessions that match, the newest first.
	Sessions(acct.Filter) []acct.Session
	// Count gives how many match.
	Count(acct.Filter) int
	// Close closes a session's row, durably. unique is the session's Unique.
	Close(unique string, done func(error))
	// Dynamic sends a CoA- or Disconnect-Request.
	Dynamic(q *server.DynamicQuestion, done func(server.DynamicAnswer))
	// Login asks home servers whether a password is right.
	Login(q *server.Login, done func(server.LoginAnswer))
	// Client gives the client with an address, nil if there is none.
	Client(netip.Addr) *nas.Client
}

// maxSessions bounds what sessions{} gives.
const maxSessions = 1000

// dynamicTime is how long a NAS has for its answer, if the handler has so long.
const dynamicTime = 10 * time.Second

func radiusFunctions() []Function {
	var list []Function
	w := func(name, arguments, doc string, call asking) {
		list = append(list, waits("radius", "", name, arguments, doc, asked(call))...)
	}
	w("sessions", "{user=, nas=, realm=, calling=, since=, limit=}", "A list of the open sessions that match, the newest first; 1,000 at most. since: those that began then or later, in epoch seconds.", radiusSessions)
	w("count", "{user=, nas=, realm=, calling=, since=}", "How many open sessions match.", radiusCount)
	w("close", "(session)", "Closes the row of a session as Admin-Reset; nil if it is not open. Its NAS is not told: disconnect does that.", radiusClose)
	w("coa", "{session=, attributes, wait=}", "Sends a CoA-Request to the NAS of a session, or of req; gives {ok, code, error_cause}. wait=false does not wait for the answer, and gives {queued=true}.", radiusCoA)
	w("disconnect", "{session=, attributes, wait=}", "Sends a Disconnect-Request; as coa.", radiusDisconnect)
	w("auth", "{pool=, user=, password=}", "Asks the home servers of a line of the realms file whether a password is right; gives {ok, code, message}.", radiusAuth)
	return append(list, Function{Module: "radius", Name: "client", Signature: "radius.client(address)",
		Doc: "The client with an address, {name, address, type, vars}; nil if there is none. It never waits.", call: radiusClient})
}

// An asking function asks the server; nil and no error: not found. Misuse raises.
type asking func(l *lua.LState, r Radius) (lua.LValue, error)

// asked gives an asking function the server.
func asked(f asking) waiting {
	return func(l *lua.LState) (lua.LValue, error) {
		r := From(l).Radius
		if r == nil {
			return nil, errors.New("no server runs here")
		}
		return f(l, r)
	}
}

// filterOptions are those of sessions{} and count{}.
var filterOptions = [...]string{"user", "nas", "realm", "calling", "since", "limit"}

func unknownOption(key string, known ...string) error {
	return fmt.Errorf("no option %q; expected %s", key, strings.Join(known, ", "))
}

// filter reads the table of sessions{} and count{}.
func filter(l *lua.LState, what string) (f acct.Filter) {
	texts := map[string]*string{"user": &f.User, "nas": &f.NAS, "realm": &f.Realm, "calling": &f.Calling}
	optionsOf(l, 1, "radius."+what, func(key string, v lua.LValue) error {
		number, isNumber := v.(lua.LNumber)
		to := texts[key]
		switch {
		case to != nil:
			text, ok := v.(lua.LString)
			if !ok || text == "" {
				return fmt.Errorf("%s: got %s, expected text", key, shown(v))
			}
			*to = acct.Text([]byte(text))
		case key == "since" && isNumber && number >= 0 && number < 1<<40:
			f.Began = time.Unix(int64(number), 0)
		case key == "since":
			return fmt.Errorf("since: got %s, expected epoch seconds", shown(v))
		case key == "limit" && isNumber && number >= 1 && number <= maxSessions && number == lua.LNumber(int(number)):
			f.Limit = int(number)
		case key == "limit":
			return fmt.Errorf("limit: got %s, expected a whole number from 1 to %d", shown(v), maxSessions)
		default:
			return unknownOption(key, filterOptions[:]...)
		}
		return nil
	})
	return f
}

// shown gives a value for an error text.
func shown(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LNumber, lua.LBool:
		return v.String()
	case lua.LString:
		return fmt.Sprintf("%.40q", string(v))
	}
	return "a " + v.Type().String()
}

func radiusSessions(l *lua.LState, r Radius) (lua.LValue, error) {
	f := filter(l, "sessions")
	if f.Limit == 0 {
		f.Limit = maxSessions
	}
	found, err := read(l, func() []acct.Session { return r.Sessions(f) })
	if err != nil {
		return nil, err
	}
	list := l.CreateTable(len(found), 0)
	for i := range found {
		sandbox.Charge(l, 16)
		list.Append(Session(l, &found[i]))
	}
	return list, nil
}

func radiusCount(l *lua.LState, r Radius) (lua.LValue, error) {
	f := filter(l, "count")
	n, err := read(l, func() int { return r.Count(f) })
	return lua.LNumber(n), err
}

// read looks at the table of sessions, which may be large: the loop is given away before.
func read[T any](l *lua.LState, look func() T) (v T, err error) {
	if err := From(l).wait(); err != nil {
		return v, err
	}
	defer sandbox.Of(l).Waited()
	return look(), nil
}

// await waits for what the server calls back with, until the run's deadline.
func await[T any](l *lua.LState, start func(done func(T))) (v T, err error) {
	e, s := From(l), sandbox.Of(l)
	if err := e.wait(); err != nil {
		return v, err
	}
	defer s.Waited()
	done := make(chan T, 1)
	start(func(v T) { done <- v })
	var over <-chan time.Time
	if d := s.Deadline(); !d.IsZero() {
		timer := time.NewTimer(time.Until(d))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case v = <-done: // an answer that is there already counts, however late
		return v, nil
	default:
	}
	select {
	case v = <-done:
		return v, nil
	case <-over:
		return v, context.DeadlineExceeded
	}
}

// uniqueOf gives what names a session: a table of sessions{}, or its field unique.
func uniqueOf(v lua.LValue) (string, bool) {
	if t, ok := v.(*lua.LTable); ok {
		v = t.RawGetString("unique")
	}
	text, ok := v.(lua.LString)
	return string(text), ok && len(text) == uniqueLength
}

// uniqueLength is the length of acct.Session.Unique.
const uniqueLength = 32

func radiusClose(l *lua.LState, r Radius) (lua.LValue, error) {
	unique, ok := uniqueOf(sandbox.CheckAny(l, 1))
	if !ok {
		sandbox.ArgError(l, 1, "a session as radius.sessions gives it")
	}
	if r.Count(acct.Filter{ID: unique}) == 0 {
		return lua.LNil, nil
	}
	failure, err := await(l, func(done func(error)) { r.Close(unique, done) })
	if err == nil && failure != nil {
		err = failure
	}
	return lua.LTrue, err
}

func radiusClient(l *lua.LState) int {
	text := sandbox.CheckString(l, 1)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return failed(l, fmt.Sprintf("%.60q is no address", text))
	}
	e := From(l)
	if e.Radius == nil {
		return pushed(l, lua.LNil)
	}
	c := e.Radius.Client(addr.Unmap())
	if c == nil {
		return pushed(l, lua.LNil)
	}
	t, vars := l.NewTable(), l.NewTable()
	for k, v := range c.Vars {
		vars.RawSetString(k, lua.LString(v))
	}
	t.RawSetString("name", lua.LString(c.Name))
	t.RawSetString("address", lua.LString(addr.Unmap().String()))
	t.RawSetString("vars", vars)
	if c.Type != "" {
		t.RawSetString("type", lua.LString(c.Type))
	}
	return pushed(l, t)
}

func radiusAuth(l *lua.LState, r Radius) (lua.LValue, error) {
	q := server.Login{}
	optionsOf(l, 1, "radius.auth", func(key string, v lua.LValue) error {
		to := map[string]*string{"pool": &q.Pool, "user": &q.User, "password": &q.Password}[key]
		if to == nil {
			return unknownOption(key, "pool", "user", "password")
		}
		text, ok := textOf(v)
		if !ok {
			return fmt.Errorf("%s: got a %s, expected text", key, v.Type())
		}
		*to = text
		return nil
	})
	if q.Pool == "" || q.User == "" {
		sandbox.RaiseMisuse(l, "radius.auth: pool and user must be given")
	}
	q.Timeout = timeLeft(l)
	a, err := await(l, func(done func(server.LoginAnswer)) { r.Login(&q, done) })
	switch {
	case err != nil:
		return nil, err
	case a.Late:
		return nil, &Failure{Kind: "timeout", Err: a.Err}
	case a.Err != nil:
		return nil, a.Err
	}
	t := l.CreateTable(0, 3)
	t.RawSetString("ok", lua.LBool(a.Code == radius.CodeAccessAccept))
	t.RawSetString("code", lua.LString(a.Code.String()))
	if a.Message != "" {
		t.RawSetString("message", lua.LString(a.Message))
	}
	return t, nil
}

// textOf gives text, also that of a secret.
func textOf(v lua.LValue) (string, bool) {
	if ud, ok := v.(*lua.LUserData); ok {
		s, ok := ud.Value.(Secret)
		return s.text, ok
	}
	text, ok := v.(lua.LString)
	return string(text), ok
}

// timeLeft gives how long an answer is worth waiting for.
func timeLeft(l *lua.LState) time.Duration {
	d := sandbox.Of(l).Deadline()
	if d.IsZero() {
		return dynamicTime
	}
	return max(min(dynamicTime, time.Until(d)), time.Millisecond)
}

func radiusCoA(l *lua.LState, r Radius) (lua.LValue, error) {
	return dynamic(l, r, "coa", radius.CodeCoARequest)
}

func radiusDisconnect(l *lua.LState, r Radius) (lua.LValue, error) {
	return dynamic(l, r, "disconnect", radius.CodeDisconnectRequest)
}

// dynamic is coa{} and disconnect{}.
func dynamic(l *lua.LState, r Radius, what string, code radius.Code) (lua.LValue, error) {
	e := From(l)
	q, waits := &server.DynamicQuestion{Code: code, Attributes: new(dictionary.List)}, true
	var of lua.LValue = lua.LNil
	optionsOf(l, 1, "radius."+what, func(key string, v lua.LValue) error {
		switch {
		case key == "session":
			of = v
		case key == "wait":
			flag, ok := v.(lua.LBool)
			waits = bool(flag)
			if !ok {
				return fmt.Errorf("wait: got %s, expected true or false", shown(v))
			}
		case key == strings.ToLower(key) && !strings.Contains(key, "-"):
			return unknownOption(key, "session", "wait", "attributes")
		case e.Attribute == nil:
			return errors.New("there is no dictionary here")
		default:
			return e.Attribute(q.Attributes, key, v)
		}
		return nil
	})
	session, open := e.sessionOf(l, r, what, of)
	if !open {
		return nil, errors.New("the session is over")
	}
	q.Session = session
	if !waits {
		q.Timeout = dynamicTime
		r.Dynamic(q, e.untold(what))
		return queued(l), nil
	}
	q.Timeout = timeLeft(l)
	a, err := await(l, func(done func(server.DynamicAnswer)) { r.Dynamic(q, done) })
	if err != nil {
		return nil, err
	}
	return answered(l, &a)
}

// sessionOf reads session=: a session of sessions{}, or a request. open is false for one that has ended.
func (e *Env) sessionOf(l *lua.LState, r Radius, what string, v lua.LValue) (s *acct.Session, open bool) {
	if e.Described != nil {
		if described, ok := e.Described(v); ok {
			return known(r, described), true
		}
	}
	unique, ok := uniqueOf(v)
	if !ok {
		sandbox.RaiseMisuse(l, "radius.%s: session=: got %s, expected a session of radius.sessions, or req", what, shown(v))
	}
	found := r.Sessions(acct.Filter{ID: unique, Limit: 1})
	if len(found) == 0 {
		return nil, false
	}
	return &found[0], true
}

// known gives the open session of a request, if accounting has told of it, else what the request tells itself.
func known(r Radius, described acct.Session) *acct.Session {
	if described.SessionID != "" {
		found := r.Sessions(acct.Filter{User: described.User, Client: described.Client, ID: described.SessionID, Limit: 2})
		if len(found) == 1 {
			return &found[0]
		}
	}
	return &described
}

// untold gives what logs the answers that nobody waits for, unless they are good.
func (e *Env) untold(what string) func(server.DynamicAnswer) {
	log := e.Log
	return func(a server.DynamicAnswer) {
		if log != nil && !a.OK() {
			log.Warn("radius."+what+": the NAS did not do it", slog.String("nas", a.Client), slog.String("answer", a.String()))
		}
	}
}

func queued(l *lua.LState) lua.LValue {
	t := l.NewTable()
	t.RawSetString("queued", lua.LTrue)
	return t
}

// answered gives the answer of a NAS. That there is none is the backend's failure.
func answered(l *lua.LState, a *server.DynamicAnswer) (lua.LValue, error) {
	if a.Code == 0 {
		kind := "refused"
		if a.Result() == "timeout" {
			kind = "timeout"
		}
		return nil, &Failure{Kind: kind, Err: a.Err}
	}
	t := l.CreateTable(0, 3)
	t.RawSetString("ok", lua.LBool(a.OK()))
	t.RawSetString("code", lua.LString(a.Code.String()))
	if a.ErrorCause != 0 {
		t.RawSetString("error_cause", lua.LString(server.ErrorCauseName(a.ErrorCause)))
	}
	return t, nil
}
