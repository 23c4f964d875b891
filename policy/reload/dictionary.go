package reload

import (
	"time"

	"perilune/engine/config"
	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/policy"
	"perilune/policy/backend"
	"perilune/policy/sandbox"
)

// A Dictionary is the attributes of a tree, with those that its scripts declare.
type Dictionary struct {
	*dictionary.Dictionary
	Scripts raddb.List // what kept scripts from declaring theirs; none: all are known
	program *policy.Program
}

// Close frees what the scripts hold. Codecs are not used later.
func (d *Dictionary) Close() {
	if d.program != nil {
		d.program.Close()
	}
}

// ReadDictionary reads the dictionary of a tree and runs the scripts for what they declare, within the bounds of
// loading. Nothing else of the tree is read, so it needs no rights to clients or users. The list holds what is wrong
// with the dictionary itself.
func ReadDictionary(o Options) (*Dictionary, raddb.List) {
	r, err := New(o)
	if err != nil {
		return nil, raddb.List{{Msg: err.Error()}}
	}
	o = r.o
	tree := raddb.Open(o.Root)
	var errs, settings raddb.List
	c := config.Load(tree, &settings)
	d := &Dictionary{Dictionary: dictionary.Load(tree, c.Dictionary.File, &errs)}
	if errs.Failed() {
		return nil, errs
	}
	d.declare(o, tree, c)
	d.Freeze()
	return d, errs
}

// declare runs the scripts.
func (d *Dictionary) declare(o Options, tree *raddb.Tree, c *config.Config) {
	place := &Candidate{Config: c, Root: o.Root}
	place.place(o)
	p := c.Policy
	d.program, d.Scripts = policy.Load(policy.Options{
		Backends: o.Backends.Lease(backend.Settings{Backend: c.Backend, StateDir: place.StateDir}),
		Tree:     tree, Dir: place.ScriptsDir, Dictionary: d.Dictionary, Now: time.Now, Log: o.Log, Zone: c.Server.Timezone, Version: o.Version,
		Limits: sandbox.Limits{Steps: p.Steps, String: int(p.StringSize), Memory: int(p.Memory), Depth: p.CallDepth},
		Secret: func(name string) (string, error) {
			octets, err := tree.Secret(name)
			return string(octets), err
		},
	})
	d.Scripts = append(d.Scripts, d.program.CheckCodecs()...)
	if !d.Scripts.Failed() {
		d.Scripts = nil
	}
}
