package backend

import (
	"errors"

	"perilune/policy/module"
)

// Window implements module.Backends.
func (l *Lease) Window(name string, o module.WindowOptions) (module.Window, error) {
	return nil, errors.New("not built")
}
