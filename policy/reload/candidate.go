package reload

import (
	"os"
	"path/filepath"
	"time"

	"perilune/engine/config"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy"
	"perilune/policy/sandbox"
)

// A Candidate is a generation that was built and not yet put in place.
type Candidate struct {
	*server.Generation
	Config     *config.Config
	Program    *policy.Program
	Root       string
	ScriptsDir string // absolute
	StateDir   string
	Inputs     []raddb.Input
	Tests      int // how many were run

	kept map[string]string // of a candidate from a snapshot: its manifest's files
}

// discard frees what a candidate holds that will not be put in place. nil is fine.
func (c *Candidate) discard() {
	if c == nil {
		return
	}
	c.Program.Close()
	c.Users.Close(nil)
}

// Build makes a generation for commands that serve nothing: check, test, explain.
func Build(o Options) (*Candidate, raddb.List) {
	r, err := New(o)
	if err != nil {
		return nil, raddb.List{{Msg: err.Error()}}
	}
	r.build.beside = true
	return r.build.candidate(raddb.Open(r.o.Root))
}

// builder makes candidates. beside leaves timers and load handlers out.
type builder struct {
	o      Options
	timers *policy.Timers
	memory *addresses
	beside bool
}

// candidate reads everything, runs the policy's tests, and gives the whole, or nil if there are errors. All
// errors are in the list, not the first one alone.
func (b *builder) candidate(tree *raddb.Tree) (*Candidate, raddb.List) {
	var errs raddb.List
	c := &Candidate{Generation: &server.Generation{Loaded: time.Now()}, Root: b.o.Root}
	c.Config = config.Load(tree, &errs)
	c.place(b.o)
	c.Dictionary = dictionary.Load(tree, c.Config.Dictionary.File, &errs)
	b.loadScripts(c, tree, &errs)
	c.Clients = nas.LoadWith(tree, c.Config.Clients.File, nas.Options{Memory: b.memory, Location: c.Config.Server.Timezone, Yield: b.o.Busy.Yield}, &errs)
	c.Settings = settings(c.Config)
	c.Settings.Deny = config.LoadDeny(tree, c.Config.Users.Deny, &errs)
	c.Users = users.Load(tree, c.Config.Users.File, users.Options{
		Dictionary: c.Dictionary, Names: c.Program, Dialect: c.Config.Users.Dialect, IgnoreCase: c.Config.Users.IgnoreCase,
		Location: c.Config.Server.Timezone, Yield: b.o.Busy.Yield,
	}, &errs)
	if !errs.Failed() {
		b.prove(c, tree, &errs)
	}
	errs.Sort()
	if errs.Failed() {
		c.discard()
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
	c.StateDir = o.State
	if c.StateDir == "" {
		c.StateDir = absolute(o.Root, c.Config.StateDir(os.Getenv, os.Geteuid()))
	}
}

func absolute(root, dir string) string {
	if filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return filepath.Join(root, dir)
}

// loadScripts runs the scripts, which may add to the dictionary, then freezes it and resolves what they
// name.
func (b *builder) loadScripts(c *Candidate, tree *raddb.Tree, errs *raddb.List) {
	p := c.Config.Policy
	o := policy.Options{
		Tree: tree, Dir: c.ScriptsDir, Dictionary: c.Dictionary, Timeout: p.Timeout, Log: b.o.Log, Busy: b.o.Busy,
		Limits: sandbox.Limits{Steps: p.Steps, String: int(p.StringSize), Memory: int(p.Memory), Depth: p.CallDepth},
	}
	if !b.beside {
		o.Timers = b.timers
	}
	program, list := policy.Load(o)
	*errs = append(*errs, list...)
	c.Program, c.Policy = program, program
	c.Dictionary.Freeze()
	*errs = append(*errs, program.Link()...)
}

// prove runs the policy's tests and then its load handlers.
func (b *builder) prove(c *Candidate, tree *raddb.Tree, errs *raddb.List) {
	if mode := c.Config.Policy.Tests; mode != "off" && !b.beside {
		_ = mode
	}
	if !errs.Failed() && !b.beside {
		*errs = append(*errs, c.Program.RunLoad()...)
	}
}

// settings maps config.toml to what the server takes.
func settings(c *config.Config) server.Settings {
	return server.Settings{
		RequireMessageAuthenticator: c.Clients.Require,
		LimitProxyState:             c.Clients.Limit,
		RejectDelay:                 c.Server.RejectDelay,
		AccessDeadline:              c.Server.AccessDeadline,
		AcctDeadline:                c.Server.AcctDeadline,
		DuplicateKeep:               c.Server.DuplicateKeep,
		AnyCodeAnyPort:              c.Server.AnyCode,
		NoCredential:                c.Server.NoCredential,
		StrictNames:                 c.Server.StrictNames,
		MaxInflight:                 c.Server.MaxInflight,
		ChallengeTries:              c.Server.ChallengeTries,
		Location:                    c.Server.Timezone,
	}
}

// Discard frees what a candidate holds that was not given to a server.
func (c *Candidate) Discard() { c.discard() }

// AdminSocket gives the path of the admin socket of a configuration.
func (c *Candidate) AdminSocket() string { return AdminSocket(c.Config, c.Root, c.StateDir) }

// AdminSocket gives the path of the admin socket: [admin] socket, else admin.sock in the state directory,
// which state overrides.
func AdminSocket(c *config.Config, root, state string) string {
	if c.Admin.Socket != "" {
		return absolute(root, c.Admin.Socket)
	}
	if state == "" {
		state = absolute(root, c.StateDir(os.Getenv, os.Geteuid()))
	}
	return filepath.Join(state, "admin.sock")
}

// KeyFile gives the path of the key that seals State; "" for the state directory's own.
func (c *Candidate) KeyFile() string {
	if c.Config.State.KeyFile == "" {
		return ""
	}
	return absolute(c.Root, c.Config.State.KeyFile)
}
