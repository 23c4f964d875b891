package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/server"
)

// TestSkippedHandlers: a handler that is not run tells which key was against it, and whether the others held; no
// huntgroup is asked for that.
func TestSkippedHandlers(t *testing.T) {
	h := load(t, `
huntgroup("never", function(req) error("asked") end)
local f = function(req) end
on("authorize", {name="one", when={user="bob"}}, f)
on("authorize", {name="near", when={user="ann", ["NAS-Port"]="1-31"}}, f)
on("authorize", {name="far", when={user="bob", ["NAS-Port"]="1-31"}}, f)
on("authorize", {name="sets", when={{user="bob", method="chap"}, {user="ann", realm="x"}}}, f)
on("authorize", {name="unless", unless={user="a*"}}, f)
on("authorize", {name="secret", when={["User-Password"]="sesame"}}, f)
on("authorize", {name="asked last", when={huntgroup="never", user="bob"}}, f)
on("authorize", {name="absent", when={["Framed-Protocol"]=true}}, f)`)
	r := h.access("User-Name", "ann", "User-Password", "another", "NAS-Port", "40")
	r.Trace = new(server.Trace)
	h.run(server.PhaseAuthorize, r)
	var got []server.TraceSkip
	for _, s := range r.Trace.Steps() {
		got = append(got, s.Skipped...)
	}
	want := []server.TraceSkip{
		{Hook: "a.lua:4", Name: "one", Key: "user", Wants: "user = bob", Found: "has ann"},
		{Hook: "a.lua:5", Name: "near", Key: "NAS-Port", Wants: "NAS-Port = 1-31", Found: "has 40", Near: true},
		{Hook: "a.lua:6", Name: "far", Key: "NAS-Port", Wants: "NAS-Port = 1-31", Found: "has 40"},
		{Hook: "a.lua:7", Name: "sets", Key: "realm", Wants: "realm = x", Found: "has none", Near: true},
		{Hook: "a.lua:8", Name: "unless", Key: "unless", Wants: "no user = a*", Found: "which holds"},
		{Hook: "a.lua:9", Name: "secret", Key: "User-Password", Wants: "User-Password = [secret]", Found: "has [secret]"},
		{Hook: "a.lua:10", Name: "asked last", Key: "user", Wants: "user = bob", Found: "has ann", Near: true},
		{Hook: "a.lua:11", Name: "absent", Key: "Framed-Protocol", Wants: "Framed-Protocol = true", Found: "has none"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
