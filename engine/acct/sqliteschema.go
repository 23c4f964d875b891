package acct

import "fmt"

// sqliteSchema makes what is missing. Indexes are for who, last, the reaper and Accounting-On; each one more would
// cost every record. Of FreeRADIUS's only those are here that its queries and the common dashboards need.
var sqliteSchema = []string{
	`CREATE UNIQUE INDEX IF NOT EXISTS acctuniqueid ON radacct (acctuniqueid)`,
	`CREATE INDEX IF NOT EXISTS radacct_user ON radacct (username, acctstarttime)`,
	`CREATE INDEX IF NOT EXISTS radacct_account ON radacct (account, acctstarttime) WHERE account IS NOT NULL`,
	`CREATE INDEX IF NOT EXISTS radacct_start ON radacct (acctstarttime)`,
	`CREATE INDEX IF NOT EXISTS radacct_open ON radacct (nasipaddress, acctstarttime) WHERE acctstoptime IS NULL`,
	`CREATE TABLE IF NOT EXISTS acctevent (
		eventid INTEGER PRIMARY KEY, arrival bigint NOT NULL, eventtime datetime NOT NULL, status text NOT NULL,
		acctuniqueid text, verdict text NOT NULL, username text NOT NULL, client text NOT NULL, nas text NOT NULL,
		request bigint NOT NULL, attributes text NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS acctapplied (id INTEGER PRIMARY KEY CHECK (id = 0), seq bigint NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS nasreload (nasipaddress varchar(15) PRIMARY KEY, reloadtime datetime NOT NULL)`,
	`INSERT OR IGNORE INTO acctapplied VALUES (0, 0)`,
	fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion),
}

// migrate makes the tables, or adds our columns to a radacct of FreeRADIUS.
func (s *sqliteStore) migrate() error {
	version, err := s.c.number("PRAGMA user_version")
	if err == nil && version > schemaVersion {
		err = &newerError{int(version)}
	}
	if err != nil || version == schemaVersion {
		return err
	}
	if err := s.c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = s.build()
	if err == nil {
		err = s.c.exec("COMMIT")
	}
	if err != nil {
		s.c.exec("ROLLBACK")
	}
	return err
}

func (s *sqliteStore) build() error {
	exists, err := s.c.number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'radacct'")
	if err != nil {
		return err
	}
	if exists == 0 {
		b := "CREATE TABLE radacct (radacctid INTEGER PRIMARY KEY"
		for _, c := range radacct {
			b += ",\n" + c.name + " " + c.sqlite
		}
		if err := s.c.exec(b + ")"); err != nil {
			return err
		}
	}
	for _, c := range radacct {
		has, err := s.c.number("SELECT count(*) FROM pragma_table_info('radacct') WHERE name = '" + c.name + "'")
		if err == nil && has == 0 {
			err = s.c.exec("ALTER TABLE radacct ADD COLUMN " + c.name + " " + c.sqlite)
		}
		if err != nil {
			return err
		}
	}
	return s.c.exec(sqliteSchema...)
}
