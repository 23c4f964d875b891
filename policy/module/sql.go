package module

import "context"

// An SQL is one database with its pool of connections.
type SQL interface {
	// Query gives at most limit rows.
	Query(ctx context.Context, query string, args []any, limit int) ([]SQLRow, error)
	// Exec gives the number of rows that were changed.
	Exec(ctx context.Context, query string, args []any) (int64, error)
	// Begin begins a transaction; its Query and Exec belong to it until Commit or Rollback.
	Begin(ctx context.Context) (SQLTx, error)
}

// An SQLTx is a transaction.
type SQLTx interface {
	SQL
	Commit() error
	Rollback() error
}

// An SQLRow is one row: names of columns and their values, nil for NULL, else bool, int64, float64, string or []byte.
type SQLRow struct {
	Columns []string
	Values  []any
}
