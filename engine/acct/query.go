package acct

import (
	"fmt"
	"slices"
	"strings"
)

// A dialect is how a database writes a value's place.
type dialect struct {
	mark func(n int) string
	time func(mark string) string
}

var sqliteDialect = dialect{
	mark: func(int) string { return "?" },
	time: func(mark string) string { return mark },
}

// sql gives the conditions that have an index or are cheap, and the values; Filter.match does the rest. So
// Limit is only given to the database if match has nothing left to refuse.
func (f *Filter) sql(closed bool, d dialect) (where string, values []any) {
	var conditions []string
	add := func(format string, vs ...any) {
		marks := make([]any, len(vs))
		for i, v := range vs {
			values = append(values, v)
			marks[i] = d.mark(len(values))
			if _, ok := v.(int64); ok {
				marks[i] = d.time(marks[i].(string))
			}
		}
		conditions = append(conditions, fmt.Sprintf(format, marks...))
	}
	if !closed {
		add("acctstoptime IS NULL")
	}
	for _, c := range [...]struct{ format, value string }{
		{"(username = %s OR account = %s)", f.User}, {"client = %s", f.Client}, {"realm = %s", f.Realm}, {"(acctsessionid = %s OR acctuniqueid = %s)", f.ID},
	} {
		if c.value != "" {
			add(c.format, slices.Repeat([]any{c.value}, strings.Count(c.format, "%s"))...)
		}
	}
	if !f.Since.IsZero() {
		add("(acctstoptime IS NULL OR acctstoptime >= %s)", f.Since.Unix())
	}
	if !f.Until.IsZero() {
		add("acctstarttime < %s", f.Until.Unix())
	}
	if len(conditions) > 0 {
		where = "WHERE " + strings.Join(conditions, " AND ")
	}
	where += " ORDER BY acctstarttime DESC, radacctid DESC"
	if f.Limit > 0 && f.NAS == "" && f.Calling == "" {
		where += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return where, values
}
