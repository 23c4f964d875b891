package reload

import (
	"strings"

	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
)

// recording makes what the generation knows of accounting, once all attributes and functions are known.
func (b *builder) recording(c *Candidate, errs *raddb.List) server.Recording {
	a := c.Config.Acct
	if a.Detail == "" {
		for _, key := range [...]string{"detail-name", "detail-auth", "detail-auth-name", "detail-only", "strip-names", "detail-old-names", "detail-sync", "detail-size", "detail-every"} {
			if at := c.Config.Place("acct." + key); at.Line != 0 {
				errs.Warnf(at, "acct.%s has no effect without acct.detail, the directory", key)
			}
		}
	}
	if a.Detail != "" && a.DetailOnly && !a.DetailSync {
		errs.Warnf(c.Config.Place("acct.detail-only"), "acct.detail-only without detail-sync: after a power cut records may be missing that were answered")
	}
	return server.Recording{
		NoSessions: !a.Sessions, RefuseIncomplete: a.Incomplete, Detail: a.Detail != "", DetailOnly: a.DetailOnly, DetailAuth: a.DetailAuth && a.Detail != "",
		StripNames: a.StripNames, OldNames: a.OldNames,
		Name:     c.detailName("acct.detail-name", a.DetailName, errs),
		AuthName: c.detailName("acct.detail-auth-name", a.AuthName, errs),
	}
}

// detailName compiles the name of a detail file: a Lua expression behind =, else a text with macros.
func (c *Candidate) detailName(key, text string, errs *raddb.List) (n server.DetailName) {
	at := c.Config.Place(key)
	if source, computed := strings.CutPrefix(text, "="); computed {
		ref, err := c.Program.Expression(source, at)
		if err != nil {
			errs.Errorf(at, "%s: %v", key, err)
		}
		return server.DetailName{Computed: true, Ref: ref}
	}
	if text == "" {
		return n
	}
	m, problems := users.ParseMacro(text, c.Dictionary)
	for _, p := range problems {
		errs.Errorf(at, "%s: %s", key, p.Error())
	}
	switch {
	case strings.HasPrefix(text, "/"):
		errs.Errorf(at, "%s = %q; expected a name below acct.detail, without a leading /", key, text)
	case strings.HasSuffix(text, "/"):
		errs.Errorf(at, "%s = %q; expected the name of a file, not of a directory", key, text)
	}
	for part := range strings.SplitSeq(text, "/") {
		if part == ".." {
			errs.Errorf(at, "%s = %q; expected a name that does not lead out of acct.detail", key, text)
			break
		}
	}
	n.Macro = m
	return n
}
