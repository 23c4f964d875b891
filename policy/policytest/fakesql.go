package policytest

import (
	"errors"

	"perilune/policy/module"
)

// SQL implements module.Backends.
func (k *fakes) SQL(name string) (module.SQL, error) {
	return nil, errors.New("not built")
}
