package backend

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"perilune/policy/module"
)

// A sqliteHandle is an open database, for one goroutine at a time.
type sqliteHandle struct {
	tls      *libc.TLS
	db       uintptr
	out      uintptr // room for one pointer that the library gives
	readOnly bool
}

// A sqliteError is what SQLite answers.
type sqliteError struct {
	code int32 // extended
	text string
}

// Error implements error.
func (e *sqliteError) Error() string { return fmt.Sprintf("SQLite: %s (%d)", e.text, e.code) }

func (e *sqliteError) primary() int32 { return e.code & 0xff }

var errSQLiteMemory = errors.New("SQLite: out of memory")

// maxSQLiteValue bounds one value, and one row, in octets.
const maxSQLiteValue = 4 << 20

func openSQLite(path string, readOnly bool) (*sqliteHandle, error) {
	h := &sqliteHandle{tls: libc.NewTLS(), readOnly: readOnly}
	if h.out = libc.Xmalloc(h.tls, 8); h.out == 0 {
		return nil, errSQLiteMemory
	}
	flags := int32(sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE | sqlite3.SQLITE_OPEN_READWRITE)
	if readOnly {
		flags = sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE | sqlite3.SQLITE_OPEN_READONLY
	}
	name := h.copied(path + "\x00")
	rc := sqlite3.Xsqlite3_open_v2(h.tls, name, h.out, flags, 0)
	libc.Xfree(h.tls, name)
	h.db = h.given()
	if err := h.check(rc); err != nil {
		h.close()
		return nil, err
	}
	sqlite3.Xsqlite3_limit(h.tls, h.db, sqlite3.SQLITE_LIMIT_LENGTH, maxSQLiteValue)
	return h, nil
}

func (h *sqliteHandle) close() {
	if h.db != 0 {
		sqlite3.Xsqlite3_close_v2(h.tls, h.db)
		h.db = 0
	}
	libc.Xfree(h.tls, h.out)
	h.tls.Close()
}

func (h *sqliteHandle) check(rc int32) error {
	switch rc & 0xff {
	case sqlite3.SQLITE_OK, sqlite3.SQLITE_ROW, sqlite3.SQLITE_DONE:
		return nil
	}
	e := &sqliteError{code: rc, text: "out of memory"}
	if h.db != 0 {
		e.text = libc.GoString(sqlite3.Xsqlite3_errmsg(h.tls, h.db))
	}
	return e
}

// copied gives octets where the library may read them, until they are freed.
func (h *sqliteHandle) copied(text string) uintptr {
	p := libc.Xmalloc(h.tls, libc.Tsize_t(len(text)+1))
	if p == 0 {
		panic(errSQLiteMemory)
	}
	copy(libc.GoBytes(p, len(text)), text)
	return p
}

// given reads the pointer that a call has put at out.
func (h *sqliteHandle) given() uintptr {
	b := libc.GoBytes(h.out, 8)
	if unsafe.Sizeof(h.out) == 4 {
		return uintptr(binary.NativeEndian.Uint32(b))
	}
	return uintptr(binary.NativeEndian.Uint64(b))
}

func (h *sqliteHandle) inTransaction() bool {
	return sqlite3.Xsqlite3_get_autocommit(h.tls, h.db) == 0
}

// interruptAt ends what the handle does when ctx ends. The function that it gives must be called when all is done. An
// interrupt between two statements is lost, so it is repeated.
func (h *sqliteHandle) interruptAt(ctx context.Context) (stop func()) {
	done, over := make(chan struct{}), make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(over)
		tls := libc.NewTLS()
		defer tls.Close()
		for {
			sqlite3.Xsqlite3_interrupt(tls, h.db)
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	return func() {
		if !unhook() {
			close(done)
			<-over
		}
	}
}

// A sqliteStmt is a prepared statement.
type sqliteStmt struct {
	h       *sqliteHandle
	p       uintptr
	columns []string
	writes  bool
}

func (h *sqliteHandle) prepare(query string) (*sqliteStmt, error) {
	text := h.copied(query + "\x00")
	defer libc.Xfree(h.tls, text)
	rc := sqlite3.Xsqlite3_prepare_v3(h.tls, h.db, text, int32(len(query)+1), sqlite3.SQLITE_PREPARE_PERSISTENT, h.out, 0)
	if err := h.check(rc); err != nil {
		return nil, err
	}
	st := &sqliteStmt{h: h, p: h.given()}
	if st.p == 0 {
		return nil, &module.Misuse{Err: errors.New("there is no statement in the query")}
	}
	st.writes = sqlite3.Xsqlite3_stmt_readonly(h.tls, st.p) == 0
	for i := range sqlite3.Xsqlite3_column_count(h.tls, st.p) {
		st.columns = append(st.columns, libc.GoString(sqlite3.Xsqlite3_column_name(h.tls, st.p, i)))
	}
	for i := range sqlite3.Xsqlite3_bind_parameter_count(h.tls, st.p) {
		if name := libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(h.tls, st.p, i+1)); !strings.HasPrefix(name, "$") {
			st.finalize()
			return nil, &module.Misuse{Err: fmt.Errorf("the placeholder %q; expected $1, $2 and so on", name)}
		}
	}
	return st, nil
}

