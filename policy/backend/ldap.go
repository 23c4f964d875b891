package backend

import (
	"errors"

	"perilune/policy/module"
)

// LDAP implements module.Backends.
func (l *Lease) LDAP(name string) (module.LDAP, error) {
	return nil, errors.New("not built")
}
