package module

import (
	"context"
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// transaction is what db:tx gives to its function.
type transaction struct {
	tx     SQLTx
	over   bool
	failed error // of a statement: all that can be done then is to roll back
}

// Query implements asker.
func (t *transaction) Query(ctx context.Context, query string, args []any, limit int) ([]SQLRow, error) {
	if t.failed != nil {
		return nil, t.spoilt()
	}
	rows, err := t.tx.Query(ctx, query, args, limit)
	t.failed = err
	return rows, err
}

// Exec implements asker.
func (t *transaction) Exec(ctx context.Context, query string, args []any) (int64, error) {
	if t.failed != nil {
		return 0, t.spoilt()
	}
	n, err := t.tx.Exec(ctx, query, args)
	t.failed = err
	return n, err
}

func (t *transaction) spoilt() error {
	return &Misuse{fmt.Errorf("a statement of the transaction has failed (%w); nothing but its end is left", t.failed)}
}

func sqlTransactions() []Function {
	call := func(try bool) lua.LGFunction { return func(l *lua.LState) int { return sqlTx(l, try) } }
	return []Function{
		{Module: "sql", Of: "db", Name: "tx", Signature: "db:tx(fn)", Waits: true, call: call(false),
			Doc: "Gives what fn(t) gives, whose statements, t:row, t:rows and t:exec, are done all or none: what fn raises undoes them."},
		{Module: "sql", Of: "db", Name: "try_tx", Signature: "db:try_tx(fn)", Waits: true, call: call(true),
			Doc: "tx that gives nil and why where the database fails; what fn raises else is raised."},
	}
}

// sqlTx is db:tx(fn) and db:try_tx(fn).
func sqlTx(l *lua.LState, try bool) int {
	From(l).mayWait(l, "sql")
	d := self[*database](l, "a database")
	fn := sandbox.CheckFunction(l, 2)
	if d.tx != nil {
		sandbox.RaiseMisuse(l, "sql: a transaction of %q is open already; they do not nest", d.name)
	}
	tx, err := block(l, d.Begin)
	if err != nil {
		return gaveUp(l, "sql", err, try)
	}
	t := &transaction{tx: tx}
	d.tx = t
	committing := false
	defer func() { // also if the run is ended
		if t.over, d.tx = true, nil; !committing {
			tx.Rollback()
		}
	}()
	top := l.GetTop()
	l.Push(fn)
	l.Push(&lua.LUserData{Value: t, Metatable: transactionMeta})
	if err := l.PCall(1, lua.MultRet, nil); err != nil {
		return t.raised(l, err, try)
	}
	if t.failed != nil {
		return gaveUp(l, "sql", t.failed, try)
	}
	committing = true
	if _, err := block(l, func(ctx context.Context) (any, error) { return nil, tx.Commit(ctx) }); err != nil {
		return gaveUp(l, "sql", err, try)
	}
	return l.GetTop() - top
}

// raised raises what fn has raised, unless it is the database's failure and try takes that.
func (t *transaction) raised(l *lua.LState, err error, try bool) int {
	var api *lua.ApiError
	if !errors.As(err, &api) {
		panic(err)
	}
	var m *Misuse
	if try && t.failed != nil && !errors.As(t.failed, &m) && strings.HasSuffix(lua.LVAsString(api.Object), AsFailure(t.failed).Error()) {
		return failed(l, AsFailure(t.failed).Error())
	}
	l.Error(api.Object, 0)
	return 0
}
