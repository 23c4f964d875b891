package gnu

import (
	"fmt"
)

const (
	oneProcess = "one process serves all requests, and those that wait for something do not hold up others"
	noQueue    = "the cache of answers is bounded by its memory ([server] duplicate-cache), forgets the oldest first and refuses nobody"
)

// optionKeywords are those of the block option.
var optionKeywords = []keyword{
	{"option.source-ip", func(s *source, t *statement) { s.old.sourceIP = t.first() }},
	{"option.max-requests", needless(noQueue)},
	{"option.max-processes", needless(oneProcess)},
	{"option.max-threads", needless(oneProcess)},
	{"option.process-idle-timeout", needless(oneProcess)},
	{"option.master-read-timeout", needless(oneProcess)},
	{"option.master-write-timeout", needless(oneProcess)},
	{"option.exec-program-user", func(s *source, t *statement) { s.setText(t, "programs", "user") }},
	{"option.radiusd-user", look("start the server as that user, as by User= in its systemd unit")},
	{"option.log-dir", func(s *source, t *statement) { s.old.logDir = t.value(0) }},
	{"option.acct-dir", func(s *source, t *statement) { s.old.acctDir = t.value(0) }},
	{"option.resolve", needless("no line of the log waits for a name; clients have names of their own")},
	{"option.username-chars", func(s *source, t *statement) { s.setText(t, "server", "username-chars") }},
	{"option.usr2delay", needless("nothing is dumped on a signal")},
}

// authKeywords are those of the block auth.
var authKeywords = []keyword{
	{"auth.port", func(s *source, t *statement) { s.port(&s.old.auth, t) }},
	{"auth.listen", func(s *source, t *statement) { s.listen(&s.old.auth, t) }},
	{"auth.forward", look("copies to another server are not sent; let a proxy or the NAS do it")},
	{"auth.max-requests", needless(noQueue)},
	{"auth.time-to-live", func(s *source, t *statement) { s.deadline(t, "access-deadline") }},
	{"auth.request-cleanup-delay", func(s *source, t *statement) { s.cleanup(&s.old.auth, t) }},
	{"auth.detail", yesNo(func(s *source, t *statement, yes bool) { s.old.authDetail.on, s.old.authDetail.at = yes, t.at })},
	{"auth.detail-file-name", func(s *source, t *statement) { s.old.authDetail.name = t }},
	{"auth.strip-names", yesNo(func(s *source, t *statement, yes bool) { s.old.stripNames, s.old.stripAt = yes, t.at })},
	{"auth.checkrad-assume-logged", yesNo(func(s *source, t *statement, yes bool) { s.old.assumeYes = yes })},
	{"auth.reject-malformed-names", yesNo(func(s *source, t *statement, yes bool) {
		s.toml.Set("server", "bad-names", map[bool]string{true: "reject", false: "discard"}[yes], t.at)
	})},
	{"auth.password-expire-warning", func(s *source, t *statement) { s.expireWarning(t) }},
	{"auth.compare-attribute-flag", func(s *source, t *statement) { s.compareFlag(t, "compare-auth") }},
	{"auth.trace-rules", needless("each line of the log names the rule that decided (rule=users:12)")},
}

// acctKeywords are those of the block acct.
var acctKeywords = []keyword{
	{"acct.port", func(s *source, t *statement) { s.port(&s.old.acct, t) }},
	{"acct.listen", func(s *source, t *statement) { s.listen(&s.old.acct, t) }},
	{"acct.forward", look("copies to another server are not sent; let a proxy or the NAS do it")},
	{"acct.max-requests", needless(noQueue)},
	{"acct.time-to-live", func(s *source, t *statement) { s.deadline(t, "acct-deadline") }},
	{"acct.request-cleanup-delay", func(s *source, t *statement) { s.cleanup(&s.old.acct, t) }},
	{"acct.detail", yesNo(func(s *source, t *statement, yes bool) { s.old.acctDetail.on, s.old.acctDetail.at = yes, t.at })},
	{"acct.detail-file-name", func(s *source, t *statement) { s.old.acctDetail.name = t }},
	{"acct.system", yesNo(func(s *source, t *statement, yes bool) { s.old.system, s.old.systemAt = yes, t.at })},
	{"acct.compare-attribute-flag", func(s *source, t *statement) { s.compareFlag(t, "compare-acct") }},
	{"acct.trace-rules", needless("each line of the log names the rule that decided (rule=users:12)")},
}

