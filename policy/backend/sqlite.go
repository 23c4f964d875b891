package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"perilune/policy/module"
)

// A sqliteSession is a connection to an SQLite database with its prepared statements. It speaks to the library itself:
// its driver for database/sql cannot end a query once it has given a row.
type sqliteSession struct {
	*sqliteHandle
	path   string
	file   fs.FileInfo // what path was when it was opened
	stmts  statements[*sqliteStmt]
	broken bool
}

// sqlitePatience is how long a statement waits for a lock that another connection holds, if its handler has so long.
const sqlitePatience = 5 * time.Second

// dialSQLite opens a database that is there: one that scripts would make by a wrong name had no tables.
func dialSQLite(path string, readOnly bool) (sqlSession, error) {
	file, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s; make the database first: sqlite3 %s < schema.sql", path, path)
	case err != nil:
		return nil, err
	case !file.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	}
	h, err := openSQLite(path, readOnly)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := &sqliteSession{sqliteHandle: h, path: path, file: file}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	pragmas := []string{"PRAGMA foreign_keys = 1", "PRAGMA journal_mode = wal"}
	if readOnly {
		pragmas = pragmas[:0]
	}
	for _, q := range append(pragmas, "SELECT count(*) FROM sqlite_master") {
		if _, _, err := s.run(ctx, q, nil, 1); err != nil {
			s.close()
			var f *module.Failure
			if errors.As(err, &f) {
				err = f.Err
			}
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return s, nil
}

// alive implements conn: a file that was put in the place of the one that is open is another database.
func (s *sqliteSession) alive() bool {
	now, err := os.Stat(s.path)
	return err == nil && os.SameFile(now, s.file)
}

func (s *sqliteSession) close() {
	s.stmts.each((*sqliteStmt).finalize)
	s.sqliteHandle.close()
}

// usable implements sqlSession.
func (s *sqliteSession) usable() bool { return !s.broken && !s.inTransaction() }

func (s *sqliteSession) begin(ctx context.Context) error {
	_, _, err := s.run(ctx, "BEGIN IMMEDIATE", nil, 0)
	return err
}

func (s *sqliteSession) commit(ctx context.Context) error {
	_, _, err := s.run(ctx, "COMMIT", nil, 0)
	return err
}

func (s *sqliteSession) rollback(ctx context.Context) error {
	if !s.inTransaction() { // SQLite ends some by itself
		return nil
	}
	_, _, err := s.run(ctx, "ROLLBACK", nil, 0)
	return err
}

// run implements sqlSession.
func (s *sqliteSession) run(ctx context.Context, query string, args []any, limit int) ([]module.SQLRow, int64, error) {
	defer s.interruptAt(ctx)()
	st, err := s.prepared(query)
	if err != nil {
		return nil, 0, s.explain(ctx, err)
	}
	until := time.Now().Add(sqlitePatience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		rows, err := st.run(ctx, args, limit)
		var e *sqliteError
		if err == nil {
			return rows, s.changes(st), nil
		}
		if !errors.As(err, &e) || e.primary() != sqlite3.SQLITE_BUSY || time.Now().After(until) {
			return nil, 0, s.explain(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s *sqliteSession) prepared(query string) (*sqliteStmt, error) {
	if st, ok := s.stmts.get(query); ok {
		return st, nil
	}
	st, err := s.prepare(query)
	if err == nil {
		s.stmts.add(query, st, (*sqliteStmt).finalize)
	}
	return st, err
}

// explain says whose fault an error is.
func (s *sqliteSession) explain(ctx context.Context, err error) error {
	var e *sqliteError
	if !errors.As(err, &e) {
		return err
	}
	switch e.primary() {
	case sqlite3.SQLITE_INTERRUPT:
		if ctx.Err() != nil {
			return ctx.Err()
		}
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return &module.Misuse{Err: e}
	case sqlite3.SQLITE_READONLY:
		if s.readOnly {
			return &module.Misuse{Err: errors.New("the database is opened read-only")}
		}
	case sqlite3.SQLITE_CONSTRAINT:
		return &module.Failure{Kind: "refused", Err: e, Answered: true}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &module.Failure{Kind: "busy", Err: e}
	}
	s.broken = true
	return &module.Failure{Kind: "refused", Err: e}
}