func (st *sqliteStmt) finalize() { sqlite3.Xsqlite3_finalize(st.h.tls, st.p) }

// changes gives the rows that a statement has changed.
func (h *sqliteHandle) changes(st *sqliteStmt) int64 {
	if !st.writes {
		return 0
	}
	return sqlite3.Xsqlite3_changes64(h.tls, h.db)
}

// run binds the arguments and reads at most limit rows; what changes rows runs to its end.
func (st *sqliteStmt) run(ctx context.Context, args []any, limit int) (rows []module.SQLRow, err error) {
	tls := st.h.tls
	memory, err := st.bind(args)
	defer func() {
		sqlite3.Xsqlite3_reset(tls, st.p)
		sqlite3.Xsqlite3_clear_bindings(tls, st.p)
		for _, p := range memory {
			libc.Xfree(tls, p)
		}
	}()
	if err != nil {
		return nil, err
	}
	room := maxResult
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rc := sqlite3.Xsqlite3_step(tls, st.p)
		if rc != sqlite3.SQLITE_ROW {
			return rows, st.h.check(rc)
		}
		if len(rows) == limit {
			if st.writes {
				continue
			}
			return rows, nil
		}
		row := module.SQLRow{Columns: st.columns, Values: make([]any, len(st.columns))}
		for i := range row.Values {
			row.Values[i] = st.value(int32(i), &room)
		}
		if room < 0 {
			return nil, errRows
		}
		rows = append(rows, row)
	}
}

// value gives a column by what is stored in it, whatever the table says of its type.
func (st *sqliteStmt) value(i int32, room *int) any {
	tls := st.h.tls
	*room -= 16
	kind := sqlite3.Xsqlite3_column_type(tls, st.p, i)
	switch kind {
	case sqlite3.SQLITE_INTEGER:
		return int64(sqlite3.Xsqlite3_column_int64(tls, st.p, i))
	case sqlite3.SQLITE_FLOAT:
		return sqlite3.Xsqlite3_column_double(tls, st.p, i)
	case sqlite3.SQLITE_TEXT, sqlite3.SQLITE_BLOB:
		read := sqlite3.Xsqlite3_column_blob
		if kind == sqlite3.SQLITE_TEXT { // the database may keep it as UTF-16
			read = sqlite3.Xsqlite3_column_text
		}
		p := read(tls, st.p, i)
		n := int(sqlite3.Xsqlite3_column_bytes(tls, st.p, i))
		if *room -= n; p == 0 || *room < 0 {
			return ""
		}
		return string(libc.GoBytes(p, n))
	}
	return nil
}

// bind sets $1 and so on; SQLite numbers names by their first places in the query. The memory that it gives is to be
// freed when the statement is reset.
func (st *sqliteStmt) bind(args []any) (memory []uintptr, err error) {
	tls := st.h.tls
	for n, v := range args {
		name := st.h.copied(fmt.Sprintf("$%d\x00", n+1))
		i := sqlite3.Xsqlite3_bind_parameter_index(tls, st.p, name)
		libc.Xfree(tls, name)
		var rc int32
		switch v := v.(type) {
		case nil:
			rc = sqlite3.Xsqlite3_bind_null(tls, st.p, i)
		case bool:
			number := int64(0)
			if v {
				number = 1
			}
			rc = sqlite3.Xsqlite3_bind_int64(tls, st.p, i, number)
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(tls, st.p, i, v)
		case float64:
			if math.IsNaN(v) {
				return memory, &module.Misuse{Err: fmt.Errorf("$%d is no number; SQLite would store NULL", n+1)}
			}
			rc = sqlite3.Xsqlite3_bind_double(tls, st.p, i, v)
		case string:
			p := st.h.copied(v)
			memory = append(memory, p)
			rc = sqlite3.Xsqlite3_bind_text(tls, st.p, i, p, int32(len(v)), 0)
		}
		if err := st.h.check(rc); err != nil {
			return memory, err
		}
	}
	return memory, nil
}
