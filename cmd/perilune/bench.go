package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/client"
	"perilune/engine/radius"
)

// benchOptions are the command line of bench.
type benchOptions struct {
	load   client.Load
	secret string
	expect string
	source string
	pid    int
	json   bool
}

func (o *benchOptions) flags(s streams) *flags {
	f := newFlags(s, "bench", "Measures a running server of any make: Access-Requests or accounting in a closed loop, or at a fixed rate with -rate.\n"+
		"With -pid the server's processor time for each request is measured too: the figure to trust on a noisy machine.",
		"perilune bench -server 127.0.0.1:1812 -secret testing123 -name user%07d -password pw%07d -users 100 -pid $(pidof perilune)")
	l := &o.load
	f.StringVar(&l.Address, "server", "127.0.0.1:1812", "`HOST:PORT` to ask")
	f.StringVar(&o.secret, "secret", "testing123", "shared `SECRET`, which others can see in ps; @FILE reads it from a file")
	f.DurationVar(&l.Duration, "duration", 5*time.Second, "how long to send")
	f.IntVar(&l.Sockets, "sockets", 4, "client ports")
	f.IntVar(&l.Sources, "sources", 0, "clients to play: so many source addresses from -source on, whatever the number of sockets; 0: this machine's own")
	f.StringVar(&o.source, "source", "127.16.0.0", "first of the -sources; all must be addresses of this machine, as all of 127.0.0.0/8 are on Linux")
	f.IntVar(&l.Outstanding, "outstanding", 64, "requests in flight")
	f.IntVar(&l.Rate, "rate", 0, "requests a second instead of a fixed number in flight")
	f.IntVar(&l.Users, "users", 1, "number of users")
	f.StringVar(&l.NameFormat, "name", "demo", "User-Name; %d or %07d stands for the user's number")
	f.StringVar(&l.Password, "password", "hello", "password; %d or %07d stands for the user's number")
	f.StringVar(&l.Method, "method", client.MethodPAP, "what to send: pap, chap, or acct (whole accounting sessions)")
	f.StringVar(&o.expect, "expect", "any", "the `CODE` that replies must have: accept, reject, challenge or any; others are wrong")
	f.IntVar(&l.WrongPasswords, "wrong", 0, "wrong passwords among a `THOUSAND` requests; other answers to them than reject are wrong")
	f.BoolVar(&l.Sign, "message-authenticator", false, "send Message-Authenticator")
	f.DurationVar(&l.Wait, "wait", 2*time.Second, "a request without a reply for so long is lost")
	f.IntVar(&o.pid, "pid", 0, "process `ID` of the server")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return f
}

func runBench(args []string, s streams) int {
	var o benchOptions
	f := o.flags(s)
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return f.wrong("unexpected argument %q", rest[0])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	result, used, err := o.measure(ctx)
	if err != nil {
		return s.fail("bench", err)
	}
	return showBench(s, result, used, o.json)
}

// measure runs the load and gives the processor time that the server used meanwhile.
func (o *benchOptions) measure(ctx context.Context) (*client.LoadResult, time.Duration, error) {
	secret, err := readSecret(o.secret)
	if err != nil {
		return nil, 0, err
	}
	o.load.Secret = radius.NewSecret(secret)
	if o.load.Expect, err = expected(o.expect); err != nil {
		return nil, 0, err
	}
	if o.load.Sources > 0 {
		if o.load.Source, err = netip.ParseAddr(o.source); err != nil {
			return nil, 0, fmt.Errorf("-source: %w", err)
		}
	}
	before, err := processorTime(o.pid)
	if err != nil {
		return nil, 0, err
	}
	result, err := o.load.Run(ctx)
	if err != nil {
		return nil, 0, err
	}
	after, err := processorTime(o.pid)
	if err != nil {
		return nil, 0, fmt.Errorf("the server has ended: %w", err)
	}
	return result, after - before, nil
}

// expected gives the code of -expect, 0 for any.
func expected(text string) (radius.Code, error) {
	switch text {
	case "any":
		return 0, nil
	case "accept":
		return radius.CodeAccessAccept, nil
	case "reject":
		return radius.CodeAccessReject, nil
	case "challenge":
		return radius.CodeAccessChallenge, nil
	}
	return 0, fmt.Errorf("-expect %q: expected accept, reject, challenge or any", text)
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

// benchJSON is a result as -json prints it; times are microseconds.
type benchJSON struct {
	Sent      uint64            `json:"sent"`
	Replies   map[string]uint64 `json:"replies"`
	Bad       uint64            `json:"bad"`
	Lost      uint64            `json:"lost"`
	Wrong     uint64            `json:"wrong"`
	PerSecond float64           `json:"per_second"`
	CPU       float64           `json:"cpu_us"`
	P50       int64             `json:"p50_us"`
	P99       int64             `json:"p99_us"`
	Worst     int64             `json:"worst_us"`
}

func showBench(s streams, r *client.LoadResult, used time.Duration, asJSON bool) int {
	b := benchJSON{
		Sent: r.Sent, Replies: map[string]uint64{}, Bad: r.Bad, Lost: r.Lost, Wrong: r.Wrong,
		P50: r.Quantile(0.5).Microseconds(), P99: r.Quantile(0.99).Microseconds(), Worst: r.Worst().Microseconds(),
	}
	for c, n := range r.Replies {
		b.Replies[c.String()] = n
	}
	code := exitFailed
	if n := float64(r.Answered()); n > 0 {
		code = exitOK
		b.CPU = float64(used.Nanoseconds()) / 1000 / n
		b.PerSecond = n / max(r.Took, time.Microsecond).Seconds()
	}
	if r.Wrong > 0 {
		code = exitFailed
		fmt.Fprintf(s.err, "perilune bench: %d replies have another code than they should\n", r.Wrong)
	}
	if r.Answered() == 0 {
		fmt.Fprintln(s.err, "perilune bench: nothing was answered; is the secret right, and does the server ask for -message-authenticator?")
	}
	if asJSON {
		json.NewEncoder(s.out).Encode(b)
		return code
	}
	fmt.Fprintf(s.out, "%d sent, %d answered, %d lost, %d bad; %.0f a second\n", r.Sent, r.Answered(), r.Lost, r.Bad, b.PerSecond)
	for _, name := range slices.Sorted(maps.Keys(b.Replies)) {
		fmt.Fprintf(s.out, "  %-20s %d\n", name, b.Replies[name])
	}
	fmt.Fprintf(s.out, "latency p50 %v, p99 %v, worst %v\n", r.Quantile(0.5), r.Quantile(0.99), r.Worst())
	if used > 0 {
		fmt.Fprintf(s.out, "server: %.2f µs of processor time for each request\n", b.CPU)
	}
	return code
}
