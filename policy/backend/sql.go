package backend

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/policy/module"
)

// maxResult bounds the octets of what one query gives.
const maxResult = 4 << 20

var errRows = &module.Misuse{Err: errors.New("the rows are more than 4 MiB; select fewer columns or rows")}

// A sqlSession is a connection to a database.
type sqlSession interface {
	conn
	// run gives at most limit rows, and how many were changed. The error is a Misuse or a Failure, or that of ctx.
	run(ctx context.Context, query string, args []any, limit int) ([]module.SQLRow, int64, error)
	begin(context.Context) error
	commit(context.Context) error
	rollback(context.Context) error
	// usable reports that another call may have it: it is in order and in no transaction.
	usable() bool
}

// SQL implements module.Backends.
func (l *Lease) SQL(name string) (module.SQL, error) {
	s, ok := l.settings.Backend.SQL[name]
	if !ok {
		return nil, notConfigured("sql", name, raddb.DidYouMean(name, maps.Keys(l.settings.Backend.SQL)))
	}
	dial, place, err := sqlDialer(s, l.settings.Root)
	if err != nil {
		return nil, fmt.Errorf("[backend.sql.%s]: %w", name, err)
	}
	b := sqlBounds(s)
	key := fmt.Sprintf("sql %s %x %t %v", name, sha256.Sum256([]byte(place)), s.ReadOnly, b) // the address may hold a password
	return take(l, key, func() (*sqlPool, error) {
		return &sqlPool{newPool("backend.sql."+name, b, dial), l.pools.counter("sql", name)}, nil
	})
}

func sqlBounds(s *config.BackendSQL) poolBounds {
	return poolBounds{s.Connections, s.Waiting, s.Connect, s.Retry, s.Idle}
}

// sqlDialer gives what connects to a database, and what tells databases apart.
func sqlDialer(s *config.BackendSQL, root string) (dial func(context.Context) (sqlSession, error), place string, err error) {
	if s.Database.Shared() {
		c, err := postgresConfig(s.Database.Name(), s.ReadOnly, s.Connect)
		return func(ctx context.Context) (sqlSession, error) { return dialPostgres(ctx, c.Copy(), s.ReadOnly) }, s.Database.Name(), err
	}
	path := s.Database.Name()
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	return func(context.Context) (sqlSession, error) { return dialSQLite(path, s.ReadOnly) }, path, nil
}

// An sqlPool is one database.
type sqlPool struct {
	*pool[sqlSession]
	calls *calls
}

// Query implements module.SQL.
func (p *sqlPool) Query(ctx context.Context, query string, args []any, limit int) (rows []module.SQLRow, err error) {
	err = p.with(ctx, func(s sqlSession) error {
		rows, _, err = s.run(ctx, query, args, limit)
		return err
	})
	return rows, err
}

// Exec implements module.SQL.
func (p *sqlPool) Exec(ctx context.Context, query string, args []any) (n int64, err error) {
	err = p.with(ctx, func(s sqlSession) error {
		_, n, err = s.run(ctx, query, args, 0)
		return err
	})
	return n, err
}

func (p *sqlPool) with(ctx context.Context, work func(sqlSession) error) (err error) {
	defer func() { p.calls.count(err) }()
	s, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.back(s)
	return work(s)
}

// back gives a session to the pool.
func (p *sqlPool) back(s sqlSession) {
	if s.usable() {
		p.put(s)
	} else {
		p.drop(s)
	}
}

// Begin implements module.SQL.
func (p *sqlPool) Begin(ctx context.Context) (_ module.SQLTx, err error) {
	defer func() { p.calls.count(err) }()
	s, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		p.back(s)
		return nil, err
	}
	return &sqlTx{p, s}, nil
}

// An sqlTx is a transaction and the session that it holds until its end.
type sqlTx struct {
	p *sqlPool
	s sqlSession
}

// Query implements module.SQLTx.
func (t *sqlTx) Query(ctx context.Context, query string, args []any, limit int) ([]module.SQLRow, error) {
	rows, _, err := t.s.run(ctx, query, args, limit)
	t.p.calls.count(err)
	return rows, err
}

// Exec implements module.SQLTx.
func (t *sqlTx) Exec(ctx context.Context, query string, args []any) (int64, error) {
	_, n, err := t.s.run(ctx, query, args, 0)
	t.p.calls.count(err)
	return n, err
}

// Begin implements module.SQL.
func (t *sqlTx) Begin(context.Context) (module.SQLTx, error) {
	return nil, &module.Misuse{Err: errors.New("transactions do not nest")}
}

// Commit implements module.SQLTx.
func (t *sqlTx) Commit(ctx context.Context) error {
	err := t.s.commit(ctx)
	t.p.calls.count(err)
	if err != nil {
		t.Rollback()
		return err
	}
	t.p.back(t.s)
	return nil
}

// rollbackTime is how long undoing may take: the handler's time may be over.
const rollbackTime = time.Second

// Rollback implements module.SQLTx. It does not wait.
func (t *sqlTx) Rollback() {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTime)
		defer cancel()
		if t.s.usable() || t.s.rollback(ctx) == nil {
			t.p.back(t.s)
		} else {
			t.p.drop(t.s)
		}
	}()
}
