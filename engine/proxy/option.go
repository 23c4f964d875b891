package proxy

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
)

// An option of a realms line. set gives "" or what is expected instead.
type option struct {
	name  string
	value bool // it has a =
	set   func(l *loader, r *Realm, text string) (expected string)
}

var options = [...]option{
	{"ignorecase", false, func(_ *loader, r *Realm, _ string) string { r.IgnoreCase = true; return "" }},
	{"strip", false, func(_ *loader, r *Realm, _ string) string { r.Strip = true; return "" }},
	{"nostrip", false, func(_ *loader, r *Realm, _ string) string { r.Strip = false; return "" }},
	{"auth", false, func(_ *loader, r *Realm, _ string) string { r.only |= authTraffic; return "" }},
	{"acct", false, func(_ *loader, r *Realm, _ string) string { r.only |= acctTraffic; return "" }},
	{"noauth", false, func(_ *loader, r *Realm, _ string) string { r.Auth = false; return "" }},
	{"noacct", false, func(_ *loader, r *Realm, _ string) string { r.Acct = false; return "" }},
	{"status-server", false, func(_ *loader, r *Realm, _ string) string { r.Status = true; return "" }},
	{"quota", true, func(_ *loader, r *Realm, text string) string { return number(&r.Quota, text, 0, 1<<20) }},
	{"retries", true, func(_ *loader, r *Realm, text string) string { return number(&r.Retries, text, 1, 20) }},
	{"timeout", true, func(_ *loader, r *Realm, text string) string { return timeout(r, text) }},
	{"dead", true, func(_ *loader, r *Realm, text string) string {
		r.Dead = DeadDrop
		if text == "reject" {
			r.Dead = DeadReject
		}
		return unless(text == "drop" || text == "reject", "drop or reject")
	}},
	{"retransmit", true, func(_ *loader, r *Realm, text string) string {
		r.Retransmit = RetransmitServer
		if text == "client" {
			r.Retransmit = RetransmitClient
		}
		return unless(text == "server" || text == "client", "server or client")
	}},
	{"require-message-authenticator", true, func(_ *loader, r *Realm, text string) string {
		mode, ok := nas.ParseMode(text)
		r.Require = mode
		return unless(ok, "yes, no or auto")
	}},
}

const secretOption = "secret"

func optionNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range options {
			if !yield(options[i].name) {
				return
			}
		}
		yield(secretOption)
	}
}

// option reads one flag or option=value; false if it is wrong.
func (l *loader) option(r *Realm, w word) bool {
	name, text, given := strings.Cut(w.text, "=")
	if name == secretOption && given {
		_, raw, _ := strings.Cut(w.raw, "=")
		s, ok := nas.ParseSecret(l.tree, text, raw, w.at, l.errs)
		l.secret = s
		return ok
	}
	for i := range options {
		o := &options[i]
		if o.name != name {
			continue
		}
		if o.value != given {
			l.errs.Errorf(w.at, "realm option %s%s", name, map[bool]string{true: " has no value; expected " + name + "=...", false: " has a value; expected none"}[o.value])
			return false
		}
		if expected := o.set(l, r, text); expected != "" {
			l.errs.Errorf(w.at, "%s=%s; expected %s", name, text, expected)
			return false
		}
		return true
	}
	if w.hidden {
		l.errs.Errorf(w.at, "unknown option after secret=; expected the secret in quotes if a comma belongs to it")
		return false
	}
	l.errs.Errorf(w.at, "unknown option %q of a realm%s", name, raddb.DidYouMean(name, optionNames()))
	return false
}

func unless(ok bool, expected string) string {
	if ok {
		return ""
	}
	return expected
}

func number(n *int, text string, low, high int) string {
	v, err := strconv.Atoi(text)
	*n = v
	return unless(err == nil && v >= low && v <= high, "a number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high))
}

// timeout takes seconds, as GNU Radius does, or a duration.
func timeout(r *Realm, text string) string {
	d, err := time.ParseDuration(text)
	if n, numErr := strconv.Atoi(text); numErr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	r.Timeout = d
	return unless(err == nil && d >= 100*time.Millisecond && d <= 30*time.Second, "seconds from 1 to 30, or a duration like 500ms")
}
