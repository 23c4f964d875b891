package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"perilune/engine/acct"
	"perilune/engine/admin"
	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/policy/reload"
)

// sessionFlags are the options that choose sessions.
type sessionFlags struct {
	*remote
	f            acct.Filter
	since, until string
}

func newSessionFlags(s streams, form, about, example string, limit int) *sessionFlags {
	o := &sessionFlags{remote: newRemote(s, form, about, example)}
	o.StringVar(&o.f.User, "user", "", "sessions of `USER`: the name by which they are counted, or as the NAS has sent it")
	o.StringVar(&o.f.NAS, "nas", "", "of a NAS, by its address, its NAS-Identifier or its client's `NAME`")
	o.StringVar(&o.f.Realm, "realm", "", "of users of `REALM`")
	o.StringVar(&o.f.Client, "client", "", "of the client with the `NAME`")
	o.StringVar(&o.f.Calling, "mac", "", "of a device, by its Calling-Station-Id: a MAC `ADDRESS` in any writing, or a number")
	o.StringVar(&o.f.ID, "session", "", "with the Acct-Session-Id or the unique id `ID`")
	o.StringVar(&o.since, "since", "", "not ended before `TIME`: 2h, 7d, 2026-01-02, \"2026-01-02 15:04\"")
	o.StringVar(&o.until, "until", "", "begun before `TIME`")
	o.IntVar(&o.f.Limit, "limit", limit, "show at most `N`, the newest; 10000 at most")
	return o
}

// parseSessions reads the line: a user may stand in it without --user.
func (o *sessionFlags) parseSessions(args []string) (code int, ok bool) {
	rest, code, ok := o.parse(args)
	switch {
	case !ok:
		return code, false
	case len(rest) > 1 || len(rest) == 1 && o.f.User != "":
		return o.wrong("expected one user, got %q", strings.Join(rest, " ")), false
	case len(rest) == 1:
		o.f.User = rest[0]
	case o.f.Limit < 1 || o.f.Limit > mostShown:
		return o.wrong("-limit %d: expected 1 to %d", o.f.Limit, mostShown), false
	}
	now := time.Now()
	for _, t := range [...]struct {
		option, text string
		to           *time.Time
	}{{"since", o.since, &o.f.Since}, {"until", o.until, &o.f.Until}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.to, err = moment(t.text, now); err != nil {
			return o.wrong("-%s %v", t.option, err), false
		}
	}
	return exitOK, true
}

// moment reads a time as people write it: how long ago, a day, or a day and a time of it, of this machine's zone.
func moment(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range [...]string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: expected how long ago, like 90m or 7d, or a time, like 2026-01-02 or \"2026-01-02 15:04\"", text)
}

func runWho(args []string, s streams) int {
	o := newSessionFlags(s, "who [USER]", "Shows who is on: the open sessions, the newest first. Without a running server it looks into the database.\n"+
		"Exit code 1 if nobody is.", "perilune who --nas vpn-1 --since 2h", 1000)
	return o.list(args, "who", false)
}

func runLast(args []string, s streams) int {
	o := newSessionFlags(s, "last [USER]", "Shows sessions, the newest first: when, how often and how long users were on.\n"+
		"Where something is chosen, the sums below are over all that match. Exit code 1 if there are none.", "perilune last bob --since 30d", 50)
	return o.list(args, "last", true)
}

func (o *sessionFlags) list(args []string, command string, history bool) int {
	if code, ok := o.parseSessions(args); !ok {
		return code
	}
	table := &sessionTable{w: o.s.out, json: o.asJSON, history: history, narrow: breaks(o.s.out), now: time.Now()}
	err := o.ask(table)
	if errors.Is(err, admin.ErrNoServer) {
		err = o.look(table, err)
	}
	if err != nil {
		return o.s.fail(command, err)
	}
	table.sum()
	return exitOK
}

// ask shows what a running server tells.
func (o *sessionFlags) ask(table *sessionTable) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	verb := "sessions"
	if table.history {
		verb = "history"
	}
	return o.client().Stream(ctx, verb, sessionParams(o.f), func(raw json.RawMessage) error {
		var l sessionLine
		if err := json.Unmarshal(raw, &l); err != nil {
			return err
		}
		return table.line(l)
	})
}

// database gives what the server that was asked keeps its sessions in.
func (r *remote) database() (string, error) {
	var errs raddb.List
	c := config.Load(raddb.Open(r.dir), &errs)
	if err := errs.Err(); err != nil {
		return "", err
	}
	_, database := accountingPlace(c.Acct, reload.StateDir(c, r.dir, r.state), func(name string) string { return reload.InTree(r.dir, name) })
	return database, nil
}

// look shows what the database of a server that does not run has.
func (o *sessionFlags) look(table *sessionTable, why error) error {
	path, err := o.database()
	if err != nil {
		return errors.Join(why, err)
	}
	reader, err := acct.OpenReader(path)
	if err != nil {
		return fmt.Errorf("%w; and its database cannot be read: %v", why, err)
	}
	defer reader.Close()
	list, err := reader.Sessions(o.f, table.history)
	if err != nil {
		return fmt.Errorf("%w; and its database cannot be read: %v", why, err)
	}
	fmt.Fprintln(o.s.err, "no server answers: this is what its database has")
	for i := range list {
		if err := table.line(sessionLine{Session: shownOf(&list[i])}); err != nil {
			return err
		}
	}
	totals := sessionTotals{Sessions: len(list), Partial: len(list) == o.f.Limit}
	if table.history && narrow(o.f) {
		sums, err := reader.Totals(o.f)
		if err != nil {
			return err
		}
		totals = totalsOf(sums)
	}
	return table.line(sessionLine{Totals: &totals})
}
