package server

import "testing"

// allocations gives how often f allocates: the least of some measurements, for goroutines that other tests left to end
// allocate meanwhile, and on a busy machine for long.
func allocations(runs int, f func()) (least float64) {
	for i := range 5 {
		n := testing.AllocsPerRun(runs, f)
		if i == 0 || n < least {
			least = n
		}
		if least == 0 {
			break
		}
	}
	return least
}
