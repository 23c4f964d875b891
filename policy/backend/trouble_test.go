package backend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"perilune/engine/config"
	"perilune/policy/module"
)

// within fails the test if f takes longer than most.
func within(t *testing.T, most time.Duration, what string, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > most {
		t.Errorf("%s took %v, more than %v", what, took, most)
	}
}

// endless are queries that end with their handler alone.
var endless = map[string]string{
	"sqlite":   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 2 OR i < 0",
	"postgres": "SELECT pg_sleep(1000)",
}

func slow(kind string) fact {
	return fact{`out(db:try_rows("` + endless[kind] + `"))`, "nil timeout: no answer in the time that the handler has"}
}

func sqlWorlds(t *testing.T, each func(t *testing.T, kind string, s Settings)) {
	t.Run("sqlite", func(t *testing.T) { each(t, "sqlite", sqlSettings(sqliteFile(t))) })
	t.Run("postgres", func(t *testing.T) {
		c := newCluster(t)
		c.query(strings.ReplaceAll(fmt.Sprintf(sqlSchema, "BYTEA", "TIMESTAMPTZ", "true", `'\x00ff'`), "\n", " "))
		each(t, "postgres", sqlSettings(c.url()))
	})
}

// TestDeadlineEndsQuery: the call comes back with the handler's end, the database stops working, and the next call is
// served. Nothing is left behind.
func TestDeadlineEndsQuery(t *testing.T) {
	sqlWorlds(t, func(t *testing.T, kind string, s Settings) {
		w := newWorld(t, s)
		lease := w.env.Backends.(*Lease)
		db, err := lease.SQL("crm")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			within(t, 2*time.Second, "a query without an end", func() {
				if rows, err := db.Query(ctx, endless[kind], nil, 10); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v, %v", rows, err)
				}
			})
			cancel()
		}
		w.checkSQL([]fact{{`out(db:row("SELECT name FROM person WHERE id = $1", 1).name)`, "ann"}})
		w.time = 50 * time.Millisecond
		w.checkSQL([]fact{slow(kind), {`db:tx(function(t) t:exec("UPDATE person SET octets = 1") t:rows("` + endless[kind] + `") end)`, "error: t.lua:1: sql: timeout: no answer in the time that the handler has"}})
		w.time = 0
		w.checkSQL([]fact{{`out(db:row("SELECT octets FROM person WHERE id = 1").octets, db:exec("UPDATE person SET octets = 5 WHERE id = 1"))`, "5 1"}})
		lease.Close()
		if _, err := db.Query(context.Background(), "SELECT 1", nil, 1); !errors.Is(err, errClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestReadOnly: scripts may look and not change.
func TestReadOnly(t *testing.T) {
	sqlWorlds(t, func(t *testing.T, _ string, s Settings) {
		s.Backend.SQL["crm"].ReadOnly = true
		newWorld(t, s).checkSQL([]fact{
			{`out(db:row("SELECT name FROM person WHERE id = 1").name)`, "ann"},
			{`db:exec("UPDATE person SET name = 'x'")`, "error: t.lua:1: sql: the database is opened read-only"},
			{`out(pcall(db.try_exec, db, "DELETE FROM person"))`, "false t.lua:1: sql: the database is opened read-only"},
			{`out(db:row("SELECT count(*) AS n FROM person").n)`, "2"},
		})
	})
}

// TestSQLiteLocked: who waits for another writer waits with the time of its handler, and fails as busy if that is long.
func TestSQLiteLocked(t *testing.T) {
	path := sqliteFile(t)
	w := newWorld(t, sqlSettings(path))
	other, err := dialSQLite(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.begin(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.time = 100 * time.Millisecond
	within(t, 2*time.Second, "waiting for a lock", func() {
		w.checkSQL([]fact{
			{`db:exec("UPDATE person SET octets = 1")`, "error: t.lua:1: sql: timeout: no answer in the time that the handler has"},
			{`db:tx(function() end)`, "error: t.lua:1: sql: timeout: no answer in the time that the handler has"},
			{`out(db:row("SELECT name FROM person WHERE id = 1").name)`, "ann"},
		})
	})
	done := make(chan string)
	w.time = 20 * time.Second
	go func() {
		done <- w.run(`local db = sql.open("crm") handler(function() out(db:exec("UPDATE person SET octets = 1")) end)`)
	}()
	time.Sleep(20 * time.Millisecond) // it waits, or comes later: both are fine
	if err := other.commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != "2" {
		t.Errorf("after the lock: %s", got)
	}
}

// TestSQLiteReplaced: a file that was put in the place of another is the database from then on.
func TestSQLiteReplaced(t *testing.T) {
	path, next := sqliteFile(t), sqliteFile(t)
	w := newWorld(t, sqlSettings(path))
	w.checkSQL([]fact{{`out(db:exec("UPDATE person SET name = 'old' WHERE id = 1"))`, "1"}})
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	os.Remove(path + "-wal")
	os.Remove(path + "-shm")
	w.checkSQL([]fact{{`out(db:row("SELECT name FROM person WHERE id = 1").name)`, "ann"}})
	os.Remove(path)
	w.checkSQL([]fact{{`out(db:try_row("SELECT 1"))`, "nil refused: backend.sql.crm: there is no file " + path + "; make the database first: sqlite3 " + path + " < schema.sql"}})
	w.checkSQL([]fact{{`db:row("SELECT 1")`, "error: t.lua:1: sql: refused: backend.sql.crm: there is no file " + path + "; make the database first: sqlite3 " + path + " < schema.sql"}})
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(60 * time.Millisecond) // longer than retry
	w.checkSQL([]fact{{`out(db:try_row("SELECT 1"))`, "nil refused: backend.sql.crm: " + path + ": SQLite: file is not a database (26)"}})
}

// TestSQLiteValues: text is octets, also those that are no text; what is stored counts, not what the table says.
func TestSQLiteValues(t *testing.T) {
	newWorld(t, sqlSettings(sqliteFile(t))).checkSQL([]fact{
		{`db:exec("UPDATE person SET name = $1 WHERE id = 2", "a\0b\255") local r = db:row("SELECT name, length(CAST(name AS BLOB)) AS n FROM person WHERE name = $1", "a\0b\255") out(#r.name, r.name == "a\0b\255", r.n)`, "4 true 4"},
		{`local r = db:row("SELECT raw, since, active, typeof(since) AS t FROM person WHERE id = 1") out(bytes.hex(r.raw), r.since, r.active, r.t)`, "00ff 2026-01-05 09:00:00 1 text"},
		{`out(db:row("SELECT id FROM person WHERE raw = CAST($1 AS BLOB)", "\0\255").id)`, "1"},
		{`out(db:row("SELECT '' AS a, x'' AS b, NULL AS c, 1.0 AS d, 1e300 AS e, -0.0 AS f").a, db:row("SELECT x'' AS b").b)`, " "},
		{`db:row("SELECT :x")`, `error: t.lua:1: sql: the placeholder ":x"; expected $1, $2 and so on`},
		{`db:row("SELECT @x")`, `error: t.lua:1: sql: the placeholder "@x"; expected $1, $2 and so on`},
		{`db:row("SELECT nope FROM person")`, "error: t.lua:1: sql: SQLite: no such column: nope (1)"},
		{`out(pcall(db.try_row, db, "SELECT 1 FROM nope"))`, "false t.lua:1: sql: SQLite: no such table: nope (1)"},
		{`db:row("SELEC 1")`, `error: t.lua:1: sql: SQLite: near "SELEC": syntax error (1)`},
		{`db:row("SELECT $1", 0/0)`, "error: t.lua:1: sql: $1 is no number; SQLite would store NULL"},
		{`db:exec("INSERT INTO person (id, name) VALUES (5000, 'x')")`, "error: t.lua:1: sql: refused: SQLite: CHECK constraint failed: id < 1000 (275)"},
		{`out(#db:row("SELECT zeroblob(1000000) AS b").b)`, "1000000"},
		{`db:row("SELECT zeroblob(3000000) AS a, zeroblob(3000000) AS b")`, "error: t.lua:1: sql: the rows are more than 4 MiB; select fewer columns or rows"},
		{`db:row("SELECT zeroblob(30000000) AS a")`, "error: t.lua:1: sql: SQLite: string or blob too big (18)"},
		{`out(#db:rows("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"))`, "1000"},
		{`out(db:row("INSERT INTO person (id, name) VALUES (20, 'x'), (21, 'y') RETURNING id").id, db:row("SELECT count(*) AS n FROM person").n)`, "20 4"},
		{`for i = 1, 200 do db:row("SELECT " .. i .. " AS n") end out(db:row("SELECT 7 AS n").n)`, "7"},
	})
}

// TestPostgresValues: types of PostgreSQL as scripts see them.
func TestPostgresValues(t *testing.T) {
	c := newCluster(t)
	c.query(strings.ReplaceAll(fmt.Sprintf(sqlSchema, "BYTEA", "TIMESTAMPTZ", "true", `'\x00ff'`), "\n", " "))
	w := newWorld(t, sqlSettings(c.url()))
	w.checkSQL([]fact{
		{`local r = db:row("SELECT raw, since, active, born FROM person WHERE id = 1") out(bytes.hex(r.raw), r.since, r.active, r.born)`, "00ff 1767603600 true 2000-02-29"},
		{`out(db:row("SELECT id FROM person WHERE raw = $1", "\0\255").id, db:row("SELECT id FROM person WHERE since = $1", 1767603600).id)`, "1 1"},
		{`local r = db:row("SELECT 1::smallint AS a, 2.50::numeric AS b, 1e3::numeric AS c, 18446744073709551615::numeric AS d, 1e30::numeric AS e, 0.5::real AS f, 'NaN'::float8 AS g, sum(octets) AS h FROM person") out(r.a, r.b, r.c, r.d, r.e, r.f, r.g, r.h)`, "1 2.5 1000 18446744073709551615 1000000000000000000000000000000 0.5 nan 5"},
		{`local r = db:row("SELECT '10.0.0.1'::inet AS a, '10.0.0.0/8'::cidr AS b, '2001:db8::1'::inet AS c, 'aa-bb-cc-dd-ee-ff'::macaddr AS d, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS e, '{\"a\": 1}'::jsonb AS f, '1 day'::interval AS g, '2026-01-05 09:00:00.25'::timestamp AS h, 'infinity'::timestamptz AS i") out(r.a, r.b, r.c, r.d, r.e, r.f, r.g, r.h, r.i)`,
			`10.0.0.1 10.0.0.0/8 2001:db8::1 aa:bb:cc:dd:ee:ff a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 {"a": 1} 1 day 1767603600.25 infinity`},
		{`local r = db:row("SELECT array_agg(name ORDER BY id) AS a, ARRAY[1,2] AS b, ARRAY['x,y', 'a\"b', NULL, ''] AS c, '{}'::text[] AS d, ARRAY[[1],[2]] AS e FROM person") out(#r.a, r.a[2], r.b[2] + 1, r.c[1], r.c[2], r.c[3], r.c[4] == "", #r.d, r.e)`, `2 bob 3 x,y a"b null true 0 {{1},{2}}`},
		{`out(#db:rows("SELECT id FROM person WHERE name = ANY($1)", "{ann,bob}"))`, "2"},
		{`db:row("SELECT id FROM person WHERE name = $1", "a\0b")`, "error: t.lua:1: sql: $1 has octets that are no text (UTF-8 without an octet 0), and PostgreSQL expects text there; only bytea holds any octets"},
		{`out(pcall(db.try_row, db, "SELECT id FROM person WHERE name = $1", "\255"))`, "false t.lua:1: sql: $1 has octets that are no text (UTF-8 without an octet 0), and PostgreSQL expects text there; only bytea holds any octets"},
		{`db:row("SELECT id FROM person WHERE id = $1", "1 OR 1=1")`, `error: t.lua:1: sql: PostgreSQL: invalid input syntax for type integer: "1 OR 1=1" (22P02)`},
		{`db:row("SELECT id FROM person WHERE id = $1", 1.5)`, `error: t.lua:1: sql: PostgreSQL: invalid input syntax for type integer: "1.5" (22P02)`},
		{`out(db:row("SELECT id FROM person WHERE id = $1", "1").id)`, "1"},
		{`db:row("SELECT 1/0")`, "error: t.lua:1: sql: PostgreSQL: division by zero (22012)"},
		{`db:row("SELECT nope FROM person")`, `error: t.lua:1: sql: PostgreSQL: column "nope" does not exist (42703)`},
		{`db:row("SELEC 1")`, `error: t.lua:1: sql: PostgreSQL: syntax error at or near "SELEC" (42601)`},
		{`db:exec("INSERT INTO person (id, name) VALUES (5000, 'x')")`, `error: t.lua:1: sql: refused: PostgreSQL: new row for relation "person" violates check constraint "person_id_check" (23514)`},
		{`out(db:row("SELECT $$it's $1; ?$$ AS a, E'a\\'b $2' AS b").b)`, "a'b $2"},
		{`db:row("SELECT repeat('x', 5000000) AS a")`, "error: t.lua:1: sql: the rows are more than 4 MiB; select fewer columns or rows"},
		{`db:rows("SELECT repeat('x', 1000000) AS a FROM generate_series(1, 100)")`, "error: t.lua:1: sql: the rows are more than 4 MiB; select fewer columns or rows"},
		{`out(#db:rows("SELECT i FROM generate_series(1, 5000) i"))`, "1000"},
		{`out(db:row("INSERT INTO person (id, name) VALUES (20, 'x'), (21, 'y') RETURNING id").id, db:row("SELECT count(*) AS n FROM person").n)`, "20 4"},
		{`for i = 1, 200 do db:row("SELECT " .. i .. " AS n") end out(db:row("SELECT 7 AS n").n)`, "7"},
		{`out(db:row("SELECT * FROM person WHERE id = 1").born) db:exec("ALTER TABLE person ADD COLUMN more INTEGER DEFAULT 3") out(db:row("SELECT * FROM person WHERE id = 1").more)`, "2000-02-29\n3"},
		{`out(db:row("SELECT current_setting('application_name') AS a, current_setting('TimeZone') AS b").a)`, "perilune"},
		{`db:exec("DO 'BEGIN RAISE EXCEPTION ''not today''; END'")`, "error: t.lua:1: sql: refused: PostgreSQL: not today (P0001)"},
	})
	c.query("CREATE ROLE guest LOGIN")
	newWorld(t, sqlSettings(strings.Replace(c.url(), "crm@", "guest@", 1))).checkSQL([]fact{
		{`out(db:try_row("SELECT id FROM person"))`, "nil refused: PostgreSQL: permission denied for table person (42501)"},
	})
	newWorld(t, sqlSettings(strings.Replace(c.url(), "crm@", "nobody:geheim@", 1))).checkSQL([]fact{
		{`out(db:try_row("SELECT 1"))`, `nil refused: backend.sql.crm: PostgreSQL: role "nobody" does not exist (28000)`},
	})
}

// TestPostgresAway: calls fail at once while it is away, and work again once it is back, with what was prepared.
func TestPostgresAway(t *testing.T) {
	c := newCluster(t)
	c.query(strings.ReplaceAll(fmt.Sprintf(sqlSchema, "BYTEA", "TIMESTAMPTZ", "true", `'\x00ff'`), "\n", " "))
	w := newWorld(t, sqlSettings(c.url()))
	ask := []fact{{`out(db:row("SELECT name FROM person WHERE id = $1", 1).name)`, "ann"}}
	w.checkSQL(ask)
	c.stop()
	c.start()
	w.checkSQL(ask) // the connection that ended was noticed
	c.stop()
	within(t, 2*time.Second, "asking who is away", func() {
		for range 20 {
			got := w.run(`local db = sql.open("crm") handler(function() out(db:try_row("SELECT 1")) end)`)
			if !strings.HasPrefix(got, "nil refused: backend.sql.crm: PostgreSQL: ") || !strings.HasSuffix(got, "no such file or directory") {
				t.Errorf("away: %s", got)
			}
		}
	})
	c.start()
	time.Sleep(60 * time.Millisecond) // longer than retry
	w.checkSQL(ask)
}

// silent takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(io.Discard, bufio.NewReader(c)); c.Close() }()
		}
	}()
	return l.Addr().String()
}

// TestNoPileUp: a server that says nothing holds as many calls as may wait, each for its own time; when it is known to
// be away, calls fail at once.
func TestNoPileUp(t *testing.T) {
	at := silent(t)
	s := sqlSettings("postgres://crm@"+at+"/x?sslmode=disable", func(o *config.BackendSQL) {
		o.Waiting, o.Connect, o.Retry = 10, 300*time.Millisecond, time.Minute
	})
	s.Backend.LDAP = map[string]*config.BackendLDAP{"staff": {
		URLs: []string{"ldap://" + at}, BindDN: "cn=x", BindPassword: "y", Connections: 4, Waiting: 10, Connect: 300 * time.Millisecond, Retry: time.Minute, Idle: time.Minute,
	}}
	lease := newWorld(t, s).env.Backends.(*Lease)
	db, err := lease.SQL("crm")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := lease.LDAP("staff")
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func(context.Context) error{
		"sql": func(ctx context.Context) error { _, err := db.Query(ctx, "SELECT 1", nil, 1); return err },
		"ldap": func(ctx context.Context) error {
			_, err := dir.Search(ctx, &module.LDAPSearch{Filter: "(a=b)", Scope: "sub", Limit: 1})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			kinds := make(chan string, 100)
			began := time.Now()
			for range 100 {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
					defer cancel()
					kinds <- module.AsFailure(ask(ctx)).Kind
				})
			}
			wg.Wait()
			close(kinds)
			count := map[string]int{}
			for k := range kinds {
				count[k]++
			}
			if count["busy"] < 80 || count["timeout"] < 5 || time.Since(began) > 5*time.Second {
				t.Errorf("%v in %v", count, time.Since(began))
			}
			eventually(t, "the server is known to be away", func() bool {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				err := ask(ctx)
				return module.AsFailure(err).Kind == "refused"
			})
			within(t, time.Second, "100 calls to who is away", func() {
				for range 100 {
					if err := ask(context.Background()); module.AsFailure(err).Kind != "refused" {
						t.Errorf("%v", err)
					}
				}
			})
		})
	}
}

