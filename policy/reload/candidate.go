package reload

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"perilune/engine/config"
	"perilune/engine/program"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy"
	"perilune/policy/backend"
	"perilune/policy/policytest"
	"perilune/policy/sandbox"
)

// A Candidate is a generation that was built and not yet put in place.
type Candidate struct {
	*server.Generation
	Config     *config.Config
	Program    *policy.Program
	Tree       *raddb.Tree // what it was made from
	Root       string
	ScriptsDir string // absolute
	StateDir   string
	Inputs     []raddb.Input
	Tests      int // how many have passed
}

// Discard frees what a candidate holds that was not given to a server. nil is fine.
func (c *Candidate) Discard() {
	if c == nil {
		return
	}
	c.Program.Close()
	c.Users.Close(nil)
}

// Build makes a generation for commands that serve nothing: test, explain. Neither tests nor load handlers are
// run. It is nil if there are errors.
func Build(o Options) (*Candidate, raddb.List) { return build(o, nil, false) }

// BuildFrom is Build from a tree, whose inputs then tell what was read, also if it failed.
func BuildFrom(o Options, tree *raddb.Tree) (*Candidate, raddb.List) { return build(o, tree, false) }

// Check is Build for the command check: what shows in the text of the policy's tests is told, too.
func Check(o Options) (*Candidate, raddb.List) { return build(o, nil, true) }

func build(o Options, tree *raddb.Tree, checkTests bool) (*Candidate, raddb.List) {
	r, err := New(o)
	if err != nil {
		return nil, raddb.List{{Msg: err.Error()}}
	}
	r.build.beside, r.build.checkTests = true, checkTests
	if tree == nil {
		tree = raddb.Open(r.o.Root)
	}
	return r.build.candidate(tree)
}

// builder makes candidates. beside leaves tests and timers out; checkTests compiles the tests.
type builder struct {
	o      Options
	timers *policy.Timers
	memory *addresses
	beside bool

	checkTests bool
}

// candidate reads everything and runs the policy's tests, but not its load handlers. It gives the whole, or
// nil if there are errors; all of them are in the list, not the first one alone.
func (b *builder) candidate(tree *raddb.Tree) (*Candidate, raddb.List) {
	files, errs := config.ReadTree(tree, config.Options{Yield: b.o.Busy.Yield, Resolver: b.o.Resolver, Memory: b.memory})
	c := &Candidate{Config: files.Config, Tree: tree, Root: b.o.Root}
	c.Generation = &server.Generation{
		Loaded: time.Now(), Dictionary: files.Dictionary, Clients: files.Clients, Realms: files.Realms, Settings: settings(files),
	}
	c.place(b.o)
	c.scriptless(b.o, &errs)
	b.loadScripts(c, &errs)
	b.o.Busy.Yield()
	if b.checkTests {
		errs = append(errs, policytest.Check(tree, c.ScriptsDir)...)
	}
	c.Settings.Texts = messages(c.Config, c.Dictionary, &errs)
	c.Settings.Recording = b.recording(c, &errs)
	b.programs(c, &errs)
	a := &accounts{candidate: c}
	a.always(&errs)
	b.o.Busy.Yield()
	c.Users = users.Load(tree, c.Config.Users.File, b.usersOptions(c, a), &errs)
	b.o.Busy.Yield()
	if !errs.Failed() {
		b.test(c, &errs)
	}
	errs.Sort()
	errs = slices.CompactFunc(errs, func(a, b *raddb.Error) bool { return *a == *b })
	if errs.Failed() {
		c.Discard()
		return nil, errs
	}
	c.Inputs = tree.Inputs()
	c.Hash = hashOf(b.o.Root, c.Inputs)
	return c, errs
}

// place settles the directories: options of the command line stand above the file's.
func (c *Candidate) place(o Options) {
	c.ScriptsDir = o.Scripts
	if c.ScriptsDir == "" {
		c.ScriptsDir = absolute(o.Root, c.Config.Policy.Scripts)
	}
	c.StateDir = stateDir(o, c.Config)
}

func stateDir(o Options, c *config.Config) string {
	if o.State != "" {
		return o.State
	}
	return absolute(o.Root, c.StateDir(os.Getenv, os.Geteuid()))
}

func absolute(root, dir string) string {
	if filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return filepath.Join(root, dir)
}

