package acct

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// placeConns is how many logins ask the shared database at the same time; more wait for one of them.
const placeConns = 4

// postgresPlaces keeps the places between an Accept and its Start where all servers see them.
type postgresPlaces struct {
	config *pgx.ConnConfig
	node   string
	idle   chan *pgx.Conn // nil stands for one that is not open
}

func newPostgresPlaces(config *pgx.ConnConfig, node string) *postgresPlaces {
	p := &postgresPlaces{config: config, node: node, idle: make(chan *pgx.Conn, placeConns)}
	for range placeConns {
		p.idle <- nil
	}
	return p
}

// use runs do with a connection. One that failed is closed.
func (p *postgresPlaces) use(ctx context.Context, do func(*pgx.Conn) error) (err error) {
	var c *pgx.Conn
	select {
	case c = <-p.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c == nil || c.IsClosed() {
		if c, err = pgx.ConnectConfig(ctx, p.config); err != nil {
			p.idle <- nil
			return err
		}
	}
	if err = do(c); err != nil {
		c.Close(context.WithoutCancel(ctx))
		c = nil
	}
	p.idle <- c
	return err
}

// A place is a row of acctplace.
type place struct {
	device Device
	booked int64 // seconds since 1970, by the database's clock
}

// book counts a user's sessions and places in the database, and takes a place if there is room: one server at a time
// for each user.
func (p *postgresPlaces) book(ctx context.Context, c *Claim) (b Booking, err error) {
	err = p.use(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			sessions, places, err := p.look(ctx, tx, c)
			if err != nil {
				return err
			}
			if b = c.weigh(sessions, places); !b.Granted {
				return nil
			}
			return p.take(ctx, tx, c)
		})
	})
	return b, (&postgresStore{config: p.config}).clean(err)
}

// look locks the user and reads sessions, also those that have ended lately, and places.
func (p *postgresPlaces) look(ctx context.Context, tx pgx.Tx, c *Claim) (sessions []*Session, places []place, err error) {
	var q pgx.Batch
	sum := sha256.Sum256([]byte(c.User))
	q.Queue("SET LOCAL synchronous_commit = off") // a place is worth nothing after a crash
	q.Queue("SELECT pg_advisory_xact_lock($1)", int64(binary.BigEndian.Uint64(sum[:])))
	q.Queue("SELECT "+postgresColumns+` FROM radacct WHERE (username = $1 AND account IS NULL OR account = $1)
		AND heard > 0 AND (acctstoptime IS NULL OR heard > extract(epoch FROM now()) - 600)`, c.User)
	q.Queue(`SELECT client, nas, port, calling, multi, extract(epoch FROM booked)::bigint FROM acctplace
		WHERE account = $1 AND until > clock_timestamp()`, c.User)
	answers := tx.SendBatch(ctx, &q)
	defer answers.Close()
	for range 2 {
		if _, err = answers.Exec(); err != nil {
			return nil, nil, err
		}
	}
	rows, err := answers.Query()
	if err == nil {
		err = scanSessions(rows, all(func(s *Session) { sessions = append(sessions, s) }))
	}
	if err != nil {
		return nil, nil, err
	}
	if rows, err = answers.Query(); err != nil {
		return nil, nil, err
	}
	places, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o place, err error) {
		d := &o.device
		return o, row.Scan(&d.Client, &d.NAS, &d.Port, &d.Calling, &d.Multi, &o.booked)
	})
	return sessions, places, err
}

// weigh decides by what the database has, as Live.Claim does by what is in memory.
func (c *Claim) weigh(sessions []*Session, places []place) (b Booking) {
	var counted []*Session
	bundles := map[string]bool{}
	for _, s := range sessions {
		if !s.Open() || bundles[s.MultiSessionID] || c.Device.Same(s.Device()) || c.Ignore != nil && c.Ignore(s) {
			continue
		}
		counted = append(counted, s)
		bundles[s.MultiSessionID] = s.MultiSessionID != ""
	}
	b.Count = len(counted)
	for _, o := range places {
		// Its session has started, or it has even ended since.
		started := slices.ContainsFunc(sessions, func(s *Session) bool { return o.device.Same(s.Device()) && (s.Open() || s.Heard+exact >= o.booked) })
		switch {
		case c.Device.Same(o.device):
			b.Renewed = true
		case !started:
			b.Count++
		}
	}
	if b.Granted = b.Count < c.Limit; b.Granted {
		return b
	}
	for _, s := range counted {
		b.Sessions = append(b.Sessions, *s)
	}
	return b
}

// take writes the place.
func (p *postgresPlaces) take(ctx context.Context, tx pgx.Tx, c *Claim) error {
	if c.Grace < 0 {
		return nil
	}
	var q pgx.Batch
	d := &c.Device
	q.Queue("DELETE FROM acctplace WHERE account = $1 AND (until <= clock_timestamp() OR client = $2 AND nas = $3 AND port = $4 AND calling = $5 AND multi = $6)",
		c.User, d.Client, d.NAS, d.Port, d.Calling, d.Multi)
	q.Queue(`INSERT INTO acctplace (account, client, nas, port, calling, multi, booked, until, node)
		VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), clock_timestamp() + $7 * interval '1 millisecond', $8)`,
		c.User, d.Client, d.NAS, d.Port, d.Calling, d.Multi, c.grace().Milliseconds(), p.node)
	return tx.SendBatch(ctx, &q).Close()
}

// free gives a place back.
func (p *postgresPlaces) free(ctx context.Context, user string, d Device) error {
	return p.use(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DELETE FROM acctplace WHERE account = $1 AND client = $2 AND nas = $3 AND port = $4 AND calling = $5 AND multi = $6 AND node = $7",
			user, d.Client, d.NAS, d.Port, d.Calling, d.Multi, p.node)
		return err
	})
}

func (p *postgresPlaces) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for range placeConns {
		select {
		case c := <-p.idle:
			if c != nil {
				c.Close(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}
