package convert

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"perilune/policy/convert/freeradius"
	"perilune/policy/convert/gnu"
	"perilune/policy/convert/output"
)

// Options of Run.
type Options struct {
	From    string // the old directory
	To      string // where raddb and scripts of the new tree go
	AcctDir string // where GNU Radius's detail files went; "": as its config says
	LogDir  string // where its log was; "": as its config says
	Exact   bool   // answers octet for octet as before: gives up what this server adds for safety

	Lookup func(host string) (netip.Addr, bool) // gives the IPv4 address of a host name in rules; nil: none has one
}

// A Result is what Run has done. Report tells it to people.
type Result struct {
	Server string // whose directory it was: "GNU Radius" or "FreeRADIUS"
	Files  int    // of the new tree
	Report output.Report
}

// Run converts the directory o.From and writes the new tree below o.To. Parts that cannot be converted are in
// the report; the error is that of directories that cannot be read or written.
func Run(o Options) (*Result, error) {
	if err := checkPlaces(o); err != nil {
		return nil, err
	}
	r := &Result{}
	var out output.Tree
	var err error
	switch {
	case exists(filepath.Join(o.From, "config.toml")):
		err = fmt.Errorf("%s has a config.toml: it is a tree of this server already", o.From)
	case freeradius.Recognizes(o.From):
		r.Server = "FreeRADIUS"
		err = freeradius.Convert(freeradius.Options{Root: o.From, Exact: o.Exact}, &out, &r.Report)
	case gnu.Recognizes(o.From):
		r.Server = "GNU Radius"
		err = gnu.Convert(gnu.Options{Root: o.From, AcctDir: o.AcctDir, LogDir: o.LogDir, Exact: o.Exact, Lookup: o.Lookup}, &out, &r.Report)
	default:
		err = fmt.Errorf("%s is no directory of GNU Radius (with config, users, naslist) or FreeRADIUS (with radiusd.conf, clients.conf)", o.From)
	}
	if err != nil {
		return nil, err
	}
	r.Files = len(out.Names())
	return r, out.Write(o.To, &r.Report)
}

// checkPlaces refuses directories that would be read and written at once, or that hold something else.
func checkPlaces(o Options) error {
	from, err := realPath(o.From)
	if err != nil {
		return err
	}
	if st, err := os.Stat(from); err != nil {
		return err
	} else if !st.IsDir() {
		return fmt.Errorf("%s is no directory; expected the old server's configuration directory", o.From)
	}
	to, err := realPath(o.To)
	if err != nil {
		return err
	}
	_, below := output.Below(from, to)
	_, above := output.Below(to, from)
	if below || above {
		return fmt.Errorf("%s and %s lie in one another; expected a directory of its own for the new tree", o.From, o.To)
	}
	return checkEmpty(o.To)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// realPath gives the absolute path without links of a file, which need not exist.
func realPath(name string) (string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if direct, err := filepath.EvalSymlinks(full); err == nil {
		return direct, nil
	}
	dir, err := realPath(filepath.Dir(full))
	return filepath.Join(dir, filepath.Base(full)), err
}

// checkEmpty lets a new tree go where none is, or over one that a conversion has made.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == output.Manifest {
			return nil
		}
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty, and nothing in it was made by a conversion; expected a new or empty directory", dir)
	}
	return nil
}
