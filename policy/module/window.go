package module

import "time"

// A Window counts what happened under a key in the last span of time.
type Window interface {
	// Add adds n under the key, or the value to those that are counted apart, and gives the new count.
	Add(key string, n float64, value string) float64
	Get(key string) float64
}

// WindowOptions are those of window.open.
type WindowOptions struct {
	Span     time.Duration
	Buckets  int
	Distinct bool // different values are counted, not numbers added
}
