package backend

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// manyKeys are those of the benchmarks.
func manyKeys() []string {
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("user%d@example.net", i)
	}
	return keys
}

// parallel runs call on all processors, each with keys of its own order.
func parallel(b *testing.B, call func(key string)) {
	keys := manyKeys()
	var worker atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := int(worker.Add(1)) * 977; p.Next(); i++ {
			call(keys[i%len(keys)])
		}
	})
}

func BenchmarkTableIncr(b *testing.B) {
	t := newMemoryTable(time.Now, limits{defaultKeys, defaultOctets})
	parallel(b, func(key string) { t.Incr(b.Context(), key, 1, time.Minute) })
}

func BenchmarkTableSet(b *testing.B) {
	t := newMemoryTable(time.Now, limits{defaultKeys, defaultOctets})
	value := plain("value")
	parallel(b, func(key string) { t.Set(b.Context(), key, value, time.Minute) })
}

func BenchmarkTableGet(b *testing.B) {
	t := newMemoryTable(time.Now, limits{defaultKeys, defaultOctets})
	for _, key := range manyKeys() {
		t.Set(b.Context(), key, plain("value"), time.Hour)
	}
	parallel(b, func(key string) { t.Get(b.Context(), key) })
}

// BenchmarkTableFull adds keys to a table that has no room.
func BenchmarkTableFull(b *testing.B) {
	t := newMemoryTable(time.Now, limits{1000, defaultOctets})
	parallel(b, func(key string) { t.Incr(b.Context(), key, 1, time.Minute) })
}

func BenchmarkTableKept(b *testing.B) {
	f := born(b, b.TempDir(), time.Now, keeping)
	defer f.lease.Close()
	parallel(b, func(key string) { f.kv.Incr(b.Context(), key, 1, time.Minute) })
}

func BenchmarkWindowAdd(b *testing.B) {
	w := newWindow(time.Now, module.WindowOptions{Span: 15 * time.Minute, Buckets: 15})
	parallel(b, func(key string) { w.Add(key, 1, "") })
}

// BenchmarkLuaIncr is table:incr in a script, the call of the script included.
func BenchmarkLuaIncr(b *testing.B) {
	w := newWorld(b, Settings{})
	s := sandbox.New(sandbox.Limits{}, sandbox.Host{Data: &w.env, Seed: 1})
	defer s.Close()
	module.Open(s)
	var fn *lua.LFunction
	s.SetGlobal("handler", sandbox.NewFunction(func(l *lua.LState) int {
		fn = sandbox.CheckFunction(l, 1)
		return 0
	}))
	globals := module.Globals()
	globals["handler"] = nil
	p, errs := sandbox.Compile("t.lua", []byte(`local t = kv.open("t", {ttl="1h"}) handler(function() t:incr("a key") end)`), sandbox.Options{Globals: globals})
	if errs.Failed() {
		b.Fatal(errs)
	}
	w.load = true
	if err := s.Load(p); err != nil {
		b.Fatal(err)
	}
	w.load = false
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Call(fn, sandbox.Run{Steps: 1_000_000}); err != nil {
			b.Fatal(err)
		}
	}
}
