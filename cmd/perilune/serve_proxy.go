package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"perilune/engine/admin"
	"perilune/engine/config"
	"perilune/engine/proxy"
	"perilune/engine/server"
)

// openForwarder makes what sends requests on to home servers. It is configured before each generation becomes
// active, when the core is there to tell which home servers must sign.
func (d *daemon) openForwarder(c config.Proxy, busy *server.Busy) {
	d.forwarder = proxy.NewForwarder(proxy.ForwarderOptions{
		Log: d.log, Name: "perilune", From: c.From, MaxOutstanding: c.MaxOutstanding, MaxPerServer: c.MaxPerServer,
		Window: c.Window, Revival: c.Revival, Require: c.Require, Busy: busy, Poll: busy.Poll,
		Learnt: func(at netip.AddrPort) bool { return d.core.HomeSigns(at) },
		Learn:  func(at netip.AddrPort) { d.core.LearnHome(at) },
	})
	busy.Watch(d.forwarder.Wake)
	d.closers = append(d.closers, d.forwarder.Close)
}

// homeStatus is one port of one home server in the status.
type homeStatus struct {
	Server      string        `json:"server"`
	Address     string        `json:"address"`
	Kind        string        `json:"kind"`
	Health      string        `json:"health"`
	Signs       bool          `json:"message_authenticator_required"`
	Outstanding int           `json:"outstanding"`
	Sockets     int           `json:"sockets"`
	Answered    time.Time     `json:"answered"`
	Latency     time.Duration `json:"latency,omitzero"` // none measured yet: left out
	Sent        uint64        `json:"sent"`
	Resent      uint64        `json:"resent"`
	Answers     uint64        `json:"answers"`
	Timeouts    uint64        `json:"timeouts"`
	Refused     uint64        `json:"answers_refused"`
}

// homes gives the home servers that are configured or have something under way.
func (d *daemon) homes() (list []homeStatus) {
	for _, h := range d.forwarder.Homes() {
		if !h.Configured && h.Outstanding == 0 {
			continue
		}
		list = append(list, homeStatus{h.Name, h.Address.String(), h.Kind.String(), h.Health.String(), h.Signs, h.Outstanding, h.Sockets,
			h.Answered, h.Latency, h.Sent, h.Resent, h.Accepts + h.Rejects + h.Challenges + h.Responses, h.Timeouts,
			h.Malformed + h.Invalid + h.Unsigned + h.Foreign})
	}
	return list
}

func writeHomes(w io.Writer, list []homeStatus) {
	for i := range list {
		h := &list[i]
		name := h.Address
		if host, _, err := net.SplitHostPort(h.Address); err != nil || host != h.Server {
			name = h.Server + " (" + h.Address + ")"
		}
		fmt.Fprintf(w, "home server %s for %s: %s", name, h.Kind, h.Health)
		if h.Sent == 0 {
			fmt.Fprintln(w, ", not asked yet")
			continue
		}
		fmt.Fprintf(w, ", %d sent, %d answered", h.Sent, h.Answers)
		if h.Latency > 0 {
			fmt.Fprintf(w, " in %v on average", h.Latency.Round(10*time.Microsecond))
		}
		for _, part := range []struct {
			n    uint64
			what string
		}{{uint64(h.Outstanding), "out now"}, {h.Resent, "sent again"}, {h.Timeouts, "without an answer"}, {h.Refused, "answers refused"}} {
			if part.n > 0 {
				fmt.Fprintf(w, ", %d %s", part.n, part.what)
			}
		}
		fmt.Fprintln(w)
	}
}

// maxHomeLabels bounds the home servers that have metrics of their own.
const maxHomeLabels = 256

// homeMetrics gives the samples of forwarding. Labels come from the realms file alone.
func (d *daemon) homeMetrics(yield func(admin.Sample)) {
	total := d.forwarder.Counters()
	yield(admin.Sample{Name: "perilune_proxy_outstanding", Help: "Requests at home servers now.", Gauge: true, Value: float64(total.Outstanding)})
	for _, r := range []struct {
		reason string
		n      uint64
	}{{"deadline", total.Timeouts}, {"dead", total.AllDead}, {"full", total.Full}, {"loop", total.Looped}, {"unsendable", total.Unsendable}} {
		yield(admin.Sample{Name: "perilune_proxy_unsent_total", Help: "Requests that no home server was asked for.", Labels: []string{"reason", r.reason}, Value: float64(r.n)})
	}
	yield(admin.Sample{Name: "perilune_proxy_send_errors_total", Help: "Packets to home servers that the kernel refused.", Value: float64(total.SendErrors)})
	shown := 0
	for _, h := range d.forwarder.Homes() {
		if !h.Configured || shown >= maxHomeLabels {
			continue
		}
		shown++
		homeSamples(&h, yield)
	}
}

func homeSamples(h *proxy.HomeStatus, yield func(admin.Sample)) {
	at := []string{"address", h.Address.String(), "kind", h.Kind.String()}
	gauge := func(name, help string, v float64) {
		yield(admin.Sample{Name: name, Help: help, Gauge: true, Labels: at, Value: v})
	}
	gauge("perilune_home_up", "Whether a home server is asked: 1 up or reviving, 0.5 in doubt, 0 dead.", up(h.Health))
	gauge("perilune_home_outstanding", "Requests at a home server now.", float64(h.Outstanding))
	if h.Latency > 0 { // 0: no first try has been answered
		gauge("perilune_home_latency_seconds", "Moving average of the answers to first tries.", h.Latency.Seconds())
	}
	for _, c := range []struct {
		what string
		n    uint64
	}{{"sent", h.Sent}, {"resent", h.Resent}, {"accept", h.Accepts}, {"reject", h.Rejects}, {"challenge", h.Challenges}, {"response", h.Responses},
		{"timeout", h.Timeouts}, {"late", h.Late}, {"probe", h.Probes}, {"malformed", h.Malformed}, {"invalid", h.Invalid}, {"unsigned", h.Unsigned},
		{"foreign", h.Foreign}, {"unreachable", h.Unreachable}} {
		yield(admin.Sample{Name: "perilune_home_packets_total", Help: "What was sent to a home server, and what came back or did not.",
			Labels: append([]string{"event", c.what}, at...), Value: float64(c.n)})
	}
}

func up(h proxy.Health) float64 {
	switch h {
	case proxy.Down:
		return 0
	case proxy.Doubtful:
		return 0.5
	}
	return 1
}
