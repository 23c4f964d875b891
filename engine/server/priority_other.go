//go:build !linux

package server

// lowerPriority has no portable form for one thread.
func lowerPriority() {}
