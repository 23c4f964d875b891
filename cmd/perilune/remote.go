package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"perilune/engine/admin"
	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/reload"
)

// remote is a command that asks a running server.
type remote struct {
	*flags
	dir, state, socket string
	asJSON             bool
	s                  streams
}

func newRemote(s streams, form, about, example string) *remote {
	r := &remote{flags: newFlags(s, form, about, example), s: s}
	r.StringVar(&r.dir, "d", defaultDir(), "configuration `DIR` of the server")
	r.StringVar(&r.state, "state", "", "state `DIR` of the server, if it was started with -state")
	r.StringVar(&r.socket, "socket", "", "admin socket `PATH`, if not the configuration's")
	r.BoolVar(&r.asJSON, "json", false, "print JSON")
	return r
}

// client finds the server's socket by the same rules as the server.
func (r *remote) client() *admin.Client {
	if r.socket != "" {
		return admin.Dial(r.socket)
	}
	var errs raddb.List // what is wrong with the file does not matter here
	c := config.Load(raddb.Open(r.dir), &errs)
	return admin.Dial(reload.AdminSocket(c, r.dir, r.state))
}

// do sends one command and reads its result into out.
func (r *remote) do(verb string, params map[string]string, out any) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return r.client().Do(ctx, verb, params, out)
}

func runRollback(args []string, s streams) int {
	r := newRemote(s, "rollback NUMBER", "Puts a generation that is kept in place again. The files stay as they are: the next change of them is loaded.", "perilune rollback 12")
	rest, code, ok := r.parse(args)
	if !ok {
		return code
	}
	if len(rest) != 1 {
		return r.wrong("expected the number of a generation; `perilune generations` lists them")
	}
	var report reload.Report
	if err := r.do("rollback", map[string]string{"generation": rest[0]}, &report); err != nil {
		return s.fail("rollback", err)
	}
	return r.showReport(report)
}

func (r *remote) showReport(p reload.Report) int {
	if r.asJSON {
		json.NewEncoder(r.s.out).Encode(p)
	} else {
		writeReport(r.s, p)
	}
	if !p.OK {
		return exitFailed
	}
	return exitOK
}

func writeReport(s streams, p reload.Report) {
	if p.Shadow != nil {
		p.Shadow.Write(s.out)
		fmt.Fprintln(s.out)
	}
	for _, w := range p.Warnings {
		fmt.Fprintln(s.err, w)
	}
	for _, e := range p.Errors {
		fmt.Fprintln(s.err, e)
	}
	took := p.Took.Round(time.Millisecond)
	switch {
	case !p.OK:
		fmt.Fprintf(s.err, "refused: generation %d serves on (%d errors, %v)\n", p.From, len(p.Errors), took)
	case p.Unchanged:
		fmt.Fprintf(s.out, "nothing has changed: generation %d serves on (%d tests, %v)\n", p.From, p.Tests, took)
	default:
		fmt.Fprintf(s.out, "generation %d → %d in %v, %d tests passed\n", p.From, p.To, took, p.Tests)
		for _, c := range p.Changes {
			fmt.Fprintf(s.out, "  %s\n", c)
		}
	}
	if p.Unconfirmed != nil {
		fmt.Fprintf(s.out, "%v, unless `perilune confirm` comes first\n", p.Unconfirmed)
	}
}

func runGenerations(args []string, s streams) int {
	r := newRemote(s, "generations", "Lists the generations that the server keeps, newest first.\n"+
		"-wipe makes it forget all but the active one: their files, and the secrets in them, are removed.", "perilune generations")
	wipe := r.Bool("wipe", false, "forget all but the active one")
	if rest, code, ok := r.parse(args); !ok {
		return code
	} else if len(rest) > 0 {
		return r.wrong("unexpected argument %q", rest[0])
	}
	var list []reload.Manifest
	verb := "generations"
	if *wipe {
		verb = "wipe"
	}
	if err := r.do(verb, nil, &list); err != nil {
		return s.fail("generations", err)
	}
	if r.asJSON {
		json.NewEncoder(s.out).Encode(list)
		return exitOK
	}
	w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tTIME\tFILES\tHASH\tTRIGGER")
	for _, m := range list {
		fmt.Fprintf(w, "%d\t%s\t%d\t%.12s\t%s\n", m.Number, m.Time.Local().Format(time.DateTime), len(m.Files), m.Hash, m.Trigger)
	}
	w.Flush()
	return exitOK
}

