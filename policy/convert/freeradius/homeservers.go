package freeradius

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"perilune/policy/convert/output"
)

// A homeServer is one that a realm's requests go to.
type homeServer struct {
	from       *item
	address    string
	auth, acct int // ports; 0: the usual ones
	secret     string
	probed     bool // by Status-Server
}

// servers gives the home servers of a realm in the order they are tried: those of both pools, each once.
func (s *source) servers(r *item) (list []homeServer) {
	auth, acct := s.pools(r)
	if auth == nil && acct == nil {
		return s.oldServers(r)
	}
	list = s.members(r, auth)
	if acct == nil || auth != nil && acct.value == auth.value {
		return list
	}
	second := s.members(r, acct)
	if auth == nil {
		return second
	}
	same := slices.EqualFunc(list, second, func(a, b homeServer) bool { return a.address == b.address && a.secret == b.secret })
	if !same {
		s.report.Lookf(acct.at, "realm %s: accounting goes to pool %s there; here it goes to the servers of %s on their next port: a realm of its own and on(\"route\", {when = {code = \"Accounting-Request\"}}, ...) with proxy{realm = ...} parts them", r.second, acct.value, auth.value)
		return list
	}
	for i := range list {
		list[i].acct = second[i].acct
	}
	return list
}

// members gives the servers of a pool.
func (s *source) members(r, pool *item) (list []homeServer) {
	if pool == nil {
		return nil
	}
	p := s.pool(pool.value)
	if p == nil {
		s.report.Lookf(pool.at, "realm %s: there is no pool %s; the realm is answered here", r.second, pool.value)
		return nil
	}
	if it := p.find("fallback"); it != nil {
		s.report.Lookf(it.at, "pool %s: fallback is left out: add the server at the end of the realm's list, or answer in on(\"post_proxy\", {when = {proxy = \"dead\"}}, fn)", p.second)
	}
	for _, it := range p.items {
		if h, ok := s.member(it); ok {
			list = append(list, h)
		}
	}
	return list
}

func (s *source) pool(name string) *item {
	for _, p := range s.conf.all("home_server_pool") {
		if p.second == name {
			return p
		}
	}
	return nil
}

func (s *source) member(it *item) (homeServer, bool) {
	if it.name != "home_server" {
		return homeServer{}, false
	}
	for _, h := range s.conf.all("home_server") {
		if h.second == it.value {
			return s.homeServer(h)
		}
	}
	s.report.Lookf(it.at, "there is no home server %s; left out", it.value)
	return homeServer{}, false
}

// homeServer reads one.
func (s *source) homeServer(h *item) (homeServer, bool) {
	out := homeServer{from: h, address: h.address(), secret: h.text("secret"), probed: h.text("status_check") == "status-server"}
	if out.address == "" {
		s.report.Lookf(h.at, "home server %s has no address (a virtual server?); left out", h.second)
		return out, false
	}
	if h.text("proto") == "tcp" || len(h.all("tls")) > 0 {
		s.report.Lookf(h.at, "home server %s speaks TCP or TLS, which cannot be had; left out", h.second)
		return out, false
	}
	if h.text("status_check") == "request" {
		s.report.Differsf(h.at, "home server %s: status_check = request: no made-up user is asked for; give the realm status-server if the server answers that", h.second)
	}
	port, _ := strconv.Atoi(h.text("port"))
	switch h.text("type") {
	case "acct":
		out.acct = port
	default:
		if out.auth = port; port != 0 {
			out.acct = port + 1
		}
	}
	return out, true
}

// oldServers gives those of the old form: authhost = name:port, secret = ... in the realm itself.
func (s *source) oldServers(r *item) []homeServer {
	host := r.text("authhost", "accthost")
	if host == "" || strings.EqualFold(host, "LOCAL") {
		return nil
	}
	h := homeServer{from: r, secret: r.text("secret")}
	var port string
	h.address, port, _ = strings.Cut(host, ":")
	if h.auth, _ = strconv.Atoi(port); h.auth != 0 {
		h.acct = h.auth + 1
	}
	if _, port, ok := strings.Cut(r.text("accthost"), ":"); ok {
		h.acct, _ = strconv.Atoi(port)
	}
	return []homeServer{h}
}

// entry gives host[:auth[:acct]] as the realms file has it.
func (h *homeServer) entry() string {
	auth, acct := h.auth, h.acct
	if auth == 0 {
		auth = 1812
	}
	if acct == 0 {
		acct = 1813
	}
	address := h.address
	if auth == 1812 && acct == 1813 {
		return address
	}
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	if acct == auth+1 {
		return fmt.Sprintf("%s:%d", address, auth)
	}
	return fmt.Sprintf("%s:%d:%d", address, auth, acct)
}

// poolFlags gives the options that come from the kind of the pool.
func (s *source) poolFlags(r *item) []string {
	auth, acct := s.pools(r)
	if auth == nil {
		auth = acct
	}
	if auth == nil {
		return nil
	}
	p := s.pool(auth.value)
	switch kind := p.text("type"); kind {
	case "", "fail-over":
	case "load-balance", "client-balance", "client-port-balance", "keyed-balance":
		if kind == "keyed-balance" {
			s.report.Differsf(p.at, "pool %s is of type keyed-balance; here one device keeps its server, by its NAS and Calling-Station-Id", p.second)
		}
		return []string{"balance"}
	default:
		s.report.Lookf(p.at, "pool %s is of type %s; here the servers are asked in their order", p.second, kind)
	}
	return nil
}

// serverFlags gives the options that come from the servers.
func (s *source) serverFlags(r *item, servers []homeServer) (flags []string) {
	probed := 0
	for i := range servers {
		if servers[i].probed {
			probed++
		}
	}
	for i := range servers {
		if servers[i].probed && probed < len(servers) {
			flags = append(flags, "status-server@"+servers[i].entry())
		}
	}
	if probed == len(servers) {
		flags = append(flags, "status-server")
	}
	first := servers[0].from
	if w := first.text("response_window"); w != "" && w != "30" && w != "20" {
		flags = append(flags, s.window(first, w)...)
	}
	switch first.text("require_message_authenticator") {
	case "yes", "true":
		flags = append(flags, "require-message-authenticator=yes")
	case "no", "false":
		flags = append(flags, "require-message-authenticator=no")
	}
	auth, acct := s.pools(r)
	if auth != nil && acct == nil || r.find("authhost") != nil && r.find("accthost") == nil {
		flags = append(flags, "noacct")
	}
	if acct != nil && auth == nil {
		flags = append(flags, "noauth")
	}
	return flags
}

// window gives the time to wait for an answer, within the bounds that hold here.
func (s *source) window(h *item, text string) []string {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.report.Lookf(h.at, "response_window = %s is no number of seconds; left out", text)
		return nil
	}
	if bounded := min(max(n, 0.1), 30); bounded != n {
		s.report.Differsf(h.at, "response_window = %s becomes %v: 0.1 to 30 seconds are possible", text, bounded)
		n = bounded
	}
	if n == float64(int(n)) {
		return []string{fmt.Sprintf("timeout=%d", int(n))}
	}
	return []string{fmt.Sprintf("timeout=%dms", int(n*1000))}
}

// secrets gives the secrets of a realm's servers: one for all, or one for each.
func secrets(servers []homeServer) string {
	one := servers[0].secret
	if !slices.ContainsFunc(servers, func(h homeServer) bool { return h.secret != one }) {
		return "  secret=" + output.Quote(one)
	}
	var b strings.Builder
	for i := range servers {
		b.WriteString("  secret@" + servers[i].entry() + "=" + output.Quote(servers[i].secret))
	}
	return b.String()
}