// otherKeywords are those of the other blocks.
var otherKeywords = []keyword{
	{"mlc.method", func(s *source, t *statement) {
		if t.value(0) == "sql" {
			s.report.Differsf(t.at, "method sql: sessions are counted in a table of this server's own, which accounting keeps; several servers share it by [acct] database = \"postgres://...\"")
		}
	}},
	{"mlc.checkrad-assume-logged", yesNo(func(s *source, t *statement, yes bool) { s.old.assumeYes = yes })},
	{"proxy.max-requests", needless("it was obsolete there, too")},
	{"proxy.request-cleanup-delay", needless("it was obsolete there, too")},
	{"rewrite.stack-size", needless("[policy] call-depth and steps bound scripts")},
	{"rewrite.load-path", func(s *source, t *statement) { s.old.loadPath = append(s.old.loadPath, t.values...) }},
	{"rewrite.load", func(s *source, t *statement) { s.old.load = append(s.old.load, t.values...) }},
	{"filters.filter", (*source).convertFilter},
	{"logging.prefix-hook", look(hookAdvice)},
	{"logging.suffix-hook", look(hookAdvice)},
	{"logging.channel", (*source).convertChannel},
	{"logging.category", (*source).convertCategory},
	{"loadable-modules", look("modules of that server cannot be loaded; scripts do their work")},
	{"snmp", look("there is no SNMP agent; /metrics has the numbers of RFC 4669 and 4671 and more")},
	{"guile", look("Scheme procedures must be written anew as Lua hooks: a Scheme-Procedure is on(\"reply\", ...), a Scheme-Acct-Procedure on(\"accounting\", ...)")},
	{"usedbm", needless("the users file is indexed when it is read")},
}

// first gives the first value, a word without text if there is none.
func (t *statement) first() word {
	if len(t.values) > 0 {
		return t.values[0]
	}
	return word{at: t.at}
}

// setText sets a key to the statement's only value.
func (s *source) setText(t *statement, table, key string) {
	if len(t.values) != 1 {
		s.report.Lookf(t.at, "%s has %d values; expected one; left out", t.keyword, len(t.values))
		return
	}
	s.toml.Set(table, key, t.value(0), t.at)
}

// setMacro sets a key to the statement's only value, a text with macros.
func (s *source) setMacro(t *statement, table, key string) {
	if len(t.values) != 1 {
		s.setText(t, table, key)
		return
	}
	s.toml.Set(table, key, s.mendMacros(t.value(0), t.at, t.keyword), t.at)
}

// deadline sets how long a request may take. The original killed the process that worked on it.
func (s *source) deadline(t *statement, key string) {
	if n, ok := s.count(t, 1, 1<<31-1); ok {
		s.toml.Set("server", key, fmt.Sprintf("%ds", min(n, 60)), t.at)
		if n > 60 {
			s.report.Differsf(t.at, "%s %d: 60 seconds is the longest; no NAS waits so long", t.keyword, n)
		}
	}
}

func (s *source) compareFlag(t *statement, key string) {
	if n, ok := s.count(t, 0, 9); ok {
		s.toml.Set("duplicates", key, n, t.at)
	}
}

// expireWarning: the manual says seconds, the program compared days and refused numbers.
func (s *source) expireWarning(t *statement) {
	if n, ok := s.count(t, 0, 1<<31-1); ok {
		s.report.Differsf(t.at, "password-expire-warning %d: taken as the seconds that the manual says; the original refused the statement", n)
		s.toml.Set("server", "expire-warning", fmt.Sprintf("%ds", n), t.at)
	}
}
