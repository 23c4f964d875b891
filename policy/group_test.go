package policy

import (
	"errors"
	"strings"
	"testing"

	"perilune/engine/server"
	"perilune/engine/users"
)

// accountsOf are the accounts of a system where bob is in staff.
func accountsOf() (*users.Accounts, error) {
	return users.ReadAccounts(func(path string) ([]byte, error) {
		if path == "/etc/passwd" {
			return []byte("bob:x:1001:100::/:\n"), nil
		}
		return []byte("staff:x:100:eve\nwheel:x:10:\n"), nil
	})
}

// TestGroup: req:group tells of the Unix groups of the user as he is called now.
func TestGroup(t *testing.T) {
	h := load(t, `on("hints", function(req)
  local staff, none = "staff", "none"
  req:note("groups", tostring(req:group(staff)) .. " " .. tostring(req:group("wheel")) .. " " .. tostring(req:group(none)))
  req.user = "eve"
  req:note("eve", tostring(req:group(staff)))
  req:del("User-Name")
  req:note("nobody", tostring(req:group(staff)))
end)`)
	h.pr.accounts = accountsOf
	r := h.access("User-Name", "bob")
	h.run(server.PhaseHints, r)
	want := []server.Note{{Key: "groups", Value: "true false false"}, {Key: "eve", Value: "true"}, {Key: "nobody", Value: "false"}}
	for i, n := range want {
		if i >= len(r.Notes) || r.Notes[i] != n {
			t.Fatalf("notes %v, want %v\n%s", r.Notes, want, h.log)
		}
	}
}

func TestGroupMisuse(t *testing.T) {
	h := load(t, `on("hints", function(req) local n = 5 req:group(n) end)`)
	h.pr.accounts = accountsOf
	h.run(server.PhaseHints, h.access("User-Name", "bob"))
	if !strings.Contains(h.log.String(), "group: got a number, expected the name of a Unix group") {
		t.Errorf("log %s", h.log)
	}
	h = load(t, `on("hints", function(req) local n = "staff" req:group(n) end)`)
	h.pr.accounts = func() (*users.Accounts, error) { return nil, errors.New("no such thing") }
	h.run(server.PhaseHints, h.access("User-Name", "bob"))
	if !strings.Contains(h.log.String(), "group: no such thing") {
		t.Errorf("log %s", h.log)
	}
}

// TestGroupAtLoad: a group that stands in the text is looked up then.
func TestGroupAtLoad(t *testing.T) {
	_, errs := tryLoad(t, map[string]string{"a.lua": `on("hints", function(req) return req:group("no group of this name") end)`}, nil)
	if errs.Failed() || len(errs) != 1 || !strings.Contains(errs[0].Msg, `no Unix group is named "no group of this name"; nobody is in it`) {
		t.Skip("no accounts here: ", errs)
	}
	if errs[0].Line != 1 || errs[0].Col == 0 {
		t.Errorf("at %s", errs[0])
	}
}
