package backend

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"perilune/policy/module"
)

// Metric implements module.Backends.
func (l *Lease) Metric(o module.MetricOptions) (module.Metric, error) {
	if err := l.sameMetric(&o); err != nil {
		return nil, err
	}
	return take(l, metricKey(&o), func() (*metric, error) { return l.pools.openMetric(o) })
}

func metricKey(o *module.MetricOptions) string {
	return fmt.Sprintf("metric %t %s %s", o.Gauge, o.Name, strings.Join(o.Labels, ","))
}

// sameMetric refuses a name that the generation uses for something else.
func (l *Lease) sameMetric(o *module.MetricOptions) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.held {
		if m, ok := c.(*metric); ok && m.o.Name == o.Name && metricKey(&m.o) != metricKey(o) {
			return fmt.Errorf("%s is opened twice, with other labels or as a counter and a gauge", o.Name)
		}
	}
	return nil
}

// A metric is one counter or gauge with its values.
type metric struct {
	pools *Pools
	o     module.MetricOptions
	order int

	mu     sync.Mutex // protects series
	series map[string]*series
}

type series struct {
	labels []string
	value  float64
}

// openMetric makes a metric. The caller holds p.mu.
func (p *Pools) openMetric(o module.MetricOptions) (*metric, error) {
	p.showing.Lock()
	defer p.showing.Unlock()
	if len(p.metrics) >= module.MaxMetrics {
		return nil, fmt.Errorf("there are %d metrics already", module.MaxMetrics)
	}
	p.opened++
	m := &metric{pools: p, o: o, order: p.opened, series: map[string]*series{}}
	if !o.Gauge && len(o.Labels) == 0 {
		m.Add(nil, 0)
	}
	p.metrics[m] = struct{}{}
	return m, nil
}

// Close implements io.Closer.
func (m *metric) Close() error {
	m.pools.showing.Lock()
	defer m.pools.showing.Unlock()
	delete(m.pools.metrics, m)
	return nil
}

// Add implements module.Metric.
func (m *metric) Add(values []string, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(values).value += n
}

// Set implements module.Metric.
func (m *metric) Set(values []string, v float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(values).value = v
}

// other stands for the values of labels beyond the bound.
const other = "other"

// of gives the series of the values; the caller holds mu.
func (m *metric) of(values []string) *series {
	for i, v := range values {
		values[i] = labelValue(v)
	}
	key := strings.Join(values, "\x00")
	s := m.series[key]
	if s == nil && len(m.series) >= module.MaxSeries {
		values = slices.Repeat([]string{other}, len(values))
		key = strings.Join(values, "\x00")
		s = m.series[key]
	}
	if s == nil {
		s = &series{labels: values}
		m.series[key] = s
	}
	return s
}

// labelValue makes a text fit for a label: UTF-8, short, without control characters.
func labelValue(text string) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > module.MaxLabelValue {
		text = strings.ToValidUTF8(text[:module.MaxLabelValue], "")
	}
	return text
}

// A Sample is one value of a script's metric. Labels alternate name and value.
type Sample struct {
	Name, Help string
	Gauge      bool
	Labels     []string
	Value      float64
}

// Samples gives all values of scripts' metrics, by name. Where an old and a new generation differ in what a name is,
// it is what it was until the old one has ended.
func (p *Pools) Samples() (list []Sample) {
	p.showing.Lock()
	shown := map[string]*metric{}
	for m := range p.metrics {
		if old := shown[m.o.Name]; old == nil || m.order < old.order {
			shown[m.o.Name] = m
		}
	}
	p.showing.Unlock()
	for _, m := range shown {
		list = append(list, m.samples()...)
	}
	slices.SortFunc(list, func(a, b Sample) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return slices.Compare(a.Labels, b.Labels)
	})
	return list
}

func (m *metric) samples() (list []Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.series {
		one := Sample{Name: m.o.Name, Help: m.o.Help, Gauge: m.o.Gauge, Value: s.value}
		for i, label := range m.o.Labels {
			one.Labels = append(one.Labels, label, s.labels[i])
		}
		list = append(list, one)
	}
	return list
}

// unshown takes the numbers of requests that are not real: they are decided again, or tried.
type unshown struct{}

// Add implements module.Metric.
func (unshown) Add([]string, float64) {}

// Set implements module.Metric.
func (unshown) Set([]string, float64) {}

// Metric implements module.Backends.
func (recalled) Metric(module.MetricOptions) (module.Metric, error) { return unshown{}, nil }

// Metric implements module.Backends.
func (refusing) Metric(module.MetricOptions) (module.Metric, error) { return unshown{}, nil }
