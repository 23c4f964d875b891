package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// besideStart measures from the start of the process until it serves a million users, and the memory that it has then.
func besideStart(b *testing.B, k *kit) {
	file := usersFile(k.size(1_000_000))
	servers := []func() *subject{
		func() *subject { return k.ours(b, "perilune", map[string]string{"raddb/users": file}) },
		func() *subject { return freeRADIUS(b, "freeradius-s", false, peerConfig{Users: file}) },
	}
	gives, ratios := map[string][]float64{}, []float64{}
	for b.Loop() {
		var took []float64
		for _, start := range servers {
			s := start()
			used := s.used(b)
			time.Sleep(k.round) // what is given back soon is not kept
			gives[s.name+"-s"] = append(gives[s.name+"-s"], s.ready.Seconds())
			gives[s.name+"-cpu-s"] = append(gives[s.name+"-cpu-s"], used.Seconds())
			gives[s.name+"-MiB"] = append(gives[s.name+"-MiB"], s.resident(b))
			took = append(took, s.ready.Seconds())
			s.stop()
		}
		ratios = append(ratios, took[1]/took[0])
	}
	b.ReportMetric(0, "ns/op")
	for name, list := range gives {
		b.ReportMetric(median(list), name)
	}
	b.ReportMetric(median(ratios), "x-freeradius-s")
}

// besideReload has a million users, and fifty scripts with ten tests each, loaded anew in the middle of 10,000
// requests a second on one processor. FreeRADIUS reads its users again at a signal.
func besideReload(b *testing.B, k *kit) {
	users := k.size(1_000_000)
	load := askUsers(users, "-rate", "10000", "-sockets", "256", "-wait", "8s")
	file := usersFile(users)
	files := manyTests(50, 10)
	files["raddb/users"] = file + "DEFAULT Cleartext-Password := \"hello\"\n"
	ours := k.ours(b, "perilune", files, load...)
	theirs := freeRADIUS(b, "freeradius-s", false, peerConfig{Users: file}, load...)
	gives := map[string][]float64{}
	for b.Loop() {
		k.reloaded(b, ours, k.round, gives, func() {
			out, err := exec.Command("taskset", "-c", clientProcessor(), k.program, "reload", "-force", "-d", filepath.Join(ours.dir, "raddb")).CombinedOutput()
			if err != nil {
				b.Errorf("reload: %v: %s", err, out)
			}
		})
		if gives[theirs.name+"-lost"] != nil {
			continue // once says it
		}
		k.reloaded(b, theirs, 10*k.round, gives, func() {
			if out, err := exec.Command(foreignTool(b, "touch"), filepath.Join(theirs.dir, "users")).CombinedOutput(); err != nil {
				b.Errorf("touch: %v: %s", err, out)
			}
			theirs.process.Process.Signal(syscall.SIGHUP)
		})
	}
	b.ReportMetric(0, "ns/op")
	for name, list := range gives {
		b.ReportMetric(median(list), name)
	}
}

// reloaded asks a server, reloads it after a round, goes on for some time when that has returned, and notes what came
// of it.
func (k *kit) reloaded(b *testing.B, s *subject, rest time.Duration, gives map[string][]float64, reload func()) {
	k.fire(b, s, k.round/2)
	before := s.resident(b)
	var lasted time.Duration
	done := make(chan struct{})
	go func() {
		time.Sleep(k.round)
		began := time.Now()
		reload()
		lasted = time.Since(began)
		time.Sleep(rest)
		close(done)
	}()
	got := k.fireUntil(b, s, 2*time.Minute, done)
	time.Sleep(k.round)
	for name, value := range map[string]float64{
		"lost": float64(got.Lost), "wrong": float64(got.wrong(s.due)), "p99-ms": got.P99 / 1000, "worst-ms": got.Worst / 1000,
		"reload-ms": float64(lasted.Milliseconds()), "before-MiB": before, "after-MiB": s.resident(b),
	} {
		name = s.name + "-" + name
		gives[name] = append(gives[name], value)
	}
}
