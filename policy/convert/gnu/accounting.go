package gnu

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"perilune/engine/raddb"
)

// accountingScript names files as naslist does.
const accountingScript = "scripts/50-accounting.lua"

// A detailFile is what a block says of its detail files.
type detailFile struct {
	on   bool
	name *statement // detail-file-name; nil: none
	at   raddb.Pos
}

// convertAccounting sets who records what. The original wrote detail files and kept one session for each port of
// a NAS; here the database records besides, whatever the old config says.
func (s *source) convertAccounting() {
	none := raddb.Pos{}
	if s.old.system {
		s.toml.Set("acct", "identity", []string{"client", "nas-address", "port"}, none)
		s.toml.Set("acct", "refuse-incomplete", true, none)
	} else {
		s.toml.Set("acct", "sessions", false, s.old.systemAt)
	}
	s.convertDetail()
	if s.old.stripNames {
		s.toml.Set("acct", "strip-names", true, s.old.stripAt)
	}
}

// convertDetail sets where detail files go. They are for both kinds of requests in one directory.
func (s *source) convertDetail() {
	acct, auth := &s.old.acctDetail, &s.old.authDetail
	if !acct.on && !auth.on {
		return
	}
	s.toml.Set("acct", "detail", s.acctDir(), raddb.Pos{})
	s.toml.Set("acct", "detail-old-names", true, raddb.Pos{})
	if acct.on {
		s.detailName(acct, "detail-name", "detail")
	} else {
		s.accounting(`-- No detail files of accounting (acct.detail no). 1 is System: the database.
on("accounting", {name = "no-detail"}, function(req)
  if not req.control:has("Acct-Type") and not req:has("Acct-Type") then
    req.control["Acct-Type"] = 1
  end
end)
`)
	}
	if auth.on {
		s.toml.Set("acct", "detail-auth", true, auth.at)
		s.detailName(auth, "detail-auth-name", "detail.auth")
	}
}

// detailName sets the name of a file: a text with macros, an expression, or the default, which is the NAS's name of
// naslist.
func (s *source) detailName(d *detailFile, key, file string) {
	t := d.name
	switch {
	case t == nil && s.plainNames():
	case t == nil:
		function := strings.ReplaceAll(file, ".", "_") + "_file"
		for s.rewrite.Has(function) {
			function += "_"
		}
		s.accounting(fmt.Sprintf(`-- The file is named after the NAS as naslist has it.
rewrite(%q, function(req)
  return nas.short_name(req["NAS-IP-Address"] or req.src) .. "/%s"
end)
`, function, file))
		s.toml.Set("acct", key, "="+function+"(req)", raddb.Pos{File: "naslist"})
	case len(t.values) != 1:
		s.report.Lookf(t.at, "%s has %d values; expected one; left out", t.keyword, len(t.values))
	default:
		s.givenName(t, key)
	}
}

// givenName sets a name that the old config gives.
func (s *source) givenName(t *statement, key string) {
	text, computed := strings.CutPrefix(t.value(0), "=")
	if !computed {
		s.toml.Set("acct", key, s.mendMacros(t.value(0), t.at, t.keyword), t.at)
		return
	}
	value, err := s.rewrite.Value(text, t.at, s.attribute("User-Name"))
	if err != nil {
		s.report.Lookf(t.at, "%s %s: %v; the file is named after the NAS", t.keyword, t.text(), err)
		return
	}
	s.toml.Set("acct", key, "="+value, t.at)
}

// plainNames reports whether naslist names no NAS otherwise than raddb/clients does.
func (s *source) plainNames() bool {
	if s.stations.all != nil {
		return false
	}
	for _, n := range s.stations.list {
		if !n.prefix.IsValid() {
			continue
		}
		if owner, ok := s.byPrefix.longest(n.prefix); !ok || s.stations.find(netip.PrefixFrom(n.prefix.Addr(), n.prefix.Bits())) != n && owner != nil {
			return false
		}
	}
	return true
}

// accounting adds to the script of accounting.
func (s *source) accounting(text string) {
	f := s.out.File(accountingScript)
	if f.Len() == 0 {
		f.WriteString("-- accounting: what settings cannot say of the old config.\n")
	}
	const library = "\nlocal nas = require(\"lib.nas\")\n"
	if strings.Contains(text, "nas.short_name") && !bytes.Contains(f.Bytes(), []byte(library)) {
		f.WriteString(library)
	}
	f.WriteString("\n" + text)
}
