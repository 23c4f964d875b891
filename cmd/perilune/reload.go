package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"perilune/engine/admin"
	"perilune/engine/config"
	"perilune/policy/reload"
)

// Bounds of -shadow and -confirm.
const (
	shortestConfirm = time.Second
	longestDeploy   = 24 * time.Hour
)

func runReload(args []string, s streams) int {
	r := newRemote(s, "reload", "Makes a running server read its files again, and waits for the result. Exit code 1 if they were not put in place.\n"+
		"-shadow tries them on live requests first, beside those in place, and shows which answers would change: no backend is\n"+
		"asked and nothing is sent. They are put in place if none would, or with -yes. -confirm puts them in place for a while:\n"+
		"unless `perilune confirm` comes in time, the server goes back by itself, also after a restart.", "perilune reload -shadow 5m -confirm 10m")
	force := r.Bool("force", false, "build anew even if nothing has changed")
	shadow := r.duration("shadow", "try them for `TIME` on live requests, like 5m")
	confirm := r.duration("confirm", "take them back after `TIME`, unless confirmed")
	confirmNow := r.Bool("confirm-now", false, "confirm what is in place, as perilune confirm does")
	yes := r.Bool("yes", false, "with -shadow: put them in place whatever it finds")
	never := r.Bool("never", false, "with -shadow: do not put them in place, only tell")
	rate := r.Int("rate", 0, "with -shadow: `N` requests a second at most (default 500)")
	rest, code, ok := r.parse(args)
	switch {
	case !ok:
		return code
	case len(rest) > 0:
		return r.wrong("unexpected argument %q", rest[0])
	case *shadow == 0 && (*yes || *never || *rate != 0):
		return r.wrong("-yes, -never and -rate go with -shadow")
	case *yes && *never:
		return r.wrong("-yes and -never exclude each other")
	case *confirmNow:
		return r.confirm()
	}
	if *shadow > 0 && !r.asJSON {
		fmt.Fprintf(s.err, "the files are tried on live requests for %v; Ctrl-C breaks it off, and nothing is put in place\n", *shadow)
	}
	var report reload.Report
	params := map[string]string{
		"force": fmt.Sprint(*force), "shadow": shadow.String(), "confirm": confirm.String(), "yes": fmt.Sprint(*yes), "never": fmt.Sprint(*never), "rate": fmt.Sprint(*rate),
	}
	if err := r.do("reload", params, &report); err != nil {
		return s.fail("reload", err)
	}
	return r.showReport(report)
}

// duration is an option with a time as settings have it: 90s, 5m, 1d.
func (r *remote) duration(name, usage string) *time.Duration {
	d := new(time.Duration)
	r.Func(name, usage, func(text string) error {
		var ok bool
		if *d, ok = config.ParseDuration(text); !ok || *d < shortestConfirm || *d > longestDeploy {
			return fmt.Errorf("got %q, expected a time from %v to 1d, like 5m", text, shortestConfirm)
		}
		return nil
	})
	return d
}

// deployOf reads the parameters of a careful reload.
func deployOf(c *admin.Call) (d reload.Deploy, err error) {
	for name, to := range map[string]*time.Duration{"shadow": &d.Shadow, "confirm": &d.Confirm} {
		text := c.Params[name]
		if text == "" || text == "0s" {
			continue
		}
		if *to, err = time.ParseDuration(text); err != nil || *to < shortestConfirm || *to > longestDeploy {
			return d, fmt.Errorf("%s: got %q, expected a time from %v to %v", name, text, shortestConfirm, longestDeploy)
		}
	}
	d.Yes, d.Never = c.Params["yes"] == "true", c.Params["never"] == "true"
	if text := c.Params["rate"]; text != "" {
		if d.Rate, err = strconv.Atoi(text); err != nil || d.Rate < 0 {
			return d, fmt.Errorf("rate: got %q, expected requests a second", text)
		}
	}
	return d, nil
}

func runConfirm(args []string, s streams) int {
	r := newRemote(s, "confirm", "Keeps what `perilune reload -confirm` has put in place.", "perilune confirm")
	if rest, code, ok := r.parse(args); !ok {
		return code
	} else if len(rest) > 0 {
		return r.wrong("unexpected argument %q", rest[0])
	}
	return r.confirm()
}

func (r *remote) confirm() int {
	var u reload.Unconfirmed
	if err := r.do("confirm", nil, &u); err != nil {
		return r.s.fail("confirm", err)
	}
	if r.asJSON {
		json.NewEncoder(r.s.out).Encode(u)
	} else {
		fmt.Fprintf(r.s.out, "generation %d stays\n", u.Generation)
	}
	return exitOK
}

// confirm makes the active generation one that stays.
func (d *daemon) confirm(c *admin.Call) (any, error) {
	u, err := d.reloader.Confirm(by(c))
	if err != nil {
		return nil, err
	}
	return u, nil
}
