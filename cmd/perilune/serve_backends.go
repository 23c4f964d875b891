package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"perilune/engine/admin"
)

// backendMetrics gives how calls of scripts have ended, and what scripts count themselves. Names come from
// configuration and scripts alone; the values of scripts' labels are bounded in number.
func (d *daemon) backendMetrics(yield func(admin.Sample)) {
	for _, c := range d.backends.Calls() {
		of := []string{"kind", c.Kind, "name", c.Name}
		for _, r := range c.Results {
			yield(admin.Sample{Name: "perilune_backend_calls_total", Help: "Calls of scripts, by what was asked and how they ended.",
				Labels: append([]string{"result", r.Name}, of...), Value: float64(r.Count)})
		}
		if c.Breaker {
			yield(admin.Sample{Name: "perilune_backend_breaker_open", Help: "Whether a backend is left alone because it has failed too often.",
				Gauge: true, Labels: of, Value: truth(c.Open)})
		}
	}
	for _, s := range d.backends.Samples() {
		yield(admin.Sample{Name: s.Name, Help: s.Help, Gauge: s.Gauge, Labels: s.Labels, Value: s.Value})
	}
}

// backendStatus is one backend in the status.
type backendStatus struct {
	Kind    string            `json:"kind"`
	Name    string            `json:"name"`
	Calls   map[string]uint64 `json:"calls"` // by how they ended, those that did
	Breaker string            `json:"breaker,omitempty"`
}

func (d *daemon) backendStatus() (list []backendStatus) {
	for _, c := range d.backends.Calls() {
		s := backendStatus{Kind: c.Kind, Name: c.Name, Calls: map[string]uint64{}}
		for _, r := range c.Results {
			if r.Count > 0 {
				s.Calls[r.Name] = r.Count
			}
		}
		if c.Breaker {
			s.Breaker = "closed"
			if c.Open {
				s.Breaker = "open"
			}
		}
		list = append(list, s)
	}
	return list
}

func writeBackends(w io.Writer, list []backendStatus) {
	for _, s := range list {
		var ended []string
		for _, result := range slices.Sorted(maps.Keys(s.Calls)) {
			ended = append(ended, fmt.Sprintf("%d %s", s.Calls[result], result))
		}
		text := "not asked yet"
		if len(ended) > 0 {
			text = "calls: " + strings.Join(ended, ", ")
		}
		if s.Breaker == "open" {
			text += "; left alone for a while, as it has failed too often"
		}
		fmt.Fprintf(w, "%s %s: %s\n", s.Kind, s.Name, text)
	}
}
