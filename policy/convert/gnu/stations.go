package gnu

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// hostsAPart is how many hosts one file of the look-up table has: a script may have 256 KiB.
const hostsAPart = 1000

// testedHosts is how many addresses the test of the table asks for.
const testedHosts = 100

// noteStations says what is lost of naslist and nastypes: asking NASes for their sessions.
func (s *source) noteStations() {
	known := s.noteTypes()
	for _, n := range s.stations.list {
		if !known[n.kind] {
			known[n.kind] = true // once is enough
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
	if len(s.stations.list) == 0 && !s.asked("lib.nas") {
		return
	}
	var hosts, nets []*station
	for _, n := range s.stations.list {
		switch {
		case s.stations.prefix[n.prefix] != n:
		case n.prefix.IsSingleIP():
			hosts = append(hosts, n)
		default:
			nets = append(nets, n)
		}
	}
	f := s.out.File("scripts/lib/nas.lua")
	f.Secret = len(s.types) > 0 // SNMP's communities are as good as passwords
	f.WriteString("-- The NASes by the address that they give as theirs (NAS-IP-Address), each as its type and name; from naslist and\n" +
		"-- nastypes of the old tree.\n\n")
	f.WriteString(s.hostTable(hosts))
	f.WriteString("\n-- From the smallest network to the largest.\nlocal networks = {\n")
	slices.SortStableFunc(nets, func(a, b *station) int { return b.prefix.Bits() - a.prefix.Bits() })
	for _, n := range nets {
		f.Printf("  {net = net.cidr(%s), nas = %s},\n", output.LuaString(n.prefix.String()), n.lua())
	}
	other := "nil"
	if s.stations.all != nil {
		other = s.stations.all.lua()
	}
	f.Printf("}\n\n-- Every other address.\nlocal default = %s\n\n%s", other, argumentTable(s.stations.list))
	f.WriteString("\n-- How sessions of a type are asked for.\nlocal types = {\n")
	for _, t := range s.types {
		f.Printf("  [%s] = {method = %s%s},\n", output.LuaString(t.name), output.LuaString(t.method), luaArguments(t.args))
	}
	f.WriteString(stationFunctions)
	if len(s.stations.list) > 0 {
		s.stationTest()
		s.report.Donef(raddb.Pos{File: "naslist"}, "names and types are in raddb/clients, by source address, and in scripts/lib/nas.lua, by NAS-IP-Address")
	}
}

// hostTable gives the tables of single addresses. Many of them go to files of their own, and get room.
func (s *source) hostTable(hosts []*station) string {
	var b strings.Builder
	b.WriteString("local hosts = {\n")
	if len(hosts) <= hostsAPart {
		b.WriteString("  " + strings.ReplaceAll(hostEntries(hosts), "\n", "\n  ") + ",\n")
	} else {
		s.toml.Set("policy", "memory", fmt.Sprintf("%dMiB", 32+len(hosts)/200), raddb.Pos{File: "naslist"})
		number := 0
		for part := range slices.Chunk(hosts, hostsAPart) {
			number++
			name := fmt.Sprintf("hosts%02d", number)
			s.out.File("scripts/lib/nas/"+name+".lua").Printf("-- A part of ../nas.lua.\n\nreturn %s\n", hostEntries(part))
			fmt.Fprintf(&b, "  require(\"lib.nas.%s\"),\n", name)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func hostEntries(hosts []*station) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, n := range hosts {
		fmt.Fprintf(&b, "  [%s] = %s,\n", output.LuaString(n.prefix.Addr().String()), n.lua())
	}
	b.WriteString("}")
	return b.String()
}

const stationFunctions = `}

local M = {}

local function text(ip)
  if type(ip) == "number" then return net.ntoa(ip) end
  return ip or ""
end

local function entry(ip)
  if ip == "" then return default end
  for _, part in ipairs(hosts) do
    if part[ip] then return part[ip] end
  end
  for _, n in ipairs(networks) do
    if n.net:has(ip) then return n.nas end
  end
  return default
end

-- find gives type and name of an address, text or number; nil if it has none.
function M.find(ip)
  local nas = entry(text(ip))
  if nas then return nas:match("^(%S+) (.*)$") end
end

-- short_name gives the name of an address, the address itself if it has none.
function M.short_name(ip)
  local _, name = M.find(ip)
  return name or text(ip)
end

M.name = M.short_name

-- full_name gives the address as text: naslist knows its host name no better.
function M.full_name(ip)
  return text(ip)
end

-- type_of gives the type, "true" if the NAS is not known.
function M.type_of(ip)
  return M.find(ip) or "true"
end

-- method_of gives how sessions of that NAS are asked for: a table with method, nil if they are not, and what the
-- NAS has instead of its type's values.
function M.method_of(ip)
  return types[M.type_of(ip)], arguments[text(ip)]
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

// lua gives type and name of the station as a string of Lua.
func (n *station) lua() string {
	return output.LuaString(strings.ReplaceAll(n.kind, " ", "_") + " " + n.name)
}

// argumentTable gives the table of what single NASes have instead of their type's values.
func argumentTable(list []*station) string {
	var b strings.Builder
	b.WriteString("-- What single NASes have instead of their type's values.\nlocal arguments = {\n")
	for _, n := range list {
		if fields := strings.TrimPrefix(luaArguments(n.args), ", "); fields != "" && n.prefix.IsValid() && n.prefix.IsSingleIP() {
			fmt.Fprintf(&b, "  [%s] = {%s},\n", output.LuaString(n.prefix.Addr().String()), fields)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// luaArguments gives the arguments as further fields.
func luaArguments(args []argument) string {
	var b strings.Builder
	for _, a := range args {
		fmt.Fprintf(&b, ", [%s] = %s", output.LuaString(a.name), output.LuaString(a.value))
	}
	return b.String()
}

// stationTest writes a test of the table: the first address of each line, as far as no other line has it.
func (s *source) stationTest() {
	f := s.out.File("scripts/nas_test.lua")
	f.WriteString("-- Tests of lib/nas.lua.\n\nlocal nas = require(\"lib.nas\")\n\n")
	f.WriteString("test.each(\"an address has its name\", {\n")
	rows := 0
	for _, n := range s.stations.list {
		if !n.prefix.IsValid() || rows == testedHosts || s.stations.find(netip.PrefixFrom(n.prefix.Addr(), 32)) != n {
			continue
		}
		rows++
		f.Printf("  {ip = %s, name = %s, type = %s},\n", output.LuaString(n.prefix.Addr().String()), output.LuaString(n.name), output.LuaString(n.kind))
	}
	f.WriteString("}, function(row)\n  test.equal(nas.name(row.ip), row.name)\n  test.equal(nas.type_of(row.ip), row.type)\nend)\n")
}
