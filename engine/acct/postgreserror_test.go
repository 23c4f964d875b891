package acct

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestPostgresErrors: what an operator reads is one line.
func TestPostgresErrors(t *testing.T) {
	p, err := openPostgres("postgres://u:hunter2@127.0.0.1:1/x", "n", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{io.ErrUnexpectedEOF, "the accounting database does not answer: unexpected EOF"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), "the accounting database does not answer: no answer in time"},
		{errors.New("one:\n\ttwo hunter2\n\ttwo hunter2\n"), "the accounting database does not answer: one:; two ***"},
		{&pgconn.PgError{Code: "42501", Message: "permission denied\nfor table radacct"}, "the accounting database refuses: permission denied; for table radacct (42501)"},
		{&newerError{9}, (&newerError{9}).Error()},
	} {
		if d := cmp.Diff(c.want, p.clean(c.err).Error()); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
	if p.clean(nil) != nil {
		t.Error("an error of none")
	}
}

// TestNobodyListens: the error of a database that is away, from end to end.
func TestNobodyListens(t *testing.T) {
	r, err := OpenReader("postgres://u:hunter2@localhost:1/x?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Sessions(Filter{}, true)
	text := fmt.Sprint(err)
	if !strings.HasPrefix(text, "the accounting database does not answer: ") || strings.ContainsAny(text, "\n\t`") || strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	if strings.Count(text, "127.0.0.1:1 ") > 1 {
		t.Errorf("said twice: %s", text)
	}
	t.Log(text)
}
