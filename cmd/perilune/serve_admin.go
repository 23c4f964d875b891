package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"perilune/engine/admin"
	"perilune/engine/server"
	"perilune/policy/reload"
)

// routes are the commands that a running server takes on its admin socket.
func (d *daemon) routes() []admin.Route {
	return append([]admin.Route{
		{Verb: "status", Handle: func(*admin.Call) (any, error) { return d.status(), nil }},
		{Verb: "generations", Handle: func(*admin.Call) (any, error) { return d.reloader.Generations(), nil }},
		{Verb: "last", Handle: d.lastDecisions},
		{Verb: "trace", Handle: d.trace},
		{Verb: "reload", Role: admin.Change, Handle: d.reload},
		{Verb: "rollback", Role: admin.Change, Handle: d.rollback},
		{Verb: "confirm", Role: admin.Change, Handle: d.confirm},
		{Verb: "wipe", Role: admin.Change, Handle: d.wipe},
		{Verb: "forget", Role: admin.Change, Handle: d.forget},
		{Verb: "kick", Role: admin.Change, Handle: d.kick},
	}, d.sessionRoutes()...)
}

// by names the peer of a call for log and history.
func by(c *admin.Call) string { return fmt.Sprintf("by uid %d", c.Peer.UID) }

func (d *daemon) reload(c *admin.Call) (any, error) {
	force := c.Params["force"] == "true"
	o, err := deployOf(c)
	if err != nil {
		return nil, err
	}
	if o.Shadow == 0 && o.Confirm == 0 {
		return d.reloader.Reload("command "+by(c), force), nil
	}
	o.Trigger, o.Force, o.Core = "command "+by(c), force, d.core
	return d.reloader.Deploy(c, o), nil
}

func (d *daemon) rollback(c *admin.Call) (any, error) {
	number, err := strconv.ParseUint(c.Params["generation"], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no number of a generation", c.Params["generation"])
	}
	report, err := d.reloader.Rollback(number, by(c))
	if err != nil {
		return nil, err
	}
	return report, nil
}

// wipe forgets the generations that are kept, but for the active one.
func (d *daemon) wipe(*admin.Call) (any, error) {
	if err := d.reloader.Wipe(); err != nil {
		return nil, err
	}
	return d.reloader.Generations(), nil
}

// forget makes the server unlearn that a source sends Message-Authenticator, or all failed logins.
func (d *daemon) forget(c *admin.Call) (any, error) {
	if c.Params["address"] == forgetFailures {
		d.core.ForgetFailures(by(c))
		return map[string]string{"forgotten": forgetFailures}, nil
	}
	addr, err := netip.ParseAddr(c.Params["address"])
	if err != nil {
		return nil, err
	}
	if !d.core.Forget(addr, by(c)) {
		return nil, fmt.Errorf("nothing was learnt of %v", addr)
	}
	return map[string]string{"forgotten": addr.String()}, nil
}

func (d *daemon) lastDecisions(c *admin.Call) (any, error) {
	n, err := strconv.Atoi(c.Params["n"])
	if err != nil || n < 1 {
		n = 10
	}
	return d.core.Recent(c.Params["who"], n), nil
}

// statusReport is what `perilune status` shows.
type statusReport struct {
	Version     string           `json:"version"`
	Uptime      time.Duration    `json:"uptime"`
	Dir         string           `json:"dir"`
	Reload      reload.Status    `json:"reload"`
	Clients     int              `json:"clients"`
	Users       int              `json:"users"`
	Counters    map[string]any   `json:"counters"`
	Listen      []listenerStatus `json:"listeners"`
	Learnt      []server.Learnt  `json:"message_authenticator_required"`
	Homes       []homeStatus     `json:"home_servers"`
	LearntHomes []server.Learnt  `json:"home_message_authenticator_required"`
	Throttle    server.Throttled `json:"throttled"`
	Acct        accountingStatus `json:"accounting"`
	Record      *recordStatus    `json:"record,omitempty"`
	Backends    []backendStatus  `json:"backends,omitempty"`
	Noise       uint64           `json:"unprintable_passwords"`
	Noisy       []server.Noisy   `json:"unprintable_passwords_by_client"`
}

type listenerStatus struct {
	Kind          string `json:"kind"`
	Address       string `json:"address"`
	Loops         int    `json:"loops"`
	ReceiveBuffer int    `json:"receive_buffer"`
	Received      uint64 `json:"received"`
	KernelDrops   uint64 `json:"kernel_drops"`
}

func (d *daemon) status() statusReport {
	snap := d.server.Snapshot()
	r := statusReport{Version: version(), Uptime: time.Since(d.began), Dir: d.o.dir, Reload: d.reloader.Status(), Learnt: d.core.Learnt(), Counters: counted(&snap)}
	r.Noise, r.Noisy = d.core.Noisy()
	r.Homes, r.LearntHomes = d.homes(), d.core.LearntHomes()
	r.Acct = d.accountingStatus()
	r.Record = d.recordStatus()
	r.Backends = d.backendStatus()
	if g, release := d.server.Hold(); g != nil {
		r.Clients, r.Users = g.Clients.Len(), g.Users.Len()
		r.Throttle = d.core.Throttled(g.Settings.Throttle)
		release()
	}
	for _, l := range snap.Listeners {
		r.Listen = append(r.Listen, listenerStatus{l.Kind, l.Addr.String(), l.Loops, l.ReceiveBuffer, l.Received, l.KernelDrops})
	}
	return r
}

// counted gives the counters that are not zero, by the names of log and metrics.
func counted(snap *server.Snapshot) map[string]any {
	total := snap.Total()
	m := map[string]any{"waiting": snap.Waiting, "recording": snap.Recording, "forwarded": snap.Forwarded, "delayed_rejects": snap.Delayed, "log_lines_lost": snap.LogLost, "duplicates_answered": total.Resent}
	byName := func(name string, n int, at func(int) (string, uint64)) {
		values := map[string]uint64{}
		for i := range n {
			if what, v := at(i); v > 0 {
				values[what] = v
			}
		}
		m[name] = values
	}
	byName("requests", server.NumCodes, func(i int) (string, uint64) { return server.CountedCode(i).String(), total.Requests[i] })
	byName("verdicts", len(total.Verdicts), func(i int) (string, uint64) { return server.Kind(i).String(), total.Verdicts[i] })
	byName("reasons", int(server.NumReasons), func(i int) (string, uint64) { return server.Reason(i).String(), total.Reasons[i] })
	return m
}
