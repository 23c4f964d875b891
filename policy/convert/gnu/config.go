package gnu

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/raddb"
)

// The original's defaults of what this server has other defaults for.
const (
	defaultNameChars = `.-_!@#$%^&\/`
	defaultCleanup   = 10 // seconds
	authPort         = 1812
)

// oldConfig is what the old config file says that is put together from several statements.
type oldConfig struct {
	sourceIP   word
	auth       service
	acct       service
	loadPath   []word
	load       []word
	logDir     string
	acctDir    string
	keepAll    int // seconds that answers are kept, if config.toml cannot say it: a clients option does
	acctDetail detailFile
	authDetail detailFile
	stripNames bool
	stripAt    raddb.Pos
	system     bool // sessions are kept
	systemAt   raddb.Pos
	assumeYes  bool // checkrad-assume-logged
}

// A service is what the blocks auth and acct say of their listeners.
type service struct {
	port    int
	off     bool // listen no
	listen  []word
	cleanup int
	at      raddb.Pos
}

// A keyword is one that the old config knows. Its function converts the statement.
type keyword struct {
	name string // with its block's: option.source-ip
	do   func(s *source, t *statement)
}

// convertConfig converts the old config file statement by statement.
func (s *source) convertConfig() {
	s.old = oldConfig{auth: service{port: authPort, cleanup: -1}, acct: service{cleanup: -1}, acctDetail: detailFile{on: true}, system: true, assumeYes: true}
	s.setDefaults()
	text, ok := s.optional("config")
	if !ok {
		s.report.Lookf(raddb.Pos{File: "config"}, "there is none; the original's defaults are taken")
	}
	var errs raddb.List
	list := parseConfig("config", string(text), &errs)
	s.report.LookAll(errs)
	known := map[string]func(*source, *statement){}
	for _, k := range slices.Concat(optionKeywords, authKeywords, acctKeywords, messageKeywords(), otherKeywords) {
		known[k.name] = k.do
	}
	for i := range list {
		s.convertStatement(known, "", &list[i])
	}
	s.convertListen()
	s.convertCleanup()
	s.convertSQL()
}

// setDefaults sets what this server's defaults would change.
func (s *source) setDefaults() {
	none := raddb.Pos{}
	s.toml.Set("users", "dialect", "gnu", none)
	s.toml.Set("server", "username-chars", defaultNameChars, none)
	s.toml.Set("server", "bad-names", "discard", none)
	s.toml.Set("server", "any-code", true, none)
	for _, m := range messages {
		s.toml.Set("messages", m.key, m.text, none)
	}
	if s.o.Exact {
		s.toml.Set("server", "reject-delay", "0s", none)
		s.toml.Set("clients", "require-message-authenticator", "no", none)
		s.toml.Set("clients", "limit-proxy-state", "no", none)
		for _, key := range []string{"failures", "station-failures", "user-failures"} {
			s.toml.Set("throttle", key, 0, none)
		}
		s.toml.Set("server", "plain-status", true, none)
		s.toml.Set("messages", "operational", "GNU Radius server fully operational", none)
		s.toml.Set("auth", "class", false, none)
		s.toml.Set("auth", "cui", false, none)
	}
}

// convertStatement finds the keyword, below the path of its blocks.
func (s *source) convertStatement(known map[string]func(*source, *statement), path string, t *statement) {
	name := path + t.keyword
	if do := known[name]; do != nil {
		do(s, t)
		return
	}
	if t.isBlock && hasPrefix(known, name+".") {
		for i := range t.block {
			s.convertStatement(known, name+".", &t.block[i])
		}
		return
	}
	where := "at the top"
	if path != "" {
		where = "in the block " + strings.TrimSuffix(path, ".")
	}
	s.report.Lookf(t.at, "unknown keyword %q %s, which the original left out, too%s", t.keyword, where,
		raddb.DidYouMean(t.keyword, siblings(known, path)))
}

func hasPrefix(known map[string]func(*source, *statement), prefix string) bool {
	for name := range known {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// siblings gives the keywords of a block.
func siblings(known map[string]func(*source, *statement), path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range known {
			rest, ok := strings.CutPrefix(name, path)
			if first, _, _ := strings.Cut(rest, "."); ok && !yield(first) {
				return
			}
		}
	}
}

// needless notes a keyword whose matter does not exist here.
func needless(why string) func(*source, *statement) {
	return func(s *source, t *statement) { s.report.Donef(t.at, "%s needs nothing here: %s", t.keyword, why) }
}

// look notes a keyword that a person must see to.
func look(what string) func(*source, *statement) {
	return func(s *source, t *statement) {
		s.report.Lookf(t.at, "%s: %s", strings.TrimSpace(t.keyword+" "+t.text()), what)
	}
}

// text gives the statement's values for a note.
func (t *statement) text() string {
	parts := make([]string, len(t.values))
	for i, v := range t.values {
		parts[i] = v.text
		if v.quoted {
			parts[i] = strconv.Quote(v.text)
		}
	}
	return strings.Join(parts, " ")
}

// yesNo sets a boolean's consequence if the statement says yes or no, and notes it otherwise.
func yesNo(do func(s *source, t *statement, yes bool)) func(*source, *statement) {
	return func(s *source, t *statement) {
		yes, ok := t.yes()
		if !ok {
			s.report.Lookf(t.at, "%s %q; expected yes, no, on or off; left out", t.keyword, t.value(0))
			return
		}
		do(s, t, yes)
	}
}

// count reads a number as C writes it, within bounds.
func (s *source) count(t *statement, low, high int) (int, bool) {
	n, err := strconv.ParseInt(t.value(0), 0, 64)
	if err != nil || n < int64(low) || n > int64(high) {
		s.report.Lookf(t.at, "%s %q; expected a number from %d to %d; left out", t.keyword, t.value(0), low, high)
		return 0, false
	}
	return int(n), true
}
