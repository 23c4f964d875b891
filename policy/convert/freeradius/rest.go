package freeradius

import (
	"strings"
)

// native are the modules whose work the server does itself, or that have none here.
var native = map[string]bool{
	"preprocess": true, "chap": true, "mschap": true, "pap": true, "files": true, "expiration": true, "logintime": true, "suffix": true,
	"realm": true, "always": true, "attr_filter": true, "expr": true, "utf8": true, "acct_unique": true, "filter_username": true,
	"ok": true, "noop": true, "updated": true, "fail": true, "reject": true, "handled": true, "notfound": true, "invalid": true, "userlock": true,
	"session": true, "exec": true, "remove_reply_message_if_eap": true, "unpack": true, "soh": true,
}

// nativeIn are those of which that is true in some sections only.
var nativeIn = map[string]map[string]bool{
	"accounting": {"sql": true, "detail": true, "radutmp": true, "sradutmp": true, "unix": true},
	"session":    {"sql": true, "radutmp": true, "sradutmp": true},
}

// ways tell what stands in the place of a module that is not there.
var ways = map[string]string{
	"sql": "users in a database: give req.control[\"Cleartext-Password\"] by a script", "ldap": "users in a directory: by a script",
	"eap": "EAP is not there yet", "perl": "write it in Lua", "python": "write it in Lua", "python3": "write it in Lua",
	"rest": "ask the service by a script", "radutmp": "sessions come from accounting", "sradutmp": "sessions come from accounting",
	"detail": "only accounting has detail files, and by [acct] detail-auth Access-Requests", "linelog": "req:note adds to the line of a request", "unix": "Auth-Type := System in users",
	"digest": "HTTP Digest is not there", "pam": "write the check in Lua", "ntlm_auth": "write the check in Lua", "sqlippool": "by a script",
	"counter": "by a script", "sqlcounter": "by a script", "cache": "kv in Lua", "passwd": "readfile in Lua", "cui": "[server] in config.toml",
	"dynamic_clients": "list the clients' prefixes", "replicate": "by a script", "echo": "Exec-Program-Wait in users",
}

// waysIn are the modules that do another work in some phases.
var waysIn = map[string]map[string]string{
	"reply": {"sql": "it writes radpostauth, a log of logins: the server's own log has a line for each, and on(\"done\", ...) sees them all"},
}

// places are the sections of a virtual server that hold modules and policy.
var places = map[string]string{
	"authorize": "authorize", "authenticate": "auth_type", "preacct": "accounting", "accounting": "accounting", "session": "session",
	"post-auth": "reply", "pre-proxy": "pre_proxy", "post-proxy": "post_proxy", "recv-coa": "coa", "send-coa": "coa",
}

// reportRest tells, for each enabled virtual server, of modules and policy that are left out.
func (s *source) reportRest() {
	told := map[string]bool{}
	for _, server := range s.conf.all("server") {
		if server.second == "inner-tunnel" {
			s.report.Lookf(server.at, "server inner-tunnel is left out: EAP is not there yet")
		}
	}
	said := false
	for _, server := range s.virtualServers() {
		said = said || len(server.all("authorize")) > 0
		s.serverRest(server, told)
	}
	for _, m := range s.conf.sub("modules").items {
		if !said && m.section && !native[m.name] && !told[m.name] { // else it is told where it is used
			told[m.name] = true
			s.report.Lookf(m.at, "module %s is left out%s", m.name, way(m.name))
		}
	}
}

// serverRest tells of what one virtual server leaves, or of what stands outside of any.
func (s *source) serverRest(server *item, told map[string]bool) {
	for _, place := range server.items {
		phase, known := places[place.name]
		switch {
		case !place.section || place.name == "listen" || place.name == "client":
		case known:
			s.policy(place, phase, told)
		case server != s.conf:
			s.report.Lookf(place.at, "section %s of server %s is left out", place.name, server.second)
		}
	}
}

func way(module string) string {
	if w := ways[module]; w != "" {
		return ": " + w
	}
	return ""
}

// policy tells of the modules and statements of one section.
func (s *source) policy(place *item, phase string, told map[string]bool) {
	for _, it := range place.items {
		if idle[head(it)] || strings.HasPrefix(it.name, "-") && s.module(it.name[1:]) == nil { // -sql: only if there is one
			continue
		}
		word := strings.TrimPrefix(strings.Fields(it.name + " ")[0], "-")
		module, _, _ := strings.Cut(word, ".") // sql.accounting: a method of it
		switch {
		case it.section && (word == "Auth-Type" || word == "Post-Auth-Type" || word == "Acct-Type" || word == "Autz-Type"):
			s.policy(it, phase, told)
		case word == "update" && len(it.items) == 1 && strings.HasPrefix(it.items[0].name, "&reply: += &session-state:"): // of EAP
		case it.section && statements[word] || it.op != "":
			s.report.Lookf(it.at, "policy in %s is left out (%s): write on(%q, ...)", place.name, head(it), phase)
		case native[module] || nativeIn[place.name][module] || s.splits(module):
		case waysIn[phase][module] != "":
			if key := phase + " " + module; !told[key] {
				told[key] = true
				s.report.Lookf(it.at, "%s in %s is left out: %s", module, place.name, waysIn[phase][module])
			}
		case !told[module]:
			told[module] = true
			s.report.Lookf(it.at, "%s in %s is left out%s", module, place.name, way(module))
		}
	}
}

// idle are the statements of the shipped virtual server that do nothing without EAP.
var idle = map[string]bool{
	"if (session-state:User-Name && reply:User-Name && request...": true,
	"if (EAP-Key-Name && &reply:EAP-Session-Id)":                   true,
}

// statements are the words of the policy language.
var statements = map[string]bool{
	"if": true, "elsif": true, "else": true, "switch": true, "case": true, "update": true, "foreach": true, "group": true,
	"load-balance": true, "redundant": true, "redundant-load-balance": true, "parallel": true, "map": true,
}

// head gives the beginning of a statement as it stands, cut to a line's length.
func head(it *item) string {
	text := strings.TrimSpace(it.name + " " + it.second)
	if len(text) > 60 {
		text = text[:57] + "..."
	}
	return text
}