// TestPostgresHostile: what a server that is none says is a failure, and no more memory than is allowed.
func TestPostgresHostile(t *testing.T) {
	for name, says := range map[string]string{
		"nothing":       "",
		"text":          "HTTP/1.1 400 Bad Request\r\n\r\n",
		"length":        "R\x7f\xff\xff\xff\x00\x00\x00\x00",
		"negative":      "R\xff\xff\xff\xff",
		"endless error": "E\x7f\xff\xff\xff" + strings.Repeat("x", 10000),
		"ready then":    "R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I1\x00\x00\x00\x04t\x00\x00\x00\x06\x00\x05T\x00\x00\x00\x06\x00\x01Z\x00\x00\x00\x05I",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var served sync.WaitGroup
			defer served.Wait()
			defer l.Close()
			served.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					c.SetDeadline(time.Now().Add(time.Second)) // pgx may keep it open for longer
					io.WriteString(c, says)
					c.Read(make([]byte, 1000))
					c.Read(make([]byte, 1000))
					c.Close()
				}
			})
			w := newWorld(t, sqlSettings("postgres://crm:geheim@"+l.Addr().String()+"/x?sslmode=disable"))
			w.time = 300 * time.Millisecond
			if got := w.run(`local db = sql.open("crm") handler(function() out(db:try_row("SELECT $1", "x")) end)`); !strings.HasPrefix(got, "nil refused") && !strings.HasPrefix(got, "nil timeout") || strings.Contains(got, "geheim") {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
