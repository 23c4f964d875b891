package freeradius

import (
	"fmt"
	"os"
	"path/filepath"

	"perilune/policy/convert/output"
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
func Convert(o Options, _ *output.Tree, _ *output.Report) error {
	return fmt.Errorf("%s is of FreeRADIUS, which cannot be converted yet; expected a raddb directory of GNU Radius", o.Root)
}
