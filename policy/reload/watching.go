package reload

import (
	"context"
	"sync"
	"time"

	"perilune/engine/config"
	"perilune/engine/nas"
	"perilune/engine/raddb"
)

// Watch reloads when files or the addresses of host names change, and reminds of what is broken, until ctx
// ends. It is called after Start.
func (r *Reloader) Watch(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { (&watch{r: r, settled: r.settled, noEvents: r.noEvents}).run(ctx) })
	all.Go(func() { r.watchAddresses(ctx) })
	all.Go(func() { r.complain(ctx) })
}

func (r *Reloader) changed() time.Duration { return r.Reload("files changed", false).Took }

func (r *Reloader) watchSettings() config.Reload {
	r.building.Lock()
	defer r.building.Unlock()
	return r.active.Config.Reload
}

func (r *Reloader) watched() watched {
	holds := r.holds()
	r.building.Lock()
	defer r.building.Unlock()
	return watchedFor(r.tried, holds)
}

// holds gives the directories whose .hold file counts.
func (r *Reloader) holds() []string {
	r.building.Lock()
	defer r.building.Unlock()
	return []string{r.o.Root, r.active.ScriptsDir}
}

// changedOnDisk gives the state of the files, and whether it is another than the last attempt read.
func (r *Reloader) changedOnDisk() (fingerprint, bool) {
	r.building.Lock()
	defer r.building.Unlock()
	now := r.eye.look(r.tried, r.o.Busy)
	return now, !now.equal(r.tried)
}

// complain repeats in the log what is broken.
func (r *Reloader) complain(ctx context.Context) {
	ticker := time.NewTicker(r.remind)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if s := r.Status(); s.Degraded != "" {
				r.log().Error("DEGRADED: "+s.Degraded, "generation", s.Generation, "errors", len(s.Last.Errors), "since", s.Last.Time)
			}
		}
	}
}

// watchAddresses looks the host names of clients up again and again.
func (r *Reloader) watchAddresses(ctx context.Context) {
	for {
		r.building.Lock()
		every, hosts := r.active.Config.Clients.Resolve, r.active.Clients.Hosts()
		r.building.Unlock()
		if r.resolved != 0 {
			every = r.resolved
		}
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			if r.moved(hosts) {
				r.readdress()
			}
		}
	}
}

// moved reports whether a host has other addresses than the generation in place knows. A name that does not
// resolve now keeps those that it has.
func (r *Reloader) moved(hosts []nas.Host) bool {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	now, _ := nas.Resolve(names, nas.Options{Resolver: r.o.Resolver, Memory: r.build.memory})
	for i, h := range now {
		if !h.Stale && nas.AddressText(h.Addrs) != nas.AddressText(hosts[i].Addrs) {
			return true
		}
	}
	return false
}

// readdress builds the active generation again, with the addresses of today. Its files are taken as they
// were: this is not the moment to load half of a change, or to end a rollback.
func (r *Reloader) readdress() Report {
	r.building.Lock()
	defer r.building.Unlock()
	kept, err := r.keep().Find(r.active.Number)
	build := func() (*Candidate, raddb.List) { return r.fromStore(kept) }
	if err != nil {
		build = r.fromDisk
	}
	r.keptFiles = err == nil
	defer func() { r.keptFiles = false }()
	return r.attempt(build, "addresses changed", false)
}