// scriptless warns where nobody says where the scripts are and they seem to stand beside the tree, as init writes them:
// a server without its hooks decides otherwise than its administrator thinks.
func (c *Candidate) scriptless(o Options, errs *raddb.List) {
	if o.Scripts != "" || c.Config.Place("policy.scripts").Line != 0 {
		return
	}
	beside := filepath.Join(c.Root, "..", c.Config.Policy.Scripts)
	if found, _ := filepath.Glob(filepath.Join(beside, "*.lua")); len(found) == 0 {
		return
	}
	if _, err := os.Stat(c.ScriptsDir); errors.Is(err, fs.ErrNotExist) {
		errs.Warnf(raddb.Pos{File: config.FileName}, "scripts in ../%s are not loaded: [policy] scripts is not set, and means %s; expected scripts = %q",
			c.Config.Policy.Scripts, c.Config.Policy.Scripts, "../"+c.Config.Policy.Scripts)
	}
}

// loadScripts runs the scripts, which may add to the dictionary, then freezes it and resolves what they
// name.
func (b *builder) loadScripts(c *Candidate, errs *raddb.List) {
	p := c.Config.Policy
	lease := b.o.Backends.Lease(c.backends(!b.beside))
	b.o.Busy.Yield()
	c.spent(lease, errs)
	lease.Check(func(table string, err error) { errs.Errorf(c.Config.Place(table), "%s: %v", table, err) })
	o := policy.Options{
		Backends: b.o.wrap(lease),
		Tree:     c.Tree, Dir: c.ScriptsDir, Dictionary: c.Dictionary, Timeout: p.Timeout, Log: b.o.Log, Busy: b.o.Busy,
		HookWaiting: cmp.Or(p.HookQueue, max(c.Config.Server.Queue/2, 1)),
		Limits:      sandbox.Limits{Steps: p.Steps, String: int(p.StringSize), Memory: int(p.Memory), Depth: p.CallDepth, Full: b.o.Full},
		Programs:    c.Config.Backend.Programs,
		Realms:      c.Realms, Clients: c.Clients, Zone: c.Config.Server.Timezone, Version: b.o.Version, Silent: b.o.Silent, Advice: b.checkTests,
		Secret: func(name string) (string, error) {
			octets, err := c.Tree.Secret(name)
			return string(octets), err
		},
	}
	if !b.beside {
		o.Timers, o.Radius = b.timers, b.o.Radius
	}
	program, list := policy.Load(o)
	*errs = append(*errs, list...)
	c.unopened(lease, errs)
	c.Program, c.Policy = program, program
	c.Dictionary.Freeze()
	*errs = append(*errs, program.Link()...)
}

// wrap gives a generation its backends.
func (o *Options) wrap(lease *backend.Lease) backend.Backends {
	b := backend.Taped(lease)
	if o.Wrap == nil {
		return b
	}
	return o.Wrap(b)
}

// backends gives the settings of what scripts ask beside RADIUS.
func (c *Candidate) backends(serve bool) backend.Settings {
	run := backend.Programs{Timeout: c.Config.Programs.Timeout, Output: int(c.Config.Programs.Output), Max: c.Config.Programs.Max}
	run.Account, run.Trouble = program.Lookup(c.Config.Programs.User)
	return backend.Settings{
		Backend: c.Config.Backend, Root: c.Root, StateDir: c.StateDir, Run: run, Serve: serve,
		File: func(name string) ([]byte, error) { return c.Tree.ReadFileUpTo(name, backend.MaxFile) },
	}
}

func (b *builder) usersOptions(c *Candidate, a *accounts) users.Options {
	return users.Options{
		Dictionary: c.Dictionary, Names: c.Program, Dialect: c.Config.Users.Dialect, IgnoreCase: c.Config.Users.IgnoreCase,
		Location: c.Config.Server.Timezone, Local: c.Config.Server.LocalAttrs, Yield: b.o.Busy.Yield, Stored: c.StoredPassword, AuthType: a.order, Program: c.Programs.Check,
	}
}

// test runs the policy's own tests as [policy] tests demands.
func (b *builder) test(c *Candidate, errs *raddb.List) {
	mode := c.Config.Policy.Tests
	if mode == "off" || b.beside {
		return
	}
	result := c.RunTests(policytest.Options{Busy: b.o.Busy, Timeout: c.Config.Reload.TestsTimeout})
	c.Tests = result.Passed
	*errs = append(*errs, result.Warnings...)
	for _, f := range result.Failures {
		if mode == "require" {
			errs.Errorf(f.At, "%s", f.Text())
		} else {
			errs.Warnf(f.At, "%s", f.Text())
		}
	}
}

// RunTests runs the policy's tests in the candidate. It fills what o must say of the generation.
func (c *Candidate) RunTests(o policytest.Options) *policytest.Result {
	o.Generation, o.Program, o.Tree, o.Dir, o.KV = c.Generation, c.Program, c.Tree, c.ScriptsDir, c.Config.Backend.KV
	o.Users = users.Options{Dialect: c.Config.Users.Dialect, IgnoreCase: c.Config.Users.IgnoreCase, Location: c.Config.Server.Timezone, Local: c.Config.Server.LocalAttrs}
	return policytest.Run(o)
}

