package module

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/users"
	"perilune/policy/sandbox"
)

// ErrBusy is what Env.Wait gives when too many requests wait already: the call fails like a backend.
var ErrBusy = errors.New("busy: too many requests are waiting")

// An Env is what the modules of one state need. Every field may be nil: then the default is taken. It is filled
// before the state's first script runs; functions in it are called by the goroutine that runs the state.
type Env struct {
	Dictionary *dictionary.Dictionary // of the generation, also before Freeze; dict raises without one
	// Attribute appends the values that a script gives to an attribute, one or a list.
	Attribute func(l *dictionary.List, name string, v lua.LValue) error
	// Described gives the session that the request at work is about; false for any other value.
	Described func(v lua.LValue) (acct.Session, bool)
	Log       *slog.Logger                          // default: nothing is logged
	LogAttrs  func() []slog.Attr                    // what each line says beside: the request, the hook
	Blank     func(text string) string              // takes secrets out of texts for the log
	Revealed  func(text string)                     // told what a script has revealed of a secret
	Now       func() time.Time                      // default time.Now
	Zone      *time.Location                        // default time.Local
	MayWait   func() error                          // an error where nothing waits: at the top level, in `=` values
	Hash      func(work func()) error               // computes a costly hash in its turn; nil: after Wait
	Wait      func() error                          // called before a call blocks: the loop is given away here; ErrBusy
	Random    io.Reader                             // default crypto/rand
	Resolver  *net.Resolver                         // default net.DefaultResolver
	Radius    Radius                                // what radius asks; nil: its functions fail
	Context   func(context.Context) context.Context // of a call that blocks: says for whom it is; nil: for nobody
	Backends  Backends                              // behind http, sql, ldap, kv, window and exec; nil: open raises
	Loading   func() bool                           // whether scripts load; nil: always
	Called    Called                                // told of each call of a backend; nil: nobody looks
	Logged    func(level, message string)           // told of each line that scripts log; nil: nobody looks
	zones     map[string]*time.Location             // by name, as scripts used them
	spans     map[string]*users.LoginTime           // by spec of time.within
	expr      map[string]*lua.LUserData             // compiled regular expressions by text
	aside     int                                   // functions under way that must not wait
}

// A Holder is what sandbox.Host.Data must be, so that modules find their Env. An Env is one itself.
type Holder interface{ ModuleEnv() *Env }

// ModuleEnv gives the Env.
func (e *Env) ModuleEnv() *Env { return e }

// From gives the Env of the state that l belongs to.
func From(l *lua.LState) *Env {
	if h, ok := sandbox.Of(l).Data().(Holder); ok {
		return h.ModuleEnv()
	}
	sandbox.RaiseMisuse(l, "there are no modules here")
	return nil
}

// maxCached bounds each of the caches by text. A full one is emptied: scripts have few such texts, and those
// made from requests would fill any size.
const maxCached = 256

// cached gives what make gives for key, once.
func cached[V any](cache *map[string]V, key string, make func() (V, error)) (V, error) {
	if v, ok := (*cache)[key]; ok {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	if *cache == nil || len(*cache) >= maxCached {
		*cache = map[string]V{}
	}
	(*cache)[key] = v
	return v, nil
}

func (e *Env) now() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

func (e *Env) random() io.Reader {
	if e.Random != nil {
		return e.Random
	}
	return rand.Reader
}

func (e *Env) blank(text string) string {
	if e.Blank != nil {
		return e.Blank(text)
	}
	return text
}

// mayWait raises where a function that can wait may not be called.
func (e *Env) mayWait(l *lua.LState, what string) {
	if e.aside > 0 {
		sandbox.RaiseMisuse(l, "%s: nothing waits in the function of kv's update", what)
	}
	if e.MayWait == nil {
		return
	}
	if err := e.MayWait(); err != nil {
		sandbox.RaiseMisuse(l, "%s: %v", what, err)
	}
}

// inHandler raises at the top level of scripts: what they change would be changed once more by each state, and by
// scripts that are only checked.
func (e *Env) inHandler(l *lua.LState, what string) {
	if e.Loading != nil && e.Loading() && e.MayWait != nil && e.MayWait() != nil {
		sandbox.RaiseMisuse(l, "%s: read and changed in handlers, not while scripts load", what)
	}
}

// wait gives the loop away before the caller blocks.
func (e *Env) wait() error {
	if e.Wait == nil {
		return nil
	}
	return e.Wait()
}

// hash computes a costly hash in its turn.
func (e *Env) hash(work func()) error {
	if e.Hash != nil {
		return e.Hash(work)
	}
	err := e.wait()
	if err == nil {
		work()
	}
	return err
}
