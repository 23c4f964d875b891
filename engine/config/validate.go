package config

import (
	"net/netip"
	"strings"
	"time"
)

// validate checks what one key alone cannot tell.
func (r *reader) validate() {
	c := r.config
	r.listeners()
	for _, a := range c.HTTP.Listen {
		if !a.Addr().IsLoopback() {
			r.errs.Warnf(c.Place("http.listen"), "http.listen has %s, which is not loopback: anybody who reaches it can read the metrics", a)
		}
	}
	if c.Server.RejectDelay >= c.Server.AccessDeadline {
		r.errs.Warnf(c.Place("server.reject-delay"), "server.reject-delay (%s) is not below server.access-deadline (%s): a NAS will ask again before it hears of a reject",
			durationText(c.Server.RejectDelay), durationText(c.Server.AccessDeadline))
	}
	if c.Server.DuplicateKeep < 5*time.Second {
		r.errs.Warnf(c.Place("server.duplicate-keep"), "server.duplicate-keep is %s; RFC 5080 s2.2.2 wants 5s to 30s: what a NAS repeats later than that is worked on anew",
			durationText(c.Server.DuplicateKeep))
	}
	if c.Reload.Longest < c.Reload.Quiet {
		r.errs.Errorf(c.Place("reload.longest"), "reload.longest (%s) is below reload.quiet (%s)", durationText(c.Reload.Longest), durationText(c.Reload.Quiet))
	}
	if c.Log.Passwords {
		r.errs.Warnf(c.Place("log.passwords"), "log.passwords is true: the log has the passwords of those who log in")
	}
	r.paths()
	r.filters()
	r.backends()
}

// filters refuses what says nothing.
func (r *reader) filters() {
	for name, f := range r.config.Filters {
		at := r.config.Place("filters." + name)
		switch {
		case !plainName(name):
			r.errs.Errorf(at, "a filter is named %q; expected letters, digits and -_. alone, %d at most", name, maxTableName)
		case strings.Contains(r.errs.Error(), "filters."+name): // told already, and this would only follow from it
		case f.Command == "":
			r.errs.Errorf(at, "filters.%s has no command; expected command = \"/path arguments\"", name)
		case f.AuthInput == "" && f.AcctInput == "":
			r.errs.Errorf(at, "filters.%s has neither auth-input nor acct-input, so that it can be asked nothing", name)
		}
	}
}

// listeners refuses an address that is given twice, and a server that listens nowhere.
func (r *reader) listeners() {
	c := r.config
	seen := map[netip.AddrPort]string{}
	for _, l := range []struct {
		key  string
		list []netip.AddrPort
	}{{"listen.auth", c.Listen.Auth}, {"listen.acct", c.Listen.Acct}, {"listen.coa", c.Listen.CoA}} {
		for _, a := range l.list {
			if other, twice := seen[a]; twice && a.Port() != 0 {
				r.errs.Errorf(c.Place(l.key), "%s has %s, which %s has already; use server.any-code = true to take both kinds on one port", l.key, a, other)
			}
			seen[a] = l.key
		}
	}
	if len(seen) == 0 {
		r.errs.Errorf(c.Place("listen.auth"), "nothing is listened on; expected an address in listen.auth, listen.acct or listen.coa")
	}
}

func (r *reader) paths() {
	c := r.config
	for key, file := range map[string]string{"clients.file": c.Clients.File, "users.file": c.Users.File, "dictionary.file": c.Dictionary.File} {
		if file == "" {
			r.errs.Errorf(c.Place(key), "%s is empty; expected the name of a file", key)
		}
	}
}
