package backend

import (
	"context"
	"errors"
	"time"

	"perilune/policy/module"
)

// Fresh gives the same backends, but what outlives the process is left alone: tables are those of this process's
// memory. A table in a Redis stays where it is.
func Fresh(b Backends) Backends { return fresh{b} }

type fresh struct{ Backends }

// KV implements module.Backends.
func (f fresh) KV(name string, o module.KVOptions) (module.KV, error) {
	o.Persist = false
	return f.Backends.KV(name, o)
}

// Refusing gives backends of which none is asked: names are checked as ever, and calls are refused, saying why. All
// tables are in memory and begin empty.
func Refusing(b Backends, why string) Backends {
	return refusing{fresh{b}, New(time.Now, nil).Lease(Settings{}), errors.New(why)}
}

type refusing struct {
	fresh
	memory *Lease
	why    error
}

// HTTP implements module.Backends.
func (r refusing) HTTP(name string, o *module.HTTPOptions) (module.HTTP, error) {
	_, err := r.fresh.HTTP(name, o)
	return refused{r.why}, err
}

// SQL implements module.Backends.
func (r refusing) SQL(name string) (module.SQL, error) {
	_, err := r.fresh.SQL(name)
	return refused{r.why}, err
}

// LDAP implements module.Backends.
func (r refusing) LDAP(name string) (module.LDAP, error) {
	_, err := r.fresh.LDAP(name)
	return refusedLDAP{refused{r.why}}, err
}

// KV implements module.Backends.
func (r refusing) KV(name string, o module.KVOptions) (module.KV, error) {
	k, err := r.fresh.KV(name, o)
	if err != nil || !k.Remote() {
		return k, err
	}
	o.Persist = false
	return r.memory.KV(name, o)
}

// Exec implements module.Backends.
func (r refusing) Exec() module.Exec { return refusedExec{refused{r.why}} }

// Close implements Backends.
func (r refusing) Close() {
	r.memory.Close()
	r.fresh.Close()
}

// refused is a server, a database, a directory that says no.
type refused struct{ why error }

func (r refused) err() error { return &module.Failure{Kind: "refused", Err: r.why} }

// Do implements module.HTTP.
func (r refused) Do(context.Context, *module.HTTPRequest) (*module.HTTPResponse, error) {
	return nil, r.err()
}

// Query implements module.SQL.
func (r refused) Query(context.Context, string, []any, int) ([]module.SQLRow, error) {
	return nil, r.err()
}

// Exec implements module.SQL.
func (r refused) Exec(context.Context, string, []any) (int64, error) { return 0, r.err() }

// Begin implements module.SQL.
func (r refused) Begin(context.Context) (module.SQLTx, error) { return nil, r.err() }

type refusedLDAP struct{ refused }

// Search implements module.LDAP.
func (r refusedLDAP) Search(context.Context, *module.LDAPSearch) ([]module.LDAPEntry, error) {
	return nil, r.err()
}

// Bind implements module.LDAP.
func (r refusedLDAP) Bind(context.Context, string, string) (bool, error) { return false, r.err() }

type refusedExec struct{ refused }

// Run implements module.Exec.
func (r refusedExec) Run(context.Context, *module.ExecRequest) (*module.ExecResult, error) {
	return nil, r.err()
}
