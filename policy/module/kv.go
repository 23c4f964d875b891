package module

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// A KV is one table of keys and values. Values are plain data as EncodePlain writes it; "" is no value. Each method is
// atomic, for all servers that share the table.
type KV interface {
	// Remote reports that the methods may block: they take a context and run where nobody waits. Those of a table in
	// memory return at once and look at no context.
	Remote() bool
	// Get gives "" if there is no value.
	Get(ctx context.Context, key string) (string, error)
	// Set keeps a value for ttl; 0: until it must make room.
	Set(ctx context.Context, key, value string, ttl time.Duration) error
	// Incr adds to a number, which begins at 0 and then lives for ttl; later calls do not lengthen its life. A value
	// that is no number is a Misuse.
	Incr(ctx context.Context, key string, by float64, ttl time.Duration) (float64, error)
	// CAS sets a value for ttl if the table holds old, and reports whether it did. "" stands for none: as old it
	// demands that there is no value, as value it deletes.
	CAS(ctx context.Context, key, old, value string, ttl time.Duration) (bool, error)
	// Del reports whether there was a value.
	Del(ctx context.Context, key string) (bool, error)
}

// KVOptions are those of kv.open. A zero field means the default.
type KVOptions struct {
	TTL     time.Duration // of values that name none; 0: they stay
	Max     int           // keys; the one whose time is over first, then the oldest, makes room
	Persist bool          // outlives a restart
}

// Bounds of a table, in octets. MaxKVKeys bounds KVOptions.Max.
const (
	MaxKVKey   = 1024
	MaxKVValue = 64 << 10
	MaxKVKeys  = 1 << 24
)

// table is what kv.open gives.
type table struct {
	KV
	life time.Duration // of values that name none; 0: they stay
}

var tableMeta = methods(tableMethods(), "table", nil)

func kvFunctions() []Function {
	return append([]Function{{Module: "kv", Name: "open", Signature: "kv.open(name [, {ttl=, max=, persist=}])",
		Doc: "A table of keys that all requests share; [backend.kv.NAME] may keep it in Redis, for several servers. ttl is the life of values that name none, max the number of keys, persist keeps it over restarts.", call: kvOpen}},
		tableMethods()...)
}

func tableMethods() (list []Function) {
	f := func(name, signature, doc string, call tableCall) {
		list = append(list, tried("kv", "table", name, signature, doc, func(string) waiting {
			return func(l *lua.LState) (lua.LValue, error) { return call(l, thisTable(l)) }
		})...)
	}
	f("get", "(key)", "A copy of the value; nil if there is none.", kvGet)
	f("set", "(key, value [, ttl])", "Keeps plain data under the key, for ttl; gives true.", kvSet)
	f("incr", "(key [, n [, ttl]])", "Adds n, 1 if none is given, and gives the sum. A number that was not there begins at 0 and lives for ttl from then on.", kvIncr)
	f("cas", "(key, old, new [, ttl])", "Sets new if the value is old, and gives whether it did. nil is no value: as old there must be none, as new it is deleted.", kvCAS)
	f("del", "(key)", "Deletes the value; gives whether there was one.", kvDel)
	f("update", "(key, fn [, ttl])", "Sets what fn(value) gives, and gives that; nil leaves all as it is. fn may run several times and must not wait.", kvUpdate)
	return list
}

func kvOpen(l *lua.LState) int {
	name := sandbox.CheckString(l, 1)
	what := fmt.Sprintf("kv.open(%q)", name)
	var o KVOptions
	if l.Get(2) != lua.LNil {
		optionsOf(l, 2, what, o.take)
	}
	kv, err := backends(l, what).KV(name, o)
	return opened(l, what, &table{kv, o.TTL}, tableMeta, err)
}

