package main

import (
	"fmt"
	"strconv"
	"testing"
)

// besidePorts asks from 128 ports, 10,000 times a second for twelve rounds, and ours ten times as often, too. Both have
// the configuration that they come with: FreeRADIUS keeps its replies.
func besidePorts(b *testing.B, k *kit) {
	const users = 100
	load := func(rate int) []string { return askUsers(users, "-sockets", "128", "-rate", strconv.Itoa(rate)) }
	file := usersFile(users)
	ours := k.ours(b, "perilune", map[string]string{"raddb/users": file}, load(10_000)...)
	fast := *ours
	fast.name, fast.load = "perilune-100000", load(100_000)
	theirs := freeRADIUS(b, "freeradius", true, peerConfig{Users: file, Packaged: true}, load(10_000)...)
	lost, answered := map[string]uint64{}, map[string]uint64{}
	for b.Loop() {
		for _, s := range []*subject{ours, &fast, theirs} {
			got := k.fire(b, s, 12*k.round)
			lost[s.name] += got.Lost
			answered[s.name] += got.Sent
		}
	}
	b.ReportMetric(0, "ns/op")
	for name, n := range lost {
		b.ReportMetric(float64(n), name+"-lost")
		b.ReportMetric(100*float64(n)/float64(answered[name]), name+"-lost-%")
	}
}

// besideLoops is one loop beside two that share a port, on two processors.
func besideLoops(b *testing.B, k *kit) {
	const users = 100
	load := askUsers(users, "-sockets", "64", "-outstanding", "256")
	start := func(name string, loops int) *subject {
		files := map[string]string{"raddb/users": usersFile(users), "raddb/config.toml": fmt.Sprintf("[server]\nloops = %d\n", loops)}
		return k.oursOn(b, "0,"+clientProcessor(), name, files, load...)
	}
	subjects := []*subject{start("two-loops", 2), start("one-loop", 1)}
	subjects[1].below = true
	k.turns(b, subjects...)
}
