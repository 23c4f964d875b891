package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"

	"perilune/engine/acct"
	"perilune/engine/admin"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/radius"
	"perilune/engine/server"
)

// maxTold bounds the NASes that one call of kick tells at the same time.
const maxTold = 256

// kick lists the open sessions that match (list=true), or has the NASes of those in unique told.
func (d *daemon) kick(c *admin.Call) (any, error) {
	f := acct.Filter{NAS: c.Params["nas"], Calling: c.Params["mac"], ID: c.Params["session"], User: acct.Text([]byte(c.Params["user"]))}
	if f == (acct.Filter{}) {
		return nil, errors.New("expected a user, session, MAC address or NAS")
	}
	found := d.store.Live().Select(f)
	if c.Params["list"] == "true" {
		list := make([]kicked, len(found))
		for i := range found {
			list[i] = kickedOf(&found[i])
		}
		return list, nil
	}
	wanted := map[string]bool{}
	for unique := range strings.SplitSeq(c.Params["unique"], ",") {
		wanted[unique] = true
	}
	q := server.DynamicQuestion{Code: radius.CodeDisconnectRequest}
	g, release := d.server.Hold()
	if g == nil {
		return nil, errors.New("the server does not serve yet")
	}
	defer release()
	if text := c.Params["coa"]; text != "" {
		q.Code = radius.CodeCoARequest
		var err error
		if q.Attributes, err = parseChanges(g.Dictionary, text); err != nil {
			return nil, err
		}
	}
	return nil, d.tellAll(c, g, &q, found, wanted)
}

// parseChanges reads a JSON list of NAME=VALUE.
func parseChanges(names *dictionary.Dictionary, text string) (*dictionary.List, error) {
	var pairs []string
	if err := json.Unmarshal([]byte(text), &pairs); err != nil {
		return nil, err
	}
	l := new(dictionary.List)
	for _, pair := range pairs {
		p, err := names.ParsePair(pair)
		if err != nil {
			return nil, err
		}
		if p.Attr.Internal {
			return nil, fmt.Errorf("%s is internal; it is never sent", p.Attr.Name)
		}
		l.AddShared(p)
	}
	return l, nil
}

// tellAll tells the NASes of the sessions, many at the same time, and streams each answer.
func (d *daemon) tellAll(c *admin.Call, g *server.Generation, q *server.DynamicQuestion, found []acct.Session, wanted map[string]bool) error {
	var mu sync.Mutex // protects Send
	var broken error
	places := make(chan struct{}, maxTold)
	var all sync.WaitGroup
	for i := range found {
		s := &found[i]
		if !wanted[s.Unique()] {
			continue
		}
		select {
		case places <- struct{}{}:
		case <-c.Done():
			all.Wait()
			return c.Err()
		}
		all.Add(1)
		ask := *q
		ask.Session = s
		d.core.Dynamic(g, &ask, func(a server.DynamicAnswer) {
			go func() { // the forwarder's goroutine does not wait for the peer
				defer func() { <-places; all.Done() }()
				k := kickedOf(s)
				k.take(&a)
				d.logKick(c, ask.Code, &k)
				mu.Lock()
				defer mu.Unlock()
				if err := c.Send(k); err != nil && broken == nil {
					broken = err
				}
			}()
		})
	}
	all.Wait()
	return broken
}

func (d *daemon) logKick(c *admin.Call, code radius.Code, k *kicked) {
	d.log.Info(code.String()+" "+by(c), slog.String("user", k.User), slog.String("client", k.Client), slog.String("session", k.ID), slog.String("answer", k.answer()))
}

func kickedOf(s *acct.Session) kicked { return kicked{shownSession: *shownOf(s)} }

func (k *kicked) take(a *server.DynamicAnswer) {
	k.Result, k.Attempts, k.Took = a.Result(), a.Attempts, a.Took
	k.Cause, k.CauseNumber = server.ErrorCauseName(a.ErrorCause), a.ErrorCause
	if a.Code != 0 {
		k.Code = a.Code.String()
	}
	if a.Err != nil {
		k.Error = a.Err.Error()
	}
}

// A world is what scripts ask the server for by the module radius. Scripts are loaded before there is a server.
type world struct{ d *daemon }

// Sessions implements module.Radius.
func (w world) Sessions(f acct.Filter) []acct.Session {
	if w.d.store == nil {
		return nil
	}
	return w.d.store.Live().Select(f)
}

// Count implements module.Radius.
func (w world) Count(f acct.Filter) int {
	if w.d.store == nil {
		return 0
	}
	return w.d.store.Live().Count(f)
}

// Close implements module.Radius.
func (w world) Close(unique string, done func(error)) {
	if w.d.core == nil {
		done(errNotYet)
		return
	}
	w.d.core.CloseSession(unique, done)
}

// errNotYet is what scripts get that ask before the server serves.
var errNotYet = errors.New("refused: the server does not serve yet")

// Dynamic implements module.Radius.
func (w world) Dynamic(q *server.DynamicQuestion, done func(server.DynamicAnswer)) {
	g, release := w.hold()
	if g == nil {
		done(server.DynamicAnswer{Err: errNotYet})
		return
	}
	w.d.core.Dynamic(g, q, func(a server.DynamicAnswer) {
		release()
		done(a)
	})
}

// Login implements module.Radius.
func (w world) Login(q *server.Login, done func(server.LoginAnswer)) {
	g, release := w.hold()
	if g == nil {
		done(server.LoginAnswer{Err: errNotYet})
		return
	}
	w.d.core.Login(g, q, func(a server.LoginAnswer) {
		release()
		done(a)
	})
}

// Client implements module.Radius.
func (w world) Client(addr netip.Addr) *nas.Client {
	g, release := w.hold()
	if g == nil {
		return nil
	}
	defer release()
	return g.Clients.Lookup(addr)
}

func (w world) hold() (*server.Generation, func()) {
	if w.d.server == nil || w.d.core == nil {
		return nil, nil
	}
	return w.d.server.Hold()
}
