package backend

import (
	"errors"

	"perilune/policy/module"
)

// KV implements module.Backends.
func (l *Lease) KV(name string, o module.KVOptions) (module.KV, error) {
	return nil, errors.New("not built")
}
