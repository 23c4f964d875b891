package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// behind is waited for after a turn of accounting: work that is done behind the answers counts.
const behind = 1500 * time.Millisecond

// askSessions are the options of perilune bench that send whole sessions.
func askSessions() []string {
	return []string{"-method", "acct", "-name", "user%07d", "-users", "10000"}
}

// oursAcct is our server as it is asked for accounting.
func (k *kit) oursAcct(b *testing.B, files map[string]string) *subject {
	b.Helper()
	s := k.ours(b, "perilune", files, askSessions()...)
	s.address = s.listens(b, "acct")
	return k.accounts(s)
}

func (k *kit) accounts(s *subject) *subject {
	s.due, s.tail = "Accounting-Response", behind
	if k.round < figures {
		s.tail = k.round
	}
	return s
}

// besideSQLite keeps whole sessions in SQLite, durably: ours by the default configuration, theirs by the packaged
// schema and queries with the database's log written ahead.
func besideSQLite(b *testing.B, k *kit) {
	subjects := []*subject{k.oursAcct(b, nil)}
	for _, mode := range []struct {
		name     string
		threaded bool
	}{{"freeradius-s", false}, {"freeradius-threaded", true}} {
		c := peerConfig{
			Kind: "acct", Modules: fmt.Sprintf(besideSQLModule, newSQLite(b)),
			Accounting: "preacct {\n\tacct_unique\n}\naccounting {\n\tsql\n}",
			More:       "instantiate {\n\texpr\n}\npolicy {\n\t$INCLUDE /etc/freeradius/3.0/policy.d/accounting\n}",
		}
		subjects = append(subjects, k.accounts(freeRADIUS(b, mode.name, mode.threaded, c, askSessions()...)))
	}
	k.turns(b, subjects...)
}

// newSQLite makes a database by the packaged schema.
func newSQLite(b *testing.B) string {
	b.Helper()
	const schema = "/etc/freeradius/3.0/mods-config/sql/main/sqlite/schema.sql"
	tool := foreignTool(b, "sqlite3")
	if _, err := os.Stat(schema); err != nil {
		without(b, "%s is not there", schema)
	}
	path := filepath.Join(b.TempDir(), "radius.db")
	if out, err := exec.Command(tool, path, "PRAGMA journal_mode=WAL", ".read "+schema).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return path
}

// besideSQLModule has a connection for each thread.
const besideSQLModule = `
	expr {
	}
	sql {
		dialect = "sqlite"
		driver = "rlm_sql_sqlite"
		sqlite {
			filename = %q
			busy_timeout = 5000
		}
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		client_table = "nas"
		group_attribute = "SQL-Group"
		read_groups = no
		read_profiles = no
		pool {
			start = 2
			min = 1
			max = 2
			spare = 2
			uses = 0
			lifetime = 0
			idle_timeout = 0
			retry_delay = 1
		}
		$INCLUDE ${modconfdir}/sql/main/sqlite/queries.conf
	}
`

// besideDetail writes records into a detail file and nowhere else.
func besideDetail(b *testing.B, k *kit) {
	ours := k.oursAcct(b, map[string]string{
		"raddb/config.toml": "[acct]\ndetail = \"../detail\"\ndetail-only = true\n",
	})
	c := peerConfig{Kind: "acct", Accounting: "accounting {\n\tdetail\n}", Modules: `
	detail {
		filename = ${radacctdir}/detail
		permissions = 0600
		header = "%t"
	}
`}
	subjects := []*subject{ours}
	for _, s := range bothFreeRADIUS(b, "freeradius", c, askSessions()...) {
		subjects = append(subjects, k.accounts(s))
	}
	k.turns(b, subjects...)
}
