package backend

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/config"
)

const sqlSchema = `CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT UNIQUE, octets BIGINT, share DOUBLE PRECISION, active BOOLEAN, raw %s, since %s, born DATE, CHECK (id < 1000));
INSERT INTO person VALUES (1, 'ann', 5, 0.25, %s, %s, '2026-01-05 09:00:00', '2000-02-29'), (2, 'bob', NULL, NULL, NULL, NULL, NULL, NULL)`

// sqlite makes a database in a file.
func sqliteFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crm.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := dialSQLite(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, q := range strings.Split(fmt.Sprintf(sqlSchema, "BLOB", "DATETIME", "1", "x'00ff'"), ";\n") {
		if _, _, err := s.run(context.Background(), q, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func sqlSettings(database string, more ...func(*config.BackendSQL)) Settings {
	s := &config.BackendSQL{Database: config.Database(database), Connections: 4, Waiting: 64, Connect: 2 * time.Second, Retry: 50 * time.Millisecond, Idle: time.Minute}
	for _, f := range more {
		f(s)
	}
	return Settings{Backend: config.Backend{SQL: map[string]*config.BackendSQL{"crm": s}}}
}

// checkSQL runs facts: db is the database, and out writes.
func (w *world) checkSQL(facts []fact) {
	w.t.Helper()
	for _, f := range facts {
		if diff := cmp.Diff(f.want, w.run("local db = sql.open('crm') handler(function() "+f.source+" end)")); diff != "" {
			w.t.Errorf("%s (-want +got)\n%s", f.source, diff)
		}
	}
}

// sqlFacts hold for each kind of database.
var sqlFacts = []fact{
	{`local r = db:row("SELECT id, name, octets, share, born FROM person WHERE name = $1", "ann") out(r.id, r.name, r.octets, r.share, r.born, type(r.id))`, "1 ann 5 0.25 2000-02-29 number"},
	{`local r = db:row("SELECT * FROM person WHERE id = $1", 2) out(r.octets, r.active, r.raw, r.name) for k in pairs(r) do if k ~= "id" and k ~= "name" then out(k) end end`, "nil nil nil bob"},
	{`out(db:row("SELECT id FROM person WHERE name = $1", "carl"))`, "nil"},
	{`local rs = db:rows("SELECT id FROM person ORDER BY id") out(#rs, rs[1].id, rs[2].id)`, "2 1 2"},
	{`out(#db:rows("SELECT id FROM person WHERE id > 10"))`, "0"},
	{`out(db:exec("INSERT INTO person (id, name) VALUES ($1, $2)", 3, "carl"), db:exec("UPDATE person SET octets = 1 WHERE id > $1", 1), db:exec("DELETE FROM person WHERE id = $1", 3), db:exec("DELETE FROM person WHERE id = $1", 3), db:exec("SELECT 1"))`, "1 2 1 0 0"},
	{`out(db:row("SELECT $2 || $1 AS x", "a", "b").x, db:row("SELECT name AS x FROM person WHERE name = $1 OR name = $1 ORDER BY id", "ann").x)`, "ba ann"},
	{`out(db:row("SELECT id FROM person WHERE name = $1", "ann' OR '1'='1"), db:row("SELECT id FROM person WHERE name = $1", "ann'; DROP TABLE person; --"), db:row("SELECT count(*) AS n FROM person").n)`, "nil nil 2"},
	{`out(db:row("SELECT 'it''s $1; ? -- no' AS a, \"name\" AS b /* $2 ; */ FROM person WHERE id = 1 -- $3 ;\n;").a)`, "it's $1; ? -- no"},
	{`db:exec("UPDATE person SET octets = $1 WHERE id = 1", 2^53) out(db:row("SELECT octets FROM person WHERE id = 1").octets == 2^53)`, "true"},
	{`db:exec("UPDATE person SET octets = $1 WHERE id = 1", bytes.u64("9007199254740993")) local n = db:row("SELECT octets FROM person WHERE id = 1").octets out(type(n), n, db:row("SELECT id FROM person WHERE octets = $1", n).id)`, "userdata 9007199254740993 1"},
	{`db:exec("UPDATE person SET octets = -9007199254740993 WHERE id = $1", 1) local n = db:row("SELECT octets FROM person WHERE id = 1").octets out(type(n), n)`, "string -9007199254740993"},
	{`db:exec("UPDATE person SET share = $1, octets = $2 WHERE id = 1", 1.5, 5) local r = db:row("SELECT share, octets FROM person WHERE id = 1") out(r.share, r.octets)`, "1.5 5"},
	{`db:exec("UPDATE person SET active = $1 WHERE id = 2", true) out(db:row("SELECT count(*) AS n FROM person WHERE active = $1", true).n) db:exec("UPDATE person SET active = $1 WHERE id = 2", nil)`, "2"},
	{`out(db:row("SELECT id FROM person WHERE name = $1", json.null))`, "nil"},
	{`db:exec("UPDATE person SET name = $1 WHERE id = 2", "Grüße €") out(db:row("SELECT name FROM person WHERE id = 2").name) db:exec("UPDATE person SET name = 'bob' WHERE id = 2")`, "Grüße €"},
	{`db:exec("UPDATE person SET name = '' WHERE id = 2") out(db:row("SELECT name FROM person WHERE id = 2").name == "") db:exec("UPDATE person SET name = 'bob' WHERE id = 2")`, "true"},
	{`local n = 0 db:exec("INSERT INTO person (id, name) SELECT 10 + a.id * 2 + b.id, NULL FROM person a, person b") out(#db:rows("SELECT id FROM person WHERE id > 10"), db:exec("DELETE FROM person WHERE id > 10"))`, "4 4"},

	{`db:row("SELECT id FROM person WHERE name = $1")`, "error: t.lua:1: sql: 0 arguments for a query with 1 placeholders; expected one argument for each of $1, $2 …"},
	{`db:row("SELECT id FROM person", 1)`, "error: t.lua:1: sql: 1 arguments for a query with 0 placeholders; expected one argument for each of $1, $2 …"},
	{`db:row("SELECT id FROM person WHERE id = $1 AND name = $3", 1, 2, 3)`, "error: t.lua:1: sql: the query has $3 and no $2"},
	{`db:row("SELECT id FROM person WHERE id = ?", 1)`, "error: t.lua:1: sql: ? is no placeholder; write $1, $2 … (PostgreSQL's operator ? is jsonb_exists)"},
	{`db:row("SELECT id FROM person WHERE id = $0", 1)`, "error: t.lua:1: sql: $0 is no placeholder; write $1 to $100"},
	{`db:row("SELECT id FROM person WHERE id = $name", 1)`, "error: t.lua:1: sql: $name is no placeholder; write $1 to $100"},
	{`db:row("SELECT 1; DELETE FROM person")`, "error: t.lua:1: sql: a second statement; expected one"},
	{`db:row("SELECT 'x")`, "error: t.lua:1: sql: a quote ' that is not closed"},
	{`db:row("/* x")`, "error: t.lua:1: sql: a comment that is not closed, or in another"},
	{`db:row("SELECT 1 \0")`, "error: t.lua:1: sql: a query with an octet 0"},
	{`db:row(" -- nothing\n;")`, "error: t.lua:1: sql: there is no statement in the query"},
	{`db:row("")`, "error: t.lua:1: sql: there is no statement in the query"},
	{`db:row(nil)`, "error: t.lua:1: argument 2 is nil, expected string"},
	{`db.row("SELECT 1")`, "error: t.lua:1: the value before the colon is string, expected a database; write db:row(query)"},
	{`db:row("SELECT $1", {})`, "error: t.lua:1: sql: argument 1 of the query, $1, is a table; expected text, a number, a boolean or nil"},
	{`db:row(("x"):rep(70000))`, "error: t.lua:1: sql: a query of 70000 octets; 65536 are allowed"},
	{`db:exec("Begin")`, "error: t.lua:1: sql: BEGIN is refused; use db:tx(function(t) … end)"},
	{`db:exec("/* x */ commit")`, "error: t.lua:1: sql: COMMIT is refused; use db:tx(function(t) … end)"},
	{`db:exec("SET search_path = x")`, "error: t.lua:1: sql: SET is refused: the connection is shared"},
	{`db:exec("COPY person FROM STDIN")`, "error: t.lua:1: sql: COPY is refused: it has no end here"},
	{`db:row("SELECT id, name AS id FROM person")`, `error: t.lua:1: sql: two columns are named "id"; name one by AS`},
	{`sql.open("crm")`, `error: t.lua:1: sql.open("crm"): handles are opened while scripts load, not in a handler`},
	{`out(db.sql, db.name, tostring(getmetatable(db)))`, "nil nil db"},

	{`out(db:tx(function(t) t:exec("UPDATE person SET octets = 6 WHERE id = 1") return t:row("SELECT octets FROM person WHERE id = 1").octets, "two" end)) out(db:row("SELECT octets FROM person WHERE id = 1").octets)`, "6 two\n6"},
	{`out(pcall(db.tx, db, function(t) t:exec("UPDATE person SET octets = 7 WHERE id = 1") error("no", 0) end)) out(db:row("SELECT octets FROM person WHERE id = 1").octets)`, "false no\n6"},
	{`out(pcall(db.try_tx, db, function(t) t:exec("UPDATE person SET octets = 7 WHERE id = 1") error({1}) end) == false) out(db:row("SELECT octets FROM person WHERE id = 1").octets)`, "true\n6"},
	{`out(pcall(db.tx, db, function(t) db:row("SELECT 1") end))`, `false t.lua:1: sql: a transaction of "crm" is open; ask what db:tx gives to its function`},
	{`out(pcall(db.tx, db, function(t) db:tx(function() end) end))`, `false t.lua:1: sql: a transaction of "crm" is open already; they do not nest`},
	{`out(pcall(db.tx, db, function(t) t:tx(function() end) end))`, `false t.lua:1: attempt to call a non-function object`},
	{`local kept db:tx(function(t) kept = t end) kept:row("SELECT 1")`, "error: t.lua:1: sql: the transaction is over"},
	{`db:tx("x")`, "error: t.lua:1: argument 2 is string, expected function"},
	{`out(pcall(db.tx, db, function(t) t:try_exec("INSERT INTO person (id, name) VALUES (9, 'ann')") end))`, "false UNIQUE"},
	{`out(db:try_tx(function(t) t:exec("INSERT INTO person (id, name) VALUES (9, 'ann')") end))`, "nil UNIQUE"},
	{`out(pcall(db.tx, db, function(t) t:try_exec("INSERT INTO person (id, name) VALUES (9, 'ann')") t:row("SELECT 1") end))`, "false SPOILT"},
	{`db:tx(function(t) t:exec("UPDATE person SET octets = 8 WHERE id = 1") while true do end end)`, "error: t.lua:1: step budget spent; use fewer or simpler loops and patterns"},
	{`out(db:row("SELECT octets FROM person WHERE id = 1").octets, db:exec("UPDATE person SET octets = 6 WHERE id = 1"))`, "6 1"},
	{`local co = coroutine.wrap(function() return db:tx(function(t) coroutine.yield(1) end) end) out(pcall(co))`, "false t.lua:1: attempt to yield across pcall, a metamethod or a callback"},
	{`local co = coroutine.wrap(function() return db:tx(function(t) return t:row("SELECT octets FROM person WHERE id = 1").octets end) end) out(co())`, "6"},
	{`out(db:try_exec("INSERT INTO person (id, name) VALUES (9, 'ann')"))`, "nil UNIQUE"},
	{`out(pcall(db.exec, db, "INSERT INTO person (id, name) VALUES (9, 'ann')"))`, "false UNIQUE"},
	{`out(db:row("SELECT count(*) AS n FROM person").n, db:row("SELECT octets FROM person WHERE id = 1").octets)`, "2 6"},
}

// TestSQLite: what holds for each database, and what SQLite has of its own.
func TestSQLite(t *testing.T) {
	w := newWorld(t, sqlSettings(sqliteFile(t)))
	unique := "refused: SQLite: UNIQUE constraint failed: person.name (2067)"
	w.checkSQL(spelled(map[string]string{
		"false SPOILT": "false t.lua:1: sql: a statement of the transaction has failed (" + unique + "); nothing but its end is left",
		"false UNIQUE": "false t.lua:1: sql: " + unique, "nil UNIQUE": "nil " + unique,
	}))
}

// spelled gives the facts with the database's own words.
func spelled(words map[string]string) (facts []fact) {
	for _, f := range sqlFacts {
		if own, ok := words[f.want]; ok {
			f.want = own
		}
		facts = append(facts, f)
	}
	return facts
}

func TestPostgres(t *testing.T) {
	c := newCluster(t)
	for _, q := range strings.Split(fmt.Sprintf(sqlSchema, "BYTEA", "TIMESTAMPTZ", "true", `'\x00ff'`), ";\n") {
		c.query(q)
	}
	w := newWorld(t, sqlSettings(c.url()))
	unique := `refused: PostgreSQL: duplicate key value violates unique constraint "person_name_key" (23505)`
	w.checkSQL(spelled(map[string]string{
		"false SPOILT": "false t.lua:1: sql: a statement of the transaction has failed (" + unique + "); nothing but its end is left",
		"false UNIQUE": "false t.lua:1: sql: " + unique, "nil UNIQUE": "nil " + unique,
	}))
}
