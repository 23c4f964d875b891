package freeradius

import (
	"slices"
	"strings"
)

// convertPreprocess writes scripts/05-preprocess.lua: what the preprocess module does to each request before it
// looks at hints and huntgroups, as far as something here asks for it.
func (s *source) convertPreprocess() {
	if !s.authorizes("preprocess") {
		return
	}
	var b strings.Builder
	if m := s.module("preprocess"); m != nil {
		s.nameHacks(&b, m)
	}
	if s.mentioned("Service-Type") {
		b.WriteString("\n-- Who asks for a protocol asks for the service, too.\n" +
			"on(\"hints\", {name = \"service-type\", when = {[\"Framed-Protocol\"] = true, [\"Service-Type\"] = false}}, function(req)\n" +
			"  req[\"Service-Type\"] = \"Framed-User\"\nend)\n")
	}
	if s.mentioned("NAS-IP-Address") {
		b.WriteString("\n-- A NAS that does not tell its address has the one that it sends from.\n" +
			"on(\"hints\", {name = \"nas-address\", when = {[\"NAS-IP-Address\"] = false}}, function(req)\n" +
			"  if not req.src:find(\":\", 1, true) then req[\"NAS-IP-Address\"] = req.src end\nend)\n")
	}
	if b.Len() > 0 {
		s.out.File("scripts/05-preprocess.lua").Printf("-- What FreeRADIUS's preprocess module mends in each request.\n%s", b.String())
	}
}

// mentioned reports whether a rule that was converted, or is about to be, speaks of the attribute.
func (s *source) mentioned(attribute string) bool {
	low := strings.ToLower(attribute)
	for _, name := range s.newUsers() {
		if strings.Contains(strings.ToLower(s.out.File(name).String()), low) {
			return true
		}
	}
	for _, setting := range [...]string{"hints", "huntgroups"} {
		text, _ := s.tree.ReadFileUpTo(s.preprocessFile(setting), maxFile)
		for line := range strings.Lines(strings.ToLower(string(text))) {
			if strings.Contains(withoutComment(line), low) {
				return true
			}
		}
	}
	return false
}

// preprocessFile gives the name of hints or huntgroups: where the module says, where version 3 has it, or where the
// versions before had it.
func (s *source) preprocessFile(setting string) string {
	name := s.moduleFile("preprocess", "mods-config/preprocess/"+setting, setting)
	if s.tree.Absent(name) && !s.tree.Absent(setting) {
		return setting
	}
	return name
}

// nameHacks converts the settings of preprocess that mend names, and tells of the others that are on.
func (s *source) nameHacks(b *strings.Builder, m *item) {
	for _, it := range m.items {
		if it.section || !saysYes(it.value) || !strings.HasPrefix(it.name, "with_") {
			continue
		}
		if it.name != "with_ntdomain_hack" {
			s.report.Lookf(it.at, "%s is left out: mend the attribute by on(\"hints\", ...)", it.name)
			continue
		}
		b.WriteString("\n-- DOMAIN\\user is user.\non(\"hints\", {name = \"ntdomain\", when = {user = \"*\\\\*\"}}, function(req)\n" +
			"  req.user = req.user:match(\"\\\\(.*)\")\nend)\n")
	}
}

// authorizes reports whether some virtual server, but for the one inside of EAP, asks the module or policy of
// that name; true of a directory that says nothing of it.
func (s *source) authorizes(name string) bool {
	found, said := false, false
	var walk func(*item)
	walk = func(it *item) {
		for _, sub := range it.items {
			found = found || strings.TrimPrefix(sub.name, "-") == name
			walk(sub)
		}
	}
	for _, server := range s.virtualServers() {
		for _, place := range server.all("authorize") {
			said = true
			walk(place)
		}
	}
	return found || !said && name != "filter_username"
}

// virtualServers gives those in use, and what stands outside of any, as in version 1.
func (s *source) virtualServers() []*item {
	return append([]*item{s.conf}, slices.DeleteFunc(s.conf.all("server"), func(it *item) bool { return it.second == "inner-tunnel" })...)
}
