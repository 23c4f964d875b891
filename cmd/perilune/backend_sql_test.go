package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// makeSQLite makes a database with what the statements say.
func makeSQLite(t *testing.T, path, statements string) {
	t.Helper()
	cmd := exec.Command(foreignTool(t, "sqlite3"), "-bail", path)
	cmd.Stdin = strings.NewReader(statements)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", path, err, out)
	}
}

const sqlScript = `
local crm = sql.open("crm")
on("authorize", function(req)
  local row = crm:row("SELECT password, session FROM subscriber WHERE name = $1", req.user)
  if not row then return reject{message="who are you"} end
  req.control["Cleartext-Password"] = row.password
  req.reply["Session-Timeout"] = row.session
end)
`

const sqlScriptTest = `
test.case("a subscriber", function()
  local m = mock.sql("crm"){["SELECT password, session FROM subscriber"] = function(q)
    return q[1] == "ann" and {{password = "sesame", session = 300}} or {}
  end}
  expect(send{user="ann", password="sesame"}):accept():has("Session-Timeout", 300)
  expect(send{user="ann", password="open"}):reject()
  expect(send{user="bob", password="sesame"}):reject():message("who are you")
  test.equal(m:calls()[3], {query="SELECT password, session FROM subscriber WHERE name = $1", "bob"})
end)
test.case("the database is away", function()
  mock.sql("crm"){SELECT = mock.fail("timeout")}
  expect(send{user="ann", password="sesame"}):drop()
end)
`

// TestSQLite asks a database from a handler of a running server.
func TestSQLite(t *testing.T) {
	dir := loopTree(t, map[string]string{
		"raddb/config.toml": quietConfig + "[backend.sql.crm]\ndatabase = \"crm.db\"\n",
		"scripts/crm.lua":   sqlScript, "scripts/crm_test.lua": sqlScriptTest,
	})
	makeSQLite(t, filepath.Join(dir, "raddb", "crm.db"), `CREATE TABLE subscriber (name TEXT PRIMARY KEY, password TEXT, session INTEGER);
		INSERT INTO subscriber VALUES ('ann', 'sesame', 300), ('bob', 'hello', NULL)`)
	s := serveOnLoopback(t, dir)
	for _, c := range []struct{ user, password, want string }{
		{"ann", "sesame", "Session-Timeout = 300"}, {"ann", "wrong", "Access-Reject"}, {"bob", "hello", "Access-Accept"},
		{"carl", "x", "who are you"}, {"x' OR '1'='1", "x", "who are you"},
	} {
		_, out := s.command("send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "User-Name="+c.user, "User-Password="+c.password)
		if !strings.Contains(out, c.want) {
			t.Errorf("%s: no %q in\n%s\n%s", c.user, c.want, out, s.log)
		}
	}
}
