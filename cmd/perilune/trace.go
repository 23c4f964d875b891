package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"perilune/engine/server"
)

func runTrace(args []string, s streams) int {
	r := newRemote(s, "trace", "Watches live requests of a running server being decided, until Ctrl-C. Secrets are blanked.", "perilune trace -user demo")
	var f server.Filter
	r.StringVar(&f.User, "user", "", "only requests of `USER`")
	r.StringVar(&f.Client, "client", "", "only requests of the client with the `NAME`")
	r.StringVar(&f.Attribute, "attr", "", "only requests that have the attribute `NAME[=VALUE]`")
	count := r.Int("count", 0, "end after `N` requests; 0: never")
	rest, code, ok := r.parse(args)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return r.wrong("unexpected argument %q", rest[0])
	}
	f.Attribute, f.Value, _ = strings.Cut(f.Attribute, "=")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	seen := 0
	err := r.client().Stream(ctx, "trace", map[string]string{"user": f.User, "client": f.Client, "attr": f.Attribute, "value": f.Value},
		func(line json.RawMessage) error {
			if err := r.showTrace(line); err != nil {
				return err
			}
			if seen++; seen == *count {
				stop()
			}
			return nil
		})
	if err != nil && ctx.Err() == nil {
		return s.fail("trace", err)
	}
	return exitOK
}

func (r *remote) showTrace(line json.RawMessage) error {
	if r.asJSON {
		_, err := fmt.Fprintf(r.s.out, "%s\n", line)
		return err
	}
	var t server.Traced
	if err := json.Unmarshal(line, &t); err != nil {
		return err
	}
	_, err := fmt.Fprintln(r.s.out, t.String())
	return err
}
