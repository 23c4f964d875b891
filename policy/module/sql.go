package module

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// An SQL is one database with its pool of connections. Errors are those of ctx, a Failure, or Misuse where the
// database has found fault with the statement or its values.
type SQL interface {
	// Query gives at most limit rows. What else the query has found is lost.
	Query(ctx context.Context, query string, args []any, limit int) ([]SQLRow, error)
	// Exec gives the number of rows that were changed.
	Exec(ctx context.Context, query string, args []any) (int64, error)
	// Begin begins a transaction, which must be ended by Commit or Rollback.
	Begin(ctx context.Context) (SQLTx, error)
}

// An SQLTx is a transaction. After an error it can only be rolled back.
type SQLTx interface {
	SQL
	// Commit ends the transaction, also if it fails.
	Commit(ctx context.Context) error
	// Rollback undoes it. It does not wait.
	Rollback()
}

// An SQLRow is one row: names of columns and their values, nil for NULL, else bool, int64, uint64, float64, string or
// a list of these as []any. Arguments are nil, bool, int64, float64 or string.
type SQLRow struct {
	Columns []string
	Values  []any
}

// maxRows bounds what db:rows gives.
const maxRows = 1000

// maxQuery and maxArguments bound a statement.
const (
	maxQuery     = 64 << 10
	maxArguments = 100
)

// database is what sql.open gives.
type database struct {
	SQL
	name string
	tx   *transaction // that is open in this state
}

var (
	databaseMeta    = methods(append(sqlMethods("db"), sqlTransactions()...), "db", nil)
	transactionMeta = methods(sqlMethods("tx"), "tx", nil)
)

func sqlFunctions() []Function {
	list := []Function{{Module: "sql", Name: "open", Signature: "sql.open(name)",
		Doc: "The database of [backend.sql.NAME]; while scripts load. It connects when it is asked first.", call: sqlOpen}}
	return slices.Concat(list, sqlMethods("db"), sqlTransactions(), sqlMethods("tx"))
}

func sqlMethods(of string) []Function {
	list := waits("sql", of, "row", "(query, …)", "The first row as a table by column; nil if there is none. $1, $2 … in the query stand for the arguments.", sqlRow)
	list = append(list, waits("sql", of, "rows", "(query, …)", "A list of rows, 1,000 at most.", sqlRows)...)
	return append(list, waits("sql", of, "exec", "(query, …)", "How many rows the statement has changed.", sqlExec)...)
}

func sqlOpen(l *lua.LState) int {
	name := sandbox.CheckString(l, 1)
	what := fmt.Sprintf("sql.open(%q)", name)
	db, err := backends(l, what).SQL(name)
	return opened(l, what, &database{SQL: db, name: name}, databaseMeta, err)
}

// asker is what a query is put to: a database or a transaction.
type asker interface {
	Query(ctx context.Context, query string, args []any, limit int) ([]SQLRow, error)
	Exec(ctx context.Context, query string, args []any) (int64, error)
}

// askedSQL gives the value before the colon, as what can be asked.
func askedSQL(l *lua.LState) asker {
	if ud, ok := l.Get(1).(*lua.LUserData); ok {
		switch v := ud.Value.(type) {
		case *database:
			if v.tx != nil {
				sandbox.RaiseMisuse(l, "sql: a transaction of %q is open; ask what db:tx gives to its function", v.name)
			}
			return v
		case *transaction:
			if v.over {
				sandbox.RaiseMisuse(l, "sql: the transaction is over")
			}
			return v
		}
	}
	sandbox.RaiseMisuse(l, "the value before the colon is %s, expected a database; write db:row(query)", l.Get(1).Type())
	return nil
}

func sqlRow(l *lua.LState) (lua.LValue, error) {
	rows, err := queried(l, 1)
	if err != nil || len(rows) == 0 {
		return lua.LNil, err
	}
	return rowTable(l, &rows[0]), nil
}

func sqlRows(l *lua.LState) (lua.LValue, error) {
	rows, err := queried(l, maxRows)
	if err != nil {
		return nil, err
	}
	list := l.CreateTable(len(rows), 0)
	for i := range rows {
		list.Append(rowTable(l, &rows[i]))
	}
	return list, nil
}