// settings maps config.toml and access.deny to what the server takes.
func settings(files *config.Tree) server.Settings {
	c := files.Config
	return server.Settings{
		RequireMessageAuthenticator: c.Clients.Require,
		LimitProxyState:             c.Clients.Limit,
		RejectDelay:                 c.Server.RejectDelay,
		Sessions:                    sessionSettings(c.Sessions),
		AccessDeadline:              c.Server.AccessDeadline,
		AcctDeadline:                c.Server.AcctDeadline,
		ProxyDeadline:               c.Proxy.Deadline,
		GNURules:                    c.Users.Dialect == users.GNU,
		PropagateFlagged:            c.Proxy.Propagate == "flagged",
		Dynamic:                     dynamic(c.CoA),
		DuplicateKeep:               c.Server.DuplicateKeep,
		DuplicateKeepAcct:           c.Server.DuplicateAcct,
		PlainStatus:                 c.Server.PlainStatus,
		AnyCodeAnyPort:              c.Server.AnyCode,
		NoCredential:                c.Server.NoCredential,
		StrictNames:                 c.Server.StrictNames,
		Names:                       nameChars(c.Server.NameChars),
		DiscardNames:                c.Server.BadNames == "discard",
		ExpireWarning:               c.Server.ExpireWarning,
		LocalAttributes:             c.Server.LocalAttrs,
		LogPasswords:                c.Log.Passwords,
		MaxInflight:                 c.Server.MaxInflight,
		ChallengeTries:              c.Server.ChallengeTries,
		Throttle:                    throttle(c.Throttle),
		CompareAuth:                 uint8(c.Duplicates.CompareAuth),
		CompareAcct:                 uint8(c.Duplicates.CompareAcct),
		SessionJitter:               c.Server.SessionJitter,
		ChargeableUserIdentity:      c.Auth.CUI,
		SealedClass:                 c.Auth.Class,
		Location:                    c.Server.Timezone,
		Deny:                        denied(files),
		IgnoreCase:                  c.Users.IgnoreCase,
	}
}

// denied gives the names of access.deny, in lower case where the case of names does not count.
func denied(files *config.Tree) map[string]struct{} {
	if !files.Config.Users.IgnoreCase {
		return files.Deny
	}
	folded := make(map[string]struct{}, len(files.Deny))
	for name := range files.Deny {
		folded[foldASCII(name)] = struct{}{}
	}
	return folded
}

func foldASCII(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// StateDir gives the directory of state of a tree at root; state stands above the file's.
func StateDir(c *config.Config, root, state string) string {
	return stateDir(Options{Root: root, State: state}, c)
}

// InTree makes a path of the configuration at root whole.
func InTree(root, name string) string { return absolute(root, name) }

// AdminSocket gives the path of the admin socket of a configuration.
func (c *Candidate) AdminSocket() string { return AdminSocket(c.Config, c.Root, c.StateDir) }

func throttle(t config.Throttle) server.Throttle {
	return server.Throttle{Failures: t.Failures, StationFailures: t.StationFailures, UserFailures: t.UserFailures, Span: t.Span, UserDelay: t.UserDelay}
}

// AdminSocket gives the path of the admin socket: [admin] socket, else admin.sock in the state directory,
// which state overrides.
func AdminSocket(c *config.Config, root, state string) string {
	if c.Admin.Socket != "" {
		return absolute(root, c.Admin.Socket)
	}
	return filepath.Join(stateDir(Options{Root: root, State: state}, c), "admin.sock")
}

// KeyFile gives the path of the key that seals State; "" for the state directory's own.
func (c *Candidate) KeyFile() string {
	if c.Config.State.KeyFile == "" {
		return ""
	}
	return c.Path(c.Config.State.KeyFile)
}

// Path gives a file name of the settings: relative to the root unless absolute.
func (c *Candidate) Path(name string) string { return absolute(c.Root, name) }

// Outline gives the settings and places of c alone, without its generation, which can go then.
func (c *Candidate) Outline() *Candidate {
	return &Candidate{Config: c.Config, Root: c.Root, ScriptsDir: c.ScriptsDir, StateDir: c.StateDir}
}

func sessionSettings(s config.Sessions) server.SessionSettings {
	return server.SessionSettings{Grace: s.Grace, IgnoreDoubts: s.OnDoubt == "ignore", CountDevices: s.SameDevice == "count", Stripped: s.Stripped}
}
