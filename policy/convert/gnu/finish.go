package gnu

import (
	"cmp"

	"perilune/engine/raddb"
)

// finish writes what all parts have had a say in.
func (s *source) finish() {
	s.rewrite.Write(s.out, s.report)
	s.writeStations()
	s.toml.Set("policy", "scripts", "../scripts", raddb.Pos{})
	if s.mentioned("GNU-Server-") {
		s.toml.Set("server", "local-attributes", true, raddb.Pos{})
	}
	s.toml.Set("state", "dir", "../state", raddb.Pos{})
	s.out.File("raddb/config.toml").WriteString(s.toml.Render())
	s.noteOldPaths()
	s.noteRest()
	s.noteDifferences()
}

// noteDifferences says once what every converted tree does otherwise.
func (s *source) noteDifferences() {
	none := raddb.Pos{}
	if !s.o.Exact {
		s.report.Differsf(none, "answers to Access-Requests begin with Message-Authenticator (CVE-2024-3596); no-reply-ma in raddb/clients leaves it out for a NAS that chokes on it")
		s.report.Differsf(none, "an Access-Reject is held back a second ([server] reject-delay)")
		s.report.Differsf(none, "wrong passwords are counted, and beyond some none is looked at for a while ([throttle])")
		s.report.Differsf(none, "a login books its place until its Start comes ([sessions] grace), so that of two at once one passes; the device that is in already is no second login (same-device)")
		s.report.Differsf(none, "an Access-Request without any credential is discarded; no-credential in raddb/clients answers it, for a NAS that asks by the number alone")
	}
	s.report.Differsf(none, "an Accounting-Request whose authenticator is wrong is discarded, not recorded")
	s.report.Lookf(none, "the old radutmp and radwtmp are not read: a session that is open at the switch is known from its next interim update on")
	s.report.Differsf(none, "a State that this server did not make is rejected")
}

// acctDir gives the directory of the original's detail files.
func (s *source) acctDir() string {
	return cmp.Or(s.o.AcctDir, s.old.acctDir, "/var/log/radacct")
}
