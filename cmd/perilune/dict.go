package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/policy/reload"
)

// dictRun is one run of dict.
type dictRun struct {
	s                                 streams
	d                                 *dictionary.Dictionary
	dir, scripts, vendor, decode      string
	encode                            list
	vendors, export, luaTypes, asJSON bool
}

func (x *dictRun) flags() *flags {
	f := newFlags(x.s, "dict [NAME|NUMBER|GLOB|TEXT ...]", "Shows the attributes that are known: those of the dictionary files and those that scripts declare. A name or a\n"+
		"number shows everything about one attribute; a glob or a part of a name lists those that fit, values too.",
		"perilune dict Service-Type")
	f.StringVar(&x.dir, "d", defaultDir(), "configuration `DIR`")
	f.StringVar(&x.scripts, "scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	f.StringVar(&x.vendor, "vendor", "", "only attributes of the vendor with that `NAME` or number")
	f.BoolVar(&x.vendors, "vendors", false, "list the vendors")
	f.StringVar(&x.decode, "decode", "", "say what the octets `HEX` mean: a whole packet or attributes, every level of them")
	f.Var(&x.encode, "encode", "give the octets of `NAME=VALUE` on the wire, in hex; repeat for more")
	f.BoolVar(&x.export, "export", false, "write attributes in FreeRADIUS's syntax: those of -vendor, else those that scripts declare")
	f.BoolVar(&x.luaTypes, "lua-types", false, "write the types of scripts for the Lua language server")
	f.BoolVar(&x.asJSON, "json", false, "print JSON, an object on a line")
	return f
}

func runDict(args []string, s streams) int {
	x := dictRun{s: s}
	f := x.flags()
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	jobs := 0
	for _, on := range []bool{x.vendors, x.decode != "", len(x.encode) > 0, x.export, x.luaTypes} {
		if on {
			jobs++
		}
	}
	if jobs > 1 || jobs == 1 && len(rest) > 0 {
		return f.wrong("-vendors, -decode, -encode, -export, -lua-types and names exclude each other")
	}
	known, errs := openDictionary(x.dir, x.scripts)
	if known == nil {
		printFindings(s, errs, false)
		return exitFailed
	}
	defer known.Close()
	known.warn(s, "dict")
	x.d = known.Dictionary.Dictionary
	if err := x.run(rest); err != nil {
		return s.fail("dict", err)
	}
	return exitOK
}

func (x *dictRun) run(names []string) error {
	switch {
	case x.vendors:
		return x.listVendors()
	case x.decode != "":
		return x.explainOctets(x.decode)
	case len(x.encode) > 0:
		return x.encodePairs()
	case x.export:
		return x.exportFreeRADIUS()
	case x.luaTypes:
		return writeTypes(x.s.out, x.d)
	}
	if _, err := x.wantedVendor(); err != nil {
		return err
	}
	if len(names) == 0 {
		return x.list(x.ofVendor(x.d.Attributes()))
	}
	for _, name := range names {
		if err := x.find(name); err != nil {
			return err
		}
	}
	return nil
}

// knownAttributes is a dictionary that was read for a command.
type knownAttributes struct{ *reload.Dictionary }

// openDictionary reads the dictionary of a configuration directory with what its scripts declare, else the one that
// the program carries.
func openDictionary(dir, scripts string) (*knownAttributes, raddb.List) {
	if isFile(filepath.Join(dir, "config.toml")) || isFile(filepath.Join(dir, "dictionary")) {
		d, errs := reload.ReadDictionary(reload.Options{Root: dir, Scripts: scripts, Version: version()})
		if d == nil {
			return nil, errs
		}
		return &knownAttributes{d}, errs
	}
	var errs raddb.List
	d := dictionary.Load(raddb.OpenFS(defaultFiles()), "dictionary", &errs)
	d.Freeze()
	return &knownAttributes{&reload.Dictionary{Dictionary: d}}, errs
}

func isFile(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// warn says that scripts could not declare all they would.
func (k *knownAttributes) warn(s streams, command string) {
	for _, e := range k.Scripts {
		if !e.Warning {
			fmt.Fprintf(s.err, "perilune %s: attributes that scripts declare may be missing: %v\n", command, e)
			return
		}
	}
}

// findVendor gives the vendor of -vendor, by name or number; nil if there is none.
func (x *dictRun) findVendor() *dictionary.Vendor {
	if id, err := strconv.ParseUint(x.vendor, 10, 32); err == nil {
		return x.d.Vendor(uint32(id))
	}
	return x.d.VendorNamed(x.vendor)
}

// wantedVendor gives that of -vendor, nil without one; an error if nobody has declared it.
func (x *dictRun) wantedVendor() (*dictionary.Vendor, error) {
	v := x.findVendor()
	if x.vendor != "" && v == nil {
		return nil, fmt.Errorf("no vendor %q%s", x.vendor, raddb.DidYouMean(x.vendor, x.d.VendorNames()))
	}
	return v, nil
}

// ofVendor keeps the attributes of -vendor, all without it.
func (x *dictRun) ofVendor(all []*dictionary.Attribute) (list []*dictionary.Attribute) {
	if x.vendor == "" {
		return all
	}
	v := x.findVendor()
	for _, a := range all {
		if v != nil && a.Vendor != nil && a.Vendor.ID == v.ID {
			list = append(list, a)
		}
	}
	return list
}

// find shows the attribute that a name or number means, else lists those that fit.
func (x *dictRun) find(name string) error {
	if a := x.exact(name); a != nil {
		return x.show(a)
	}
	var fit []*dictionary.Attribute
	for _, a := range x.ofVendor(x.d.Attributes()) {
		if matches(a, strings.ToLower(name)) {
			fit = append(fit, a)
		}
	}
	if len(fit) == 0 {
		return fmt.Errorf("no attribute, value or number fits %q%s", name, raddb.DidYouMean(name, x.d.Names()))
	}
	return x.list(fit)
}

// exact gives the attribute of a name or number; nil if there is none.
func (x *dictRun) exact(name string) *dictionary.Attribute {
	a := x.d.Attribute(name)
	if strings.Trim(name, "0123456789.") == "" {
		a = x.d.Attribute("Attr-" + name)
		if v := x.findVendor(); x.vendor != "" && v != nil {
			a = x.d.Attribute(fmt.Sprintf("Attr-26.%d.%s", v.ID, name))
		}
	}
	if a == nil || x.vendor != "" && len(x.ofVendor([]*dictionary.Attribute{a})) == 0 {
		return nil
	}
	return a
}

// matches reports whether a glob or a part in lower case fits a name, an alias or the name of a value.
func matches(a *dictionary.Attribute, pattern string) bool {
	fits := func(name string) bool { return strings.Contains(strings.ToLower(name), pattern) }
	if strings.ContainsAny(pattern, "*?[") {
		fits = func(name string) bool {
			ok, err := path.Match(pattern, strings.ToLower(name))
			return err == nil && ok
		}
	}
	if fits(a.FullName()) {
		return true
	}
	for _, alias := range a.Aliases() {
		if fits(alias) {
			return true
		}
	}
	for name := range a.ValueNames() {
		if fits(name) {
			return true
		}
	}
	return false
}

func (x *dictRun) list(all []*dictionary.Attribute) error {
	if x.asJSON {
		enc := json.NewEncoder(x.s.out)
		for _, a := range all {
			if err := enc.Encode(describe(a)); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(x.s.out, 0, 8, 2, ' ', 0)
	for _, a := range all {
		d := describe(a)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Name, d.Number, d.Type, strings.Join(d.Flags, " "))
	}
	return w.Flush()
}

func (x *dictRun) listVendors() error {
	counts := map[uint32]int{}
	for _, a := range x.d.Attributes() {
		if a.Vendor != nil {
			counts[a.Vendor.ID]++
		}
	}
	enc := json.NewEncoder(x.s.out)
	w := tabwriter.NewWriter(x.s.out, 0, 8, 2, ' ', 0)
	for _, v := range x.d.Vendors() {
		if x.asJSON {
			enc.Encode(map[string]any{"name": v.Name, "id": v.ID, "attributes": counts[v.ID]})
			continue
		}
		fmt.Fprintf(w, "%d\t%s\t%d attributes\n", v.ID, v.Name, counts[v.ID])
	}
	return w.Flush()
}
