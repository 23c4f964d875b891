package module

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// FuzzPlain checks that no octets crash the reader, and that what it reads is written as the same octets again.
func FuzzPlain(f *testing.F) {
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	t := l.NewTable()
	t.RawSetInt(1, lua.LString("x"))
	t.RawSetString("n", boxU64(1<<63))
	t.RawSetString("b", lua.LTrue)
	t.RawSetString("f", lua.LNumber(-0.5))
	for _, v := range []lua.LValue{t, lua.LNil, lua.LFalse, lua.LNumber(1), lua.LString("")} {
		octets, err := appendPlain(nil, v, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets)
	}
	f.Add([]byte{tagTable, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{tagText, 5, 'a'})
	f.Add([]byte{tagNumber, 1})
	f.Fuzz(func(t *testing.T, octets []byte) {
		v, rest, ok := readPlain(l, octets, 0)
		if !ok {
			return
		}
		again, err := appendPlain(nil, v, 0)
		if err != nil {
			t.Fatal(err)
		}
		second, _, ok := readPlain(l, again, 0)
		if !ok || second.Type() != v.Type() || len(rest) > len(octets) {
			t.Errorf("%x reads as %v, which reads as %v", octets, v, second)
		}
	})
}

func TestPlainRoundTrip(t *testing.T) {
	check(t, &Env{}, []fact{
		{`local function same(v) return crypto.unseal(key, crypto.seal(key, v)) end
			out(same("a\0b") == "a\0b", same(1.5), same(false), same(nil), #same({1, 2, 3}), same({a = {b = {c = 1}}}).a.b.c)`, "true 1.5 false nil 3 1"},
		{`local v = crypto.unseal(key, crypto.seal(key, json.decode('{"a":null,"b":[null,1]}'))) out(v.a == json.null, v.b[1] == json.null, v.b[2])`, "true true 1"},
		{`local t = {} t.t = t crypto.seal(key, t)`, "error: t.lua:1: crypto.seal: tables are nested more than 32 deep, or hold themselves"},
	})
}
