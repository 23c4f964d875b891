package client

import (
	"math/bits"
	"time"
)

// histogram counts durations in 32 steps for each doubling: what it gives is at most a 32nd too high. Adding
// allocates nothing.
type histogram struct {
	counts [64 * 32]uint64
	total  uint64
	worst  time.Duration
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[step(uint64(d))]++
	h.total++
	h.worst = max(h.worst, d)
}

// step gives the place of n: its highest bit and the five bits behind it.
func step(n uint64) int {
	if n < 32 {
		return int(n)
	}
	high := bits.Len64(n) - 1
	return (high-4)*32 + int(n>>(high-5)&31)
}

// top gives the highest number of a step.
func top(i int) uint64 {
	if i < 32 {
		return uint64(i)
	}
	high := i/32 + 4
	return 1<<high + uint64(i%32+1)<<(high-5) - 1
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.worst = max(h.worst, o.worst)
}

// quantile gives the duration that the fraction q of what was added did not exceed; 0 of nothing.
func (h *histogram) quantile(q float64) time.Duration {
	want := uint64(q * float64(h.total))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen > want {
			return min(time.Duration(top(i)), h.worst)
		}
	}
	return h.worst
}

// buckets gives the steps that count something.
func (h *histogram) buckets() (list []Bucket) {
	for i, n := range h.counts {
		if n > 0 {
			list = append(list, Bucket{time.Duration(top(i)), n})
		}
	}
	return list
}
