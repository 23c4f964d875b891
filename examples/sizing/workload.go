package main

import (
	"errors"
	"flag"
	"slices"
	"time"
)

// A workload is what subscribers and NASes do, and what they are given to do it with.
type workload struct {
	subscribers int
	sessions    float64       // of a subscriber in a day
	online      float64       // share of the subscribers that is on in the busiest hour
	interim     time.Duration // from Interim to Interim
	perNAS      int           // subscribers of a NAS

	rate    int           // sessions that a NAS sets up in a second, at most
	window  int           // requests that a NAS has out at once, of each port
	timeout time.Duration // of a NAS, until it repeats
	tries   int           // packets for one request
	redial  time.Duration // until a subscriber tries again whose login failed, and up to as much again
	spread  time.Duration // within which lines and modems are up again after a power failure
	rtt     time.Duration // from a NAS to a node and back

	cells, cores, spare int
	busy                float64       // share of a processor that may be in use in the busiest hour
	noticed             time.Duration // until the balancer has taken a dead node out
	fallen              float64       // share of the subscribers that loses its session at once
	limited             bool          // Simultaneous-Use for everybody
	seed                uint64
}

func usual() workload {
	return workload{
		subscribers: 10_000_000, sessions: 2, online: 0.7, interim: 15 * time.Minute, perNAS: 32_000,
		rate: 200, window: 256, timeout: 3 * time.Second, tries: 3, redial: 30 * time.Second, spread: time.Minute, rtt: 10 * time.Millisecond,
		cells: 0, cores: 2, spare: 1, busy: 0.5, noticed: 5 * time.Second, fallen: 1, limited: true, seed: 1,
	}
}

func (w *workload) flags(f *flag.FlagSet) {
	f.IntVar(&w.subscribers, "subscribers", w.subscribers, "how many there are")
	f.Float64Var(&w.sessions, "sessions", w.sessions, "of a subscriber in a day")
	f.Float64Var(&w.online, "online", w.online, "`share` of the subscribers that is on in the busiest hour")
	f.DurationVar(&w.interim, "interim", w.interim, "from Interim to Interim of a session")
	f.IntVar(&w.perNAS, "nas-subscribers", w.perNAS, "subscribers of a NAS")
	f.IntVar(&w.rate, "nas-rate", w.rate, "sessions that a NAS sets up in a second")
	f.IntVar(&w.window, "nas-window", w.window, "requests that a NAS has out at once, of each port")
	f.DurationVar(&w.timeout, "timeout", w.timeout, "of a NAS, until it repeats a request")
	f.IntVar(&w.tries, "tries", w.tries, "packets that a NAS sends for one request")
	f.DurationVar(&w.redial, "redial", w.redial, "until a subscriber tries again whose login failed, and up to as much again")
	f.DurationVar(&w.spread, "spread", w.spread, "within which the lines are up again after a power failure")
	f.DurationVar(&w.rtt, "rtt", w.rtt, "from a NAS to a node and back")
	f.IntVar(&w.cells, "cells", w.cells, "groups of nodes, each with a database; 0: so many that memory holds all open sessions and the database keeps up")
	f.IntVar(&w.cores, "cores", w.cores, "processors of a node, with a loop each")
	f.IntVar(&w.spare, "spare", w.spare, "nodes of a cell that may be missing")
	f.Float64Var(&w.busy, "busy", w.busy, "`share` of a processor that may be in use in the busiest hour")
	f.DurationVar(&w.noticed, "noticed", w.noticed, "until the balancer has taken a dead node out")
	f.Float64Var(&w.fallen, "fallen", w.fallen, "`share` of the subscribers that loses its session at once")
	f.BoolVar(&w.limited, "limited", w.limited, "Simultaneous-Use for everybody: the database is asked at each login")
	f.Uint64Var(&w.seed, "seed", w.seed, "of all chance")
}

func (w *workload) check() error {
	share := func(x float64) bool { return x > 0 && x <= 1 }
	switch {
	case w.subscribers < 1 || w.subscribers > 100_000_000:
		return errors.New("-subscribers: 1 to 100000000")
	case !share(w.online) || !share(w.busy) || !share(w.fallen):
		return errors.New("a share is more than 0 and at most 1")
	case min(w.perNAS, w.rate, w.window, w.tries, w.cores) < 1 || min(w.spare, w.cells) < 0 || w.sessions <= 0 || w.cores > 256:
		return errors.New("a number is too small or too large")
	case min(w.interim, w.timeout, w.redial, w.spread, w.rtt, w.noticed) <= 0 || w.timeout > time.Minute:
		return errors.New("a duration is too short or too long")
	}
	return nil
}

// hours is how the logins of a day are spread over it: homes in the evening.
var hours = [24]float64{2, 1, 1, 1, 1, 2, 4, 6, 6, 5, 5, 5, 5, 5, 5, 6, 7, 8, 9, 10, 10, 8, 5, 3}

// loginsPerSecond gives the mean of the day and of its busiest hour.
func (w *workload) loginsPerSecond() (mean, peak float64) {
	sum := 0.0
	for _, h := range hours {
		sum += h
	}
	mean = float64(w.subscribers) * w.sessions / 86400
	return mean, mean * slices.Max(hours[:]) * float64(len(hours)) / sum
}
