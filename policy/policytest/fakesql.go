package policytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy"
	"perilune/policy/module"
)

// SQL implements module.Backends.
func (k *fakes) SQL(name string) (module.SQL, error) { return &fakeSQL{k, name}, nil }

// A fakeSQL is what mock.sql answers.
type fakeSQL struct {
	*fakes
	name string
}

// Query implements module.SQL. The answer is a list of rows, or one row.
func (d *fakeSQL) Query(_ context.Context, query string, args []any, limit int) ([]module.SQLRow, error) {
	query = strings.Join(strings.Fields(query), " ")
	answer, err := d.asked(query, args)
	if err != nil {
		return nil, err
	}
	rows, err := sqlRows(answer)
	if err != nil {
		return nil, d.unmocked("sql", fmt.Errorf("mock.sql %s: %.60q: %w", d.name, query, err))
	}
	return rows[:min(len(rows), limit)], nil
}

// Exec implements module.SQL. The answer is a number of rows, or a list of them.
func (d *fakeSQL) Exec(_ context.Context, query string, args []any) (int64, error) {
	query = strings.Join(strings.Fields(query), " ")
	answer, err := d.asked(query, args)
	if err != nil {
		return 0, err
	}
	switch v := answer.(type) {
	case lua.LNumber:
		if n := float64(v); n >= 0 && n == math.Trunc(n) && n < 1<<53 {
			return int64(n), nil
		}
	case *lua.LTable:
		return int64(v.Len()), nil
	}
	return 0, d.unmocked("sql", fmt.Errorf("mock.sql %s: %.60q: got a %s, expected the number of rows that are changed, or mock.fail", d.name, query, answer.Type()))
}

// Begin implements module.SQL.
func (d *fakeSQL) Begin(context.Context) (module.SQLTx, error) { return fakeTx{d}, nil }

// A fakeTx is a transaction without an effect.
type fakeTx struct{ *fakeSQL }

// Commit implements module.SQLTx.
func (fakeTx) Commit(context.Context) error { return nil }

// Rollback implements module.SQLTx.
func (fakeTx) Rollback() {}

// asked asks the mock. Keys are compared with the query on one line. A call is {query=} with the arguments as a list.
func (d *fakeSQL) asked(query string, args []any) (lua.LValue, error) {
	call := d.f.calling.NewTable()
	call.RawSetString("query", lua.LString(query))
	for i, a := range args {
		call.RawSetInt(i+1, luaOf(a))
	}
	return d.ask("sql", d.name, query, call)
}

// luaOf gives an argument of a query as scripts have it.
func luaOf(v any) lua.LValue {
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case int64:
		if v > 1<<53 {
			return module.NewU64(uint64(v))
		}
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	}
	return lua.LNil
}

// sqlRows reads a list of rows {column = value}, or one row.
func sqlRows(v lua.LValue) (rows []module.SQLRow, err error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("got a %s, expected a list of rows like {{name=\"ann\"}}, or mock.fail", v.Type())
	}
	if first, _ := t.Next(lua.LNil); first.Type() == lua.LTString {
		row, err := sqlRow(t)
		return []module.SQLRow{row}, err
	}
	for i := 1; i <= t.Len(); i++ {
		row, ok := t.RawGetInt(i).(*lua.LTable)
		if !ok {
			return nil, fmt.Errorf("row %d is a %s, expected a table by column", i, t.RawGetInt(i).Type())
		}
		one, err := sqlRow(row)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		rows = append(rows, one)
	}
	return rows, nil
}

func sqlRow(t *lua.LTable) (row module.SQLRow, err error) {
	return row, policy.Each(t, func(k, v lua.LValue) error {
		name, ok := k.(lua.LString)
		if !ok {
			return fmt.Errorf("the key %v is no name of a column", k)
		}
		value, err := sqlValue(v)
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		row.Columns, row.Values = append(row.Columns, string(name)), append(row.Values, value)
		return nil
	})
}

func sqlValue(v lua.LValue) (any, error) {
	switch v := v.(type) {
	case lua.LBool:
		return bool(v), nil
	case lua.LNumber:
		return float64(v), nil
	case lua.LString:
		return string(v), nil
	case *lua.LUserData:
		if n, ok := module.ToU64(v); ok {
			return n, nil
		}
	case *lua.LTable:
		var list []any
		for i := 1; i <= v.Len(); i++ {
			e, err := sqlValue(v.RawGetInt(i))
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		return list, nil
	}
	return nil, errors.New("a " + v.Type().String() + " is no value of a column")
}
