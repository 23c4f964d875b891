package gnu

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"perilune/policy/convert/output"
)

// Options of Convert.
type Options struct {
	Root    string // the old raddb directory
	AcctDir string // where detail files went; "": as the old config says
	LogDir  string // where the log file was; "": as the old config says
	Exact   bool   // answers octet for octet as before: gives up what this server adds for safety

	Lookup func(host string) (netip.Addr, bool) // gives the IPv4 address of a host name in rules; nil: none has one
}

// Recognizes reports whether dir looks like a raddb directory of GNU Radius.
func Recognizes(dir string) bool {
	for _, name := range []string{"users", "config", "naslist", "hints", "huntgroups"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// Convert puts the converted tree into out and what is to be said of it into report. The error is that of a
// directory that cannot be read at all.
func Convert(o Options, out *output.Tree, report *output.Report) error {
	entries, err := os.ReadDir(o.Root)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("%s: the directory is empty; expected a raddb directory of GNU Radius", o.Root)
	}
	s := newSource(o, out, report)
	s.convertDictionary()
	s.convertConfig()
	s.readRewrite()
	s.convertClients()
	s.convertRealms()
	s.convertAccounting()
	s.convertSessions()
	s.convertDeny()
	convertHints(s)
	convertHuntgroups(s)
	convertUsers(s)
	s.convertMenus()
	s.convertClientConf()
	s.finish()
	return nil
}
