package module

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/policy/sandbox"
)

// A Metric is one counter or gauge at /metrics. It never waits.
type Metric interface {
	// Add adds to the value that belongs to the values of the labels, in their order.
	Add(values []string, n float64)
	Set(values []string, v float64)
}

// MetricOptions describe a metric.
type MetricOptions struct {
	Gauge      bool // a counter otherwise
	Name, Help string
	Labels     []string
}

// Bounds of metrics. MaxSeries bounds the combinations of values of one metric: more are counted together, with
// "other" for each value.
const (
	MaxMetrics    = 100
	MaxSeries     = 1000
	MaxLabelValue = 64
	maxLabels     = 6
	maxHelp       = 200
)

func metricsFunctions() []Function {
	f := func(of, name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "metrics", Of: of, Name: name, Signature: signature, Doc: doc, call: call}
	}
	return append([]Function{
		f("", "counter", "metrics.counter(name, help [, {label, …}])", "A number at /metrics that only grows; it outlives reloads.", metricOpen(false)),
		f("", "gauge", "metrics.gauge(name, help [, {label, …}])", "A number at /metrics that is set.", metricOpen(true)),
	}, append(counterMethods(), gaugeMethods()...)...)
}

func counterMethods() []Function {
	return []Function{{Module: "metrics", Of: "counter", Name: "inc", Signature: "counter:inc([n,] [{label=value}])", Doc: "Adds n, 1 if none is given.", call: counterInc}}
}

func gaugeMethods() []Function {
	return []Function{{Module: "metrics", Of: "gauge", Name: "set", Signature: "gauge:set(n [, {label=value}])", Doc: "Sets the number.", call: gaugeSet}}
}

var (
	counterMeta = methods(counterMethods(), "counter", nil)
	gaugeMeta   = methods(gaugeMethods(), "gauge", nil)
)

// metricHandle is what scripts have of a metric.
type metricHandle struct {
	Metric
	o MetricOptions
}

var (
	metricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	// taken are the beginnings of names that are the server's own, and labelsTaken the labels that Prometheus uses.
	taken       = []string{"perilune_", "go_", "process_", "promhttp_"}
	labelsTaken = []string{"le", "quantile", "job", "instance"}
)

// check refuses names that no metric may have.
func (o *MetricOptions) check() error {
	if !metricName.MatchString(o.Name) {
		return fmt.Errorf(`the name %.80q; expected letters in lower case, digits and _, like "logins_total"`, o.Name)
	}
	for _, prefix := range taken {
		if strings.HasPrefix(o.Name, prefix) {
			return fmt.Errorf("the name %q; names that begin with %s are the server's own", o.Name, prefix)
		}
	}
	if o.Help == "" || len(o.Help) > maxHelp {
		return fmt.Errorf("%s: the second argument says what it is, in %d octets at most", o.Name, maxHelp)
	}
	if len(o.Labels) > maxLabels {
		return fmt.Errorf("%s has %d labels; expected %d at most", o.Name, len(o.Labels), maxLabels)
	}
	for i, label := range o.Labels {
		if !metricName.MatchString(label) || slices.Contains(labelsTaken, label) || slices.Contains(o.Labels[:i], label) {
			return fmt.Errorf("%s: %.80q cannot be a label here; expected letters in lower case, digits and _, each name once", o.Name, label)
		}
	}
	return nil
}

func metricOpen(gauge bool) lua.LGFunction {
	what, meta := "metrics.counter", counterMeta
	if gauge {
		what, meta = "metrics.gauge", gaugeMeta
	}
	return func(l *lua.LState) int {
		o := MetricOptions{Gauge: gauge, Name: sandbox.CheckString(l, 1), Help: sandbox.CheckString(l, 2)}
		if l.Get(3) != lua.LNil {
			t := sandbox.CheckTable(l, 3)
			for i := 1; i <= t.Len(); i++ {
				o.Labels = append(o.Labels, t.RawGetInt(i).String())
			}
			if k, _ := t.Next(lua.LNumber(t.Len())); t.Len() == 0 || k != lua.LNil {
				sandbox.RaiseMisuse(l, `%s: labels are a list of names, as in {"site"}; their values are given with each number`, what)
			}
		}
		if err := o.check(); err != nil {
			sandbox.RaiseMisuse(l, "%s: %v", what, err)
		}
		m, err := backends(l, what).Metric(o)
		return opened(l, what, &metricHandle{m, o}, meta, err)
	}
}

// numbers reads the arguments of a method: a number, then the values of the labels; both may be left out.
func (h *metricHandle) numbers(l *lua.LState, preset float64) (n float64, values []string) {
	From(l).inHandler(l, "metrics")
	n, at := preset, 2
	if v, ok := l.Get(2).(lua.LNumber); ok {
		n, at = float64(v), 3
	} else if _, ok := l.Get(2).(*lua.LTable); !ok && l.GetTop() > 1 || math.IsNaN(preset) {
		sandbox.ArgError(l, 2, "number")
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		sandbox.RaiseMisuse(l, "metrics: %s: %v is no number to show", h.o.Name, n)
	}
	values, err := h.values(l, l.Get(at))
	if err != nil {
		sandbox.RaiseMisuse(l, "metrics: %s: %v", h.o.Name, err)
	}
	return n, values
}

// values gives the values of the labels in their order.
func (h *metricHandle) values(l *lua.LState, v lua.LValue) ([]string, error) {
	t, ok := v.(*lua.LTable)
	if !ok && (v != lua.LNil || len(h.o.Labels) > 0) {
		return nil, fmt.Errorf("got %s, expected the values of its labels, as in {%s=…}", shown(v), strings.Join(h.o.Labels, "=…, "))
	}
	if !ok {
		return nil, nil
	}
	values, given := make([]string, len(h.o.Labels)), 0
	err := eachPair(t, func(key string, v lua.LValue) error {
		i := slices.Index(h.o.Labels, key)
		if i < 0 {
			return fmt.Errorf("no label %q%s", key, raddb.DidYouMean(key, slices.Values(h.o.Labels)))
		}
		switch v := v.(type) {
		case lua.LString, lua.LNumber, lua.LBool:
			values[i] = From(l).blank(v.String())
		default:
			return fmt.Errorf("the label %s is %s, expected text", key, shown(v))
		}
		given++
		return nil
	})
	if err == nil && given < len(values) {
		err = fmt.Errorf("%d of its labels have no value; expected {%s=…}", len(values)-given, strings.Join(h.o.Labels, "=…, "))
	}
	return values, err
}

func counterInc(l *lua.LState) int {
	h := self[*metricHandle](l, "counter")
	n, values := h.numbers(l, 1)
	if n < 0 {
		sandbox.RaiseMisuse(l, "metrics: %s: a counter only grows; expected a gauge for what falls", h.o.Name)
	}
	h.Add(values, n)
	return 0
}

func gaugeSet(l *lua.LState) int {
	h := self[*metricHandle](l, "gauge")
	n, values := h.numbers(l, math.NaN())
	h.Set(values, n)
	return 0
}
