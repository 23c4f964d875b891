package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"perilune/engine/acct"
	"perilune/policy/module"
)

// A postgresSession is a connection to a PostgreSQL with its prepared statements. Values go and come as text, as
// PostgreSQL itself reads and writes them, so that no table of types stands between a script and the database.
type postgresSession struct {
	c        *pgconn.PgConn
	hidden   string // the password, which no error tells
	readOnly bool
	stmts    statements[*pgconn.StatementDescription]
	made     int // statements so far, for their names
	broken   bool
}

// postgresConfig reads an address. connect is the time for all the hosts that it names.
func postgresConfig(address string, readOnly bool, connect time.Duration) (*pgconn.Config, error) {
	if err := acct.CheckPostgres(address); err != nil {
		return nil, fmt.Errorf("the address of the database cannot be used: %w", err)
	}
	config, err := pgconn.ParseConfig(address)
	if err != nil {
		return nil, errors.New("the address of the database cannot be used")
	}
	hosts := map[string]bool{config.Host: true}
	for _, f := range config.Fallbacks {
		hosts[f.Host] = true
	}
	config.ConnectTimeout = connect / time.Duration(len(hosts))
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		f := pgproto3.NewFrontend(r, w)
		f.SetMaxBodyLen(maxResult)
		return f
	}
	for key, value := range map[string]string{"client_encoding": "UTF8", "timezone": "UTC", "datestyle": "ISO", "standard_conforming_strings": "on"} {
		config.RuntimeParams[key] = value
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "perilune"
	}
	if readOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	return config, nil
}

func dialPostgres(ctx context.Context, config *pgconn.Config, readOnly bool) (sqlSession, error) {
	s := &postgresSession{hidden: config.Password, readOnly: readOnly}
	c, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) {
			err = connect.Unwrap() // the rest is about user and database, which the operator has written
		}
		if ctx.Err() != nil {
			err = errors.New("no connection in time")
		}
		return nil, s.clean(err)
	}
	s.c = c
	return s, nil
}

// alive implements conn. An idle connection has nothing to read: what is there is its end.
func (s *postgresSession) alive() bool { return !s.c.IsClosed() && quiet(s.c.Conn()) }

func (s *postgresSession) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.c.Close(ctx)
}

// usable implements sqlSession.
func (s *postgresSession) usable() bool { return !s.broken && !s.c.IsClosed() && s.c.TxStatus() == 'I' }

func (s *postgresSession) begin(ctx context.Context) error    { return s.simple(ctx, "BEGIN") }
func (s *postgresSession) rollback(ctx context.Context) error { return s.simple(ctx, "ROLLBACK") }

func (s *postgresSession) commit(ctx context.Context) error {
	results, err := s.c.Exec(ctx, "COMMIT").ReadAll()
	if err == nil && len(results) == 1 && results[0].CommandTag.String() != "COMMIT" {
		return &module.Failure{Kind: "refused", Err: errors.New("the transaction was rolled back")}
	}
	return s.explain(ctx, err)
}

func (s *postgresSession) simple(ctx context.Context, query string) error {
	_, err := s.c.Exec(ctx, query).ReadAll()
	return s.explain(ctx, err)
}

// run implements sqlSession.
func (s *postgresSession) run(ctx context.Context, query string, args []any, limit int) ([]module.SQLRow, int64, error) {
	idle := s.c.TxStatus() == 'I'
	rows, n, err := s.once(ctx, query, args, limit)
	if idle && outdated(err) {
		s.forget(ctx, query)
		rows, n, err = s.once(ctx, query, args, limit)
	}
	return rows, n, s.explain(ctx, err)
}

// outdated reports that the tables have changed since a statement was prepared.
func outdated(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "26000" || e.Code == "0A000" && strings.Contains(e.Message, "cached plan"))
}

