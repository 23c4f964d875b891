package acct

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A postgresRow reads a row: radacctid, then the columns, each as text or as a number.
type postgresRow struct {
	targets        []any
	t              []string
	n              []int64
	texts, numbers int
}

func isNumber(c *column) bool {
	return strings.HasPrefix(c.postgres, "bigint") || strings.HasPrefix(c.postgres, "int ") || strings.HasPrefix(c.postgres, "timestamp")
}

func newPostgresRow() *postgresRow {
	r := &postgresRow{t: make([]string, len(radacct)), n: make([]int64, len(radacct)+1)}
	r.targets = append(r.targets, &r.n[0])
	texts, numbers := 0, 1
	for i := range radacct {
		if isNumber(&radacct[i]) {
			r.targets = append(r.targets, &r.n[numbers])
			numbers++
		} else {
			r.targets = append(r.targets, &r.t[texts])
			texts++
		}
	}
	return r
}

func (r *postgresRow) text() string  { r.texts++; return r.t[r.texts-1] }
func (r *postgresRow) number() int64 { r.numbers++; return r.n[r.numbers-1] }
func (r *postgresRow) time() int64   { return r.number() }

// postgresArrays gathers the values of many rows, column by column, so that one statement writes them all.
type postgresArrays struct {
	texts   [len(radacct)][]string
	numbers [len(radacct)][]int64
	at      int
}

func (a *postgresArrays) text(v string) {
	a.texts[a.at%len(radacct)] = append(a.texts[a.at%len(radacct)], clean(v))
	a.at++
}

func (a *postgresArrays) textOrNull(v string) { a.text(v) }

// address lets nothing through that PostgreSQL would refuse: a whole batch must not fail for one NAS.
func (a *postgresArrays) address(v string) {
	if _, err := netip.ParseAddr(v); err != nil {
		if _, err := netip.ParsePrefix(v); err != nil {
			v = ""
		}
	}
	if i := strings.IndexByte(v, '%'); i >= 0 {
		v = v[:i]
	}
	a.text(v)
}

func (a *postgresArrays) number(v int64) {
	a.numbers[a.at%len(radacct)] = append(a.numbers[a.at%len(radacct)], v)
	a.at++
}

func (a *postgresArrays) time(v int64) { a.number(v) }

// clean takes out what PostgreSQL's text cannot hold.
func clean(v string) string {
	if strings.IndexByte(v, 0) < 0 {
		return v
	}
	return strings.ReplaceAll(v, "\x00", `\0`)
}

// values gives the arrays in the order of the columns.
func (a *postgresArrays) values() (list []any) {
	for i := range radacct {
		if isNumber(&radacct[i]) {
			list = append(list, a.numbers[i])
		} else {
			list = append(list, a.texts[i])
		}
	}
	return list
}

// postgresUnnest gives the arrays $first… as rows u(c0,c1,…), and the expressions of the columns' types.
func postgresUnnest(first int, more string) (from string, expressions []string) {
	var arrays, names []string
	for i := range radacct {
		c, name := &radacct[i], fmt.Sprintf("c%d", i)
		kind, expression := "text[]", name
		switch {
		case strings.HasPrefix(c.postgres, "timestamp"):
			kind, expression = "bigint[]", "to_timestamp(NULLIF("+name+",0))"
		case isNumber(c):
			kind = "bigint[]"
		case c.name == "nasipaddress":
			expression = "coalesce(NULLIF(" + name + ",''),'0.0.0.0')::inet"
		case strings.HasPrefix(c.postgres, "inet"):
			expression = "NULLIF(" + name + ",'')::inet"
		case c.postgres == textNull:
			expression = "NULLIF(" + name + ",'')"
		}
		arrays, names, expressions = append(arrays, fmt.Sprintf("$%d::%s", first+i, kind)), append(names, name), append(expressions, expression)
	}
	if more != "" {
		arrays, names = append(arrays, more), append(names, "id")
	}
	return "unnest(" + strings.Join(arrays, ",") + ") u(" + strings.Join(names, ",") + ")", expressions
}

var postgresInsert = func() string {
	from, expressions := postgresUnnest(1, "")
	return "INSERT INTO radacct (" + columnNames() + ") SELECT " + strings.Join(expressions, ",") + " FROM " + from + " ORDER BY c1"
}()

var postgresUpdate = func() string {
	from, expressions := postgresUnnest(1, fmt.Sprintf("$%d::bigint[]", len(radacct)+1))
	return "UPDATE radacct SET (" + columnNames() + ") = ROW(" + strings.Join(expressions, ",") + ") FROM " + from + " WHERE radacctid = id"
}()

// queueSessions writes new rows with one statement, and changed ones with another.
func queueSessions(q *pgx.Batch, sessions []*Session) {
	var fresh, changed postgresArrays
	var ids []int64
	sorted := slices.Clone(sessions)
	slices.SortFunc(sorted, func(a, b *Session) int { return int(min(1, max(-1, a.Row-b.Row))) })
	for _, s := range sorted {
		if s.Row == 0 {
			s.write(&fresh)
			continue
		}
		s.write(&changed)
		ids = append(ids, s.Row)
	}
	if len(ids) < len(sorted) {
		q.Queue(postgresInsert, fresh.values()...)
	}
	if len(ids) > 0 {
		q.Queue(postgresUpdate, append(changed.values(), ids)...)
	}
}

func queueEvents(q *pgx.Batch, events []entryEvent, node string) {
	if len(events) == 0 {
		return
	}
	var texts [7][]string
	var numbers [4][]int64
	for i := range events {
		e := &events[i]
		for j, v := range [...]string{e.Status.String(), e.unique, e.verdict(), e.UserName, e.Client, e.NAS, e.Attributes} {
			texts[j] = append(texts[j], clean(v))
		}
		for j, v := range [...]int64{e.Arrival.UnixMilli(), e.at, int64(e.ID), int64(e.Seq)} {
			numbers[j] = append(numbers[j], v)
		}
	}
	q.Queue(`INSERT INTO acctevent (arrival, eventtime, status, acctuniqueid, verdict, username, client, nas, request, attributes, node, seq)
		SELECT to_timestamp(a / 1000.0), to_timestamp(t), s, NULLIF(u, ''), v, n, c, nas, r, x, $12, seq
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::bigint[])
		e(a, t, s, u, v, n, c, nas, r, x, seq)`,
		numbers[0], numbers[1], texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], numbers[2], texts[6], numbers[3], node)
}
