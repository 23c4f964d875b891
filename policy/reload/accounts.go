package reload

import (
	"perilune/engine/raddb"
	"perilune/engine/server"
)

// accounts reads those of the system, once for each candidate, and only if somebody may ask for them.
type accounts struct {
	candidate *Candidate
	read      bool
	err       error
}

// order is users.Options.AuthType.
func (a *accounts) order(value []byte) error {
	if a.read || !a.candidate.OrdersSystem(value) {
		return nil // one warning is enough
	}
	return a.get()
}

// always reads them where the configuration says so.
func (a *accounts) always(errs *raddb.List) {
	c := a.candidate.Config
	if !c.Auth.System {
		return
	}
	if err := a.get(); err != nil {
		errs.Warnf(c.Place("auth.system"), "%v", err)
	}
}

func (a *accounts) get() error {
	if !a.read {
		a.read = true
		c := a.candidate
		found, err := server.ReadAccounts(c.Tree, c.Config.Auth.Passwd, c.Config.Auth.Shadow)
		c.UseAccounts(found)
		a.err = err
	}
	return a.err
}
