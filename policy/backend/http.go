package backend

import (
	"errors"

	"perilune/policy/module"
)

// HTTP implements module.Backends.
func (l *Lease) HTTP(name string, o *module.HTTPOptions) (module.HTTP, error) {
	return nil, errors.New("not built")
}
