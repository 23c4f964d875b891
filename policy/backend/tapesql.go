package backend

import (
	"context"
	"fmt"
	"slices"

	"perilune/policy/module"
)

type tapedSQL struct {
	module.SQL // nil: nobody is asked
	of         string
}

// Query implements module.SQL.
func (t tapedSQL) Query(ctx context.Context, query string, args []any, limit int) ([]module.SQLRow, error) {
	rows, err := said(ctx, t.of, []any{"query", query, askedArgs(args), limit}, asking(t.SQL != nil, func() ([]tapedRow, error) {
		rows, err := t.SQL.Query(ctx, query, args, limit)
		return tapedRows(rows), err
	}))
	return rowsOf(rows), err
}

// Exec implements module.SQL.
func (t tapedSQL) Exec(ctx context.Context, query string, args []any) (int64, error) {
	return said(ctx, t.of, []any{"exec", query, askedArgs(args)}, asking(t.SQL != nil, func() (int64, error) { return t.SQL.Exec(ctx, query, args) }))
}

// askedArgs gives arguments for keyOf, whose %q would write whole numbers as characters, and many as the same one.
func askedArgs(args []any) []any {
	list := slices.Clone(args)
	for i, v := range list {
		if n, ok := v.(int64); ok {
			list[i] = wholeArg(n)
		}
	}
	return list
}

// A wholeArg is written as its digits whatever the verb.
type wholeArg int64

// Format implements fmt.Formatter.
func (n wholeArg) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "%d", int64(n)) }

// Begin implements module.SQL.
func (t tapedSQL) Begin(ctx context.Context) (module.SQLTx, error) {
	var tx module.SQLTx
	_, err := said(ctx, t.of, []any{"begin"}, asking(t.SQL != nil, func() (began bool, err error) {
		tx, err = t.SQL.Begin(ctx)
		return err == nil, err
	}))
	if err != nil {
		return nil, err
	}
	if tx == nil {
		return tapedTx{t, nil}, nil
	}
	return tapedTx{tapedSQL{tx, t.of}, tx}, nil
}

// A tapedTx ends without an effect where nobody is asked.
type tapedTx struct {
	tapedSQL
	tx module.SQLTx
}

// Commit implements module.SQLTx.
func (t tapedTx) Commit(ctx context.Context) error {
	_, err := said(ctx, t.of, []any{"commit"}, asking(t.tx != nil, func() (bool, error) { return true, t.tx.Commit(ctx) }))
	return err
}

// Rollback implements module.SQLTx.
func (t tapedTx) Rollback() {
	if t.tx != nil {
		t.tx.Rollback()
	}
}

// A tapedRow is a module.SQLRow as a tape can keep it: gob has no NULL among values of any type.
type tapedRow struct {
	Columns []string
	Values  []tapedValue
}

// A tapedValue has a kind, and its value in one of the other fields.
type tapedValue struct {
	Kind  tapedKind
	Bool  bool
	Int   int64
	Uint  uint64
	Float float64
	Text  string
	List  []tapedValue
}

type tapedKind uint8

const (
	tapedNull tapedKind = iota
	tapedBool
	tapedInt
	tapedUint
	tapedFloat
	tapedText
	tapedList
)

func tapedRows(rows []module.SQLRow) (list []tapedRow) {
	for _, r := range rows {
		list = append(list, tapedRow{r.Columns, tapedValues(r.Values)})
	}
	return list
}

func tapedValues(values []any) []tapedValue {
	list := make([]tapedValue, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case bool:
			list[i] = tapedValue{Kind: tapedBool, Bool: v}
		case int64:
			list[i] = tapedValue{Kind: tapedInt, Int: v}
		case uint64:
			list[i] = tapedValue{Kind: tapedUint, Uint: v}
		case float64:
			list[i] = tapedValue{Kind: tapedFloat, Float: v}
		case string:
			list[i] = tapedValue{Kind: tapedText, Text: v}
		case []any:
			list[i] = tapedValue{Kind: tapedList, List: tapedValues(v)}
		}
	}
	return list
}

func rowsOf(list []tapedRow) (rows []module.SQLRow) {
	for _, r := range list {
		rows = append(rows, module.SQLRow{Columns: r.Columns, Values: valuesOf(r.Values)})
	}
	return rows
}

func valuesOf(list []tapedValue) []any {
	values := make([]any, len(list))
	for i, t := range list {
		values[i] = [...]any{tapedNull: nil, tapedBool: t.Bool, tapedInt: t.Int, tapedUint: t.Uint, tapedFloat: t.Float, tapedText: t.Text, tapedList: nil}[min(t.Kind, tapedList)]
		if t.Kind == tapedList {
			values[i] = valuesOf(t.List)
		}
	}
	return values
}
