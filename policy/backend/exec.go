package backend

import "perilune/policy/module"

// Exec implements module.Backends.
func (l *Lease) Exec() module.Exec { return nil }
