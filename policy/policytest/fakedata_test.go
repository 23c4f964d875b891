package policytest

import (
	"strings"
	"testing"
)

const dataScript = `
local crm, staff = sql.open("crm"), ldap.open("staff")
on("authorize", {when={user="row"}}, function(req)
  local r, why = crm:try_row("SELECT a, b\n  FROM t WHERE c = $1", req.password)
  if why then return reject{message=why} end
  return accept{message=r and tostring(r.a) .. " " .. tostring(r.b) or "none"}
end)
on("authorize", {when={user="rows"}}, function(req)
  return accept{message=tostring(#crm:rows("SELECT a FROM t"))}
end)
on("authorize", {when={user="exec"}}, function(req)
  local n = crm:tx(function(t) return t:exec("UPDATE t SET a = $1, b = $2", bytes.u64("18446744073709551615"), nil) end)
  return accept{message=tostring(n)}
end)
on("authorize", {when={user="search"}}, function(req)
  local e = staff:search{filter="(uid=x)", attrs={"cn"}, limit=1}
  return accept{message=#e .. " " .. (e[1] and e[1].dn .. " " .. (e[1].attrs.cn and e[1].attrs.cn[1] or "-") or "")}
end)
on("authorize", {when={user="bind"}}, function(req)
  local right, why = staff:try_bind("uid=x", req.password)
  return accept{message=tostring(right) .. " " .. tostring(why)}
end)
`

// TestMockData: what mock.sql and mock.ldap answer, and how a case fails that they do not answer.
func TestMockData(t *testing.T) {
	const row, many, exec, search, bind = `send{user="row", password="x"}`, `send{user="rows", password="x"}`, `send{user="exec", password="x"}`, `send{user="search", password="x"}`, `send{user="bind", password="x"}`
	for body, want := range map[string]string{
		`mock.sql("crm"){["SELECT a, b FROM t"]={{a=1, b="x"}, {a=2}}} expect(` + row + `):message("1 x")`:       "",
		`mock.sql("crm"){SELECT={a=1.5, b=true}} expect(` + row + `):message("1.5 true")`:                        "",
		`mock.sql("crm"){SELECT={}} expect(` + row + `):message("none")`:                                         "",
		`mock.sql("crm"){SELECT={a={1, "x"}, b=bytes.u64("18446744073709551615")}} expect(` + row + `):accept()`: "",
		`mock.sql("crm"){SELECT=mock.fail("busy")} expect(` + row + `):reject():message("busy: by mock.fail")`:   "",
		`mock.sql("crm"){SELECT={{a=1}, {a=2}, {a=3}}} expect(` + many + `):message("3")`:                        "",
		`local m = mock.sql("crm"){UPDATE=2} expect(` + exec + `):message("2") test.equal(m:calls()[1].query, "UPDATE t SET a = $1, b = $2") test.equal(tostring(m:calls()[1][1]), "18446744073709551615") test.equal(m:calls()[1][2], nil)`: "",
		`mock.sql("crm"){UPDATE={{}, {}}} expect(` + exec + `):message("2")`:                           "",
		`mock.sql("crm"){SELECT=function(c) return {a=c[1]} end} expect(` + row + `):message("x nil")`: "",
		row:                                            `sql crm was asked "SELECT a, b FROM t WHERE c = $1", and mock.sql does not answer it in this case`,
		`mock.sql("crm"){DELETE=1} ` + row:             `mock.sql crm has no answer to "SELECT a, b FROM t WHERE c = $1"; it has those to "DELETE"`,
		`mock.sql("crm"){SELECT=5} ` + row:             `mock.sql crm: "SELECT a, b FROM t WHERE c = $1": got a number, expected a list of rows like {{name="ann"}}, or mock.fail`,
		`mock.sql("crm"){SELECT={5}} ` + row:           `mock.sql crm: "SELECT a, b FROM t WHERE c = $1": row 1 is a number, expected a table by column`,
		`mock.sql("crm"){SELECT={{"x"}}} ` + row:       `mock.sql crm: "SELECT a, b FROM t WHERE c = $1": row 1: the key 1 is no name of a column`,
		`mock.sql("crm"){SELECT={{a=print}}} ` + row:   `mock.sql crm: "SELECT a, b FROM t WHERE c = $1": row 1: column a: a function is no value of a column`,
		`mock.sql("crm"){SELECT={{a={print}}}} ` + row: `mock.sql crm: "SELECT a, b FROM t WHERE c = $1": row 1: column a: a function is no value of a column`,
		`mock.sql("crm"){UPDATE="x"} ` + exec:          `mock.sql crm: "UPDATE t SET a = $1, b = $2": got a string, expected the number of rows that are changed, or mock.fail`,
		`mock.sql("crm"){UPDATE=1.5} ` + exec:          `mock.sql crm: "UPDATE t SET a = $1, b = $2": got a number, expected the number of rows that are changed, or mock.fail`,
		`mock.sql("cmr"){SELECT={}} ` + row:            `mock.sql: no script opens sql "cmr"; did you mean "crm"?`,

		`mock.ldap("staff"){["(uid=x)"]={{dn="uid=x", attrs={cn={"X", "Y"}}}, {dn="uid=y"}}} expect(` + search + `):message("1 uid=x X")`:                                    "",
		`mock.ldap("staff"){["("]={dn="uid=x", attrs={cn=5}}} expect(` + search + `):message("1 uid=x 5")`:                                                                   "",
		`mock.ldap("staff"){["("]={}} expect(` + search + `):message("0 ")`:                                                                                                  "",
		`mock.ldap("staff"){["("]=function(c) test.equal(c, {filter="(uid=x)", base="", scope="sub", limit=1, attrs={"cn"}}) return {} end} expect(` + search + `):accept()`: "",
		`mock.ldap("staff"){["bind uid=x"]=function(c) return c.password == "x" end} expect(` + bind + `):message("true nil")`:                                               "",
		`mock.ldap("staff"){bind=mock.fail("refused: gone")} expect(` + bind + `):message("nil refused: gone")`:                                                              "",
		`mock.ldap("staff"){["("]=5} ` + search:                            `mock.ldap staff: "(uid=x)": got a number, expected a list of entries like {{dn=…, attrs={…}}}, or mock.fail`,
		`mock.ldap("staff"){["("]={5}} ` + search:                          `mock.ldap staff: "(uid=x)": entry 1: got a number, expected {dn=…, attrs={…}}`,
		`mock.ldap("staff"){["("]={{dn=5}}} ` + search:                     `mock.ldap staff: "(uid=x)": entry 1: dn: expected dn, a text, and attrs, a table`,
		`mock.ldap("staff"){["("]={{dn="x", cn="y"}}} ` + search:           `mock.ldap staff: "(uid=x)": entry 1: cn: expected dn, a text, and attrs, a table`,
		`mock.ldap("staff"){["("]={{dn="x", attrs={cn=print}}}} ` + search: `mock.ldap staff: "(uid=x)": entry 1: a value of an attribute is a function, expected text`,
		`mock.ldap("staff"){bind="yes"} ` + bind:                           `mock.ldap staff: bind: got a string, expected true, false or mock.fail`,
	} {
		if got := strings.TrimPrefix(runCase(t, dataScript, body), "send: "); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}
