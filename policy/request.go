package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// text gives a string, nil for an empty one.
func text(s string) lua.LValue {
	if s == "" {
		return lua.LNil
	}
	return lua.LString(s)
}

func getUser(rn *Runner, a *attributes) lua.LValue {
	user, _ := a.list.First(rn.known().UserName)
	return rn.box.Text(user)
}

func setUser(rn *Runner, a *attributes, v lua.LValue) error {
	if v == lua.LNil {
		return fmt.Errorf(`req.user: got nil, expected text; req["User-Name"] = nil takes the attribute away`)
	}
	return rn.assignKnown(a, rn.known().UserName, "User-Name", v)
}

func setPassword(rn *Runner, a *attributes, v lua.LValue) error {
	if v == lua.LNil {
		return fmt.Errorf(`req.password: got nil, expected text`)
	}
	return rn.assignKnown(a, rn.known().UserPassword, "User-Password", v)
}

func (rn *Runner) assignKnown(a *attributes, attr *dictionary.Attribute, name string, v lua.LValue) error {
	if err := rn.mayChange(a, attr, name); err != nil {
		return err
	}
	return rn.replace(a, attr.AnyTag(), v)
}

func getReceivedUser(rn *Runner, _ *attributes) lua.LValue {
	if rn.r.ReceivedUser == nil {
		return lua.LNil
	}
	return lua.LString(rn.r.ReceivedUser)
}

func getPassword(rn *Runner, a *attributes) lua.LValue {
	password, ok := a.list.First(rn.known().UserPassword)
	if !ok {
		return lua.LNil
	}
	rn.r.Reads(rn.known().UserPassword, password)
	return rn.box.Text(password)
}

func getRealm(rn *Runner, _ *attributes) lua.LValue {
	realm, ok := rn.realm(rn.r)
	if !ok {
		return lua.LNil
	}
	return lua.LString(bytes.ToLower(realm))
}

// realmName gives the realm in lower case, "" if there is none.
func (rn *Runner) realmName() string {
	realm, _ := rn.realm(rn.r)
	return string(bytes.ToLower(realm))
}

func getStripped(rn *Runner, _ *attributes) lua.LValue {
	user := rn.namedUser(rn.r)
	if at := bytes.LastIndexByte(user, '@'); at >= 0 {
		user = user[:at]
	}
	return rn.box.Text(user)
}

// realm gives the realm as it stands, or as it was when route ended.
func (rn *Runner) realm(r *server.Request) ([]byte, bool) { return realmOf(rn.namedUser(r)) }

// namedUser gives the User-Name that realm and stripped name are taken from: the server's once route has ended.
func (rn *Runner) namedUser(r *server.Request) []byte {
	if user, ended := r.RoutedUser(); ended {
		return user
	}
	user, _ := r.Attributes.First(rn.known().UserName)
	return user
}

func getMethod(rn *Runner, _ *attributes) lua.LValue { return text(rn.r.Method) }

func getCode(rn *Runner, _ *attributes) lua.LValue { return lua.LString(rn.r.Packet.Code.String()) }

func getStatus(rn *Runner, a *attributes) lua.LValue {
	return rn.first(a.list, rn.known().AcctStatusType.AnyTag())
}

func getID(rn *Runner, _ *attributes) lua.LValue { return lua.LNumber(rn.r.Packet.Identifier) }

func getSource(rn *Runner, _ *attributes) lua.LValue {
	return lua.LString(rn.r.Source.Addr().Unmap().String())
}

func getSourcePort(rn *Runner, _ *attributes) lua.LValue { return lua.LNumber(rn.r.Source.Port()) }

func getListener(rn *Runner, _ *attributes) lua.LValue { return text(rn.r.Listener) }

func getLogID(rn *Runner, _ *attributes) lua.LValue {
	return lua.LString(strconv.FormatUint(rn.r.Serial, 10))
}

// getClient gives a new table: scripts may change it without effect.
func getClient(rn *Runner, _ *attributes) lua.LValue {
	c := rn.r.Client
	if c == nil {
		return lua.LNil
	}
	l := rn.lua()
	t, vars := l.NewTable(), l.NewTable()
	for k, v := range c.Vars {
		vars.RawSetString(k, lua.LString(v))
	}
	t.RawSetString("name", lua.LString(c.Name))
	t.RawSetString("address", getSource(rn, nil))
	t.RawSetString("type", text(c.Type))
	t.RawSetString("vars", vars)
	return t
}

func getNASType(rn *Runner, _ *attributes) lua.LValue {
	if rn.r.Client == nil {
		return lua.LNil
	}
	return text(rn.r.Client.Type)
}

func getNow(rn *Runner, _ *attributes) lua.LValue { return lua.LNumber(rn.r.Arrival.Unix()) }

func getGeneration(rn *Runner, _ *attributes) lua.LValue {
	if rn.r.Generation == nil {
		return lua.LNumber(0)
	}
	return lua.LNumber(rn.r.Generation.Number)
}

