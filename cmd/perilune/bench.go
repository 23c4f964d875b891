package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
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
	pids   processes
	beside beside

	histogram, json bool
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
	f.Var(&o.pids, "pid", "process `ID` of the server; several with commas, as of a server and its database")
	o.beside.flags(f)
	f.BoolVar(&o.histogram, "histogram", false, "draw how latencies are spread")
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
	if err := o.read(); err != nil {
		return f.wrong("%v", err)
	}
	if err := o.readSecrets(); err != nil {
		return s.fail("bench", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if o.beside.address != "" {
		return o.pair(ctx, s)
	}
	m, err := measure(ctx, o.load, o.pids)
	if err != nil {
		return s.fail("bench", err)
	}
	return o.show(s, m)
}

// read takes what the options say in words.
func (o *benchOptions) read() (err error) {
	if o.load.Expect, err = expected(o.expect); err != nil {
		return err
	}
	if o.load.Sources > 0 {
		if o.load.Source, err = netip.ParseAddr(o.source); err != nil {
			return fmt.Errorf("-source: %w", err)
		}
	}
	return o.beside.check()
}

func (o *benchOptions) readSecrets() error {
	secret, err := readSecret(o.secret)
	if err != nil {
		return err
	}
	o.load.Secret = radius.NewSecret(secret)
	o.beside.secret = o.load.Secret
	if o.beside.secretText != "" {
		secret, err = readSecret(o.beside.secretText)
		o.beside.secret = radius.NewSecret(secret)
	}
	return err
}

// measure runs the load, and reads what the server's processes used meanwhile.
func measure(ctx context.Context, l client.Load, pids processes) (*measured, error) {
	before, err := pids.usage()
	if err != nil {
		return nil, err
	}
	own := ownTime()
	result, err := l.Run(ctx)
	if err != nil {
		return nil, err
	}
	own = ownTime() - own
	after, err := pids.usage()
	if err != nil {
		return nil, fmt.Errorf("the server has ended: %w", err)
	}
	return &measured{result, before, after.minus(before), own}, nil
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
