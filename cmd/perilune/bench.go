package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"perilune/engine/client"
	"perilune/engine/radius"
)

func runBench(args []string, s streams) int {
	l := client.Load{}
	var secret string
	var pid int
	var asJSON bool
	f := newFlags(s, "bench", "Measures a running server of any make: Access-Requests by PAP in a closed loop, or at a fixed rate with -rate.\n"+
		"With -pid the server's processor time for each request is measured too: the figure to trust on a noisy machine.",
		"perilune bench -server 127.0.0.1:1812 -secret testing123 -name user%07d -password pw%07d -users 100 -pid $(pidof perilune)")
	f.StringVar(&l.Address, "server", "127.0.0.1:1812", "`HOST:PORT` to ask")
	f.StringVar(&secret, "secret", "testing123", "shared `SECRET`; @FILE reads it from a file")
	f.DurationVar(&l.Duration, "duration", 5*time.Second, "how long to send")
	f.IntVar(&l.Sockets, "sockets", 4, "client ports")
	f.IntVar(&l.Outstanding, "outstanding", 64, "requests in flight")
	f.IntVar(&l.Rate, "rate", 0, "requests a second instead of a fixed number in flight")
	f.IntVar(&l.Users, "users", 1, "number of users")
	f.StringVar(&l.NameFormat, "name", "demo", "User-Name; %d stands for the user's number")
	f.StringVar(&l.Password, "password", "hello", "password; %d stands for the user's number")
	f.BoolVar(&l.Sign, "message-authenticator", false, "send Message-Authenticator")
	f.DurationVar(&l.Wait, "wait", 2*time.Second, "a request without a reply for so long is lost")
	f.IntVar(&pid, "pid", 0, "process `ID` of the server")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return f.wrong("unexpected argument %q", rest[0])
	}
	secret, err := readSecret(secret)
	if err != nil {
		return s.fail("bench", err)
	}
	l.Secret = radius.NewSecret(secret)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	before, err := processorTime(pid)
	if err != nil {
		return s.fail("bench", err)
	}
	result, err := l.Run(ctx)
	if err != nil {
		return s.fail("bench", err)
	}
	after, _ := processorTime(pid)
	return showBench(s, result, after-before, asJSON)
}

// readSecret takes @FILE for the secret in a file.
func readSecret(text string) (string, error) {
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	b, err := os.ReadFile(name)
	return strings.TrimRight(string(b), "\r\n"), err
}

// processorTime gives what a process has used so far, user and system together; 0 without a process.
func processorTime(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields; expected 13 or more", pid, len(fields))
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	return time.Duration(user+system) * tick, err
}

func showBench(s streams, r *client.LoadResult, used time.Duration, asJSON bool) int {
	code := exitOK
	if r.Answered() == 0 {
		code = exitFailed
	}
	perRequest := 0.0
	if r.Answered() > 0 {
		perRequest = float64(used.Nanoseconds()) / 1000 / float64(r.Answered())
	}
	replies := map[string]uint64{}
	for c, n := range r.Replies {
		replies[c.String()] = n
	}
	rate := float64(r.Answered()) / r.Took.Seconds()
	if asJSON {
		json.NewEncoder(s.out).Encode(map[string]any{
			"sent": r.Sent, "replies": replies, "bad": r.Bad, "lost": r.Lost, "per_second": rate, "cpu_us": perRequest,
			"p50_us": r.Quantile(0.5).Microseconds(), "p99_us": r.Quantile(0.99).Microseconds(), "worst_us": r.Worst().Microseconds(),
		})
		return code
	}
	fmt.Fprintf(s.out, "%d sent, %d answered, %d lost, %d bad; %.0f a second\n", r.Sent, r.Answered(), r.Lost, r.Bad, rate)
	for name, n := range replies {
		fmt.Fprintf(s.out, "  %-20s %d\n", name, n)
	}
	fmt.Fprintf(s.out, "latency p50 %v, p99 %v, worst %v\n", r.Quantile(0.5), r.Quantile(0.99), r.Worst())
	if used > 0 {
		fmt.Fprintf(s.out, "server: %.2f µs of processor time for each request\n", perRequest)
	}
	return code
}
