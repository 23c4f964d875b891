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
	if len(servers) > 0 {
		s.report.Lookf(r.at, "realm %s: nothing is forwarded yet; its requests are decided here", r.second)
	}
	if r.find("nostrip") != nil {
		flags = append(flags, "nostrip")
	}
	if len(servers) == 0 {
		s.local = append(s.local, r)
		return output.Field(name) + "  LOCAL  " + strings.Join(flags, ",")
	}
	return output.Field(name) + "  " + serverList(servers) + "  " + strings.Join(append(flags, s.serverFlags(r, servers)...), ",") +
		"  secret=" + output.Quote(servers[0].text("secret"))
}

// servers gives the home servers of a realm in the order they are tried.
func (s *source) servers(r *item) (list []*item) {
	pool := r.find("auth_pool")
	if pool == nil {
		pool = r.find("pool")
	}
	if acct := r.find("acct_pool"); pool == nil {
		pool = acct
	} else if acct != nil && acct.value != pool.value {
		s.report.Lookf(acct.at, "realm %s: accounting goes to pool %s there; here it goes to the servers of %s on their next port", r.second, acct.value, pool.value)
	}
	if pool == nil {
		return s.oldServers(r)
	}
	for _, p := range s.conf.all("home_server_pool") {
		if p.second != pool.value {
			continue
		}
		if kind := p.text("type"); kind != "" && kind != "fail-over" {
			s.report.Lookf(p.at, "pool %s is of type %s; here the servers are asked in their order", p.second, kind)
		}
		for _, it := range p.items {
			if h := s.homeServer(it); h != nil {
				list = append(list, h)
			}
		}
		return list
	}
	s.report.Lookf(pool.at, "realm %s: there is no pool %s; the realm is answered here", r.second, pool.value)
	return nil
}

func (s *source) homeServer(it *item) *item {
	if it.name != "home_server" {
		return nil
	}
	for _, h := range s.conf.all("home_server") {
		if h.second == it.value {
			if h.address() == "" {
				s.report.Lookf(h.at, "home server %s has no address (a virtual server?); left out", h.second)
				return nil
			}
			return h
		}
	}
	s.report.Lookf(it.at, "there is no home server %s; left out", it.value)
	return nil
}

// oldServers gives those of the old form: authhost = name:port, secret = ... in the realm itself.
func (s *source) oldServers(r *item) []*item {
	host := r.text("authhost", "accthost")
	if host == "" || strings.EqualFold(host, "LOCAL") {
		return nil
	}
	address, port, _ := strings.Cut(host, ":")
	return []*item{{name: "home_server", second: host, section: true, at: r.at, items: []*item{
		{name: "ipaddr", op: "=", value: address, at: r.at},
		{name: "port", op: "=", value: port, at: r.at},
		{name: "secret", op: "=", value: r.text("secret"), at: r.at},
	}}}
}

// serverList gives host:auth,host:auth.
func serverList(servers []*item) string {
	names := make([]string, len(servers))
	for i, h := range servers {
		address := h.address()
		if port := h.text("port"); port != "" && port != "1812" {
			if strings.Contains(address, ":") {
				address = "[" + address + "]"
			}
			address += ":" + port
		}
		names[i] = address
	}
	return strings.Join(names, ",")
}

// serverFlags gives the options that hold for all servers of the realm.
func (s *source) serverFlags(r *item, servers []*item) (flags []string) {
	secret := servers[0].text("secret")
	for _, h := range servers {
		if h.text("secret") != secret {
			s.report.Lookf(h.at, "home server %s of realm %s has another secret than %s; a line has one secret for all: list it in clients, or write a realm for it", h.second, r.second, servers[0].second)
		}
		if h.text("status_check") == "status-server" {
			flags = []string{"status-server"}
		}
	}
	if w := servers[0].text("response_window"); w != "" && w != "30" && w != "20" {
		flags = append(flags, "timeout="+w)
	}
	if r.find("auth_pool") != nil && r.find("acct_pool") == nil || r.find("authhost") != nil && r.find("accthost") == nil {
		flags = append(flags, "noacct")
	}
	if r.find("acct_pool") != nil && r.find("auth_pool") == nil {
		flags = append(flags, "noauth")
	}
	return flags
}
