package policy

import (
	"testing"

	"perilune/engine/server"
)

// TestFixedVerdicts: a verdict of literals is the same value each time, wherever it is made; one that depends on anything is
// made anew.
func TestFixedVerdicts(t *testing.T) {
	h := load(t, `local function no() return reject{message="no"} end
on("authorize", function(req)
  if req.user == "bob" then return accept{vlan=900, {"Class", "a"}, {"Class", "b"}} end
  if req.user == "eve" then return no() end
  return accept{Class=req.user}
end)`)
	rn := h.pr.Acquire()
	verdict := func(user string) *server.Verdict { return rn.Run(server.PhaseAuthorize, h.access("User-Name", user)) }
	for _, c := range []struct {
		user  string
		same  bool
		kind  server.Kind
		count int
	}{{"bob", true, server.Accept, 5}, {"eve", true, server.Reject, 1}, {"ann", false, server.Accept, 1}} {
		first, second := verdict(c.user), verdict(c.user)
		if first == nil || first.Kind != c.kind || len(first.Attributes) != c.count || (first == second) != c.same {
			t.Errorf("%s: %+v, %+v", c.user, first, second)
		}
	}
	if log := h.log.String(); log != "" {
		t.Error(log)
	}
}
