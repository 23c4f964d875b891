package acct

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// A sqliteConn is a connection to an SQLite database, for one goroutine at a time. It speaks to the library
// itself: database/sql and its driver cost more for each row than SQLite does.
type sqliteConn struct {
	tls  *libc.TLS
	db   uintptr
	base uintptr // of memory that the library may read: the first octets are for pointers that it gives,
	mem  []byte  // the rest for texts on their way in
	used int
	more []uintptr // for texts that mem had no room for
	all  []*sqliteStmt
}

// arenaSize is room for the texts of one statement, in octets: some times the largest packet.
const arenaSize = 128 << 10

// A sqliteError is what SQLite answers.
type sqliteError struct {
	code int32 // extended
	text string
}

// Error implements error.
func (e *sqliteError) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.text, e.code) }

func (e *sqliteError) is(code int32) bool { return e.code&0xff == code }

func openSQLite(path string, readOnly bool) (*sqliteConn, error) {
	c := &sqliteConn{tls: libc.NewTLS()}
	if c.base = libc.Xmalloc(c.tls, arenaSize); c.base == 0 {
		return nil, errMemory
	}
	c.mem = libc.GoBytes(c.base, arenaSize)
	c.forget()
	flags := int32(sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE)
	if readOnly {
		flags = sqlite3.SQLITE_OPEN_READONLY | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE
	}
	rc := sqlite3.Xsqlite3_open_v2(c.tls, c.keep(path+"\x00"), c.base, flags, 0)
	c.db = c.given()
	c.forget()
	if err := c.check(rc); err != nil {
		c.close()
		return nil, err
	}
	sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, 1000)
	return c, nil
}

// close ends the connection and its statements.
func (c *sqliteConn) close() error {
	for _, s := range c.all {
		sqlite3.Xsqlite3_finalize(c.tls, s.p)
	}
	c.all = nil
	var err error
	if c.db != 0 {
		err = c.check(sqlite3.Xsqlite3_close_v2(c.tls, c.db))
		c.db = 0
	}
	c.forget()
	libc.Xfree(c.tls, c.base)
	c.tls.Close()
	return err
}

func (c *sqliteConn) check(rc int32) error {
	switch rc & 0xff {
	case sqlite3.SQLITE_OK, sqlite3.SQLITE_ROW, sqlite3.SQLITE_DONE:
		return nil
	}
	e := &sqliteError{code: rc, text: "out of memory"}
	if c.db != 0 {
		e.text = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	}
	return e
}

// keep copies text where SQLite may read it until forget.
func (c *sqliteConn) keep(text string) uintptr {
	if c.used+len(text) > len(c.mem) {
		p := libc.Xmalloc(c.tls, libc.Tsize_t(len(text)+1))
		if p == 0 {
			panic(errMemory)
		}
		c.more = append(c.more, p)
		copy(libc.GoBytes(p, len(text)), text)
		return p
	}
	start := c.used
	c.used += copy(c.mem[start:], text)
	return c.base + uintptr(start)
}

// given reads the pointer that a call has put at base.
func (c *sqliteConn) given() uintptr {
	if unsafe.Sizeof(c.base) == 4 {
		return uintptr(binary.NativeEndian.Uint32(c.mem))
	}
	return uintptr(binary.NativeEndian.Uint64(c.mem))
}

var errMemory = errors.New("acct: out of memory")

func (c *sqliteConn) forget() {
	c.used = 8
	for _, p := range c.more {
		libc.Xfree(c.tls, p)
	}
	c.more = c.more[:0]
}

// exec runs statements without values and results.
func (c *sqliteConn) exec(sql ...string) error {
	for _, q := range sql {
		s, err := c.prepare(q)
		if err != nil {
			return err
		}
		err = s.run()
		s.finalize()
		if err != nil {
			return fmt.Errorf("%w in %s", err, q)
		}
	}
	return nil
}

// A sqliteStmt is a prepared statement. Values are bound in order; run or the end of the rows resets it.
type sqliteStmt struct {
	c   *sqliteConn
	p   uintptr
	n   int32 // values bound
	col int32 // columns read
	err error
}

func (c *sqliteConn) prepare(sql string) (*sqliteStmt, error) {
	rc := sqlite3.Xsqlite3_prepare_v2(c.tls, c.db, c.keep(sql+"\x00"), -1, c.base, 0)
	c.forget()
	if err := c.check(rc); err != nil {
		return nil, fmt.Errorf("%w in %s", err, sql)
	}
	s := &sqliteStmt{c: c, p: c.given()}
	c.all = append(c.all, s)
	return s, nil
}

func (s *sqliteStmt) finalize() {
	for i, o := range s.c.all {
		if o == s {
			s.c.all = append(s.c.all[:i], s.c.all[i+1:]...)
			sqlite3.Xsqlite3_finalize(s.c.tls, s.p)
			return
		}
	}
}

func (s *sqliteStmt) bound(rc int32) {
	if rc != sqlite3.SQLITE_OK && s.err == nil {
		s.err = s.c.check(rc)
	}
}

// text implements writer.
func (s *sqliteStmt) text(v string) {
	s.n++
	s.bound(sqlite3.Xsqlite3_bind_text(s.c.tls, s.p, s.n, s.c.keep(v), int32(len(v)), 0))
}

// textOrNull implements writer.
func (s *sqliteStmt) textOrNull(v string) {
	if v == "" {
		s.null()
		return
	}
	s.text(v)
}

// address implements writer.
func (s *sqliteStmt) address(v string) { s.text(v) }

// number implements writer.
func (s *sqliteStmt) number(v int64) {
	s.n++
	s.bound(sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, s.n, v))
}

// time implements writer: seconds since 1970, as FreeRADIUS stores them in SQLite.
func (s *sqliteStmt) time(v int64) {
	if v == 0 {
		s.null()
		return
	}
	s.number(v)
}

func (s *sqliteStmt) null() {
	s.n++
	s.bound(sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, s.n))
}

// next steps to a row; false at the end, when the statement is reset.
func (s *sqliteStmt) next() (bool, error) {
	if s.err == nil {
		rc := sqlite3.Xsqlite3_step(s.c.tls, s.p)
		if rc == sqlite3.SQLITE_ROW {
			s.col = 0
			return true, nil
		}
		s.err = s.c.check(rc)
	}
	return false, s.reset()
}

func (s *sqliteStmt) reset() error {
	err := s.err
	sqlite3.Xsqlite3_reset(s.c.tls, s.p)
	s.c.forget()
	s.n, s.err = 0, nil
	return err
}

// run runs the statement to its end, without its rows.
func (s *sqliteStmt) run() error {
	for {
		if more, err := s.next(); !more {
			return err
		}
	}
}

// one runs a statement that gives one number; 0 for none.
func (s *sqliteStmt) one() (v int64, err error) {
	more, err := s.next()
	if !more {
		return 0, err
	}
	v = s.columnNumber()
	return v, s.reset()
}

func (s *sqliteStmt) columnNumber() int64 {
	s.col++
	return int64(sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, s.col-1))
}

func (s *sqliteStmt) columnText() string {
	s.col++
	p := sqlite3.Xsqlite3_column_text(s.c.tls, s.p, s.col-1)
	if p == 0 {
		return ""
	}
	return libc.GoString(p)
}

// sqliteRow reads the row that a statement stands at.
type sqliteRow struct{ *sqliteStmt }

func (r sqliteRow) text() string  { return r.columnText() }
func (r sqliteRow) number() int64 { return r.columnNumber() }
func (r sqliteRow) time() int64   { return r.columnNumber() }
