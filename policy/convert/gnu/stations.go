package gnu

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"perilune/engine/raddb"
)

// noteStations says what is lost of naslist and nastypes: asking NASes for their sessions.
func (s *source) noteStations() {
	known := map[string]bool{"true": true, "false": true}
	for _, t := range s.types {
		known[t.name] = true
		s.report.Lookf(t.at, "NAS type %s asks by %s whether a session lives: %s; its data is in scripts/lib/nas.lua", t.name, t.method, noSessions)
	}
	for _, n := range s.stations {
		if !known[n.kind] {
			s.report.Lookf(n.at, "NAS %s has the type %s, which nastypes does not know", n.name, n.kind)
		}
		if !n.prefix.IsValid() && !n.all {
			s.report.Differsf(n.at, "NAS %s gives its name to its line in raddb/clients alone; scripts find NASes by addresses, so give its address to scripts/lib/nas.lua if they need it", n.host)
		}
	}
}

// writeStations keeps naslist and nastypes as a table that scripts ask by NAS-IP-Address. Without a naslist it is
// written for scripts that ask it.
func (s *source) writeStations() {
	if len(s.stations) == 0 && !s.asked("lib.nas") {
		return
	}
	f := s.out.File("scripts/lib/nas.lua")
	f.Secret = len(s.types) > 0 // SNMP's communities are as good as passwords
	f.WriteString("-- The NASes by the address that they give as theirs (NAS-IP-Address); from naslist and nastypes of the old tree.\n\n")
	f.WriteString("local hosts = {\n")
	var nets []*station
	var all *station
	for _, n := range s.stations {
		switch {
		case n.all && all == nil:
			all = n
		case n.all:
		case n.prefix.IsValid() && n.prefix.IsSingleIP():
			f.Printf("  [%s] = %s,\n", luaString(n.prefix.Addr().String()), n.lua())
		case n.prefix.IsValid():
			nets = append(nets, n)
		}
	}
	f.WriteString("}\n\n-- From the smallest network to the largest.\nlocal networks = {\n")
	for _, n := range bySpecificity(nets) {
		f.Printf("  {net = net.cidr(%s), nas = %s},\n", luaString(n.prefix.String()), n.lua())
	}
	f.WriteString("}\n\n")
	other := "nil"
	if all != nil {
		other = all.lua()
	}
	f.Printf("-- Every other address.\nlocal default = %s\n", other)
	f.Printf("\n-- How sessions of a type are asked for.\nlocal types = {\n")
	for _, t := range s.types {
		f.Printf("  [%s] = {method = %s%s},\n", luaString(t.name), luaString(t.method), luaArguments(t.args))
	}
	f.WriteString(stationFunctions)
	if len(s.stations) == 0 {
		return
	}
	s.stationTest()
	s.report.Donef(raddb.Pos{File: "naslist"}, "names and types are in raddb/clients, by source address, and in scripts/lib/nas.lua, by NAS-IP-Address")
}

const stationFunctions = `}

local M = {}

-- find gives the entry of an address, text or number; nil if there is none.
function M.find(ip)
  if type(ip) == "number" then ip = net.ntoa(ip) end
  if ip == nil then return default end
  if hosts[ip] then return hosts[ip] end
  for _, n in ipairs(networks) do
    if n.net:has(ip) then return n.nas end
  end
  return default
end

local function text(ip)
  if type(ip) == "number" then return net.ntoa(ip) end
  return ip or ""
end

-- short_name gives the name of an address, the address itself if it has none.
function M.short_name(ip)
  local nas = M.find(ip)
  return nas and nas.name or text(ip)
end

M.name = M.short_name

-- full_name gives the address as text: naslist knows its host name no better.
function M.full_name(ip)
  return text(ip)
end

-- type_of gives the type, "true" if the NAS is not known.
function M.type_of(ip)
  local nas = M.find(ip)
  return nas and nas.type or "true"
end

-- method_of gives how sessions of that NAS are asked for: a table with method, nil if they are not.
function M.method_of(ip)
  return types[M.type_of(ip)]
end

return M
`

// asked reports whether a script requires a library.
func (s *source) asked(library string) bool {
	for _, name := range s.out.Names() {
		if strings.HasPrefix(name, "scripts/") && bytes.Contains(s.out.File(name).Bytes(), []byte(`require("`+library+`")`)) {
			return true
		}
	}
	return false
}

// lua gives the station as a table.
func (n *station) lua() string {
	return fmt.Sprintf("{name = %s, type = %s%s}", luaString(n.name), luaString(n.kind), luaArguments(n.args))
}

// luaArguments gives the arguments as further fields.
func luaArguments(args []argument) string {
	var b strings.Builder
	for _, a := range args {
		fmt.Fprintf(&b, ", [%s] = %s", luaString(a.name), luaString(a.value))
	}
	return b.String()
}

// stationTest writes a test of the table: one address of each kind, and one that no line has.
func (s *source) stationTest() {
	f := s.out.File("scripts/nas_test.lua")
	f.WriteString("-- Tests of lib/nas.lua.\n\nlocal nas = require(\"lib.nas\")\n\n")
	f.WriteString("test.each(\"an address has its name\", {\n")
	for _, n := range s.stations {
		if !n.prefix.IsValid() {
			continue
		}
		if address := netip.PrefixFrom(n.prefix.Addr(), 32); find(s.stations, address) == n {
			f.Printf("  {ip = %s, name = %s, type = %s},\n", luaString(address.Addr().String()), luaString(n.name), luaString(n.kind))
		}
	}
	f.WriteString("}, function(row)\n  test.equal(nas.name(row.ip), row.name)\n  test.equal(nas.type_of(row.ip), row.type)\nend)\n")
}