func getVerdict(rn *Runner, _ *attributes) lua.LValue {
	if rn.h == nil || !decided(rn.h.phase) {
		return lua.LNil
	}
	return text(verdictWord(rn.r))
}

func getReason(rn *Runner, _ *attributes) lua.LValue {
	if rn.h == nil || !decided(rn.h.phase) {
		return lua.LNil
	}
	return text(rn.r.Reason)
}

// verdictWord gives req.verdict: an answered accounting request is a response.
func verdictWord(r *server.Request) string {
	if r.Verdict == server.Accept && r.Packet.Code == radius.CodeAccountingRequest {
		return "response"
	}
	return r.Verdict.String()
}

func getNil(*Runner, *attributes) lua.LValue { return lua.LNil }

// getState gives what state= sealed in the round before.
func getState(rn *Runner, _ *attributes) lua.LValue {
	if rn.r.Round == nil {
		return lua.LNil
	}
	if rn.round == nil {
		rn.round = restorePlain(rn.kept.round)
	}
	if rn.round == nil {
		v, err := readPlain(rn.r.Round.Data)
		if err != nil {
			v = lua.LNil
		}
		rn.round = v
	}
	return rn.round
}

func getCtx(rn *Runner, _ *attributes) lua.LValue {
	if rn.ctx == nil {
		rn.ctx, _ = restorePlain(rn.kept.ctx).(*lua.LTable)
	}
	if rn.ctx == nil {
		rn.ctx = rn.lua().NewTable()
	}
	return rn.ctx
}

func setCtx(rn *Runner, _ *attributes, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return fmt.Errorf("req.ctx: %w", found(v, "a table of plain data"))
	}
	rn.ctx = t
	return nil
}

func getReply(_ *Runner, a *attributes) lua.LValue { return &a.of.reply }

func getControl(_ *Runner, a *attributes) lua.LValue { return &a.of.control }

// requestHuntgroup is req:huntgroup(name): true, false, or nil for unknown.
func requestHuntgroup(rn *Runner, l *lua.LState) int {
	self(l)
	name, _ := l.Get(2).(lua.LString)
	h, ok := rn.pr.huntgroups[string(name)]
	switch {
	case !ok:
		sandbox.RaiseMisuse(l, "huntgroup: no huntgroup %q is registered%s", string(name), rn.nearest("huntgroup", string(name)))
	case rn.h.phase == server.PhaseHints:
		sandbox.RaiseMisuse(l, "huntgroup: huntgroups are asked after hints")
	}
	truth, v := rn.askHuntgroup(h, rn.r)
	if v != nil {
		sandbox.RaiseMisuse(l, "huntgroup %q failed", string(name))
	}
	l.Push([]lua.LValue{lua.LFalse, lua.LTrue, lua.LNil}[truth])
	return 1
}

// requestOctets is req:octets(): total, in, out, with the gigawords of RFC 2869 s5.1 and s5.2.
func requestOctets(rn *Runner, l *lua.LState) int {
	a, known := self(l), rn.known()
	in := octets(a.list, known.AcctInputOctets, known.AcctInputGigawords)
	out := octets(a.list, known.AcctOutputOctets, known.AcctOutputGigawords)
	l.Push(lua.LNumber(in + out))
	l.Push(lua.LNumber(in))
	l.Push(lua.LNumber(out))
	return 3
}

func octets(list *dictionary.List, low, high *dictionary.Attribute) uint64 {
	return number(list, high)<<32 | number(list, low)
}

// number gives the number of an attribute, 0 if there is none.
func number(list *dictionary.List, a *dictionary.Attribute) uint64 {
	value, ok := list.First(a)
	if !ok {
		return 0
	}
	n, _ := a.Uint(value)
	return n
}

// maxNotes bounds what req:note adds to a request's log line.
const maxNotes = 8

// lineFields are the fields that a request's log line has without notes.
var lineFields = []string{"time", "level", "msg", "nas", "id", "user", "password", "verdict", "reason", "rule", "hooks", "auth", "took"}

// requestNote is req:note(key, value).
func requestNote(rn *Runner, l *lua.LState) int {
	self(l)
	key, ok := l.Get(2).(lua.LString)
	v := l.Get(3)
	if t := v.Type(); !ok || t != lua.LTString && t != lua.LTNumber && t != lua.LTBool {
		sandbox.RaiseMisuse(l, "note: expected (key, value), both text; the value may be a number or boolean")
	}
	if slices.Contains(lineFields, string(key)) {
		sandbox.RaiseMisuse(l, "note: %q is a field of the line already; take another name", string(key))
	}
	note := server.Note{Key: rn.blank(rn.r, string(key)), Value: rn.blank(rn.r, v.String())}
	for i := range rn.r.Notes {
		if rn.r.Notes[i].Key == note.Key {
			rn.r.Notes[i] = note
			return 0
		}
	}
	if len(rn.r.Notes) >= maxNotes {
		sandbox.RaiseMisuse(l, "note: a request has %d notes at most", maxNotes)
	}
	rn.r.Notes = append(rn.r.Notes, note)
	return 0
}
