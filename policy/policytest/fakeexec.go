package policytest

import "perilune/policy/module"

// Exec implements module.Backends.
func (k *fakes) Exec() module.Exec { return nil }
