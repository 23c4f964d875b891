package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"perilune/engine/server"
)

func runTrace(args []string, s streams) int {
	r := newRemote(s, "trace", "Watches live requests of a running server being decided, until Ctrl-C. Secrets are blanked. In USER, NAME and VALUE\n"+
		"* stands for any characters and ? for one; a MAC fits in every notation.", "perilune trace -user demo")
	t := tracer{remote: r, vendors: map[uint32]bool{}}
	f := &t.filter
	r.StringVar(&f.User, "user", "", "only requests of `USER`, or of the station with this MAC")
	r.StringVar(&f.Client, "client", "", "only requests of the client with the `NAME`")
	attribute := r.String("attr", "", "only requests that have the attribute `NAME[=VALUE]`")
	r.StringVar(&f.Verdict, "verdict", "", "only requests with the `VERDICT`: accept, reject, challenge, discard, drop")
	r.IntVar(&f.Sample, "sample", 1, "one of `N` requests that fit")
	r.IntVar(&f.PerSecond, "rate", 10, "`N` requests a second at the most, up to 1000; the others are counted")
	r.IntVar(&t.count, "count", 0, "end after `N` requests; 0: never")
	span := r.Duration("for", 0, "end after this `DURATION`, like 30s; 0: never")
	rest, code, ok := r.parse(args)
	if !ok {
		return code
	}
	switch {
	case len(rest) > 0:
		return r.wrong("unexpected argument %q", rest[0])
	case f.Sample < 1 || f.PerSecond < 1 || f.PerSecond > maxTraceRate || t.count < 0 || *span < 0:
		return r.wrong("-sample is from 1, -rate from 1 to %d, -count and -for from 0", maxTraceRate)
	}
	f.Attribute, f.Value, _ = strings.Cut(*attribute, "=")
	return t.run(*span)
}

// tracer prints what a server sends.
type tracer struct {
	*remote
	filter  server.Filter
	count   int
	seen    int
	stop    context.CancelFunc
	vendors map[uint32]bool // whose snippets have been shown
}

func (t *tracer) run(span time.Duration) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if t.stop = stop; span > 0 {
		ctx, t.stop = context.WithTimeout(ctx, span)
		defer t.stop()
	}
	err := t.client().Stream(ctx, "trace", traceParams(&t.filter), t.show)
	if err != nil && ctx.Err() == nil {
		return t.s.fail("trace", err)
	}
	return exitOK
}

// show prints one line of the stream.
func (t *tracer) show(line json.RawMessage) error {
	var traced server.Traced
	if err := json.Unmarshal(line, &traced); err != nil {
		return err
	}
	if t.asJSON {
		if _, err := fmt.Fprintf(t.s.out, "%s\n", line); err != nil {
			return err
		}
	} else if err := t.print(&traced); err != nil {
		return err
	}
	if traced.Verdict != "" {
		t.seen++
	}
	if t.count > 0 && t.seen >= t.count {
		t.stop()
	}
	return nil
}

func (t *tracer) print(traced *server.Traced) error {
	for _, l := range []struct {
		n    uint64
		what string
	}{{traced.NotShown, "not shown"}, {traced.Unlooked, "not looked at: too many might have fitted"}} {
		if l.n == 1 {
			fmt.Fprintf(t.s.out, "… 1 request %s\n\n", l.what)
		} else if l.n > 0 {
			fmt.Fprintf(t.s.out, "… %d requests %s\n\n", l.n, l.what)
		}
	}
	if traced.Verdict == "" {
		return nil
	}
	traced.Unknown = unshown(traced.Unknown, t.vendors)
	_, err := fmt.Fprintln(t.s.out, traced)
	return err
}

// unshown gives the vendors that were not shown before, and notes that they are.
func unshown(list []server.Unknown, shown map[uint32]bool) (fresh []server.Unknown) {
	for _, u := range list {
		if !shown[u.Vendor] {
			shown[u.Vendor] = true
			fresh = append(fresh, u)
		}
	}
	return fresh
}
