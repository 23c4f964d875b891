package proxy

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
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
	{"balance", false, func(_ *loader, r *Realm, _ string) string { r.Balance = true; return "" }},
	{"status-server", false, func(_ *loader, r *Realm, _ string) string { r.Status = true; return "" }},
	{"no-message-authenticator", false, func(_ *loader, r *Realm, _ string) string { r.Plain = true; return "" }},
	{"quota", true, func(_ *loader, r *Realm, text string) string { return number(&r.Quota, text, 0, 1<<20) }},
	{"inflight", true, func(_ *loader, r *Realm, text string) string { return number(&r.Inflight, text, 0, 1<<20) }},
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
	{"operator-name", true, func(_ *loader, r *Realm, text string) string {
		r.Operator = text
		// RFC 5580 s4.1: the first octet is the namespace, a digit; 1 is a realm.
		good := len(text) > 1 && len(text) <= radius.MaxValueLen && text[0] >= '0' && text[0] <= '9'
		return unless(good, "a digit for the namespace and a name, such as 1example.net")
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
	if w.quote {
		return l.misquoted(w)
	}
	name, text, given := strings.Cut(w.text, "=")
	if name, server, ok := strings.Cut(name, "@"); ok {
		return l.serverOption(w, name, server, text, given)
	}
	if name == secretOption && given {
		s, ok := l.secretOf(w, text)
		l.secret = s
		return ok
	}
	for i := range options {
		if o := &options[i]; o.name == name {
			return l.checked(w, o.value, given, func() string { return o.set(l, r, text) })
		}
	}
	return l.unknown(w, name, "a realm", optionNames())
}

// misquoted refuses a quote where it quotes nothing. The text may be a secret, so it is not shown.
func (l *loader) misquoted(w word) bool {
	l.errs.Errorf(w.at, "a quoted text behind a comma; expected a space before the option, and one after the closing quote")
	return false
}

func (l *loader) secretOf(w word, text string) (radius.Secret, bool) {
	_, raw, _ := strings.Cut(w.raw, "=")
	return nas.ParseSecret(l.tree, text, raw, w.at, l.errs)
}

// checked runs set if the option has a value just where it needs one.
func (l *loader) checked(w word, value, given bool, set func() (expected string)) bool {
	name, text, _ := strings.Cut(w.text, "=")
	if value != given {
		l.errs.Errorf(w.at, "realm option %s%s", name, map[bool]string{true: " has no value; expected " + name + "=...", false: " has a value; expected none"}[value])
		return false
	}
	if expected := set(); expected != "" {
		l.errs.Errorf(w.at, "%s=%s; expected %s", name, text, expected)
		return false
	}
	return true
}

func (l *loader) unknown(w word, name, of string, names iter.Seq[string]) bool {
	if w.hidden {
		l.errs.Errorf(w.at, "unknown option after secret=; expected the secret in quotes if a comma belongs to it")
		return false
	}
	hint := raddb.DidYouMean(name, names)
	if strings.Contains(name, ",") {
		hint = "; an option whose value is in quotes stands behind a space, not a comma"
	}
	l.errs.Errorf(w.at, "unknown option %q of %s%s", name, of, hint)
	return false
}

// serverOptions are the options that may be given for one server, as name@server.
var serverOptions = [...]string{secretOption, "status-server", "weight"}

// serverOption reads name@server or name@server=value, where server is an entry of the line's list: its host, or
// the whole entry if the host stands there twice.
func (l *loader) serverOption(w word, name, server, text string, given bool) bool {
	if !slices.Contains(serverOptions[:], name) {
		return l.unknown(w, name, "a home server", slices.Values(serverOptions[:]))
	}
	found := false
	for i := range l.targets {
		t := &l.targets[i]
		if t.host != server && t.text != server {
			continue
		}
		found = true
		if !l.setServer(t, w, name, text, given) {
			return false
		}
	}
	if !found {
		if w.hidden {
			return l.unknown(w, name, "", nil)
		}
		l.errs.Errorf(w.at, "%s@%s: the line has no such home server%s", name, server, raddb.DidYouMean(server, l.hosts()))
	}
	return found
}

func (l *loader) setServer(t *target, w word, name, text string, given bool) bool {
	switch name {
	case secretOption:
		var s radius.Secret
		good := true
		return l.checked(w, true, given, func() string { s, good = l.secretOf(w, text); t.secret = s; return "" }) && good
	case "weight":
		return l.checked(w, true, given, func() string { return number(&t.weight, text, 1, 100) })
	}
	return l.checked(w, false, given, func() string { t.status = true; return "" })
}

// hosts gives the servers of the line at hand as written.
func (l *loader) hosts() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range l.targets {
			if !yield(l.targets[i].host) {
				return
			}
		}
	}
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
