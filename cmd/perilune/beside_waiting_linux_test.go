package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// besideWaiting asks 2,000 times a second, alone and while one of a hundred more waits for 200 ms in http: what is told is
// how long the ninety-ninth of a hundred takes that do not wait. The service stands beside the one who asks.
func besideWaiting(b *testing.B, k *kit) {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		b.Fatal(err)
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond)
		fmt.Fprint(w, "ok")
	}))
	defer service.Close()
	load := func(name string, rate, sockets int) []string {
		return []string{"-name", name, "-password", "hello", "-rate", fmt.Sprint(rate), "-sockets", fmt.Sprint(sockets)}
	}
	cheap := k.ours(b, "perilune", map[string]string{
		"raddb/users":      "cheap Cleartext-Password := \"hello\"\nslow Cleartext-Password := \"hello\"\n",
		"scripts/slow.lua": fmt.Sprintf(besideSlow, service.URL),
	}, load("cheap", 2000, 1)...)
	slow := *cheap
	slow.load = load("slow", 21, 8) // not in step with the others
	var client unix.CPUSet
	client.Set(min(1, runtime.NumCPU()-1))
	pin(b, os.Getpid(), &client)
	defer pin(b, os.Getpid(), &before)
	var alone, beside, ratios []float64
	for b.Loop() {
		a := k.fire(b, cheap, 4*k.round)
		ended := make(chan shot)
		go func() {
			defer close(ended) // if it fails
			ended <- k.fire(b, &slow, 5*k.round)
		}()
		time.Sleep(k.round / 2)
		w := k.fire(b, cheap, 4*k.round)
		if got := <-ended; got.Lost+a.Lost+w.Lost > 0 || got.wrong("Access-Accept")+a.wrong("Access-Accept")+w.wrong("Access-Accept") > 0 {
			b.Errorf("lost %d, %d, %d", got.Lost, a.Lost, w.Lost)
		}
		alone, beside, ratios = append(alone, a.P99), append(beside, w.P99), append(ratios, w.P99/a.P99)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(alone), "alone-p99-µs")
	b.ReportMetric(median(beside), "beside-p99-µs")
	b.ReportMetric(median(ratios), "x-alone")
}

// besideSlow waits for a service in the requests of one user.
const besideSlow = `
local service = http.open{base=%q}
on("authorize", {when={user="slow"}}, function(req)
  service:get("/")
end)
`