func queried(l *lua.LState, limit int) ([]SQLRow, error) {
	db := askedSQL(l)
	query, args := statement(l)
	return block(l, func(ctx context.Context) ([]SQLRow, error) { return db.Query(ctx, query, args, limit) })
}

func sqlExec(l *lua.LState) (lua.LValue, error) {
	db := askedSQL(l)
	query, args := statement(l)
	n, err := block(l, func(ctx context.Context) (int64, error) { return db.Exec(ctx, query, args) })
	return lua.LNumber(n), err
}

// statement gives the query and what stands for its placeholders.
func statement(l *lua.LState) (query string, args []any) {
	query = sandbox.CheckString(l, 2)
	sandbox.Charge(l, len(query)/16)
	if len(query) > maxQuery {
		sandbox.RaiseMisuse(l, "sql: a query of %d octets; %d are allowed", len(query), maxQuery)
	}
	for i := 3; i <= l.GetTop(); i++ {
		args = append(args, argument(l, i))
	}
	want, err := placeholders(query)
	if err == nil && want != len(args) {
		err = fmt.Errorf("%d arguments for a query with %d placeholders; %s", len(args), want, "expected one argument for each of $1, $2 …")
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "sql: %v", err)
	}
	return query, args
}

// argument gives argument i as a database takes it.
func argument(l *lua.LState, i int) any {
	switch v := l.Get(i).(type) {
	case *lua.LNilType:
		return nil
	case lua.LBool:
		return bool(v)
	case lua.LNumber:
		if n := float64(v); n != math.Trunc(n) || math.Abs(n) > maxExact {
			return n
		}
		return int64(v)
	case lua.LString:
		return string(v)
	case *lua.LUserData:
		switch u := v.Value.(type) {
		case U64:
			if u <= math.MaxInt64 {
				return int64(u)
			}
			return u64Text(v)
		case Secret:
			return u.text
		}
		if v == null {
			return nil
		}
	}
	sandbox.RaiseMisuse(l, "sql: argument %d of the query, $%d, is a %s; expected text, a number, a boolean or nil", i-2, i-2, l.Get(i).Type())
	return nil
}

// rowTable gives a row; what is NULL is not in the table.
func rowTable(l *lua.LState, row *SQLRow) lua.LValue {
	t := l.CreateTable(0, len(row.Columns))
	sandbox.Charge(l, 4*len(row.Columns))
	for i, name := range row.Columns {
		if t.RawGetString(name) != lua.LNil {
			sandbox.RaiseMisuse(l, "sql: two columns are named %q; name one by AS", name)
		}
		t.RawSetString(name, columnValue(l, row.Values[i]))
	}
	return t
}

func columnValue(l *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case int64:
		switch {
		case v > maxExact:
			return NewU64(uint64(v))
		case v < -maxExact:
			return lua.LString(fmt.Sprint(v))
		}
		return lua.LNumber(v)
	case uint64:
		return NewU64(v)
	case float64:
		return lua.LNumber(v)
	case string:
		sandbox.CheckLength(l, len(v))
		return lua.LString(v)
	case []any:
		list := l.CreateTable(len(v), 0)
		for _, e := range v {
			if e == nil {
				list.Append(null)
			} else {
				list.Append(columnValue(l, e))
			}
		}
		return list
	}
	return lua.LNil
}

// verbs are first words of statements that would outlive their call on a connection that others use, too.
var verbs = map[string]string{
	"begin": "", "start": "", "commit": "", "end": "", "rollback": "", "abort": "", "savepoint": "", "release": "",
	"set": "the connection is shared", "reset": "the connection is shared", "discard": "the connection is shared",
	"pragma": "the connection is shared", "attach": "the connection is shared", "detach": "the connection is shared",
	"listen": "nobody would hear it", "copy": "it has no end here", "prepare": "queries are prepared anyway", "deallocate": "queries are prepared anyway",
}

// refusedVerb says why a statement with this first word is refused, "" if it is not.
func refusedVerb(word string) string {
	why, refused := verbs[strings.ToLower(word)]
	switch {
	case !refused:
		return ""
	case why == "":
		return fmt.Sprintf("%s is refused; use db:tx(function(t) … end)", strings.ToUpper(word))
	}
	return fmt.Sprintf("%s is refused: %s", strings.ToUpper(word), why)
}
