package backend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"perilune/engine/server"
	"perilune/policy/module"
)

// Backends is what a generation has open.
type Backends interface {
	module.Backends
	// Activate is called when the generation is put in place.
	Activate()
	Close()
}

// Taped gives the same backends; what they say to a request that somebody keeps is noted on its tape.
func Taped(b Backends) Backends { return taped{b} }

// Recalled stands for the backends of requests that were decided before: it asks nobody and says again what their
// tapes hold. A call that none of them has fails, and the request is told what it missed. Windows, and tables that are
// not elsewhere, are those of b, which should begin empty; it is a Lease with Memory, so that it connects to nothing.
func Recalled(b Backends) Backends { return recalled{taped{b}} }

type taped struct{ Backends }

type recalled struct{ taped }

// HTTP implements module.Backends.
func (t taped) HTTP(name string, o *module.HTTPOptions) (module.HTTP, error) {
	h, err := t.Backends.HTTP(name, o)
	if err != nil {
		return nil, err
	}
	return tapedHTTP{h, httpName(name, o)}, nil
}

func httpName(name string, o *module.HTTPOptions) string {
	if name == "" && o != nil {
		name = o.Base
	}
	return "http " + name
}

// SQL implements module.Backends.
func (t taped) SQL(name string) (module.SQL, error) {
	s, err := t.Backends.SQL(name)
	if err != nil {
		return nil, err
	}
	return tapedSQL{s, "sql " + name}, nil
}

// LDAP implements module.Backends.
func (t taped) LDAP(name string) (module.LDAP, error) {
	d, err := t.Backends.LDAP(name)
	if err != nil {
		return nil, err
	}
	return tapedLDAP{d, "ldap " + name}, nil
}

// KV implements module.Backends. A table of this process needs no tape.
func (t taped) KV(name string, o module.KVOptions) (module.KV, error) {
	k, err := t.Backends.KV(name, o)
	if err != nil || !k.Remote() {
		return k, err
	}
	return tapedKV{k, "kv " + name}, nil
}

// Exec implements module.Backends.
func (t taped) Exec() module.Exec { return tapedExec{t.Backends.Exec()} }

// HTTP implements module.Backends.
func (recalled) HTTP(name string, o *module.HTTPOptions) (module.HTTP, error) {
	return tapedHTTP{nil, httpName(name, o)}, nil
}

// SQL implements module.Backends.
func (recalled) SQL(name string) (module.SQL, error) { return tapedSQL{nil, "sql " + name}, nil }

// LDAP implements module.Backends.
func (recalled) LDAP(name string) (module.LDAP, error) { return tapedLDAP{nil, "ldap " + name}, nil }

// KV implements module.Backends. Where the table is elsewhere, its answers are those of the tape.
func (r recalled) KV(name string, o module.KVOptions) (module.KV, error) {
	o.Persist = false
	k, err := r.Backends.KV(name, o)
	if err != nil || !k.Remote() {
		return k, err
	}
	return tapedKV{nil, "kv " + name}, nil
}

// Exec implements module.Backends.
func (recalled) Exec() module.Exec { return tapedExec{nil} }

// errNotRecorded is what a call fails with whose answer is not on the tape.
var errNotRecorded = errors.New("its answer was not recorded")

// said gives what a backend says, from the tape or by asking it; q is all that makes the call another one.
func said[T any](ctx context.Context, of string, q any, ask func() (T, error)) (v T, err error) {
	return saidBy(ctx, (*server.Recorded).Recall, of, q, ask)
}

// inOrder is said for what remembers: an answer counts only if all calls before it were the same, too.
func inOrder[T any](ctx context.Context, of string, q any, ask func() (T, error)) (v T, err error) {
	return saidBy(ctx, (*server.Recorded).RecallNext, of, q, ask)
}