// take takes one option.
func (o *KVOptions) take(key string, v lua.LValue) (err error) {
	switch key {
	case "ttl":
		o.TTL, err = Duration("ttl", v)
	case "max":
		o.Max, err = count("max", v, MaxKVKeys)
	case "persist":
		on, ok := v.(lua.LBool)
		if !ok {
			return fmt.Errorf("persist: got a %s, expected true or false", v.Type())
		}
		o.Persist = bool(on)
	default:
		return unknownOption(key, "ttl", "max", "persist")
	}
	return err
}

// count reads a whole number from 1 to most.
func count(name string, v lua.LValue, most int) (int, error) {
	n, ok := v.(lua.LNumber)
	if !ok || n != lua.LNumber(int(n)) || n < 1 || n > lua.LNumber(most) {
		return 0, fmt.Errorf("%s: got %v, expected a whole number from 1 to %d", name, v, most)
	}
	return int(n), nil
}

// A tableCall is one method. A nil value and no error: not found.
type tableCall func(l *lua.LState, t *table) (lua.LValue, error)

// thisTable gives the table that a method was called on, where it may be used.
func thisTable(l *lua.LState) *table {
	t := self[*table](l, "table")
	t.mayBeUsed(l)
	return t
}

// mayBeUsed raises where the table may not be used.
func (t *table) mayBeUsed(l *lua.LState) {
	e := From(l)
	e.inHandler(l, "kv")
	if t.Remote() {
		e.mayWait(l, "kv")
	}
}

// ask runs one operation: at once in memory, else where nobody waits for it.
func (t *table) ask(l *lua.LState, op kvOp) (kvResult, error) {
	if !t.Remote() {
		return op.run(context.Background(), t)
	}
	return block(l, func(ctx context.Context) (kvResult, error) { return op.run(ctx, t) })
}

// A kvOp is one operation with its arguments.
type kvOp struct {
	verb            kvVerb
	key, old, value string
	by              float64
	ttl             time.Duration
}

type kvVerb uint8

const (
	verbGet kvVerb = iota
	verbSet
	verbIncr
	verbCAS
	verbDel
)

// A kvResult is what an operation gives.
type kvResult struct {
	value  string
	number float64
	done   bool
}

func (op kvOp) run(ctx context.Context, kv KV) (r kvResult, err error) {
	switch op.verb {
	case verbGet:
		r.value, err = kv.Get(ctx, op.key)
	case verbSet:
		err = kv.Set(ctx, op.key, op.value, op.ttl)
	case verbIncr:
		r.number, err = kv.Incr(ctx, op.key, op.by, op.ttl)
	case verbCAS:
		r.done, err = kv.CAS(ctx, op.key, op.old, op.value, op.ttl)
	case verbDel:
		r.done, err = kv.Del(ctx, op.key)
	}
	return r, err
}

func kvGet(l *lua.LState, t *table) (lua.LValue, error) {
	r, err := t.ask(l, kvOp{verb: verbGet, key: keyOf(l, "kv")})
	if err != nil {
		return nil, err
	}
	return kvDecode(l, r.value), nil
}

func kvSet(l *lua.LState, t *table) (lua.LValue, error) {
	op := kvOp{verb: verbSet, key: keyOf(l, "kv"), value: kvEncode(l, sandbox.CheckAny(l, 3)), ttl: t.ttl(l, 4)}
	if op.value == "" {
		sandbox.RaiseMisuse(l, "kv: the value is nil; expected plain data, or del(key) to delete")
	}
	_, err := t.ask(l, op)
	return lua.LTrue, err
}

func kvIncr(l *lua.LState, t *table) (lua.LValue, error) {
	op := kvOp{verb: verbIncr, key: keyOf(l, "kv"), by: 1, ttl: t.ttl(l, 4)}
	if l.Get(3) != lua.LNil {
		op.by = sandbox.CheckNumber(l, 3)
	}
	if math.IsNaN(op.by) || math.IsInf(op.by, 0) {
		sandbox.RaiseMisuse(l, "kv: %v cannot be added", op.by)
	}
	r, err := t.ask(l, op)
	return lua.LNumber(r.number), err
}

