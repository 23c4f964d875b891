package freeradius

import (
	"fmt"
	"os"
	"path/filepath"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
	shipped "perilune/raddb"
)

// Options of Convert.
type Options struct {
	Root  string // the old directory, with radiusd.conf or clients.conf
	Exact bool   // answers octet for octet as before: gives up what this server adds for safety
}

// Recognizes reports whether dir looks like a directory of FreeRADIUS 3.
func Recognizes(dir string) bool {
	for _, name := range []string{"radiusd.conf", "clients.conf", "mods-enabled", "mods-config"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Convert puts the converted tree into out and what is to be said of it into report. The error is that of a
// directory that cannot be read at all.
func Convert(o Options, out *output.Tree, report *output.Report) error {
	if _, err := os.ReadDir(o.Root); err != nil {
		return err
	}
	s := &source{o: o, out: out, report: report, tree: raddb.Open(o.Root)}
	if err := s.readConfiguration(); err != nil {
		return err
	}
	s.convertDictionary()
	s.convertSettings()
	s.convertClients()
	s.convertRealms()
	s.convertUsers()
	s.convertFilter()
	s.convertPreprocess()
	s.convertHints()
	s.convertHuntgroups()
	s.convertBeside()
	s.convertSuffix()
	s.convertRoute()
	s.convertAccounting()
	s.reportRest()
	output.CopyShipped(out, shipped.Files, "access.deny")
	out.File("raddb/config.toml").WriteString(s.settings.Render())
	return nil
}

// readConfiguration reads radiusd.conf; of a directory without it the files that are read by themselves.
func (s *source) readConfiguration() error {
	var errs raddb.List
	if !s.tree.Absent("radiusd.conf") {
		s.conf, s.reader = readConf(s.tree, "radiusd.conf", &errs)
		s.report.LookAll(errs)
		return nil
	}
	s.conf, s.reader = newConf(s.tree, &errs)
	for _, name := range [...]string{"proxy.conf", "clients.conf"} {
		if !s.tree.Absent(name) {
			s.reader.file(name, raddb.Pos{File: name})
		}
	}
	s.report.LookAll(errs)
	if len(s.conf.items) == 0 && s.tree.Absent("users") && s.tree.Absent("mods-config") {
		return fmt.Errorf("%s holds nothing to convert; expected radiusd.conf, clients.conf or users", s.o.Root)
	}
	return nil
}
