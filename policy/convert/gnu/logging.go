package gnu

import (
	"cmp"
	"path/filepath"
)

const hookAdvice = "log lines have their fields (nas=, user=, rule=); a hook adds one by req:note(key, value)"

// convertChannel takes the first file as the log. The log's form is this server's own.
func (s *source) convertChannel(t *statement) {
	for i := range t.block {
		c := &t.block[i]
		switch c.keyword {
		case "file":
			s.logFile(c)
		case "syslog":
			s.report.Lookf(c.at, "channel %s: syslog %s: the log goes to standard error, which systemd keeps, or to [log] file", t.value(0), c.text())
		case "prefix-hook", "suffix-hook":
			look(hookAdvice)(s, c)
		case "print-pid", "print-category", "print-cons", "print-level", "print-priority", "print-milliseconds", "print-tid":
			// the form of a line is fixed here
		default:
			s.report.Lookf(c.at, "unknown keyword %q in a channel; the original left it out, too", c.keyword)
		}
	}
}

// logFile sets [log] file. The original's log-dir was /var/log.
func (s *source) logFile(t *statement) {
	name := t.value(0)
	if s.toml.Has("log", "file") {
		s.report.Lookf(t.at, "file %q: there is one log; this second one is left out", name)
		return
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.logDir(), name)
	}
	s.toml.Set("log", "file", name, t.at)
	s.report.Differsf(t.at, "%s: lines of the log have this server's form", name)
}

func (s *source) logDir() string {
	return cmp.Or(s.o.LogDir, s.old.logDir, "/var/log")
}

// convertCategory: each request has its line here whatever category it is of.
func (s *source) convertCategory(t *statement) {
	for i := range t.block {
		c := &t.block[i]
		yes, _ := c.yes()
		switch c.keyword {
		case "channel", "print-auth":
		case "print-pass", "print-failed-pass":
			if yes {
				s.report.Differsf(c.at, "%s: passwords are not written to the log; [log] passwords = true would do it", c.keyword)
			}
		case "level":
			s.report.Differsf(c.at, "level %s: `perilune trace` shows every step of the requests that are asked for, without another log level", c.text())
		default:
			s.report.Lookf(c.at, "unknown keyword %q in a category; the original left it out, too", c.keyword)
		}
	}
}
