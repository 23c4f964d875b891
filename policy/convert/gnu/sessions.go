package gnu

import "perilune/engine/raddb"

// sessionsScript tells which sessions are believed in.
const sessionsScript = "scripts/50-sessions.lua"

// convertSessions writes who is asked about a session that stands in the way of a login: the NAS's type in naslist
// decides, and checkrad-assume-logged where it cannot.
func (s *source) convertSessions() {
	s.toml.Set("sessions", "stripped-names", true, raddb.Pos{})
	if s.o.Exact {
		s.toml.Set("sessions", "grace", "0s", raddb.Pos{})
		s.toml.Set("sessions", "same-device", "count", raddb.Pos{})
	}
	refused := false
	for _, n := range s.stations.list {
		refused = refused || n.kind == "false"
	}
	if !refused && s.old.assumeYes {
		return
	}
	f := s.out.File(sessionsScript)
	f.WriteString("-- sessions: is a session that stands in the way of a login still there? From naslist of the old tree.\n" +
		"-- A session that is not is closed, and the login counts anew.\n\nlocal nas = require(\"lib.nas\")\n\n" +
		"on(\"session\", {name = \"naslist\"}, function(req, session)\n  local kind = nas.find(session.nas_address)\n" +
		"  if kind == \"true\" then\n    return true\n  elseif kind == \"false\" then\n    return false\n  end\n")
	if s.old.assumeYes {
		f.WriteString("  return nil -- checkrad-assume-logged yes\nend)\n")
	} else {
		f.WriteString("  return false -- checkrad-assume-logged no\nend)\n")
	}
	s.report.Donef(raddb.Pos{File: "naslist"}, "what its types say of sessions is in %s", sessionsScript)
}

// noteTypes says what is lost of nastypes: asking NASes for their sessions.
func (s *source) noteTypes() map[string]bool {
	known := map[string]bool{"true": true, "false": true}
	assumed := "its sessions are taken for live"
	if !s.old.assumeYes {
		assumed = "its sessions are taken for dead"
	}
	for _, t := range s.types {
		known[t.name] = true
		s.report.Lookf(t.at, "NAS type %s is asked by %s whether a session lives: nothing here speaks %s, so %s (checkrad-assume-logged); "+
			"its data is in scripts/lib/nas.lua, for an on(\"session\", fn) of yours", t.name, t.method, t.method, assumed)
	}
	return known
}
