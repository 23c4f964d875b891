package policy

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"perilune/engine/server"
)

// manyScripts gives scripts as a site has them: some functions, a table, names of attributes.
func manyScripts(n int) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprintf("s%02d.lua", i)] = fmt.Sprintf(`
local sites = {berlin={vlan=1}, bonn={vlan=2}, kiel={vlan=3}}
local function site(req) return sites[req.client.vars.site or "kiel"] end
local guest = accept{vlan=900, ["Session-Timeout"]=300}
on("hints", {name="h%d", when={realm="r%d.example"}}, function(req) req.user = req.user:lower() end)
on("authorize", {name="a%d", when={user="guest%d"}}, function(req) return guest end)
on("reply", {name="r%d", when={client="sw-*"}}, function(req) local s = site(req) if s then req.reply["Class"] = "x" end end)`, i, i, i, i, i)
	}
	return all
}

// liveHeap gives the octets of what can be reached.
func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestStateIsSmall holds what a state takes, and that the admission counts no less: each request that waits has one.
func TestStateIsSmall(t *testing.T) {
	for _, c := range []struct{ scripts, most int }{{1, 36 << 10}, {50, 320 << 10}} {
		h, errs := tryLoad(t, manyScripts(c.scripts), nil)
		if err := errs.Err(); err != nil {
			t.Fatal(err)
		}
		states := make([]*Runner, 64)
		before := liveHeap()
		for i := range states {
			states[i] = h.pr.newRunner()
		}
		size := int(liveHeap()-before) / len(states)
		runtime.KeepAlive(states)
		t.Logf("%d scripts: %d octets; the admission counts %d", c.scripts, size, h.pr.stateSize)
		if size > c.most || size > h.pr.stateSize*5/4 {
			t.Errorf("a state of %d scripts takes %d octets, want at most %d; the admission counts %d", c.scripts, size, c.most, h.pr.stateSize)
		}
	}
}

// TestStatesShareNothingThatChanges: states of one program run side by side; -race tells what they should not share.
func TestStatesShareNothingThatChanges(t *testing.T) {
	h := load(t, `on("hints", function(req)
  for name, f in pairs(string) do req.ctx[name] = type(f) end
  req.control["Huntgroup-Name"] = req.user:upper() .. tostring(req) .. tostring(req.reply)
  local lib = string
  local ok = pcall(rawset, lib, "upper", 1)
  local also = pcall(setmetatable, json, {})
  if ok or also then error("a library was changed") end
end)`)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			rn := h.pr.Acquire()
			defer h.pr.Release(rn)
			r := h.access("User-Name", fmt.Sprint("user", i))
			for range 50 {
				if v := rn.Run(server.PhaseHints, r); v != nil {
					t.Errorf("%+v\n%s", v, h.log)
					return
				}
				rn.End(r)
			}
		})
	}
	all.Wait()
}

// TestTrim: idle states go by halves, unless they were needed.
func TestTrim(t *testing.T) {
	h := load(t, `on("hints", function(req) end)`)
	var taken []server.Runner
	for range 40 {
		taken = append(taken, h.pr.Acquire())
	}
	for _, rn := range taken {
		h.pr.Release(rn)
	}
	h.pr.Trim() // all were needed
	if n := len(h.pr.idle); n != 40 {
		t.Errorf("%d idle states are left of 40 that were needed", n)
	}
	for range 8 {
		h.pr.Release(h.pr.Acquire())
		h.pr.Trim()
	}
	if n := len(h.pr.idle); n > 2 || n < 1 {
		t.Errorf("%d idle states are left where one is needed", n)
	}
}

// TestSpareStates: a program that serves makes some states beforehand, and none once it is closed.
func TestSpareStates(t *testing.T) {
	h := load(t, `on("hints", function(req) end)`)
	h.pr.Start()
	var taken []server.Runner
	for range 10 {
		taken = append(taken, h.pr.Acquire())
		h.pr.fillers.Wait()
	}
	if n := len(h.pr.idle); n < 2 || n > spares {
		t.Errorf("%d idle states after %d were taken, want some", n, len(taken))
	}
	h.pr.Close()
	h.pr.Acquire()
	h.pr.fillers.Wait()
	if n := len(h.pr.idle); n != 0 {
		t.Errorf("%d idle states of a closed program", n)
	}
}
