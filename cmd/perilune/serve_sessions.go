package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"perilune/engine/acct"
	"perilune/engine/admin"
)

// sessionRoutes are the commands about sessions: who, last and zap.
func (d *daemon) sessionRoutes() []admin.Route {
	return []admin.Route{
		{Verb: "sessions", Handle: d.openSessions},
		{Verb: "history", Handle: d.pastSessions},
		{Verb: "zap", Role: admin.Change, Handle: d.zap},
	}
}

// mostShown bounds what one command gives: some ten megabytes.
const mostShown = 10_000

// sessionParams spells a filter for the socket; filterOf reads it.
func sessionParams(f acct.Filter) map[string]string {
	p := map[string]string{"user": f.User, "client": f.Client, "nas": f.NAS, "realm": f.Realm, "calling": f.Calling, "session": f.ID, "limit": strconv.Itoa(f.Limit)}
	for name, t := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !t.IsZero() {
			p[name] = t.UTC().Format(time.RFC3339)
		}
	}
	return p
}

func filterOf(p map[string]string) (f acct.Filter, err error) {
	f = acct.Filter{User: p["user"], Client: p["client"], NAS: p["nas"], Realm: p["realm"], Calling: p["calling"], ID: p["session"]}
	f.Limit, _ = strconv.Atoi(p["limit"])
	if f.Limit <= 0 || f.Limit > mostShown {
		f.Limit = mostShown
	}
	for _, t := range [...]struct {
		name string
		to   *time.Time
	}{{"since", &f.Since}, {"until", &f.Until}} {
		if text := p[t.name]; text != "" {
			if *t.to, err = time.Parse(time.RFC3339, text); err != nil {
				return f, fmt.Errorf("%s: %q is no time", t.name, text)
			}
		}
	}
	return f, nil
}

// await lets the table of sessions or the database catch up with what is recorded, unless that is slow or away.
func await(c *admin.Call, ready <-chan struct{}) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-ready:
	case <-timer.C:
	case <-c.Done():
	}
}

// openSessions streams the sessions that are open, and then how many there are.
func (d *daemon) openSessions(c *admin.Call) (any, error) {
	f, err := filterOf(c.Params)
	if err != nil {
		return nil, err
	}
	await(c, d.store.Shown())
	list := d.store.Live().Select(f)
	f.Limit = 0
	return nil, sendSessions(c, list, sessionTotals{Sessions: d.store.Live().Count(f)})
}

// pastSessions streams sessions from the database, and then their sums, if the filter is not for all.
func (d *daemon) pastSessions(c *admin.Call) (any, error) {
	f, err := filterOf(c.Params)
	if err != nil {
		return nil, err
	}
	await(c, d.store.Settled())
	list, err := d.store.Sessions(f)
	if err != nil {
		return nil, err
	}
	totals := sessionTotals{Sessions: len(list), Partial: len(list) == f.Limit}
	if narrow(f) {
		sums, err := d.store.Totals(f)
		if err != nil {
			return nil, err
		}
		totals = totalsOf(sums)
	}
	return nil, sendSessions(c, list, totals)
}

// narrow reports whether a filter chooses few sessions enough to add them all up.
func narrow(f acct.Filter) bool {
	return f.User != "" || f.NAS != "" || f.Client != "" || f.Realm != "" || f.Calling != "" || f.ID != "" || !f.Since.IsZero()
}

func sendSessions(c *admin.Call, list []acct.Session, totals sessionTotals) error {
	for i := range list {
		if err := c.Send(sessionLine{Session: shownOf(&list[i])}); err != nil {
			return err
		}
	}
	return c.Send(sessionLine{Totals: &totals})
}

// zap closes sessions by their unique ids, durably, and tells how many were open.
func (d *daemon) zap(c *admin.Call) (any, error) {
	ids := strings.Fields(c.Params["unique"])
	if len(ids) == 0 || len(ids) > mostShown {
		return nil, fmt.Errorf("%d sessions are named; expected 1 to %d", len(ids), mostShown)
	}
	closed, done := 0, make(chan error, len(ids))
	for _, id := range ids {
		if _, _, ok := acct.ParseUnique(id); !ok {
			return nil, fmt.Errorf("%q is no unique id of a session", id)
		}
	}
	for _, id := range ids {
		if d.store.Live().Count(acct.Filter{ID: id}) > 0 {
			closed++
			d.store.Zap(id, acct.CauseAdminReset, func(err error) { done <- err })
		}
	}
	var errs error
	for range closed {
		errs = errors.Join(errs, <-done)
	}
	if errs != nil {
		return nil, errs
	}
	d.log.Info("sessions were closed by command", "sessions", closed, "unique", strings.Join(ids[:min(len(ids), 10)], " "), "by", by(c))
	await(c, d.store.Shown())
	return map[string]int{"closed": closed}, nil
}
