package freeradius

import (
	"regexp"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// A filter is a condition of the policy filter_username as FreeRADIUS ships it.
type filter struct {
	there, here string
	name        string // one that it refuses
	refuses     func(name string) bool
}

func holds(pattern string) func(string) bool {
	return func(name string) bool { return regexp.MustCompile(pattern).MatchString(name) }
}

var filters = []filter{
	{`(&User-Name != "%{tolower:%{User-Name}}")`, `name ~= name:lower()`, "Bob", holds(`[A-Z]`)},
	{`(&User-Name =~ / /)`, `name:find(" ", 1, true)`, "bob smith", holds(` `)},
	{`(&User-Name =~ /@.*@/ )`, `name:find("@.*@")`, "bob@example.org@example.org", holds(`@.*@`)},
	{`(&User-Name =~ /@[^@]*@/ )`, `name:find("@[^@]*@")`, "bob@example.org@example.org", holds(`@[^@]*@`)},
	{`(&User-Name =~ /\.\./ )`, `name:find("..", 1, true)`, "bob..smith", holds(`\.\.`)},
	{`((&User-Name =~ /@/) && (&User-Name !~ /@(.+)\.(.+)$/))`, `name:find("@", 1, true) and not name:find("@.+%..+$")`, "bob@example", func(name string) bool { return strings.Contains(name, "@") && !holds(`@.+\..+$`)(name) }},
	{`(&User-Name =~ /\.$/)`, `name:find("%.$")`, "bob.", holds(`\.$`)},
	{`(&User-Name =~ /@\./)`, `name:find("@.", 1, true)`, "bob@.example.org", holds(`@\.`)},
}

// convertFilter writes scripts/00-filter-username.lua from the policy of that name, if it is in use.
func (s *source) convertFilter() {
	if !s.authorizes("filter_username") {
		return
	}
	var used []filter
	at := raddb.Pos{}
	for _, f := range s.conf.sub("policy").all("filter_username") {
		at = f.at
		used = s.filters(used, f)
	}
	if len(used) == 0 {
		return
	}
	s.refusing = used
	var conditions, names []string
	for _, f := range used {
		conditions, names = append(conditions, f.here), append(names, output.LuaString(f.name))
	}
	s.out.File("scripts/00-filter-username.lua").Printf("-- Names that nobody has, from FreeRADIUS's policy filter_username (%s).\n\n"+
		"on(\"hints\", {name = \"filter-username\", when = {code = \"Access-Request\"}}, function(req)\n  local name = req.user or \"\"\n"+
		"  if %s then\n    return reject{reason = \"user-name\"}\n  end\nend)\n", output.Comment(at.String()), strings.Join(conditions, "\n      or "))
	s.out.File("scripts/00-filter-username_test.lua").Printf("-- A name that passes, and one for each condition that refuses it.\n\n"+
		"test.users[[\nDEFAULT Auth-Type := Accept\n]]\n\ntest.case(\"a plain name\", function()\n"+
		"  expect(send{user = \"bob\", password = \"x\"}):accept()\nend)\n\n"+
		"test.each(\"refused\", {%s}, function(name)\n  expect(send{user = name, password = \"x\"}):reject(\"user-name\")\nend)\n", wrapped(names, 24, 118))
	s.report.Donef(at, "filter_username is in scripts/00-filter-username.lua")
}

// refused reports whether filter_username refuses the name.
func (s *source) refused(name string) bool {
	return slices.ContainsFunc(s.refusing, func(f filter) bool { return f.refuses(name) })
}

// filters adds the conditions that a section holds, and tells of those that are not known.
func (s *source) filters(used []filter, section *item) []filter {
	for _, it := range section.items {
		i := slices.IndexFunc(filters, func(f filter) bool { return f.there == it.second })
		switch {
		case !it.section || it.name != "if":
		case it.second == "(&User-Name)" || it.second == "(User-Name)":
			used = s.filters(used, it)
		case i < 0:
			s.report.Lookf(it.at, "a part of filter_username is left out (%s): write it into scripts/00-filter-username.lua", head(it))
		case !slices.ContainsFunc(used, func(f filter) bool { return f.there == filters[i].there }):
			used = append(used, filters[i])
		}
	}
	return used
}
