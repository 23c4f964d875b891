package admin

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health answers the two questions of a supervisor. A nil error is yes; an error's text says why not.
type Health struct {
	Live  func() error // do the loops turn
	Ready func() error // listening, with a generation, stores up

	Degraded func() string // why a server that is ready needs a person all the same; "" or a nil function: it does not
}

// A Sample is one value of a metric at the moment of a scrape. Labels alternate name and value; label
// values come from fixed tables, never from packets.
type Sample struct {
	Name, Help string
	Gauge      bool // a counter otherwise
	Labels     []string
	Value      float64
}

// Metrics gives all samples at the moment of the call.
type Metrics func(yield func(Sample))

// ListenHTTP serves /live, /ready and /metrics on addr until the result is closed.
func ListenHTTP(addr string, h Health, m Metrics) (*http.Server, net.Addr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", answer(h.Live))
	mux.HandleFunc("GET /ready", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10}
	go s.Serve(l)
	return s, l.Addr(), nil
}

// ready answers with status 200 also while the server is degraded: it serves, and says what is wrong.
func (h Health) ready(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(); err == nil && h.Degraded != nil {
		if why := h.Degraded(); why != "" {
			fmt.Fprintln(w, "degraded: "+why)
			return
		}
	}
	answer(h.Ready)(w, r)
}

func answer(ask func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := ask(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

// collector turns samples into Prometheus metrics at each scrape; nothing is kept between scrapes.
type collector struct{ samples Metrics }

// Describe sends nothing: the set of metrics depends on the server's tables (an unchecked collector).
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	c.samples(func(s Sample) {
		var names, values []string
		for i := 0; i+1 < len(s.Labels); i += 2 {
			names, values = append(names, s.Labels[i]), append(values, s.Labels[i+1])
		}
		kind := prometheus.CounterValue
		if s.Gauge {
			kind = prometheus.GaugeValue
		}
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(s.Name, s.Help, names, nil), kind, s.Value, values...)
	})
}
