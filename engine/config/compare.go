package config

import (
	"perilune/engine/nas"
	"perilune/engine/raddb"
)

// compareFlags warns of PROPERTY flags that are in force for the comparison of duplicates while no attribute has
// them: then nothing is compared.
func (t *Tree) compareFlags(errs *raddb.List) {
	var marked uint16
	for _, a := range t.Dictionary.Attributes() {
		marked |= a.UserFlags
	}
	missing := func(flag uint8, what string, at raddb.Pos) {
		if flag != 0 && flag != nas.NoFlag && marked&(1<<flag) == 0 {
			errs.Warnf(at, "%s is %d, and no attribute has this flag: a line PROPERTY User-Name +%d in the dictionary sets it", what, flag, flag)
		}
	}
	d := &t.Config.Duplicates
	missing(uint8(d.CompareAuth), "duplicates.compare-auth", t.Config.Place("duplicates.compare-auth"))
	missing(uint8(d.CompareAcct), "duplicates.compare-acct", t.Config.Place("duplicates.compare-acct"))
	for _, c := range t.Clients.All() {
		missing(c.CompareAuth, "compare-auth-flag", c.At)
		missing(c.CompareAcct, "compare-acct-flag", c.At)
		missing(c.Compare, "compare-attribute-flag", c.At)
	}
}
