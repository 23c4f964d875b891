package policy

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
	"perilune/engine/server"
	"perilune/policy/module"
)

// Session implements server.Runner: the first handler that answers true or false decides. One that fails knows
// nothing, unless its on_error or on_timeout says reject or drop: then the session counts.
func (rn *Runner) Session(r *server.Request, s *acct.Session) server.Alive {
	rn.begin(r)
	rn.doubted = s
	defer func() { rn.doubted = nil }()
	for _, h := range rn.pr.phases[server.PhaseSession] {
		ok, v := rn.applies(h, r)
		if v != nil {
			return server.AliveUnknown // a huntgroup failed
		}
		if !ok {
			continue
		}
		if alive := rn.askSession(h, r, s); alive != server.AliveUnknown {
			return alive
		}
	}
	return server.AliveUnknown
}

func (rn *Runner) askSession(h *handler, r *server.Request, s *acct.Session) server.Alive {
	results, v, ok := rn.call(h, r, module.Session(rn.lua(), s))
	switch {
	case v != nil:
		return server.AliveYes
	case !ok || len(results) == 0 || results[0] == lua.LNil:
		return server.AliveUnknown
	case results[0] == lua.LTrue:
		return server.AliveYes
	}
	return server.AliveNo
}

// nasOf gives the name and type of the client that `when` compares: in the phase session that of the session's NAS.
func (rn *Runner) nasOf(r *server.Request) (name, kind string) {
	client := r.Client
	if s := rn.doubted; s != nil {
		if r.Generation == nil || r.Generation.Clients == nil {
			return s.Client, ""
		}
		if client = r.Generation.Clients.Named(s.Client); client == nil {
			return s.Client, ""
		}
	}
	if client == nil {
		return "", ""
	}
	return client.Name, client.Type
}
