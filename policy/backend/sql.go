package backend

import (
	"errors"

	"perilune/policy/module"
)

// SQL implements module.Backends.
func (l *Lease) SQL(name string) (module.SQL, error) {
	return nil, errors.New("not built")
}
