package freeradius

import (
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// routeScript forwards names whose realm does not stand behind the last @.
const routeScript = "scripts/31-routes.lua"

// behindAt reports the instance whose work the server does itself: the realm behind the last @.
func (p *splitter) behindAt() bool { return !p.prefix && p.delimiter == "@" }

// convertRoute writes where requests go whose realm is told in another way than behind an @. Without a realm
// module nothing was forwarded.
func (s *source) convertRoute() {
	parts := s.splitters()
	native := slices.ContainsFunc(parts, func(p splitter) bool { return p.behindAt() })
	others := slices.ContainsFunc(parts, func(p splitter) bool { return !p.behindAt() })
	if len(s.remote) == 0 || native && !others {
		return
	}
	f := s.out.File(routeScript)
	f.WriteString("-- Realms that are forwarded, from FreeRADIUS's proxy.conf, for names in the forms that its realm modules knew.\n\nlocal realms = {\n")
	all := false
	for _, r := range s.remote {
		if r.second == "NULL" {
			continue
		}
		f.Printf("  [%s] = {name = %s, strip = %t},\n", output.LuaString(strings.ToLower(r.second)), output.LuaString(r.second), r.find("nostrip") == nil)
		all = all || r.second == "DEFAULT"
	}
	f.WriteString("}\n\non(\"route\", {name = \"realms\"}, function(req)\n  local user, realm, home\n")
	for _, p := range parts {
		s.route(f, p, all && !p.skipDefault)
	}
	if !native {
		f.WriteString("  return handle_locally{strip = false} -- what stands behind an @ was no realm\n")
	}
	f.WriteString("end)\n")
	s.report.Donef(raddb.Pos{File: "proxy.conf"}, "names with a realm before them or behind another sign are forwarded by %s", routeScript)
}

// route writes what one instance does. What the server finds itself is left to it.
func (s *source) route(f *output.File, p splitter, others bool) {
	d := luaPattern(p.delimiter)
	find := "realms[realm:lower()]"
	if others {
		find = "(" + find + " or realms.default)"
	}
	if p.prefix {
		f.Printf("  realm, user = req.user:match(\"^([^%s]*)%s(.*)$\") -- %s\n", d, d, output.Comment(p.name))
	} else {
		f.Printf("  user, realm = req.user:match(\"^(.*)%s(.*)$\") -- %s\n", d, output.Comment(p.name))
	}
	f.Printf("  home = realm and %s\n  if home then\n", find)
	if p.behindAt() {
		f.WriteString("    return nil -- as raddb/realms says\n  end\n")
		return
	}
	f.WriteString("    if home.strip then req.user = user end\n    return proxy{realm = home.name, strip = false}\n  end\n")
}
