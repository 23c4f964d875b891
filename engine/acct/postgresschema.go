package acct

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var postgresSchema = []string{
	`CREATE INDEX IF NOT EXISTS radacct_user ON radacct (username, acctstarttime)`,
	`CREATE INDEX IF NOT EXISTS radacct_account ON radacct (account, acctstarttime) WHERE account IS NOT NULL`,
	`CREATE INDEX IF NOT EXISTS radacct_start ON radacct (acctstarttime)`,
	`CREATE INDEX IF NOT EXISTS radacct_bulk_close ON radacct (nasipaddress, acctstarttime) WHERE acctstoptime IS NULL`,
	`CREATE INDEX IF NOT EXISTS radacct_client_open ON radacct (client) WHERE acctstoptime IS NULL`,
	`CREATE TABLE IF NOT EXISTS acctevent (
		eventid bigserial PRIMARY KEY, arrival timestamptz NOT NULL, eventtime timestamptz NOT NULL, status text NOT NULL,
		acctuniqueid text, verdict text NOT NULL, username text NOT NULL, client text NOT NULL, nas text NOT NULL,
		request bigint NOT NULL, attributes text NOT NULL, node text NOT NULL, seq bigint NOT NULL,
		txid bigint NOT NULL DEFAULT txid_current())`,
	`CREATE INDEX IF NOT EXISTS acctevent_txid ON acctevent (txid)`,
	`CREATE INDEX IF NOT EXISTS acctevent_arrival ON acctevent (arrival)`,
	`CREATE TABLE IF NOT EXISTS nasreload (nasipaddress inet PRIMARY KEY, reloadtime timestamp with time zone NOT NULL)`,
	`CREATE UNLOGGED TABLE IF NOT EXISTS acctplace (
		account text NOT NULL, client text NOT NULL, nas text NOT NULL, port text NOT NULL, calling text NOT NULL, multi text NOT NULL,
		booked timestamptz NOT NULL, until timestamptz NOT NULL, node text NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS acctplace_account ON acctplace (account)`,
	`CREATE INDEX IF NOT EXISTS acctplace_until ON acctplace (until)`,
	`CREATE TABLE IF NOT EXISTS acctapplied (node text PRIMARY KEY, seq bigint NOT NULL, owner text NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS acctschema (id int PRIMARY KEY CHECK (id = 0), version int NOT NULL)`,
	fmt.Sprintf(`INSERT INTO acctschema VALUES (0, %[1]d) ON CONFLICT (id) DO UPDATE SET version = %[1]d`, schemaVersion),
}

// migrate makes what is missing; one server at a time does.
func (p *postgresStore) migrate(ctx context.Context) error {
	return p.clean(pgx.BeginFunc(ctx, p.c, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(1917075301)"); err != nil {
			return err
		}
		var version int
		var has *string
		err := tx.QueryRow(ctx, "SELECT to_regclass('acctschema')::text").Scan(&has)
		if err == nil && has != nil {
			err = tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM acctschema").Scan(&version)
		}
		switch {
		case err != nil:
			return err
		case version > schemaVersion:
			return &newerError{version}
		case version == schemaVersion:
			return nil
		}
		return p.build(ctx, tx)
	}))
}

func (p *postgresStore) build(ctx context.Context, tx pgx.Tx) error {
	b := "CREATE TABLE IF NOT EXISTS radacct (radacctid bigserial PRIMARY KEY"
	for _, c := range radacct {
		b += ",\n" + c.name + " " + c.postgres
	}
	statements := []string{b + ")"}
	for _, c := range radacct[ownColumns:] {
		statements = append(statements, "ALTER TABLE radacct ADD COLUMN IF NOT EXISTS "+c.name+" "+c.postgres)
	}
	for _, sql := range append(statements, postgresSchema...) {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%w in %s", err, sql)
		}
	}
	return nil
}
