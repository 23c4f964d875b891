package acct

import (
	"cmp"
	"os"
	"strings"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteStore is the embedded backend: a database of our own, which others may read meanwhile.
type sqliteStore struct {
	path string
	c    *sqliteConn
	file os.FileInfo // what path was when it was opened
	log  os.FileInfo // the same of its write-ahead log
	left strangers

	start, end, rollback                  *sqliteStmt
	find, insert, counted, stopped, whole *sqliteStmt
	event, lastRow, oldRows, oldEvents    *sqliteStmt
	position, reached                     *sqliteStmt

	readers sync.Mutex // protects reader
	reader  *sqliteConn
}

func openSQLiteStore(path string) (*sqliteStore, error) {
	s := &sqliteStore{path: path}
	if err := s.connect(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *sqliteStore) prepare() error {
	// Without a sync at each commit WAL stays consistent after a power failure; what it loses of its end, the
	// journal has.
	if err := s.c.exec("PRAGMA page_size = 8192", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 4000", "PRAGMA cache_size = -16384"); err != nil {
		return err
	}
	if err := s.migrate(); err != nil {
		return err
	}
	names, marks := columnNames(), strings.Repeat(",?", len(radacct))
	for _, p := range []struct {
		to  **sqliteStmt
		sql string
	}{
		{&s.start, "BEGIN IMMEDIATE"}, {&s.end, "COMMIT"}, {&s.rollback, "ROLLBACK"},
		{&s.find, "SELECT radacctid," + names + " FROM radacct WHERE acctuniqueid BETWEEN ? AND ? ORDER BY acctuniqueid DESC LIMIT 1"},
		{&s.insert, "INSERT OR REPLACE INTO radacct (" + names + ") VALUES (" + marks[1:] + ")"},
		{&s.counted, "UPDATE radacct SET acctupdatetime=?,acctinterval=?,acctsessiontime=?,acctinputoctets=?,acctoutputoctets=?,acctinputpackets=?,acctoutputpackets=?,heard=?,marks=? WHERE radacctid=?"},
		{&s.stopped, "UPDATE radacct SET acctupdatetime=?,acctinterval=?,acctsessiontime=?,acctinputoctets=?,acctoutputoctets=?,acctinputpackets=?,acctoutputpackets=?,heard=?,marks=?,acctstoptime=?,acctterminatecause=?,connectinfo_stop=? WHERE radacctid=?"},
		{&s.whole, "UPDATE radacct SET (" + names + ") = (" + marks[1:] + ") WHERE radacctid=?"},
		{&s.event, "INSERT OR REPLACE INTO acctevent VALUES (?,?,?,?,?,?,?,?,?,?,?)"},
		{&s.position, "INSERT OR REPLACE INTO acctapplied VALUES (0,?)"}, {&s.reached, "SELECT seq FROM acctapplied"}, {&s.lastRow, "SELECT last_insert_rowid()"},
		{&s.oldRows, "DELETE FROM radacct WHERE radacctid IN (SELECT radacctid FROM radacct WHERE acctstarttime < ?1 AND acctstoptime < ?1 ORDER BY acctstarttime LIMIT ?2)"},
		{&s.oldEvents, "DELETE FROM acctevent WHERE eventid IN (SELECT eventid FROM acctevent WHERE arrival < ? ORDER BY eventid LIMIT ?)"},
	} {
		st, err := s.c.prepare(p.sql)
		if err != nil {
			return err
		}
		*p.to = st
	}
	return nil
}

// number runs a query for one number.
func (c *sqliteConn) number(sql string) (int64, error) {
	st, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	defer st.finalize()
	return st.one()
}

func (s *sqliteStore) applied() (uint64, error) {
	n, err := s.c.number("SELECT seq FROM acctapplied")
	return uint64(n), err
}

func (s *sqliteStore) restore(each func(*Session)) error {
	s.left = strangers{}
	return s.rows(s.c, "WHERE acctstoptime IS NULL", nil, func(o *Session) bool {
		if !s.left.take(o) {
			each(o)
		}
		return true
	})
}

func (s *sqliteStore) stranger(e *Event) (found *Session, err error) {
	row := s.left.row(e)
	if row == 0 {
		return nil, nil
	}
	err = s.rows(s.c, "WHERE radacctid = ? AND acctstoptime IS NULL AND heard = 0", []any{row}, func(o *Session) bool {
		found = o
		return true
	})
	return found, err
}

// rows runs a query over radacct until each says false; values are text or int64.
func (s *sqliteStore) rows(c *sqliteConn, where string, values []any, each func(*Session) bool) error {
	st, err := c.prepare("SELECT radacctid," + columnNames() + " FROM radacct " + where)
	if err != nil {
		return err
	}
	defer st.finalize()
	for _, v := range values {
		switch v := v.(type) {
		case string:
			st.text(v)
		case int64:
			st.number(v)
		}
	}
	for {
		more, err := st.next()
		if !more {
			return err
		}
		o := new(Session)
		o.read(sqliteRow{st})
		if !each(o) {
			return st.reset()
		}
	}
}

func (s *sqliteStore) begin(after uint64, keys []Key, known func(Key) *Session, found func(*Session)) error {
	if err := s.start.run(); err != nil {
		return err
	}
	if at, err := s.reached.one(); err != nil || uint64(at) != after {
		return cmp.Or[error](err, &movedError{uint64(at)})
	}
	for _, k := range keys {
		if known(k) != nil {
			continue
		}
		s.find.text(k.Unique(0))
		s.find.text(k.Unique(1<<32 - 1))
		more, err := s.find.next()
		if more {
			o := new(Session)
			o.read(sqliteRow{s.find})
			found(o)
			err = s.find.reset()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteStore) ofClient(name string, found func(*Session)) error {
	return s.rows(s.c, "WHERE client = ? AND acctstoptime IS NULL", []any{name}, func(o *Session) bool { found(o); return true })
}

func (s *sqliteStore) abort() {
	s.rollback.run() // fails if there is no transaction: SQLite ends some by itself
}

func (s *sqliteStore) commit(b *batch) error {
	if b.adopted {
		if err := s.adopt(b.sessions); err != nil {
			return err
		}
	}
	for _, o := range b.sessions {
		if err := s.save(o); err != nil {
			return err
		}
	}
	for i := range b.events {
		if err := s.saveEvent(&b.events[i]); err != nil {
			return err
		}
	}
	s.position.number(int64(b.last))
	if err := s.position.run(); err != nil {
		return err
	}
	return s.end.run()
}

// adopt finds the rows of sessions in a database that was put in the place of another.
func (s *sqliteStore) adopt(sessions []*Session) error {
	find, err := s.c.prepare("SELECT radacctid FROM radacct WHERE acctuniqueid = ?")
	if err != nil {
		return err
	}
	defer find.finalize()
	for _, o := range sessions {
		find.text(o.Unique())
		if o.Row, err = find.one(); err != nil {
			return err
		}
		o.described = true
	}
	return nil
}

// save writes a session by the statement that touches the fewest columns and indexes.
func (s *sqliteStore) save(o *Session) error {
	if o.Row == 0 {
		return s.add(o)
	}
	if err := s.update(o); err != nil || sqlite3.Xsqlite3_changes(s.c.tls, s.c.db) > 0 {
		return err
	}
	return s.add(o) // somebody has deleted it
}

func (s *sqliteStore) add(o *Session) error {
	o.write(s.insert)
	if err := s.insert.run(); err != nil {
		return err
	}
	row, err := s.lastRow.one()
	o.Row = row
	return err
}

func (s *sqliteStore) update(o *Session) error {
	if o.described {
		o.write(s.whole)
		s.whole.number(o.Row)
		return s.whole.run()
	}
	st := s.counted
	if !o.Open() {
		st = s.stopped
	}
	st.time(o.Updated)
	for _, v := range [...]int64{o.Interval, o.Seconds, int64(o.Input), int64(o.Output), int64(o.InputPackets), int64(o.OutputPackets), o.Heard, int64(o.Marks)} {
		st.number(v)
	}
	if !o.Open() {
		st.number(o.End)
		st.text(o.TerminateCause)
		st.text(o.ConnectStop)
	}
	st.number(o.Row)
	return st.run()
}

func (s *sqliteStore) saveEvent(e *entryEvent) error {
	st := s.event
	st.number(int64(e.Seq))
	st.number(e.Arrival.UnixMilli())
	st.number(e.at)
	st.text(e.Status.String())
	st.textOrNull(e.unique)
	st.text(e.verdict())
	st.text(e.UserName)
	st.text(e.Client)
	st.text(e.NAS)
	st.number(int64(e.ID))
	st.text(e.Attributes)
	return st.run()
}

func (s *sqliteStore) retain(rows, events int64, n int) (deleted int, err error) {
	for _, d := range [...]struct {
		st     *sqliteStmt
		before int64
	}{{s.oldRows, rows}, {s.oldEvents, events * 1000}} {
		if d.before == 0 {
			continue
		}
		d.st.number(d.before)
		d.st.number(int64(n))
		if err := d.st.run(); err != nil {
			return deleted, err
		}
		deleted += int(sqlite3.Xsqlite3_changes(s.c.tls, s.c.db))
	}
	return deleted, nil
}

func (s *sqliteStore) query(f Filter, closed bool, each func(*Session) bool) (err error) {
	s.readers.Lock()
	defer s.readers.Unlock()
	if s.reader == nil {
		if s.reader, err = openSQLite(s.path, true); err != nil {
			return err
		}
	}
	where, values := f.sql(closed, sqliteDialect)
	return s.rows(s.reader, where, values, func(o *Session) bool { return !f.match(o) || each(o) })
}
