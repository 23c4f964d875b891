package module

import (
	"strings"
	"testing"
)

// TestPlaceholders: what stands in quotes and comments is none; what the two databases would read differently is refused.
func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		query string
		n     int
		err   string
	}{
		{"SELECT 1", 0, ""},
		{"SELECT $1, $2, $1;", 2, ""},
		{" ;; SELECT $1", 0, "a second statement; expected one"},
		{"SELECT '$1 '' $2', \"$3\", `$4` -- $5\n, /* $6 */ $1", 1, ""},
		{"SELECT $tag$ $1 ' $tag$, $$ $2 $$, $1", 1, ""},
		{`SELECT E'\' $1', e'\\', $1`, 1, ""},
		{`SELECT 'a\', $1`, 1, ""},
		{"SELECT a::text, b[1:2], c->>'x', d @> e FROM f", 0, ""},
		{"SELECT $1::inet <<= $2", 2, ""},
		{"SELECT name$1", 1, ""}, // neither database takes it
		{"SELECT $1a", 0, "$1a is no placeholder; write $1 to $100"},
		{"SELECT $", 0, "$ is no placeholder; write $1 to $100"},
		{"SELECT $101", 0, "$101 is no placeholder; write $1 to $100"},
		{"SELECT $99999999999999999999", 0, "$99999999999999999999 is no placeholder; write $1 to $100"},
		{"SELECT $$ $1", 0, "a quote $$ that is not closed"},
		{"SELECT \"x", 0, `a quote " that is not closed`},
		{"SELECT E'x\\'", 0, "a quote ' that is not closed"},
		{"SELECT /* /* */ 1", 0, "a comment that is not closed, or in another"},
		{"SELECT a ? 'b'", 0, "? is no placeholder; write $1, $2 … (PostgreSQL's operator ? is jsonb_exists)"},
		{"SELECT 1; -- that is all", 0, ""},
		{"SELECT 1; SELECT 2", 0, "a second statement; expected one"},
		{"(SELECT 1)", 0, ""},
		{"-- BEGIN\nsElEcT 1", 0, ""},
		{"savepoint x", 0, "SAVEPOINT is refused; use db:tx(function(t) … end)"},
		{"PRAGMA journal_mode = delete", 0, "PRAGMA is refused: the connection is shared"},
		{"SELECT 'x\x00'", 0, "a query with an octet 0"},
		{"SELECT \x00", 0, "a query with an octet 0"},
	} {
		n, err := placeholders(c.query)
		if text := ""; err != nil {
			if text = err.Error(); text != c.err {
				t.Errorf("%q: %s, expected %q", c.query, text, c.err)
			}
		} else if n != c.n || c.err != "" {
			t.Errorf("%q: %d, expected %d %s", c.query, n, c.n, c.err)
		}
	}
}

// FuzzPlaceholders: no text is too strange; quoting a text hides all that is in it.
func FuzzPlaceholders(f *testing.F) {
	for _, q := range []string{"SELECT $1", "'", "$$", "/*", "--", "E'\\", "a;b", "?", "$1a$2$", "\x00", "BEGIN"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		n, err := placeholders(query)
		if err == nil && (n < 0 || n > maxArguments) {
			t.Fatalf("%d placeholders", n)
		}
		if strings.ContainsRune(query, 0) {
			return
		}
		quoted := "SELECT '" + strings.ReplaceAll(query, "'", "''") + "', \"" + strings.ReplaceAll(query, `"`, `""`) + "\", $1"
		if n, err := placeholders(quoted); n != 1 || err != nil {
			t.Fatalf("%q: %d, %v", quoted, n, err)
		}
	})
}