func saidBy[T any](ctx context.Context, recall func(k *server.Recorded, of, ask string) (server.BackendCall, bool), of string, q any, ask func() (T, error)) (v T, err error) {
	r := server.RequestOf(ctx)
	if r == nil {
		if ask == nil {
			return v, &module.Failure{Kind: "refused", Err: errNotRecorded}
		}
		return ask()
	}
	if k := r.Recorded(); k != nil {
		c, ok := recall(k, of, keyOf(r, q))
		if !ok {
			return v, &module.Failure{Kind: "refused", Err: errNotRecorded}
		}
		return unpack[T](&c)
	}
	v, err = ask()
	if r.Tape() != nil {
		r.Tape().Note(pack(of, keyOf(r, q), v, err))
	}
	return v, err
}

// keyOf stands for a call. Values of the request that are not written down do not make it another one.
func keyOf(r *server.Request, q any) string {
	text := fmt.Sprintf("%q", q)
	for _, s := range r.HiddenValues() {
		quoted := fmt.Sprintf("%q", s)
		text = strings.ReplaceAll(text, quoted[1:len(quoted)-1], "[hidden]")
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

// boxed lets gob take any value.
type boxed[T any] struct{ V T }

// pack makes what a tape keeps of an answer.
func pack[T any](of, key string, v T, err error) server.BackendCall {
	c := server.BackendCall{Of: of, Ask: key}
	if err != nil {
		var misuse *module.Misuse
		c.Misuse = errors.As(err, &misuse)
		f := module.AsFailure(err)
		c.Fail, c.Why, c.Answered = f.Kind, f.Err.Error(), f.Answered
		return c
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(boxed[T]{v}); err == nil {
		c.Answer = b.Bytes()
	}
	return c
}

func unpack[T any](c *server.BackendCall) (v T, err error) {
	switch {
	case c.Misuse:
		return v, &module.Misuse{Err: errors.New(c.Why)}
	case c.Fail != "":
		return v, &module.Failure{Kind: c.Fail, Err: errors.New(c.Why), Answered: c.Answered}
	}
	var b boxed[T]
	if err := gob.NewDecoder(bytes.NewReader(c.Answer)).Decode(&b); err != nil {
		return v, &module.Failure{Kind: "refused", Err: fmt.Errorf("its recorded answer cannot be read: %w", err)}
	}
	return b.V, nil
}

type tapedHTTP struct {
	module.HTTP
	of string
}

// Do implements module.HTTP.
func (t tapedHTTP) Do(ctx context.Context, q *module.HTTPRequest) (*module.HTTPResponse, error) {
	return said(ctx, t.of, *q, asking(t.HTTP != nil, func() (*module.HTTPResponse, error) { return t.HTTP.Do(ctx, q) }))
}

// asking gives nil where nobody can be asked.
func asking[T any](open bool, ask func() (T, error)) func() (T, error) {
	if !open {
		return nil
	}
	return ask
}

type tapedExec struct{ module.Exec }

// Run implements module.Exec.
func (t tapedExec) Run(ctx context.Context, q *module.ExecRequest) (*module.ExecResult, error) {
	of := "exec"
	if len(q.Args) > 0 {
		of += " " + q.Args[0]
	}
	return said(ctx, of, *q, asking(t.Exec != nil, func() (*module.ExecResult, error) { return t.Exec.Run(ctx, q) }))
}

type tapedLDAP struct {
	module.LDAP
	of string
}

// Search implements module.LDAP.
func (t tapedLDAP) Search(ctx context.Context, q *module.LDAPSearch) ([]module.LDAPEntry, error) {
	return said(ctx, t.of, *q, asking(t.LDAP != nil, func() ([]module.LDAPEntry, error) { return t.LDAP.Search(ctx, q) }))
}

// Bind implements module.LDAP.
func (t tapedLDAP) Bind(ctx context.Context, dn, password string) (bool, error) {
	return said(ctx, t.of, []any{"bind", dn, password}, asking(t.LDAP != nil, func() (bool, error) { return t.LDAP.Bind(ctx, dn, password) }))
}
