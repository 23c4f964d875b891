package policy

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"perilune/engine/raddb"
	"perilune/engine/users"
	"perilune/policy/sandbox"
)

// A script is one compiled file.
type script struct {
	name    string // below the scripts directory
	program *sandbox.Program
}

// A library holds what scripts of sub-directories give by require, and files read by readfile: compiled and
// read once for all states.
type library struct {
	programs map[string]*sandbox.Program
	files    map[string]string
}

// Load reads and compiles the scripts, and runs them in a first state so that they register. Names that
// they use are resolved by Link, after the dictionary was frozen. The Program is usable for further checks
// even if the list holds errors.
func Load(o Options) (*Program, raddb.List) {
	pr := &Program{
		o: o, dict: o.Dictionary,
		library:    library{programs: map[string]*sandbox.Program{}, files: map[string]string{}},
		huntgroups: map[string]*handler{}, rewrites: map[string]*handler{}, answers: map[string]*handler{},
		authTypes: map[string]*handler{}, authNumbers: map[uint32]*handler{},
		tames: map[functionPlace]bool{}, decides: map[functionPlace]bool{},
		accounts: sync.OnceValues(func() (*users.Accounts, error) { return users.ReadAccounts(o.Tree.ReadSystemFile) }),
	}
	pr.requestNames, pr.listNames = objectNames()
	pr.literalNames = map[string]*access{}
	pr.globals, pr.registration = globalNames()
	var errs raddb.List
	names, err := pr.list()
	if err != nil {
		errs.Errorf(raddb.Pos{File: o.Dir}, "%v", err)
	}
	o.Busy.Enter()
	defer o.Busy.Leave()
	for _, name := range names {
		if p := pr.compile(name, &errs); p != nil {
			pr.scripts = append(pr.scripts, &script{name, p})
		}
		o.Busy.Yield()
	}
	pr.first = pr.bareRunner()
	pr.run(pr.first, pr.first.box.Load, &errs)
	pr.failed = errs.Failed()
	return pr, errs
}

// list gives the scripts in the order in which they run. Without the directory there are none.
func (pr *Program) list() (names []string, err error) {
	entries, err := pr.o.Tree.ReadDir(pr.o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, name := range entries {
		if strings.HasSuffix(name, ".lua") && !strings.HasSuffix(name, "_test.lua") {
			names = append(names, name)
		}
	}
	return names, err
}

// compile reads and compiles one file below the scripts directory; nil if it has errors.
func (pr *Program) compile(name string, errs *raddb.List) *sandbox.Program {
	source, err := pr.o.Tree.ReadFile(path.Join(pr.o.Dir, name))
	if err != nil {
		errs.Errorf(raddb.Pos{File: name}, "%v", unread(err))
		return nil
	}
	p, list := sandbox.Compile(name, source, pr.compileOptions())
	*errs = append(*errs, list...)
	return p
}

func (pr *Program) compileOptions() sandbox.Options {
	return sandbox.Options{Globals: pr.globals, Registration: pr.registration, Check: pr.check, Yield: pr.o.Busy.Yield}
}

// globalNames gives the names that scripts see, and those among them that register handlers.
func globalNames() (globals map[string][]string, registration []string) {
	globals = moduleFields()
	for _, e := range API() {
		if e.Of == OfGlobal {
			globals[e.Name] = nil
		}
		if e.Group == "Registration" {
			registration = append(registration, e.Name)
		}
	}
	return globals, registration
}

// run runs all scripts in a state. A script that fails does not stop the others, so that all errors are
// told at once.
func (pr *Program) run(rn *Runner, load func(*sandbox.Program) error, errs *raddb.List) {
	rn.loading = true
	defer func() { rn.loading = false }()
	for _, s := range pr.scripts {
		if err := load(s.program); err != nil {
			errs.Errorf(place(err, s.name), "%s", rn.blankRevealed(message(err)))
		}
		pr.o.Busy.Yield()
	}
}

// place gives where a script failed.
func place(err error, file string) raddb.Pos {
	var e *sandbox.Error
	if errors.As(err, &e) && e.File != "" {
		return raddb.Pos{File: e.File, Line: e.Line}
	}
	return raddb.Pos{File: file}
}

// message gives what failed, without the place.
func message(err error) string {
	var e *sandbox.Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return err.Error()
}

// require gives the program behind require("lib.vlan"): scripts/lib/vlan.lua. late allows what no script has
// required while the program was loaded.
func (pr *Program) require(name string, late bool) (*sandbox.Program, error) {
	if p := pr.library.programs[name]; p != nil {
		return p, nil
	}
	if !strings.Contains(name, ".") || strings.Contains(name, "..") || strings.ContainsAny(name, `/\`) {
		return nil, errors.New(`only files in sub-directories can be required, as require("lib.vlan")`)
	}
	if pr.linked && !late {
		return nil, errUnread
	}
	file := strings.ReplaceAll(name, ".", "/") + ".lua"
	if err := pr.inside(file); err != nil {
		return nil, err
	}
	var errs raddb.List
	p := pr.compile(file, &errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	pr.library.programs[name] = p
	return p, nil
}

// readFile gives a file below the scripts directory, read once; late as for require.
func (pr *Program) readFile(name string, late bool) (string, error) {
	if text, ok := pr.library.files[name]; ok {
		return text, nil
	}
	if pr.linked && !late {
		return "", errUnread
	}
	if err := pr.inside(name); err != nil {
		return "", err
	}
	b, err := pr.o.Tree.ReadFile(path.Join(pr.o.Dir, name))
	if err != nil {
		return "", unread(err)
	}
	pr.library.files[name] = string(b)
	return string(b), nil
}

var errUnread = errors.New("not read when the scripts were loaded first")

// unread is why a file cannot be read, without its path, which stands before it.
func unread(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// inside refuses names that lead out of the scripts directory, also by a link.
func (pr *Program) inside(name string) error {
	if !fs.ValidPath(name) {
		return errOutside
	}
	root, err := filepath.EvalSymlinks(pr.o.Tree.Path(pr.o.Dir))
	if err != nil {
		return nil // a tree that is not on the disk has no links
	}
	file, err := filepath.EvalSymlinks(pr.o.Tree.Path(path.Join(pr.o.Dir, name)))
	if err != nil {
		return nil // reading it says why
	}
	if rel, err := filepath.Rel(root, file); err != nil || !filepath.IsLocal(rel) {
		return errOutside
	}
	return nil
}

var errOutside = errors.New("only files below the scripts directory can be read")
