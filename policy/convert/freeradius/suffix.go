package freeradius

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// A splitter is an instance of the realm module: how it parts a name.
type splitter struct {
	name        string
	prefix      bool // the realm comes first
	delimiter   string
	skipNull    bool // ignore_null: not for names without a realm
	skipDefault bool // ignore_default: not for realms that are not listed
}

// usualSplitters are the instances that FreeRADIUS ships.
var usualSplitters = map[string]splitter{
	"suffix": {delimiter: "@"}, "realmpercent": {delimiter: "%"},
	"IPASS": {prefix: true, delimiter: "/"}, "bangpath": {prefix: true, delimiter: "!"}, "ntdomain": {prefix: true, delimiter: `\`},
}

// splitters gives the instances in use, in their order.
func (s *source) splitters() (list []splitter) {
	for _, server := range s.virtualServers() {
		for _, place := range server.all("authorize") {
			for _, it := range place.items {
				if p, ok := s.splitter(strings.TrimPrefix(it.name, "-")); ok {
					list = append(list, p)
				}
			}
			if len(list) > 0 {
				return list
			}
		}
	}
	return list
}

func (s *source) splitter(name string) (splitter, bool) {
	p, usual := usualSplitters[name]
	p.name = name
	for _, m := range s.conf.sub("modules").all("realm") {
		if m.second != name {
			continue
		}
		p.prefix = m.text("format") == "prefix"
		p.delimiter = m.text("delimiter")
		p.skipNull, p.skipDefault = saysYes(m.text("ignore_null")), saysYes(m.text("ignore_default"))
		usual = len(p.delimiter) == 1
	}
	return p, usual
}

// splits reports whether the module is an instance of the realm module.
func (s *source) splits(name string) bool {
	_, ok := s.splitter(name)
	return ok
}

// convertSuffix writes scripts/30-realms.lua: it takes realms that are answered here off the name by which users
// entries are found.
func (s *source) convertSuffix() {
	parts := s.splitters()
	if len(s.local) == 0 {
		return
	}
	if len(parts) == 0 {
		s.report.Differsf(s.local[0].at, "no realm module is in use; names keep their realms")
		return
	}
	f := s.out.File("scripts/30-realms.lua")
	f.Printf("-- Realms that are answered here, from FreeRADIUS's proxy.conf: users entries are found by the name without them.\n\nlocal realms = {\n")
	null, others := false, false
	for _, r := range s.local {
		f.Printf("  [%s] = {name = %s, strip = %t},\n", output.LuaString(strings.ToLower(r.second)), output.LuaString(r.second), r.find("nostrip") == nil)
		null, others = null || r.second == "NULL", others || r.second == "DEFAULT"
	}
	f.Printf("}\n\non(\"authorize\", {name = \"realms\"}, function(req)\n")
	f.Printf("  local name = req[\"Stripped-User-Name\"] or req.user or \"\"\n")
	for i, p := range parts {
		s.split(f, p, i == len(parts)-1, null, others)
	}
	f.Printf("end)\n")
	for _, p := range parts {
		if !p.prefix {
			s.realmCases(p)
			break
		}
		if null && !p.skipNull { // it takes all names without its delimiter
			break
		}
	}
	s.report.Donef(raddb.Pos{File: "proxy.conf"}, "%s answered here: scripts/30-realms.lua takes them off names", count(len(s.local), "realm"))
}

// strippedAlways reports whether each name ends up in Stripped-User-Name, also one without a realm.
func (s *source) strippedAlways() bool {
	return slices.ContainsFunc(s.local, func(r *item) bool { return r.second == "NULL" || r.second == "DEFAULT" })
}

// realmCases writes the tests of the realms that stand behind the name.
func (s *source) realmCases(p splitter) {
	cases := 0
	var b strings.Builder
	b.WriteString("-- A name for each realm, and one that just is not of it. The entry shows what is left of the name.\n\n" +
		"test.users[[\nDEFAULT Auth-Type := Accept\n\tReply-Message = \"%{Realm} %{Stripped-User-Name}\"\n]]\n")
	for _, r := range s.local {
		name, miss := "bob"+p.delimiter+r.second, "bob"+p.delimiter+r.second+".invalid"
		if r.second == "NULL" || r.second == "DEFAULT" || s.refused(name) {
			continue
		}
		left := r.second + " bob"
		if r.find("nostrip") != nil {
			left = r.second + " "
		}
		cases++
		fmt.Fprintf(&b, "\ntest.case(%s, function()\n  expect(send{user = %s, password = \"x\"}):accept():has(\"Reply-Message\", %s)\n", output.LuaString(r.second), output.LuaString(name), output.LuaString(left))
		fmt.Fprintf(&b, "  test.equal(send{user = %s, password = \"x\"}:is(\"Reply-Message\", %s), false)\nend)\n", output.LuaString(miss), output.LuaString(output.LiteralGlob(left)))
	}
	if cases > 0 {
		s.out.File("scripts/30-realms_test.lua").WriteString(b.String())
	}
}

// split writes what one instance does. The first that finds a realm ends the search.
func (s *source) split(f *output.File, p splitter, last, null, others bool) {
	d := luaPattern(p.delimiter)
	if p.prefix {
		f.Printf("  local realm, user = name:match(\"^([^%s]*)%s(.*)$\") -- %s\n", d, d, output.Comment(p.name))
	} else {
		f.Printf("  local user, realm = name:match(\"^(.*)%s(.*)$\") -- %s\n", d, output.Comment(p.name))
	}
	find := "realms[realm:lower()]"
	if others && !p.skipDefault {
		find += " or realms.default"
	}
	if null && !p.skipNull {
		find = "realm and (" + find + ") or not realm and realms.null"
	} else {
		find = "realm and (" + find + ")"
	}
	user := "user"
	if null && !p.skipNull {
		user = "user or name"
	}
	f.Printf("  local home = %s\n  if home then\n    req[\"Realm\"] = home.name\n    if home.strip then req[\"Stripped-User-Name\"] = %s end\n", simpler(find), user)
	if !last {
		f.Printf("    return\n")
	}
	f.Printf("  end\n")
}

// simpler takes brackets off that nothing needs.
func simpler(expression string) string {
	if m := needless.FindStringSubmatch(expression); m != nil {
		return "realm and " + m[1]
	}
	return expression
}

var needless = regexp.MustCompile(`^realm and \(([^ ]*)\)$`)

// luaPattern escapes a delimiter for a pattern of Lua within quotes.
func luaPattern(delimiter string) string {
	switch {
	case delimiter == `\`:
		return `\\`
	case strings.Contains("^$()%.[]*+-?", delimiter):
		return "%" + delimiter
	}
	return delimiter
}