func (s *postgresSession) once(ctx context.Context, query string, args []any, limit int) (rows []module.SQLRow, n int64, err error) {
	st, err := s.prepared(ctx, query)
	if err != nil {
		return nil, 0, err
	}
	values, formats, err := postgresValues(st.ParamOIDs, args)
	if err != nil {
		return nil, 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reader, room := s.c.ExecPrepared(ctx, st.Name, values, formats, nil), maxResult
	var columns []string
	for reader.NextRow() {
		texts := reader.Values()
		for _, t := range texts {
			room -= 16 + len(t)
		}
		if room < 0 {
			stop() // ends the connection, too
			reader.Close()
			return nil, 0, errRows
		}
		if len(rows) == limit {
			continue
		}
		if columns == nil {
			columns = columnNames(reader.FieldDescriptions())
		}
		row := module.SQLRow{Columns: columns, Values: make([]any, len(texts))}
		for i, t := range texts {
			row.Values[i] = postgresValue(reader.FieldDescriptions()[i].DataTypeOID, t)
		}
		rows = append(rows, row)
	}
	tag, err := reader.Close()
	if err == nil && !tag.Select() {
		n = tag.RowsAffected()
	}
	return rows, n, err
}

func columnNames(fields []pgconn.FieldDescription) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

func (s *postgresSession) prepared(ctx context.Context, query string) (*pgconn.StatementDescription, error) {
	if st, ok := s.stmts.get(query); ok {
		return st, nil
	}
	s.made++
	st, err := s.c.Prepare(ctx, "s"+strconv.Itoa(s.made), query, nil)
	if err == nil {
		s.stmts.add(query, st, func(old *pgconn.StatementDescription) { s.c.Deallocate(ctx, old.Name) })
	}
	return st, err
}

func (s *postgresSession) forget(ctx context.Context, query string) {
	if _, ok := s.stmts.get(query); ok {
		s.stmts.remove(query, func(old *pgconn.StatementDescription) { s.c.Deallocate(ctx, old.Name) })
	}
}

// explain says whose fault an error is.
func (s *postgresSession) explain(ctx context.Context, err error) error {
	var misuse *module.Misuse
	var failure *module.Failure
	var e *pgconn.PgError
	var large *pgproto3.ExceededMaxBodyLenErr
	switch {
	case err == nil, errors.As(err, &misuse), errors.As(err, &failure):
		return err
	case errors.As(err, &e):
		return s.answered(e)
	case errors.As(err, &large):
		s.broken = true
		return errRows
	}
	s.broken = true
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &module.Failure{Kind: "refused", Err: s.clean(err)}
}

// answered sorts what PostgreSQL says by its class (appendix A of its manual).
func (s *postgresSession) answered(e *pgconn.PgError) error {
	err := s.clean(e)
	class := e.Code
	if len(class) > 2 {
		class = class[:2]
	}
	switch {
	case e.Code == "57014":
		return &module.Failure{Kind: "timeout", Err: err}
	case e.Code == "25006" && s.readOnly:
		return &module.Misuse{Err: errors.New("the database is opened read-only")}
	case e.Code == "42501", class == "40": // it does not let us in; another transaction was in the way
		return &module.Failure{Kind: "refused", Err: err}
	case class == "42", class == "22", class == "21", class == "3F":
		return &module.Misuse{Err: err}
	case class == "23", class == "44", class == "P0":
		return &module.Failure{Kind: "refused", Err: err, Answered: true}
	}
	s.broken = true
	return &module.Failure{Kind: "refused", Err: err}
}

// clean makes one line of what pgconn says, without the password.
func (s *postgresSession) clean(err error) error {
	var e *pgconn.PgError
	text := ""
	if errors.As(err, &e) {
		text = fmt.Sprintf("PostgreSQL: %s (%s)", e.Message, e.Code)
	} else {
		text = "PostgreSQL: " + err.Error()
	}
	if s.hidden != "" {
		text = strings.ReplaceAll(text, s.hidden, "***")
	}
	const longest = 400
	if text = strings.Join(strings.Fields(text), " "); len(text) > longest {
		text = text[:longest] + " …"
	}
	return errors.New(text)
}
