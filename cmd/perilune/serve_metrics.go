package main

import (
	"errors"
	"fmt"
	"runtime/metrics"
	"time"

	"perilune/engine/admin"
	"perilune/engine/server"
)

// health answers supervisors. A server that is degraded is ready: broken files must not take away the
// servers that go on with what they had. The answer says so.
func (d *daemon) health() admin.Health {
	return admin.Health{Live: d.live, Degraded: func() string { return d.reloader.Status().Degraded }, Ready: func() error {
		if err := d.unhealthy(); err != nil {
			return err
		}
		if d.server.Snapshot().Stopping {
			return errors.New("stopping")
		}
		return d.live()
	}}
}

// live reports whether all packet loops turn.
func (d *daemon) live() error {
	if stuck := d.server.Stuck(5 * time.Second); stuck > 0 {
		return fmt.Errorf("%d packet loops do not turn", stuck)
	}
	return nil
}

// metrics gives all samples. Labels come from the tables of codes, verdicts and reasons alone.
func (d *daemon) metrics(yield func(admin.Sample)) {
	snap := d.server.Snapshot()
	throttled := d.throttled()
	for i := range snap.Listeners {
		d.listenerMetrics(&snap.Listeners[i], yield)
	}
	gauge := func(name, help string, v float64) {
		yield(admin.Sample{Name: name, Help: help, Gauge: true, Value: v})
	}
	s := d.reloader.Status()
	gauge("perilune_generation", "Number of the active generation.", float64(snap.Generation))
	gauge("perilune_reload_success", "Whether the last reload succeeded.", truth(s.Last.OK))
	gauge("perilune_degraded", "Whether the files on disk are broken, so that something else is served.", truth(s.Degraded != ""))
	for _, a := range []struct {
		result string
		n      uint64
	}{{"ok", s.Reloads.OK}, {"unchanged", s.Reloads.Unchanged}, {"refused", s.Reloads.Refused}} {
		yield(admin.Sample{Name: "perilune_reloads_total", Help: "Attempts to load the files, by result.", Labels: []string{"result", a.result}, Value: float64(a.n)})
	}
	gauge("perilune_unconfirmed", "Whether the active generation is taken back unless somebody confirms it.", truth(s.Unconfirmed != nil))
	yield(admin.Sample{Name: "perilune_generations_taken_back_total", Help: "Generations that nobody has confirmed in time.", Value: float64(s.TakenBack)})
	gauge("perilune_last_reload_timestamp_seconds", "When the last attempt began.", float64(s.Last.Time.Unix()))
	gauge("perilune_waiting_requests", "Requests that wait for a backend or a costly hash.", float64(snap.Waiting))
	gauge("perilune_waiting_bytes", "Memory that these take, about.", float64(snap.WaitingBytes))
	gauge("perilune_recording_requests", "Accounting requests whose record is being written.", float64(snap.Recording))
	gauge("perilune_delayed_rejects", "Rejects held back.", float64(snap.Delayed))
	for _, who := range []struct {
		kind string
		n    int
	}{{"pair", throttled.Pairs}, {"station", throttled.Stations}, {"user", throttled.Users}} {
		yield(admin.Sample{Name: "perilune_throttled", Help: "Users at their stations, and stations, whose passwords are not looked at now; users whose rejects are held back longer.",
			Gauge: true, Labels: []string{"kind", who.kind}, Value: float64(who.n)})
	}
	unprintable, _ := d.core.Noisy()
	yield(admin.Sample{Name: "perilune_unprintable_passwords_total", Help: "Passwords that nobody types: a shared secret is probably wrong; perilune status names the clients.", Value: float64(unprintable)})
	d.accountingMetrics(yield)
	d.homeMetrics(yield)
	d.programMetrics(yield)
	d.backendMetrics(yield)
	d.recordMetrics(yield)
	goroutines, live := runtimeState()
	gauge("perilune_goroutines", "Goroutines of the process.", goroutines)
	gauge("perilune_heap_live_bytes", "Memory of the Go heap that the last collection found in use.", live)
	yield(admin.Sample{Name: "perilune_log_lines_lost_total", Help: "Log lines that found no room.", Value: float64(snap.LogLost)})
}

func (d *daemon) throttled() server.Throttled {
	g, release := d.server.Hold()
	defer release()
	if g == nil {
		return server.Throttled{}
	}
	return d.core.Throttled(g.Settings.Throttle)
}

// runtimeState gives what would grow if requests left something behind.
func runtimeState() (goroutines, live float64) {
	s := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return float64(s[0].Value.Uint64()), float64(s[1].Value.Uint64())
}

// programMetrics gives how external programs have ended.
func (d *daemon) programMetrics(yield func(admin.Sample)) {
	c := d.core.ProgramCounters()
	for _, p := range []struct {
		result string
		n      uint64
	}{{"ok", c.OK}, {"failed", c.Failed}, {"cannot-run", c.Missing}, {"timeout", c.Deadline}, {"busy", c.Busy}} {
		yield(admin.Sample{Name: "perilune_programs_total", Help: "External programs, by how they ended.", Labels: []string{"result", p.result}, Value: float64(p.n)})
	}
	yield(admin.Sample{Name: "perilune_filter_lines_total", Help: "Lines that filters were asked.", Value: float64(c.Asked)})
	yield(admin.Sample{Name: "perilune_filter_failures_total", Help: "Times that a filter broke.", Value: float64(c.Broken)})
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (d *daemon) listenerMetrics(l *server.ListenerSnapshot, yield func(admin.Sample)) {
	at := []string{"listener", l.Kind, "address", l.Addr.String()}
	count := func(name, help string, n uint64, labels ...string) {
		yield(admin.Sample{Name: name, Help: help, Labels: append(labels, at...), Value: float64(n)})
	}
	count("perilune_datagrams_total", "Datagrams received.", l.Received)
	count("perilune_kernel_drops_total", "Datagrams that the kernel dropped, as a receive buffer was full.", l.KernelDrops)
	count("perilune_kernel_shed_total", "How many of them in the lanes that the noisiest sources are steered to.", l.KernelShed)
	count("perilune_duplicates_answered_total", "Duplicates answered from the cache.", l.Resent)
	count("perilune_nameless_requests_total", "Requests in which no NAS names itself.", l.Nameless)
	count("perilune_send_errors_total", "Replies that the kernel refused.", l.SendErrors)
	for i, n := range l.Requests {
		if c := server.CountedCode(i); n > 0 || c.IsRequest() {
			count("perilune_requests_total", "Authentic requests.", n, "code", c.String())
		}
	}
	for i, n := range l.Replies {
		if c := server.CountedCode(i); n > 0 || c.IsReply() {
			count("perilune_replies_total", "Replies.", n, "code", c.String())
		}
	}
	for k := server.Accept; k <= server.Drop; k++ {
		count("perilune_verdicts_total", "Requests by what became of them.", l.Verdicts[k], "verdict", k.String())
	}
	for i, n := range l.Reasons {
		if name := server.Reason(i).String(); name != "" && i > 0 {
			count("perilune_refusals_total", "Refused packets and requests by reason.", n, "reason", name)
		}
	}
}
