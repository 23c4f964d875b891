package module

import (
	"fmt"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// A Window counts what happened under a key in the last span of time. Its methods return at once.
type Window interface {
	// Add adds n under the key, or the value to those that are counted apart, and gives the new count.
	Add(key string, n float64, value string) float64
	// Get gives the count, 0 for a key that nothing was added under.
	Get(key string) float64
	// Distinct reports that different values are counted.
	Distinct() bool
}

// WindowOptions are those of window.open. A zero field means the default: 15 minutes, 15 buckets. No options at all mean
// those that the window was opened with elsewhere.
type WindowOptions struct {
	Span     time.Duration
	Buckets  int
	Distinct bool // different values are counted, not numbers added
}

// Bounds of a window.
const (
	MaxWindowBuckets = 240
	MaxDistinct      = 1024 // values of one key that are told apart
)

// counter is what window.open gives.
type counter struct{ Window }

var windowMeta = methods(windowMethods(), "window", nil)

func windowFunctions() []Function {
	return append([]Function{{Module: "window", Name: "open", Signature: "window.open(name [, {span=, buckets=, distinct=}])",
		Doc: "Counts of the last span, 15m without one, in this server. distinct counts different values instead of adding numbers.", call: windowOpen}},
		windowMethods()...)
}

func windowMethods() []Function {
	return []Function{
		{Module: "window", Of: "window", Name: "add", Signature: "window:add(key [, n or value])",
			Doc: "Adds n, 1 if none is given, or with distinct the value; gives the count.", call: windowAdd},
		{Module: "window", Of: "window", Name: "get", Signature: "window:get(key)",
			Doc: "The count of the last span.", call: windowGet},
	}
}

func windowOpen(l *lua.LState) int {
	name := sandbox.CheckString(l, 1)
	what := fmt.Sprintf("window.open(%q)", name)
	var o WindowOptions
	if l.Get(2) != lua.LNil {
		optionsOf(l, 2, what, o.take)
	}
	w, err := backends(l, what).Window(name, o)
	return opened(l, what, &counter{w}, windowMeta, err)
}

// take takes one option.
func (o *WindowOptions) take(key string, v lua.LValue) (err error) {
	switch key {
	case "span":
		o.Span, err = Duration("span", v)
	case "buckets":
		o.Buckets, err = count("buckets", v, MaxWindowBuckets)
	case "distinct":
		on, ok := v.(lua.LBool)
		if !ok {
			return fmt.Errorf("distinct: got a %s, expected true or false", v.Type())
		}
		o.Distinct = bool(on)
	default:
		return unknownOption(key, "span", "buckets", "distinct")
	}
	return err
}

// thisWindow gives the window that a method was called on, where it may be used.
func thisWindow(l *lua.LState) *counter {
	w := self[*counter](l, "window")
	From(l).inHandler(l, "window")
	return w
}

func windowAdd(l *lua.LState) int {
	w, key := thisWindow(l), keyOf(l, "window")
	if w.Distinct() {
		return pushed(l, lua.LNumber(w.Add(key, 0, sandbox.CheckString(l, 3))))
	}
	n := 1.0
	if l.Get(3) != lua.LNil {
		n = sandbox.CheckNumber(l, 3)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		sandbox.RaiseMisuse(l, "window: %v cannot be added", n)
	}
	return pushed(l, lua.LNumber(w.Add(key, n, "")))
}

func windowGet(l *lua.LState) int {
	w, key := thisWindow(l), keyOf(l, "window")
	return pushed(l, lua.LNumber(w.Get(key)))
}
