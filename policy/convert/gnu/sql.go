package gnu

import (
	"fmt"
	"strconv"
	"strings"

	"perilune/engine/raddb"
)

// sqlUses says of each query of the old sqlserver file what it was asked for.
var sqlUses = map[string]string{
	"auth_query":           "the password of Auth-Type SQL",
	"group_query":          "the groups of Group = ...",
	"check_attr_query":     "check pairs of a user",
	"reply_attr_query":     "reply pairs of a user",
	"attr_query":           "reply pairs of a user",
	"acct_start_query":     "recording a Start",
	"acct_stop_query":      "recording a Stop",
	"acct_alive_query":     "recording an interim update",
	"acct_keepalive_query": "recording an interim update",
	"acct_nasup_query":     "recording Accounting-On",
	"acct_nasdown_query":   "recording Accounting-Off",
	"mlc_user_query":       "the open sessions of a user",
	"mlc_realm_query":      "the open sessions of a realm",
	"mlc_stop_query":       "closing a session that the NAS has forgotten",
}

// A sqlLine is one keyword of the sqlserver file with the rest of its line.
type sqlLine struct {
	keyword, value string
	at             raddb.Pos
}

// convertSQL lists the queries with their macros turned into parameters, as a script asks them: what the database's
// answers mean for the rules is for a person to say. The login and its password are not repeated.
func (s *source) convertSQL() {
	text, ok := s.optional("sqlserver")
	if !ok {
		return
	}
	for _, l := range sqlLines("sqlserver", string(text)) {
		use := sqlUses[l.keyword]
		switch {
		case strings.HasPrefix(l.keyword, "acct_") && use != "":
			s.report.Differsf(l.at, "%s (%s): radacct and acctevent have what was in the request; docs/accounting.md has their columns", l.keyword, use)
		case strings.HasPrefix(l.keyword, "mlc_") && use != "":
			s.report.Differsf(l.at, "%s (%s): sessions are counted in this server's own table; perilune who and radius.sessions() show them", l.keyword, use)
		case use != "":
			s.report.Lookf(l.at, "%s (%s): ask for it by a script: %s", l.keyword, use, sqlCall(l.value))
		case l.keyword == "doauth" && l.value != "no":
			s.report.Lookf(l.at, "doauth %s: name the database in config.toml, [backend.sql.radius], and ask it by a script with the queries below: docs/modules/sql.md", l.value)
		case l.keyword == "doacct" && l.value != "no":
			s.report.Lookf(l.at, "doacct %s: records go into the tables radacct and acctevent of [acct] database, SQLite or PostgreSQL, and not into those of the queries below; point what reads them there", l.value)
		}
	}
}

// sqlCall writes a query as a script asks it.
func sqlCall(query string) string {
	query, args := sqlParameters(query)
	return "db:rows(" + strings.Join(append([]string{strconv.Quote(query)}, args...), ", ") + ")"
}

// sqlLines splits the file: # begins a comment line, a backslash at the end joins the next line.
func sqlLines(file, text string) (list []sqlLine) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		at := raddb.Pos{File: file, Line: i + 1}
		line := lines[i]
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + " " + lines[i]
		}
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		list = append(list, sqlLine{fields[0], strings.Join(fields[1:], " "), at})
	}
	return list
}

// shortMacros are the macros of one letter, as Lua reads what they stand for.
var shortMacros = map[byte]string{
	'u': "req.user",
	'n': `req["NAS-IP-Address"]`,
	'p': `req:int("NAS-Port")`,
	'i': `req["Calling-Station-Id"]`,
	's': `req["Connect-Info"]`,
	'f': `req.reply["Framed-IP-Address"]`,
	't': `req.reply:int("Framed-MTU")`,
	'a': `req.reply["Framed-Protocol"]`,
	'c': `req.reply["Callback-Number"]`,
	'D': "req.now",
	'G': "req.now",
}

// sqlParameters gives a query with $1, $2 ... in the places of its macros, quotes around them included, and
// the Lua that each stands for.
func sqlParameters(query string) (string, []string) {
	var b strings.Builder
	var args []string
	for i := 0; i < len(query); {
		value, end := sqlMacro(query, i)
		switch {
		case end == 0:
			b.WriteByte(query[i])
			i++
		case value == "%":
			b.WriteByte('%')
			i = end
		default:
			args = append(args, value)
			text := b.String()
			if q := len(text); q > 0 && end < len(query) && (query[end] == '\'' || query[end] == '"') && text[q-1] == query[end] {
				b.Reset()
				b.WriteString(text[:q-1])
				end++
			}
			fmt.Fprintf(&b, "$%d", len(args))
			i = end
		}
	}
	return b.String(), args
}

// sqlMacro reads the macro at offset i; end is 0 if there is none.
func sqlMacro(query string, i int) (value string, end int) {
	rest := query[i:]
	if len(rest) < 2 || rest[0] != '%' {
		return "", 0
	}
	switch c := rest[1]; {
	case c == '%':
		return "%", i + 2
	case shortMacros[c] != "":
		return shortMacros[c], i + 2
	case c != 'C' && c != 'R':
		return "", 0
	}
	list := map[byte]string{'C': "req", 'R': "req.reply"}[rest[1]]
	if body := strings.TrimPrefix(rest[2:], `\`); strings.HasPrefix(body, "{") {
		if name, _, ok := strings.Cut(body[1:], "}"); ok {
			end = i + len(rest) - len(body) + len(name) + 2
			name, _, _ = strings.Cut(name, ":")
			return fmt.Sprintf("%s[%q]", list, name), end
		}
		return "", 0
	}
	n := 2
	for n < len(rest) && digitOf(rest[n]) < 10 {
		n++
	}
	if n == 2 {
		return "", 0
	}
	return fmt.Sprintf("%s[%q]", list, "Attr-"+rest[2:n]), i + n
}
