package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// park ends a Runner's work for a request that goes to a home server, lets it serve another request, and gives
// a second Runner.
func (h *house) park(rn server.Runner, r *server.Request) server.Runner {
	h.t.Helper()
	if !rn.Park(r) {
		h.t.Fatal("the request cannot be parked")
	}
	other := h.access("User-Name", "other@other.example", "User-Password", "other")
	rn.Run(server.PhaseHints, other)
	rn.End(other)
	next := h.pr.Acquire()
	if next == rn {
		h.t.Fatal("the same state again")
	}
	return next
}

// TestPark: all that handlers know of a request is there again in another state.
func TestPark(t *testing.T) {
	h := load(t, `
huntgroup("air", function(req) req.ctx.asked = (req.ctx.asked or 0) + 1 return req["NAS-Port"] == 7 end)
huntgroup("sea", {on_error="continue"}, function(req) error("no") end)
on("huntgroups", {unless={user="other*"}}, function(req)
  req.ctx = {n=5, f=1.5, t={"a", "b", {deep=true}}, [3]="three", text="x\0y"}
  req.state.step = req.state.step + 1
  req:note("air", tostring(req:huntgroup("air")) .. tostring(req:huntgroup("sea")))
end)
on("route", {unless={user="other*"}}, function(req) req.user = "moved@b.example" end)
on("post_proxy", function(req)
  local c = req.ctx
  req:note("ctx", table.concat({c.n, c.f, c.t[1], c.t[2], tostring(c.t[3].deep), c[3], #c.text, c.asked}, " "))
  c.more = "later"
  req:note("again", tostring(req:huntgroup("air")) .. tostring(req:huntgroup("sea")) .. c.asked)
  req:note("step", req.state.step)
  req:note("realm", req.realm .. "/" .. req.stripped)
end)
on("reply", function(req) req:note("more", req.ctx.more .. req.ctx.n .. req.state.step) end)`)
	rn := h.pr.Acquire()
	r := h.access("User-Name", "bob@a.example", "NAS-Port", "7")
	sealed := &lua.LTable{Metatable: lua.LNil}
	sealed.RawSetString("step", lua.LNumber(1))
	r.Round = &server.Round{Next: "x", Data: appendPlain(nil, sealed)}
	for _, p := range []server.Phase{server.PhaseHuntgroups, server.PhaseRoute, server.PhasePreProxy} {
		rn.Run(p, r)
	}
	next := h.park(rn, r)
	next.Run(server.PhasePostProxy, r)
	if r.Local != nil {
		t.Error("what was taken up still lies there")
	}
	last := h.park(next, r)
	r.Verdict = server.Accept
	last.Run(server.PhaseReply, r)
	want := "air=truenil ctx=5 1.5 a b true three 3 1 again=truenil1 step=2 realm=b.example/moved more=later52"
	if diff := cmp.Diff(want, noteText(r)); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
	last.End(r)
	if r.Local != nil {
		t.Error("something is left of a request that is over")
	}
}

// TestParkTwice: a state that nobody asked in between changes nothing.
func TestParkTwice(t *testing.T) {
	h := load(t, `
on("route", function(req) req.ctx.n = 1 end)
on("post_proxy", {when={user="nobody"}}, function(req) end)
on("done", function(req) req:note("n", tostring(req.ctx.n)) end)`)
	rn, r := h.pr.Acquire(), h.access("User-Name", "bob")
	rn.Run(server.PhaseRoute, r)
	rn = h.park(rn, r)
	if !rn.Park(r) || r.Local == nil { // it never worked for the request
		t.Error("what was parked is gone")
	}
	rn.Run(server.PhasePostProxy, r) // takes it up, and no handler looks at it
	rn = h.park(rn, r)
	rn.Run(server.PhaseDone, r)
	if got := noteText(r); got != "n=1" {
		t.Errorf("got %s\n%s", got, h.log)
	}
}

// TestParkKeepsNothing: a request whose handlers keep nothing leaves nothing behind.
func TestParkKeepsNothing(t *testing.T) {
	h := load(t, `on("hints", function(req) req:note("x", 1) end)`)
	rn, r := h.pr.Acquire(), h.access("User-Name", "bob")
	rn.Run(server.PhaseHints, r)
	if !rn.Park(r) || r.Local != nil {
		t.Errorf("%+v", r.Local)
	}
}

// TestParkRefuses: what is too large, or no plain data, keeps its state.
func TestParkRefuses(t *testing.T) {
	for body, want := range map[string]bool{
		`req.ctx.text = ("x"):rep(200000)`:                                true,
		`req.ctx.text = ("x"):rep(300000)`:                                false,
		`local s = ("x"):rep(10000) for i = 1, 100 do req.ctx[i] = s end`: false,
		`req.ctx.f = print error("x")`:                                    false,
		`req.ctx.loop = req.ctx error("x")`:                               false,
	} {
		h := load(t, "on('hints', {on_error='continue'}, function(req) "+body+" end)\n"+
			`on("done", function(req) req:note("kept", tostring(next(req.ctx) ~= nil)) end)`)
		rn, r := h.pr.Acquire(), h.access("User-Name", "bob")
		rn.Run(server.PhaseHints, r)
		if got := rn.Park(r); got != want {
			t.Errorf("%s: parked %v, want %v", body, got, want)
		}
		if want == (r.Local == nil) {
			t.Errorf("%s: %T is left", body, r.Local)
		}
	}
}

// TestParkBlanks: secrets that handlers have changed, or read, show in no text of a later state.
func TestParkBlanks(t *testing.T) {
	h, err := loadSecret(t, `
local key = secret("api")
on("route", function(req)
  req.ctx.password, req.ctx.key = req.password, key:reveal()
  req.password = nil or "changed"
end)
on("post_proxy", function(req) req:note("p", req.ctx.password) req:note("k", req.ctx.key) error(req.ctx.password .. req.ctx.key) end)`)
	if err != nil {
		t.Fatal(err)
	}
	rn, r := h.pr.Acquire(), h.access("User-Name", "bob", "User-Password", "top-secret-4711")
	rn.Run(server.PhaseRoute, r)
	next := h.park(rn, r)
	next.Run(server.PhasePostProxy, r)
	out := noteText(r) + h.log.String()
	if strings.Contains(out, "4711") || strings.Contains(out, "s3cr3t") || strings.Count(out, blanked) < 4 {
		t.Error(out)
	}
}

// TestParkAccounting: the same for a request of another code; its failed handler drops it later as before.
func TestParkAccounting(t *testing.T) {
	h := load(t, `
on("route", function(req) req.ctx.n = 1 end)
on("accounting", function(req) if req.ctx.n == 1 then error("seen") end end)`)
	rn, r := h.pr.Acquire(), h.request(radius.CodeAccountingRequest, "User-Name", "bob")
	rn.Run(server.PhaseRoute, r)
	v := h.park(rn, r).Run(server.PhaseAccounting, r)
	if v == nil || v.Kind != server.Drop || !v.Failed || !strings.Contains(h.log.String(), "seen") {
		t.Errorf("%+v\n%s", v, h.log)
	}
}
