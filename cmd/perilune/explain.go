package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/reload"
)

func runExplain(args []string, s streams) int {
	r := newRemote(s, "explain [NAME=VALUE ...]", "Shows how a request would be decided by the files as they are, without a server: each phase, each hook with\n"+
		"what it changed, the users entries that matched and those that did not, the verdict and its reason.\n"+
		"With -last it asks a running server what has just happened to a user or MAC, wrong secrets included.",
		"perilune explain User-Name=demo User-Password=hello")
	last := r.String("last", "", "last decisions about `USER` or MAC of the running server; \"\" is everybody: -last ''")
	n := r.Int("n", 10, "how many of the last decisions")
	client := r.String("client", "", "name or `ADDRESS` of the client that asks (default: one at 127.0.0.1)")
	code := r.String("code", "auth", "auth, acct, coa or disconnect")
	scripts := r.String("scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	var answers list
	r.Var(&answers, "answer", "answer a challenge with `TEXT`; repeat for more rounds")
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
	if len(rest) == 0 {
		return r.wrong("expected the attributes of a request, as NAME=VALUE")
	}
	c, errs := reload.Build(reload.Options{Root: r.dir, Scripts: *scripts})
	printFindings(s, errs, false)
	if c == nil {
		return exitFailed
	}
	defer c.Discard()
	x := explainer{remote: r, c: c, offline: server.NewOffline(nil), answers: answers}
	return x.run(kind.code, *client, rest)
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

// explainer takes a request through a candidate without a server.
type explainer struct {
	*remote
	c       *reload.Candidate
	offline *server.Offline
	answers list
}

func (x *explainer) run(code radius.Code, client string, texts []string) int {
	q := &server.Question{Code: code}
	if err := x.from(q, client); err != nil {
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
		q.Client = x.c.Clients.Lookup(netip.MustParseAddr("127.0.0.1"))
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
		reply := []string{}
		for i := range out.Reply.Pairs {
			reply = append(reply, string(out.Reply.Pairs[i].AppendText(nil, true)))
		}
		json.NewEncoder(x.s.out).Encode(struct {
			server.Decision
			Steps []server.TraceStep `json:"steps"`
			Reply []string           `json:"reply"`
		}{out.Decision, out.Trace.Steps(), reply})
		return
	}
	fmt.Fprint(x.s.out, out.String())
}
