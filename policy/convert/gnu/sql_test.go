package gnu

import (
	"strings"
	"testing"
)

func TestSQLParameters(t *testing.T) {
	tests := []struct{ query, want, args string }{
		{"SELECT 1", "SELECT 1", ""},
		{"name = '%u' AND port = %p", "name = $1 AND port = $2", `req.user|req:int("NAS-Port")`},
		{`a = "%C{Calling-Station-Id}", b = '%R{Framed-MTU:-5}' c = %C{Class`, `a = $1, b = $2 c = %C{Class`, `req["Calling-Station-Id"]|req.reply["Framed-MTU"]`},
		{`like 'a%%u%u%'`, `like 'a%u$1%'`, "req.user"},
		{"%C44 %R18x %C", "$1 $2x %C", `req["Attr-44"]|req.reply["Attr-18"]`},
		{`'%C\{User-Name}'`, "$1", `req["User-Name"]`},
		{"%z%", "%z%", ""},
	}
	for _, test := range tests {
		got, args := sqlParameters(test.query)
		same(t, test.query, test.want, got)
		same(t, test.query, test.args, strings.Join(args, "|"))
	}
}

// FuzzSQLParameters: no macro makes it run over the end, and each parameter stands in the query.
func FuzzSQLParameters(f *testing.F) {
	f.Add("name = '%u' AND x = \"%C{A}\" %R18 %%")
	f.Add("%C{")
	f.Add("'%")
	f.Fuzz(func(t *testing.T, query string) {
		got, args := sqlParameters(query)
		if strings.Count(got, "$") < len(args) {
			t.Errorf("%q has %d parameters: %q", query, len(args), got)
		}
	})
}

// The report has all queries with their places, and no password.
func TestSQLServer(t *testing.T) {
	_, report := convert(t, map[string]string{"sqlserver": "interface mysql\npassword hidden\ndoauth yes\ndoacct no\n# a comment\n\nauth_query SELECT pw \\\n FROM t WHERE u='%u'\nmlc_user_query SELECT 1\n"}, Options{})
	same(t, "notes", `sqlserver:9: mlc_user_query (the open sessions of a user): sessions are counted in this server's own table; perilune who and radius.sessions() show them
sqlserver:3: doauth yes: name the database in config.toml, [backend.sql.radius], and ask it by a script with the queries below: docs/modules/sql.md
sqlserver:7: auth_query (the password of Auth-Type SQL): ask for it by a script: db:rows("SELECT pw FROM t WHERE u=$1", req.user)
`, about(report, "sqlserver"))
	if strings.Contains(report, "hidden") {
		t.Error("the report has the password")
	}
}