// forgetFailures stands for all failed logins in the place of an address.
const forgetFailures = "failures"

func runStatus(args []string, s streams) int {
	r := newRemote(s, "status", "Shows what a running server does: generation, last reload, counters, and which sources must sign.\n"+
		"-forget ADDRESS makes it unlearn that a client or home server sends Message-Authenticator, -forget failures all wrong passwords.", "perilune status")
	forget := r.String("forget", "", "unlearn `ADDRESS`, or failures: who has sent wrong passwords")
	if rest, code, ok := r.parse(args); !ok {
		return code
	} else if len(rest) > 0 {
		return r.wrong("unexpected argument %q", rest[0])
	}
	if *forget != "" {
		if err := r.do("forget", map[string]string{"address": *forget}, nil); err != nil {
			return s.fail("status", err)
		}
		if *forget == forgetFailures {
			fmt.Fprintln(s.out, "nobody is throttled any more")
			return exitOK
		}
		fmt.Fprintf(s.out, "Message-Authenticator is not required from %s any more\n", *forget)
		return exitOK
	}
	var report statusReport
	if err := r.do("status", nil, &report); err != nil {
		return s.fail("status", err)
	}
	if r.asJSON {
		json.NewEncoder(s.out).Encode(report)
	} else {
		report.write(s.out)
	}
	if report.Reload.Degraded != "" {
		return exitFailed
	}
	return exitOK
}

func (p *statusReport) write(w io.Writer) {
	fmt.Fprintf(w, "perilune %s, up %v, configuration %s\n", p.Version, p.Uptime.Round(time.Second), p.Dir)
	fmt.Fprintf(w, "generation %d, %.12s: %d clients, %d users\n", p.Reload.Generation, p.Reload.Hash, p.Clients, p.Users)
	if p.Reload.Degraded != "" {
		fmt.Fprintf(w, "DEGRADED: %s\n", p.Reload.Degraded)
		for _, e := range p.Reload.Last.Errors {
			fmt.Fprintf(w, "  %s\n", e)
		}
	}
	if u := p.Reload.Unconfirmed; u != nil {
		fmt.Fprintf(w, "UNCONFIRMED: %v; `perilune confirm` keeps it\n", u)
	}
	if p.Reload.RolledBack != 0 {
		fmt.Fprintf(w, "rolled back to generation %d: the files on disk wait for their next change\n", p.Reload.RolledBack)
	}
	for _, l := range p.Listen {
		fmt.Fprintf(w, "listens on %s for %s: %d datagrams, %d dropped by the kernel\n", l.Address, l.Kind, l.Received, l.KernelDrops)
	}
	p.Acct.write(w)
	if r := p.Record; r != nil {
		fmt.Fprintf(w, "recorded in %s: %d requests, %d lost for want of room, %d could not be written\n", r.File, r.Written, r.Lost, r.Failed)
	}
	for _, name := range []string{"requests", "verdicts", "reasons"} {
		fmt.Fprintf(w, "%s: %s\n", name, inWords(p.Counters[name]))
	}
	if t := p.Throttle; t != (server.Throttled{}) {
		fmt.Fprintf(w, "throttled for wrong passwords: %d users at their stations, %d stations; %d users are answered later\n", t.Pairs, t.Stations, t.Users)
	}
	for _, n := range p.Noisy {
		fmt.Fprintf(w, "unprintable passwords from client %s: %d, the last at %s; its shared secret is probably wrong\n", n.Client, n.Passwords, n.Last.Local().Format(time.DateTime))
	}
	writeHomes(w, p.Homes)
	writeBackends(w, p.Backends)
	for _, l := range p.LearntHomes {
		fmt.Fprintf(w, "Message-Authenticator required from home server %v since %s\n", l.Address, l.At.Local().Format(time.DateTime))
	}
	for _, l := range p.Learnt {
		fmt.Fprintf(w, "Message-Authenticator required from %v since %s\n", l.Address, l.At.Local().Format(time.DateTime))
	}
}

func inWords(counts any) string {
	m, _ := counts.(map[string]any)
	var words []string
	for name, n := range m {
		words = append(words, fmt.Sprintf("%s %v", name, n))
	}
	sort.Strings(words)
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
