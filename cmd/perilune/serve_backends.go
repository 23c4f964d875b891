package main

import "perilune/engine/admin"

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
