package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

func runZap(args []string, s streams) int {
	o := newSessionFlags(s, "zap [USER]", "Closes open sessions that are gone in truth, in accounting and for Simultaneous-Use, as Admin-Reset. The NAS is not\n"+
		"told: `perilune kick` puts a user off. What matches is shown first; several need a yes, or --all.", "perilune zap bob --session 4A3F", mostShown)
	all := o.Bool("all", false, "close all that match without asking")
	if code, ok := o.parseSessions(args); !ok {
		return code
	}
	if !narrow(o.f) && o.f.Until.IsZero() && !*all {
		return o.wrong("say which: a user, --session, --nas, …; or --all")
	}
	var ids []string
	table := &sessionTable{w: s.out, json: o.asJSON, narrow: breaks(s.out), now: time.Now(), each: func(l *shownSession) { ids = append(ids, l.Unique) }}
	if err := o.ask(table); err != nil {
		return s.fail("zap", err)
	}
	switch {
	case len(ids) == 0:
		return s.fail("zap", fmt.Errorf("no open session matches"))
	case len(ids) > 1 && !*all && !o.agreed(len(ids)):
		return s.fail("zap", fmt.Errorf("%d open sessions match and none was closed; name one by --session, or say --all", len(ids)))
	}
	var done struct{ Closed int }
	if err := o.do("zap", map[string]string{"unique": strings.Join(ids, " ")}, &done); err != nil {
		return s.fail("zap", err)
	}
	if !o.asJSON {
		fmt.Fprintf(s.out, "closed: %d\n", done.Closed)
	}
	if done.Closed < len(ids) {
		fmt.Fprintf(s.err, "%d have ended meanwhile\n", len(ids)-done.Closed)
	}
	return exitOK
}

// agreed asks a person, if there is one.
func (o *sessionFlags) agreed(n int) bool {
	if f, ok := o.s.in.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	fmt.Fprintf(o.s.err, "close all %d? [y/N] ", n)
	line, _ := bufio.NewReader(o.s.in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
