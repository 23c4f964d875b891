package acct

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresStore is the shared backend: several servers write into one PostgreSQL. Rows of a batch are locked before
// they are merged, in the order of their radacctid, and new ones are inserted in the order of acctuniqueid, so that
// two servers do not wait for each other in a circle.
type postgresStore struct {
	config *pgx.ConnConfig
	node   string // name of our journal
	owner  string // of this process
	rename func() (string, error)
	c      *pgx.Conn
	tx     pgx.Tx
	xmin   int64 // changes of transactions before it were seen
	left   strangers
	turn   int // calls of changes

	readers sync.Mutex // protects reader
	reader  *pgx.Conn
}

// patience is how long one statement may take.
const patience = 20 * time.Second

// openPostgres reads the address; it does not connect.
func openPostgres(url, node string, rename func() (string, error)) (*postgresStore, error) {
	config, err := parsePostgres(url)
	if err != nil {
		return nil, fmt.Errorf("acct: the database's URL cannot be used: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	config.RuntimeParams["timezone"] = "UTC"
	return &postgresStore{config: config, node: node, owner: randomName(), rename: rename}, nil
}

// CheckPostgres tells in one line, without the password, what keeps a postgres:// address from being used; nil if nothing
// does. It reads the files that the address names, and does not connect.
func CheckPostgres(url string) error {
	_, err := parsePostgres(url)
	return err
}

// parsePostgres reads an address. The error repeats neither the address nor what of it could not be read, as either may
// hold the password; what it says of TLS is of modes and files.
func parsePostgres(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err == nil {
		return config, nil
	}
	var bad *pgconn.ParseConfigError
	if !errors.As(err, &bad) {
		return nil, errors.New("expected postgres://user:password@host:port/name")
	}
	const tls = "failed to configure TLS"
	nameless, inner := *bad, bad.Unwrap()
	nameless.ConnString = ""
	text := strings.TrimPrefix(nameless.Error(), "cannot parse ``: ")
	if inner != nil {
		text = strings.TrimSuffix(text, " ("+inner.Error()+")")
	}
	if inner != nil && text == tls {
		text += ": " + inner.Error()
	}
	return nil, errors.New(oneLine(text))
}

func bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// usable connects if there is no connection.
func (p *postgresStore) usable() (fresh bool, err error) {
	if p.c != nil && !p.c.IsClosed() {
		return false, nil
	}
	ctx, cancel := bounded()
	defer cancel()
	p.tx = nil
	if p.c, err = pgx.ConnectConfig(ctx, p.config); err != nil {
		p.c = nil
		return false, p.clean(err)
	}
	// The journal's files go when a commit is done: it must be on the disk then.
	_, err = p.c.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
	if err = p.clean(err); err == nil {
		err = p.migrate(ctx)
	}
	if err != nil {
		p.c.Close(ctx)
		p.c = nil
	}
	return false, err
}

func (p *postgresStore) restore(each func(*Session)) error {
	if _, err := p.usable(); err != nil {
		return err
	}
	ctx, cancel := bounded()
	defer cancel()
	err := p.c.QueryRow(ctx, "SELECT txid_snapshot_xmin(txid_current_snapshot())").Scan(&p.xmin)
	if err == nil {
		p.left = strangers{}
		err = p.rows(ctx, p.c, "WHERE acctstoptime IS NULL", nil, func(s *Session) bool {
			if !p.left.take(s) {
				each(s)
			}
			return true
		})
	}
	return p.clean(err)
}

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// postgresColumns gives radacct's columns as text and numbers.
var postgresColumns = func() string {
	var b strings.Builder
	b.WriteString("radacctid")
	for _, c := range radacct {
		switch {
		case strings.HasPrefix(c.postgres, "timestamp"):
			b.WriteString(",coalesce(extract(epoch FROM " + c.name + ")::bigint,0)")
		case strings.HasPrefix(c.postgres, "inet"):
			// An address without its /32, a prefix whole.
			b.WriteString(",coalesce(CASE WHEN masklen(" + c.name + ") = CASE family(" + c.name + ") WHEN 4 THEN 32 ELSE 128 END THEN host(" + c.name + ") ELSE text(" + c.name + ") END,'')")
		case strings.HasPrefix(c.postgres, "bigint"), strings.HasPrefix(c.postgres, "int"):
			b.WriteString(",coalesce(" + c.name + "::bigint,0)")
		default:
			b.WriteString(",coalesce(" + c.name + ",'')")
		}
	}
	return b.String()
}()

func (p *postgresStore) rows(ctx context.Context, q querier, where string, values []any, each func(*Session) bool) error {
	rows, err := q.Query(ctx, "SELECT "+postgresColumns+" FROM radacct "+where, values...)
	if err != nil {
		return err
	}
	return scanSessions(rows, each)
}

// scanSessions reads rows until each says false.
func scanSessions(rows pgx.Rows, each func(*Session) bool) error {
	defer rows.Close()
	r := newPostgresRow()
	for rows.Next() {
		if err := rows.Scan(r.targets...); err != nil {
			return err
		}
		r.texts, r.numbers = 0, 0
		s := new(Session)
		s.read(r)
		if !each(s) {
			break
		}
	}
	rows.Close()
	return rows.Err()
}

// all makes a callback one that never stops.
func all(each func(*Session)) func(*Session) bool {
	return func(s *Session) bool {
		each(s)
		return true
	}
}

const postgresFind = `WHERE radacctid = ANY(ARRAY(SELECT (SELECT radacctid FROM radacct
	WHERE acctuniqueid BETWEEN k || '00000000' AND k || 'ffffffff' ORDER BY acctuniqueid DESC LIMIT 1)
	FROM unnest($1::text[]) k)) ORDER BY radacctid FOR UPDATE`

func (p *postgresStore) begin(after uint64, keys []Key, _ func(Key) *Session, found func(*Session)) error {
	ctx, cancel := bounded()
	defer cancel()
	tx, err := p.c.Begin(ctx)
	if err != nil {
		return p.clean(err)
	}
	p.tx = tx
	var q pgx.Batch
	// The lock waits for an earlier transaction of ours that lost its connection and may still be at its commit.
	q.Queue("SELECT seq, owner, (SELECT max(version) FROM acctschema) FROM acctapplied WHERE node = $1 FOR UPDATE OF acctapplied", p.node)
	if len(keys) > 0 {
		prefixes := make([]string, len(keys))
		for i, k := range keys {
			prefixes[i] = k.Unique(0)[:24]
		}
		q.Queue("SELECT "+postgresColumns+" FROM radacct "+postgresFind, prefixes)
	}
	answers := tx.SendBatch(ctx, &q)
	defer answers.Close()
	if err := p.standing(answers.QueryRow(), after); err != nil {
		return err
	}
	if len(keys) > 0 {
		rows, err := answers.Query()
		if err == nil {
			err = scanSessions(rows, all(found))
		}
		return p.clean(err)
	}
	return nil
}

// standing reads what the database says of our journal.
func (p *postgresStore) standing(row pgx.Row, after uint64) error {
	var at uint64
	version, owner := 0, p.owner
	err := row.Scan(&at, &owner, &version)
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return p.clean(err)
	case version > schemaVersion: // another server was upgraded
		return &newerError{version}
	case owner != p.owner:
		return errOwner
	case at != after:
		return &movedError{at}
	}
	return nil
}

func (p *postgresStore) ofClient(name string, found func(*Session)) error {
	ctx, cancel := bounded()
	defer cancel()
	return p.clean(p.rows(ctx, p.tx, "WHERE client = $1 AND acctstoptime IS NULL ORDER BY radacctid FOR UPDATE", []any{name}, all(found)))
}

func (p *postgresStore) abort() {
	ctx, cancel := bounded()
	defer cancel()
	if p.tx != nil {
		p.tx.Rollback(ctx)
		p.tx = nil
	}
}

// places implements placer.
func (p *postgresStore) places() places { return newPostgresPlaces(p.config.Copy(), p.node) }

// settle has nothing to do: what PostgreSQL has committed is durable.
func (p *postgresStore) settle(uint64) error { return nil }

func (p *postgresStore) commit(b *batch) error {
	ctx, cancel := bounded()
	defer cancel()
	var q pgx.Batch
	queueSessions(&q, b.sessions)
	queueEvents(&q, b.events, p.node)
	q.Queue("INSERT INTO acctapplied (node, seq, owner) VALUES ($1, $2, $3) ON CONFLICT (node) DO UPDATE SET seq = excluded.seq", p.node, int64(b.last), p.owner)
	err := p.tx.SendBatch(ctx, &q).Close()
	if err == nil {
		err = p.tx.Commit(ctx)
		p.tx = nil
	}
	return p.clean(err)
}

var postgresDialect = dialect{
	mark: func(n int) string { return fmt.Sprintf("$%d", n) },
	time: func(mark string) string { return "to_timestamp(" + mark + "::bigint)" },
}

func (p *postgresStore) query(f Filter, closed bool, each func(*Session) bool) (err error) {
	p.readers.Lock()
	defer p.readers.Unlock()
	ctx, cancel := bounded()
	defer cancel()
	if p.reader == nil || p.reader.IsClosed() {
		if p.reader, err = pgx.ConnectConfig(ctx, p.config); err != nil {
			p.reader = nil
			return p.clean(err)
		}
	}
	where, values := f.sql(closed, postgresDialect)
	return p.clean(p.rows(ctx, p.reader, where, values, func(s *Session) bool { return !f.match(s) || each(s) }))
}

func (p *postgresStore) close() error {
	ctx, cancel := bounded()
	defer cancel()
	p.readers.Lock()
	defer p.readers.Unlock()
	for _, c := range []*pgx.Conn{p.c, p.reader} {
		if c != nil {
			c.Close(ctx)
		}
	}
	return nil
}
