package config

import (
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/raddb"
)

// A Tree is a raddb directory as far as it can be read without the scripts: the users file needs the names
// that they register, and is loaded after them. Its parts are usable for further checks even if there were
// errors.
type Tree struct {
	Files      *raddb.Tree // with the memory of what was read
	Config     *Config
	Dictionary *dictionary.Dictionary // not frozen yet: scripts may add to it
	Clients    *nas.Table
	Realms     *proxy.Realms
	Deny       map[string]struct{}
}

// Options of ReadTree.
type Options struct {
	Yield    func()       // called every now and then while loading; nil: never
	Resolver nas.Resolver // of host names; nil: the system's
	Memory   nas.Memory   // last known addresses; nil: none
}

// ReadTree reads a tree in the order in which its parts need one another: settings, dictionary, clients,
// realms, denied names. All errors are in the list, ordered by file and place.
func ReadTree(files *raddb.Tree, o Options) (*Tree, raddb.List) {
	var errs raddb.List
	c := Load(files, &errs)
	if o.Yield == nil {
		o.Yield = func() {}
	}
	names := nas.Options{Resolver: o.Resolver, Memory: o.Memory, Location: c.Server.Timezone, Yield: o.Yield}
	t := &Tree{Files: files, Config: c}
	t.Dictionary = dictionary.LoadYielding(files, c.Dictionary.File, o.Yield, &errs)
	o.Yield()
	t.Clients = nas.LoadWith(files, c.Clients.File, names, &errs)
	t.compareFlags(&errs)
	t.Realms = &proxy.Realms{}
	if present(files, c.Realms.File) {
		t.Realms = proxy.Load(files, c.Realms.File, proxy.Options{Clients: t.Clients, Names: names}, &errs)
	}
	o.Yield()
	t.Deny = LoadDeny(files, c.Users.Deny, &errs)
	errs.Sort()
	return t, errs
}
