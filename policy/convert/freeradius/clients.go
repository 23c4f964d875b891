package freeradius

import (
	"net/netip"
	"strconv"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertClients writes raddb/clients from all client sections: those of the root and of virtual servers.
func (s *source) convertClients() {
	f := s.out.File("raddb/clients")
	f.Secret = true
	f.Printf("# clients: who may speak to the server, from FreeRADIUS's clients.conf.\n#\n#   prefix  secret  [name]  [options]\n\n")
	n := 0
	seen := map[string]raddb.Pos{}
	for _, c := range s.clients() {
		if line, prefix := s.client(c); line != "" {
			if at, twice := seen[prefix]; twice {
				s.report.Lookf(c.at, "a second client of %s, which %s has already; left out", prefix, at)
				continue
			}
			seen[prefix] = c.at
			f.Printf("%s\n", line)
			n++
		}
	}
	s.report.Donef(raddb.Pos{File: "clients.conf"}, "%s", count(n, "client"))
	if s.o.Exact {
		return
	}
	s.report.Differsf(raddb.Pos{File: "clients.conf"}, "answers begin with a Message-Authenticator, against forged ones (BlastRADIUS); for a NAS that chokes on it add no-reply-ma to its line")
}

// clients gives the client sections, also those within virtual servers and `clients` sections.
func (s *source) clients() []*item {
	list := s.conf.all("client")
	for _, name := range [...]string{"server", "clients"} {
		for _, holder := range s.conf.all(name) {
			for _, c := range holder.all("client") {
				list = append(list, c)
				s.report.Lookf(c.at, "client %s belongs to %s %s alone there; here it is everybody's", c.second, name, holder.second)
			}
		}
	}
	return list
}

// client gives the line of a client, "" if it cannot be had.
func (s *source) client(c *item) (line, prefix string) {
	prefix = s.clientPrefix(c)
	secret := c.find("secret")
	switch {
	case prefix == "":
		return "", ""
	case secret == nil || secret.value == "":
		s.report.Lookf(c.at, "client %s has no secret; left out", c.second)
		return "", ""
	case strings.Contains(secret.value, "${") || strings.Contains(secret.value, "$ENV{"):
		s.report.Lookf(secret.at, "client %s: the secret comes from a variable without a value here; left out: put it into secrets/NAME and write secret(\"NAME\")", c.second)
		return "", ""
	case c.text("proto") == "tls" || len(c.all("tls")) > 0:
		s.report.Lookf(c.at, "client %s speaks TLS, which cannot be had; left out", c.second)
		return "", ""
	}
	fields := []string{prefix, output.Quote(secret.value), output.Field(clientName(c))}
	return strings.Join(append(fields, s.clientOptions(c)...), "  "), prefix
}

func clientName(c *item) string {
	name := c.text("shortname")
	if name == "" {
		name = c.second
	}
	return name
}

// clientPrefix gives the address or prefix of a client: its own setting, in old files the section's name.
func (s *source) clientPrefix(c *item) string {
	address := c.address()
	if address == "" {
		address = c.second
	}
	if mask := c.text("netmask"); mask != "" && !strings.Contains(address, "/") {
		address += "/" + mask
	}
	if address == "*" {
		s.report.Lookf(c.at, "client %s is everybody in IPv4: is that meant?", c.second)
		return "0.0.0.0/0"
	}
	if p, err := netip.ParsePrefix(address); err == nil {
		return p.Masked().String()
	}
	if _, _, slash := strings.Cut(address, "/"); slash {
		s.report.Lookf(c.at, "client %s: %s is no prefix; left out", c.second, address)
		return ""
	}
	return output.Field(address)
}

// clientSettings are what a client section may hold beside the address and the secret, by what becomes of it:
// an option, "" for what needs none, or "!" and what a person must know.
var clientSettings = map[string]string{
	"ipaddr": "", "ipv4addr": "", "ipv6addr": "", "netmask": "", "secret": "", "shortname": "", "proto": "",
	"nas_type": "type", "nastype": "type", "require_message_authenticator": "require-message-authenticator", "limit_proxy_state": "limit-proxy-state",
	"src_ipaddr":      "!answers leave from the address that was asked",
	"coa_server":      "coa",
	"virtual_server":  "!there are no virtual servers: give the policy by when = {client = \"NAME\"}",
	"response_window": "!it belongs to home servers",
	"login":           "!the NAS's own login is not kept",
	"password":        "!the NAS's own login is not kept",
	"dynamic_clients": "!clients are not made on the way; list the prefix with its secret",
	"directory":       "!clients are not made on the way; list them in the clients file",
}

// clientOptions gives the options of the line.
func (s *source) clientOptions(c *item) (options []string) {
	for _, it := range c.items {
		if it.section {
			if it.name != "limit" { // of TCP
				s.report.Lookf(it.at, "client %s: section %s is left out", c.second, it.name)
			}
			continue
		}
		switch to, known := clientSettings[it.name]; {
		case !known:
			options = append(options, "var."+it.name+"="+output.Field(it.value))
		case strings.HasPrefix(to, "!"):
			s.report.Lookf(it.at, "client %s: %s is left out: %s", c.second, it.name, to[1:])
		case to == "coa":
			options = append(options, s.coaServer(c, it)...)
		case to == "type" && it.value != "other":
			options = append(options, "type="+output.Field(it.value))
		case to != "" && to != "type" && it.value != "auto":
			options = append(options, to+"="+yesNo(it.value))
		}
	}
	if s.o.Exact {
		options = append(options, "no-reply-ma")
	}
	return options
}

// coaServer gives where CoA and Disconnect for a client go, if not to its own address with its own secret.
func (s *source) coaServer(c, it *item) (options []string) {
	for _, h := range s.conf.all("home_server") {
		if h.second != it.value {
			continue
		}
		address := h.address()
		if _, err := netip.ParseAddr(address); err != nil {
			break
		}
		port, _ := strconv.ParseUint(h.text("port"), 10, 16)
		if port == 0 {
			port = 3799
		}
		options = append(options, "coa="+netip.AddrPortFrom(netip.MustParseAddr(address), uint16(port)).String())
		if secret := h.text("secret"); secret != c.text("secret") {
			options = append(options, "coa-secret="+output.Quote(secret))
		}
		return options
	}
	s.report.Lookf(it.at, "client %s: coa_server = %s is left out: there is no such home server with an address; CoA goes to the NAS itself", c.second, it.value)
	return nil
}

func yesNo(value string) string {
	if saysYes(value) {
		return "yes"
	}
	return "no"
}

func saysYes(value string) bool {
	switch strings.ToLower(value) {
	case "yes", "true", "on", "1":
		return true
	}
	return false
}
