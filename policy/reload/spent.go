package reload

import (
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
