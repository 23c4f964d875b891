package gnu

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/program"
	"perilune/engine/server"
)

// convertFilter turns a filter into a table of config.toml.
func (s *source) convertFilter(t *statement) {
	table := "filters." + t.value(0)
	if !isBareKey(t.value(0)) {
		table = "filters." + strconv.Quote(t.value(0))
	}
	if !slices.ContainsFunc(t.block, func(c statement) bool { return c.keyword == "exec-path" }) {
		s.report.Lookf(t.at, "filter %s has no exec-path; left out", t.value(0))
		return
	}
	if why := unusable(t); why != "" {
		s.report.Lookf(t.at, "filter %s left out, and entries that ask it: %s", t.value(0), why)
		return
	}
	for i := range t.block {
		s.filterKeyword(table, &t.block[i])
	}
	var f server.FilterSettings
	if s.toml.Has(table, "auth-input") {
		f.Auth.Input = "%u"
	}
	s.filters[t.value(0)] = f
}

// unusable tells why a filter cannot be asked anything, "" if it can.
func unusable(t *statement) string {
	inputs, computed := 0, 0
	for _, c := range t.block {
		if c.keyword == "exec-path" {
			if _, err := program.Split(c.value(0)); err != nil {
				return "exec-path: " + err.Error()
			}
		}
		for _, of := range c.block {
			switch {
			case of.keyword != "input-format" || of.value(0) == "":
			case of.value(0)[0] == '=':
				computed++
			default:
				inputs++
			}
		}
	}
	switch {
	case inputs > 0:
		return ""
	case computed > 0:
		return "its line has macros here, and no expressions; write input-format with %C{name}"
	}
	return "it has no input-format"
}

func (s *source) filterKeyword(table string, t *statement) {
	switch t.keyword {
	case "exec-path":
		s.toml.Set(table, "command", t.value(0), t.at)
	case "error-log":
		s.errorLog(table, t)
	case "auth", "acct":
		for i := range t.block {
			s.filterKind(table, t.keyword, &t.block[i])
		}
	default:
		s.report.Lookf(t.at, "unknown keyword %q in a filter; the original left it out, too", t.keyword)
	}
}

// errorLog sets where the filter's standard error goes; names were relative to the directory of the log.
func (s *source) errorLog(table string, t *statement) {
	name := t.value(0)
	if name != "none" && !filepath.IsAbs(name) {
		name = filepath.Join(s.logDir(), name)
	}
	s.toml.Set(table, "error-log", name, t.at)
}

// filterKind converts what holds for one kind of request.
func (s *source) filterKind(table, kind string, t *statement) {
	switch t.keyword {
	case "input-format":
		if strings.HasPrefix(t.value(0), "=") {
			s.report.Lookf(t.at, "input-format %q: a filter's line has macros here, and no expressions", t.value(0))
			return
		}
		s.setMacro(t, table, kind+"-input")
	case "wait-reply":
		yesNo(func(s *source, t *statement, yes bool) { s.toml.Set(table, kind+"-wait-reply", yes, t.at) })(s, t)
	case "success-on-failure":
		yesNo(func(s *source, t *statement, yes bool) { s.toml.Set(table, kind+"-success-on-failure", yes, t.at) })(s, t)
	default:
		s.report.Lookf(t.at, "unknown keyword %q in the block %s of a filter; the original left it out, too", t.keyword, kind)
	}
}

// isBareKey reports whether TOML takes the name without quotes.
func isBareKey(name string) bool {
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return name != ""
}
