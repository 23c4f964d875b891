package freeradius

import (
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertRealms writes raddb/realms from the realms, pools and home servers of proxy.conf.
func (s *source) convertRealms() {
	f := s.out.File("raddb/realms")
	f.Secret = true
	f.Printf("# realms: where requests of other organisations' users are sent on to, from FreeRADIUS's proxy.conf.\n#\n" +
		"#   realm  server[:auth-port[:acct-port]],server,...  |  LOCAL  [flag,option=value,...]\n\n")
	n := 0
	for _, r := range s.conf.all("realm") {
		if line := s.realm(r); line != "" {
			f.Printf("%s\n", line)
			n++
		}
	}
	if n > 0 {
		s.report.Donef(raddb.Pos{File: "proxy.conf"}, "%s", count(n, "realm"))
	}
	if p := s.conf.sub("proxy"); p.text("default_fallback") == "yes" {
		s.report.Lookf(p.at, "default_fallback is left out: DEFAULT is asked for unknown realms only, not when a realm's servers are dead")
	}
}

// realm gives the line of one realm, "" for what needs none or cannot be had.
func (s *source) realm(r *item) string {
	name := r.second
	switch {
	case name == "LOCAL":
		return "" // built in there, and what is neither listed nor DEFAULT is answered here anyway
	case strings.HasPrefix(name, "~"):
		s.report.Lookf(r.at, "realm %s is a pattern; left out: write on(\"route\", ...) with re.compile(...) and proxy{realm=...}", name)
		return ""
	case name == "NULL":
		name = "NOREALM"
	}
	for _, it := range r.items {
		if it.name == "virtual_server" {
			s.report.Lookf(it.at, "realm %s goes to virtual server %s; there are none: it is answered here", r.second, it.value)
		}
	}
	servers := s.servers(r)
	flags := []string{"ignorecase"}
	if len(servers) == 0 {
		s.local = append(s.local, r)
		return output.Field(name) + "  LOCAL  " + strings.Join(append(flags, "nostrip"), ",")
	}
	if r.find("nostrip") != nil {
		flags = append(flags, "nostrip")
	}
	flags = append(flags, s.poolFlags(r)...)
	list := make([]string, len(servers))
	for i := range servers {
		list[i] = servers[i].entry()
	}
	s.remote = append(s.remote, r)
	line := output.Field(name) + "  " + strings.Join(list, ",") + "  " + strings.Join(append(flags, s.serverFlags(r, servers)...), ",")
	return line + secrets(servers)
}

// pools gives the pools of a realm for the two kinds of requests; nil for one that goes nowhere.
func (s *source) pools(r *item) (auth, acct *item) {
	auth, acct = r.find("auth_pool"), r.find("acct_pool")
	if both := r.find("pool"); both != nil {
		auth, acct = both, both
	}
	return auth, acct
}
