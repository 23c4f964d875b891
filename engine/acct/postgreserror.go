package acct

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// A postgresError is for people: one line, without the address of the database, which may hold a password.
type postgresError struct {
	code string // of PostgreSQL; empty if it did not answer
	text string
}

// Error implements error.
func (e *postgresError) Error() string {
	if e.code == "" {
		return "the accounting database does not answer: " + e.text
	}
	return "the accounting database refuses: " + e.text + " (" + e.code + ")"
}

// clean makes a postgresError of what pgx says.
func (p *postgresStore) clean(err error) error {
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	newer := (*newerError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &newer):
		return newer
	case errors.As(err, &pg):
		return &postgresError{pg.Code, oneLine(pg.Message)}
	case errors.Is(err, context.DeadlineExceeded):
		return &postgresError{"", "no answer in time"}
	case errors.As(err, &connect):
		err = connect.Unwrap() // it is about user and database, which the operator has written
	}
	text := err.Error()
	if p.config.Password != "" {
		text = strings.ReplaceAll(text, p.config.Password, "***")
	}
	return &postgresError{"", oneLine(text)}
}

// oneLine joins the lines of a text, each once: pgx tries one address with TLS and without, and says so in two.
func oneLine(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// again reports that the same transaction may well succeed at once: another server was quicker.
func again(err error) bool {
	var e *postgresError
	if !errors.As(err, &e) {
		return false
	}
	switch e.code {
	case "40001", "40P01", "23505": // serialization, deadlock, unique key
		return true
	}
	return false
}
