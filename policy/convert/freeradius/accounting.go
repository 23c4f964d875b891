package freeradius

import (
	"fmt"
	"regexp"
	"strings"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

// convertAccounting converts what the accounting and session sections ask for: detail files, and the database.
func (s *source) convertAccounting() {
	for _, server := range s.virtualServers() {
		for _, place := range server.all("accounting") {
			for _, it := range place.items {
				s.recorder(it)
			}
		}
	}
	s.noteSessions()
}

// recorder converts one module of an accounting section.
func (s *source) recorder(it *item) {
	name, optional := strings.CutPrefix(strings.Fields(it.name + " -")[0], "-")
	module, _, _ := strings.Cut(name, ".")
	m := s.module(module)
	switch {
	case m == nil && !optional && (module == "detail" || module == "sql"):
		s.report.Lookf(it.at, "%s in accounting has no settings; left out: records go into the database of [acct]", module)
	case m == nil:
	case module == "detail" && !s.settings.Has("acct", "detail"):
		s.detail(m)
	case module == "sql" && !s.database:
		s.database = true
		s.sql(m)
	}
}

// detail turns the module's file name into a directory and a name in it.
func (s *source) detail(m *item) {
	at := m.at
	file := m.text("filename")
	if it := m.find("filename"); it != nil {
		at = it.at
	}
	dir, name := detailPlace(file)
	if dir == "" {
		s.report.Lookf(at, "filename = %s: detail files go to [acct] detail, a directory, under [acct] detail-name; set both", file)
		return
	}
	value, ok := detailName(name)
	s.settings.Set("acct", "detail", dir, at)
	if ok {
		s.settings.Set("acct", "detail-name", value, at)
	} else {
		s.report.Lookf(at, "filename = %s: the name below %s cannot be had; files are named after the NAS: set [acct] detail-name", file, dir)
	}
	s.report.Differsf(at, "detail files have texts without quotes, and end in Request-Authenticator, as GNU Radius writes them")
}

// detailPlace parts the plain directories at the begin of a file name from the rest.
func detailPlace(file string) (dir, name string) {
	at := strings.IndexByte(file, '%')
	if at < 0 {
		at = len(file)
	}
	slash := strings.LastIndexByte(file[:at], '/')
	if slash <= 0 || strings.Contains(file, "${") {
		return "", ""
	}
	return file[:slash], file[slash+1:]
}

// namePart finds one part of a file name: the directory of the client as FreeRADIUS ships it, an attribute, letters of
// the time, text.
var namePart = regexp.MustCompile(`^(?:%\{%\{Packet-Src-IP-Address\}:-%\{Packet-Src-IPv6-Address\}\}|%\{[\w-]+\}|(?:%[YmdHM][-_.:]?)+|[^%]+)`)

// detailName gives the name as an expression in Lua; false for what it cannot say.
func detailName(name string) (string, bool) {
	var parts []string
	for name != "" {
		part := namePart.FindString(name)
		name = name[len(part):]
		switch attr, isAttr := strings.CutPrefix(part, "%{"); {
		case part == "":
			return "", false
		case isAttr && strings.Contains(attr, "Packet-Src-"):
			parts = append(parts, "req.src")
		case isAttr:
			parts = append(parts, fmt.Sprintf(`tostring(req[%s] or ""):gsub("/", "_")`, output.LuaString(strings.TrimSuffix(attr, "}"))))
			parts[len(parts)-1] = "(" + parts[len(parts)-1] + ")" // without the number of replacements
		case part[0] == '%':
			parts = append(parts, fmt.Sprintf("os.date(%s, req.now)", output.LuaString(part)))
		default:
			parts = append(parts, output.LuaString(part))
		}
	}
	return "=" + strings.Join(parts, " .. "), len(parts) > 0
}

// sql tells how to go on in the old database: its table radacct is ours, too, with columns added. That is not done
// unasked, for the old server may still write there.
func (s *source) sql(m *item) {
	switch dialect := m.text("dialect", "driver"); {
	case strings.Contains(dialect, "postgresql"):
		s.report.Lookf(m.at, "sql: records go into an SQLite database of this server. To go on in the table radacct of the old one set [acct] database = 'secret(\"acct\")', and write postgres://%s:PASSWORD@%s/%s into raddb/secrets/acct",
			m.text("login"), m.text("server"), m.text("radius_db"))
	case strings.Contains(dialect, "sqlite"):
		file := m.text("filename")
		if sub := m.sub("sqlite"); file == "" && sub != nil {
			file = sub.text("filename")
		}
		s.report.Lookf(m.at, "sql: records go into an SQLite database of this server. To go on in the table radacct of the old one set [acct] database = %q, once the old server has ended", file)
	default:
		s.report.Lookf(m.at, "sql: records go into an SQLite database of this server, or into PostgreSQL by [acct] database; %s is not there. The table radacct has the same columns", dialect)
	}
}

// noteSessions tells where Simultaneous-Use was never looked at.
func (s *source) noteSessions() {
	for _, server := range s.virtualServers() {
		for _, place := range server.all("session") {
			for _, it := range place.items {
				if name := strings.TrimPrefix(it.name, "-"); s.module(name) != nil {
					s.report.Donef(it.at, "Simultaneous-Use is counted by this server's own sessions, which come from accounting")
					return
				}
			}
		}
	}
	s.report.Differsf(raddb.Pos{}, "no session section was in use; where users have a Simultaneous-Use it counts now, by what accounting tells")
}