func kvCAS(l *lua.LState, t *table) (lua.LValue, error) {
	op := kvOp{verb: verbCAS, key: keyOf(l, "kv"), old: kvEncode(l, sandbox.CheckAny(l, 3)), value: kvEncode(l, sandbox.CheckAny(l, 4)), ttl: t.ttl(l, 5)}
	r, err := t.ask(l, op)
	return lua.LBool(r.done), err
}

func kvDel(l *lua.LState, t *table) (lua.LValue, error) {
	r, err := t.ask(l, kvOp{verb: verbDel, key: keyOf(l, "kv")})
	return lua.LBool(r.done), err
}

// kvTries bounds how often update begins anew because others were faster.
const kvTries = 64

var errContended = &Failure{Kind: "busy", Err: errors.New("others change the value all the time")}

func kvUpdate(l *lua.LState, t *table) (lua.LValue, error) {
	key, fn, ttl := keyOf(l, "kv"), sandbox.CheckFunction(l, 3), t.ttl(l, 4)
	for range kvTries {
		r, err := t.ask(l, kvOp{verb: verbGet, key: key})
		if err != nil {
			return nil, err
		}
		value := kvEncode(l, callAside(l, fn, kvDecode(l, r.value)))
		if value == "" || value == r.value {
			return kvDecode(l, r.value), nil
		}
		set, err := t.ask(l, kvOp{verb: verbCAS, key: key, old: r.value, value: value, ttl: ttl})
		if err != nil {
			return nil, err
		}
		if set.done {
			return kvDecode(l, value), nil
		}
	}
	return nil, errContended
}

// callAside calls a function of the script that must not wait.
func callAside(l *lua.LState, fn *lua.LFunction, v lua.LValue) lua.LValue {
	e := From(l)
	e.aside++
	defer func() { e.aside-- }()
	l.Push(fn)
	l.Push(v)
	l.Call(1, 1)
	v = l.Get(-1)
	l.Pop(1)
	return v
}

// ttl gives the life that argument n sets, the table's without one.
func (t *table) ttl(l *lua.LState, n int) time.Duration {
	if l.Get(n) == lua.LNil {
		return t.life
	}
	d, err := Duration("ttl", l.Get(n))
	if err != nil {
		sandbox.RaiseMisuse(l, "kv: %v", err)
	}
	return d
}

// keyOf gives the key of a call, its first argument.
func keyOf(l *lua.LState, in string) string {
	key := sandbox.CheckString(l, 2)
	if len(key) > MaxKVKey {
		sandbox.RaiseMisuse(l, "%s: a key of %d octets; %d are allowed", in, len(key), MaxKVKey)
	}
	return key
}

// tableSteps is what writing a table costs beforehand: one that turns out to be too large takes a while, too.
const tableSteps = 64

// kvEncode gives the octets of a value, "" for nil.
func kvEncode(l *lua.LState, v lua.LValue) string {
	if v == lua.LNil {
		return ""
	}
	if v.Type() == lua.LTTable {
		sandbox.Charge(l, tableSteps)
	}
	octets, err := EncodePlain(v)
	if err == nil && len(octets) > MaxKVValue {
		err = fmt.Errorf("a value of %d octets; %d are allowed", len(octets), MaxKVValue)
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "kv: %v", err)
	}
	sandbox.CheckLength(l, len(octets))
	return string(octets)
}

// kvDecode gives the value of octets, nil for "".
func kvDecode(l *lua.LState, octets string) lua.LValue {
	if octets == "" {
		return lua.LNil
	}
	sandbox.CheckLength(l, len(octets))
	v, rest, ok := readPlain(l, []byte(octets), 0)
	if !ok || len(rest) > 0 {
		sandbox.RaiseBackend(l, "kv: %v", &Failure{Kind: "refused", Err: errors.New("the value was not written by this server")})
	}
	return v
}
