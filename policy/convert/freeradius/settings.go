package freeradius

import (
	"slices"
	"strconv"
	"strings"

	"perilune/engine/raddb"
)

// convertSettings turns what radiusd.conf says of the server as a whole into config.toml.
func (s *source) convertSettings() {
	s.settings.Set("users", "dialect", "freeradius", raddb.Pos{})
	s.settings.Set("policy", "scripts", "../scripts", raddb.Pos{})
	s.listeners()
	if d := s.conf.find("cleanup_delay"); d != nil {
		s.seconds("server", "duplicate-keep", d, 5, 30)
	}
	if d := s.conf.find("max_request_time"); d != nil && d.value != "30" {
		s.report.Differsf(d.at, "max_request_time = %s: a request has [server] access-deadline, 5s, after which its NAS has asked again", d.value)
	}
	security := s.conf.sub("security")
	if d := security.find("reject_delay"); d != nil {
		s.seconds("server", "reject-delay", d, 0, 10)
	}
	for from, to := range map[string]string{"require_message_authenticator": "require-message-authenticator", "limit_proxy_state": "limit-proxy-state"} {
		if m := security.find(from); m != nil {
			s.settings.Set("clients", to, strings.ToLower(m.value), m.at)
		}
	}
	if s.o.Exact {
		for _, key := range [...]string{"failures", "station-failures", "user-failures"} {
			s.settings.Set("throttle", key, 0, raddb.Pos{})
		}
	} else {
		s.report.Differsf(raddb.Pos{}, "wrong passwords are counted, and beyond some none is looked at for a while ([throttle])")
	}
	log := s.conf.sub("log")
	for _, bad := range [...]string{"auth_badpass", "auth_goodpass"} {
		if it := log.find(bad); it != nil && saysYes(it.value) {
			s.report.Differsf(it.at, "%s: passwords are not logged; [log] passwords = true would", bad)
		}
	}
	if log.text("destination") == "files" {
		s.report.Differsf(log.at, "log lines go to standard error, that is to the journal; [log] file takes the name of a file")
	}
}

// seconds sets a duration from a number of seconds, within the bounds of the key.
func (s *source) seconds(table, key string, it *item, low, high int) {
	n, err := strconv.ParseFloat(it.value, 64)
	if err != nil {
		s.report.Lookf(it.at, "%s = %s is no number of seconds; left at the default", it.name, it.value)
		return
	}
	if bounded := min(max(n, float64(low)), float64(high)); bounded != n {
		s.report.Differsf(it.at, "%s = %s becomes %v: %d to %d seconds are possible", it.name, it.value, bounded, low, high)
		n = bounded
	}
	s.settings.Set(table, key, strconv.FormatFloat(n, 'f', -1, 64)+"s", it.at)
}

// usualPorts are those of `port = 0`.
var usualPorts = map[string]string{"auth": "1812", "acct": "1813", "coa": "3799"}

// listeners turns listen sections into the addresses of config.toml.
func (s *source) listeners() {
	lists := map[string][]string{}
	at := map[string]raddb.Pos{}
	for _, holder := range append([]*item{s.conf}, s.conf.all("server")...) {
		if holder.second == "inner-tunnel" || holder.second == "status" || holder.second == "control-socket-server" {
			continue
		}
		for _, l := range holder.all("listen") {
			s.listener(lists, at, l)
		}
	}
	for kind := range usualPorts {
		if len(lists[kind]) > 0 {
			s.settings.Set("listen", kind, lists[kind], at[kind])
		}
	}
}

func (s *source) listener(lists map[string][]string, at map[string]raddb.Pos, l *item) {
	kinds := []string{l.text("type")}
	if kinds[0] == "auth+acct" {
		kinds = []string{"auth", "acct"}
	}
	for _, kind := range kinds {
		usual, known := usualPorts[kind]
		if !known || l.text("proto") == "tcp" || len(l.all("tls")) > 0 {
			s.report.Lookf(l.at, "a listener of type %s %s is left out", kind, l.text("proto"))
			continue
		}
		address := l.address()
		port := l.text("port")
		if port == "" || port == "0" {
			port = usual
		}
		switch {
		case address == "*" && l.find("ipv6addr") == nil:
			address = "0.0.0.0"
		case address == "*":
			address = "[::]"
		case strings.Contains(address, ":"):
			address = "[" + address + "]"
		}
		if entry := address + ":" + port; !slices.Contains(lists[kind], entry) {
			lists[kind], at[kind] = append(lists[kind], entry), l.at
		}
		if it := l.find("interface"); it != nil {
			s.report.Lookf(it.at, "interface = %s is left out: name an address", it.value)
		}
	}
}
