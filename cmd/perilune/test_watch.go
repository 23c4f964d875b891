package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"perilune/engine/raddb"
	"perilune/policy/reload"
)

// again runs the tests now and after each change of what they read, until it is interrupted.
func (o *testOptions) again(s streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := reload.Follow(ctx, o.Options, func(tree *raddb.Tree) {
		if onTerminal(s) && !o.asJSON {
			fmt.Fprint(s.out, "\x1b[H\x1b[2J") // a pipe keeps what came before
		}
		o.once(s, tree)
		if !o.asJSON {
			fmt.Fprintf(s.err, "%s  waiting for changes below %s; Ctrl-C ends\n", time.Now().Format(time.TimeOnly), o.Root)
		}
	})
	if err != nil {
		fmt.Fprintf(s.err, "perilune test: %v\n", err)
		return exitFailed
	}
	return exitOK
}
