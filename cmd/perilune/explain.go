package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"strings"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/backend"
	"perilune/policy/reload"
)

func runExplain(args []string, s streams) int {
	r := newRemote(s, "explain [NAME=VALUE ...]", "Shows how a request would be decided by the files as they are, without a server: each phase, each hook with\n"+
		"its time and what it changed, the users entries that matched and the nearest that did not, the verdict and its reason.\n"+
		"Nothing is written, and no backend of a script is asked, but with -backends.\n"+
		"With -last it asks a running server what has just happened to a user or MAC, wrong secrets included.\n"+
		"Exit code 0: a positive answer; 1: a refusal, no answer, or an error; 2: wrong usage.",
		"perilune explain User-Name=demo User-Password=hello")
	x := explainer{remote: r}
	last := r.String("last", "", "last decisions about `USER` or MAC of the running server; \"\" is everybody: -last ''")
	n := r.Int("n", 10, "how many of the last decisions")
	r.StringVar(&x.client, "client", "", "name or `ADDRESS` of the client that asks (default: one at 127.0.0.1)")
	code := r.String("code", "auth", "auth, acct, coa or disconnect")
	scripts := r.String("scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	file := r.String("file", "", "read attributes from `FILE`, one NAME = VALUE a line; an empty line ends a request; - is standard input")
	backends := r.Bool("backends", false, "let scripts ask their servers, databases, directories and programs")
	r.Var(&x.answers, "answer", "answer a challenge with `TEXT`; repeat for more rounds")
	rest, exit, ok := r.parse(args)
	if !ok {
		return exit
	}
	if r.given("last") {
		return r.explainLast(*last, *n)
	}
	kind, ok := sendKinds[*code]
	if !ok || kind.code == radius.CodeStatusServer {
		return r.wrong("-code %q cannot be explained; expected auth, acct, coa or disconnect", *code)
	}
	requests, err := x.read(*file, rest)
	if err != nil {
		return r.s.fail("explain", err)
	}
	if len(requests) == 0 {
		return r.wrong("expected the attributes of a request, as NAME=VALUE")
	}
	x.code = kind.code
	return x.explain(reload.Options{Root: r.dir, Scripts: *scripts, State: r.state, Wrap: aside(*backends), Silent: !*backends}, requests)
}

// aside says what scripts may ask that are only looked at.
func aside(ask bool) func(backend.Backends) backend.Backends {
	if ask {
		return backend.Fresh
	}
	return func(b backend.Backends) backend.Backends {
		return backend.Refusing(b, "explain asks no backend; -backends lets it")
	}
}

// given reports whether an option stands on the command line.
func (f *flags) given(name string) bool {
	found := false
	f.Visit(func(o *flag.Flag) { found = found || o.Name == name })
	return found
}

func (r *remote) explainLast(who string, n int) int {
	var decisions []server.Decision
	if err := r.do("last", map[string]string{"who": who, "n": fmt.Sprint(n)}, &decisions); err != nil {
		return r.s.fail("explain", err)
	}
	if r.asJSON {
		json.NewEncoder(r.s.out).Encode(decisions)
		return exitOK
	}
	for _, d := range decisions {
		fmt.Fprintln(r.s.out, d)
	}
	if len(decisions) == 0 {
		fmt.Fprintf(r.s.err, "perilune explain: the server remembers nothing about %q\n", who)
		return exitFailed
	}
	return exitOK
}

// explainer takes requests through a candidate without a server.
type explainer struct {
	*remote
	c       *reload.Candidate
	offline *server.Offline
	code    radius.Code
	client  string
	answers list
}

// read gives the requests: the file's, each with what the command line says; without a file that alone. Each is a list
// of NAME=VALUE.
func (x *explainer) read(file string, texts []string) ([][]string, error) {
	if file == "" {
		if len(texts) == 0 {
			return nil, nil
		}
		return [][]string{texts}, nil
	}
	text, err := readAttributes(file, x.s.in)
	if err != nil {
		return nil, err
	}
	var requests [][]string
	var request []string
	for line := range strings.Lines(text + "\n\n") {
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		switch {
		case line == "" && len(request) > 0:
			requests, request = append(requests, append(request, texts...)), nil
		case line != "" && line[0] != '#':
			request = append(request, line)
		}
	}
	return requests, nil
}

// explain shows one request after the other. The exit code is that of the worst.
func (x *explainer) explain(o reload.Options, requests [][]string) int {
	if err := noDir(o.Root); err != nil {
		return x.s.fail("explain", err)
	}
	c, errs := reload.Build(o)
	printFindings(x.s, errs, false)
	if c == nil {
		return exitFailed
	}
	defer c.Discard()
	x.c, x.offline = c, server.NewOffline(nil)
	worst := exitOK
	for i, texts := range requests {
		if i > 0 && !x.asJSON {
			fmt.Fprintln(x.s.out)
		}
		worst = max(worst, x.one(texts))
	}
	return worst
}

// one explains a request with all its rounds.
func (x *explainer) one(texts []string) int {
	q := &server.Question{Code: x.code}
	if err := x.from(q, x.client); err != nil {
		return x.s.fail("explain", err)
	}
	for _, t := range texts {
		if clear, ok := clearCHAP(t); ok {
			q.CHAP = clear
			continue
		}
		p, err := x.c.Dictionary.ParsePair(t)
		if err != nil {
			return x.wrong("%v", err)
		}
		q.Attributes.AddShared(p)
	}
	for round := 0; ; round++ {
		out, err := x.offline.Run(x.c.Generation, q)
		if err != nil {
			return x.s.fail("explain", err)
		}
		x.show(out)
		if out.Answer != radius.CodeAccessChallenge || round >= len(x.answers) {
			if out.Answer == 0 {
				return exitFailed
			}
			return exitOf(out.Answer)
		}
		x.next(q, out, x.answers[round])
	}
}

// next makes the question of the next round.
func (x *explainer) next(q *server.Question, out *server.Outcome, answer string) {
	known := &x.c.Dictionary.Known
	q.CHAP, q.State = "", out.State
	q.Attributes.Set(known.UserPassword.AnyTag(), []byte(answer))
}

// from chooses who asks.
func (x *explainer) from(q *server.Question, client string) error {
	if client == "" {
		local := netip.MustParseAddr("127.0.0.1")
		q.Client, q.Source = x.c.Clients.Lookup(local), netip.AddrPortFrom(local, 0)
		return nil
	}
	if addr, err := netip.ParseAddr(client); err == nil {
		q.Source = netip.AddrPortFrom(addr, 0)
		if q.Client = x.c.Clients.Lookup(addr); q.Client == nil {
			return fmt.Errorf("no client has the address %v: its packets are discarded", addr)
		}
		return nil
	}
	for _, c := range x.c.Clients.All() {
		if c.Name == client {
			q.Client = c
			return nil
		}
	}
	return fmt.Errorf("no client is called %q", client)
}

func (x *explainer) show(out *server.Outcome) {
	if x.asJSON {
		json.NewEncoder(x.s.out).Encode(out.Traced())
		return
	}
	fmt.Fprint(x.s.out, out.String())
}
