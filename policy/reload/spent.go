package reload

import (
	"maps"
	"slices"

	"perilune/engine/raddb"
	"perilune/policy/backend"
)

// spent gives the candidate where a fleet counts the answers to each State.
func (c *Candidate) spent(lease *backend.Lease, errs *raddb.List) {
	name := c.Config.State.KV
	if name == "" {
		return
	}
	counts, err := lease.Counts(name)
	if err != nil {
		errs.Errorf(c.Config.Place("state.kv"), "state.kv = %q: %v", name, err)
		return
	}
	c.Settings.Spent = counts
}

// unopened warns of tables that the configuration places and no script opens: a wrong name would leave each server with
// a table of its own. Scripts with errors have not opened all that they would.
func (c *Candidate) unopened(lease *backend.Lease, errs *raddb.List) {
	if errs.Failed() {
		return
	}
	opened := lease.Tables()
	for _, name := range slices.Sorted(maps.Keys(c.Config.Backend.KV)) {
		if name != c.Config.State.KV && !slices.Contains(opened, name) {
			errs.Warnf(c.Config.Place("backend.kv."+name), "no script opens the table [backend.kv.%s]%s", name, raddb.DidYouMean(name, slices.Values(opened)))
		}
	}
}
