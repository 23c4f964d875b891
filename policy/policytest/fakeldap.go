package policytest

import (
	"errors"

	"perilune/policy/module"
)

// LDAP implements module.Backends.
func (k *fakes) LDAP(name string) (module.LDAP, error) {
	return nil, errors.New("not built")
}
