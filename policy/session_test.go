package policy

import (
	"strings"
	"testing"
	"testing/fstest"

	"perilune/engine/acct"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// TestSessionHandlers: the first answer counts, nil passes on, failures know nothing unless told otherwise.
func TestSessionHandlers(t *testing.T) {
	for script, want := range map[string]server.Alive{
		``: server.AliveUnknown,
		`on("session", function(req, s) return true end)`:                                                                         server.AliveYes,
		`on("session", function(req, s) return false end)`:                                                                        server.AliveNo,
		`on("session", function(req, s) end)`:                                                                                     server.AliveUnknown,
		`on("session", function(req, s) end) on("session", function(req, s) return false end)`:                                    server.AliveNo,
		`on("session", function(req, s) return 0 end)`:                                                                            server.AliveUnknown,
		`on("session", function(req, s) error("x") end) on("session", function(req, s) return true end)`:                          server.AliveYes,
		`on("session", {on_error="reject"}, function(req, s) error("x") end)`:                                                     server.AliveYes,
		`on("session", {when={client="far"}}, function(req, s) return false end)`:                                                 server.AliveNo,
		`on("session", {when={client="vpn-1"}}, function(req, s) return false end)`:                                               server.AliveUnknown,
		`on("session", {when={nas_type="max"}}, function(req, s) return false end)`:                                               server.AliveNo,
		`on("session", {unless={nas_type="max"}}, function(req, s) return false end)`:                                             server.AliveUnknown,
		`on("session", {when={user="bob", ["NAS-Port"]=7}}, function(req, s) return true end)`:                                    server.AliveYes,
		`on("session", function(req, s) return s.user == "bob" and s.id == "S1" and s.nas_port == "4" and s.client == "far" end)`: server.AliveYes,
		`on("session", function(req, s) return s.started == 100 and s.updated == 200 and s.input == 5 and s.realm == nil end)`:    server.AliveYes,
		`on("session", function(req, s) return req.client.name == "vpn-1" and s.nas == "far" and #s.unique == 32 end)`:            server.AliveYes,
	} {
		h := load(t, script)
		h.gen.Clients = clientTable(t, "10.0.0.1 \"testing-secret\" far type=max\n")
		rn := h.pr.Acquire()
		r := h.access("User-Name", "bob", "NAS-Port", "7")
		s := &acct.Session{User: "bob", UserName: "bob", SessionID: "S1", Client: "far", Port: "4", Begin: 100, Updated: 200, Input: 5}
		if got := rn.Session(r, s); got != want {
			t.Errorf("%s: %d, want %d\n%s", script, got, want, h.log)
		}
		rn.End(r)
		h.pr.Release(rn)
	}
}

func TestSessionHandlersMayNotDecide(t *testing.T) {
	_, errs := tryLoad(t, map[string]string{"a.lua": `on("session", function(req, s) return accept{} end)`}, nil)
	if err := errs.Err(); err == nil || !strings.Contains(err.Error(), "accept{} is no answer about a session; return true, false or nil") {
		t.Errorf("accept{} in session: %v", err)
	}
	for script, want := range map[string]string{
		`on("session", function(req, s) local v = accept{} return v end)`:             "accept{} is no answer about a session; return true, false or nil",
		`local v = reject{message="no"} on("session", function(req, s) return v end)`: "a verdict is no answer about a session; return true, false or nil",
		`on("session", function(req, s) drop{} return true end)`:                      "drop{} is no answer about a session; return true, false or nil",
		`on("session", {on_error="continue"}, function(req, s) return "alive" end)`:   "returned a string, expected true, false or nil",
	} {
		h := load(t, script)
		rn := h.pr.Acquire()
		r := h.access("User-Name", "bob")
		if got := rn.Session(r, &acct.Session{User: "bob"}); got != server.AliveUnknown || !strings.Contains(h.log.String(), want) {
			t.Errorf("%s: %d\n%s", script, got, h.log)
		}
		rn.End(r)
		h.pr.Release(rn)
	}
}

func clientTable(t *testing.T, text string) *nas.Table {
	t.Helper()
	var errs raddb.List
	table := nas.Load(raddb.OpenFS(fstest.MapFS{"clients": {Data: []byte(text)}}), "clients", &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	return table
}
