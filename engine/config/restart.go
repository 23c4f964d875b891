package config

import (
	"reflect"

	"perilune/engine/raddb"
)

// RestartOnly compares two settings and gives an error for each changed key that a running server cannot
// take over: listeners, stores, privileges. The rest of a reload may go on with the value before.
func RestartOnly(before, after *Config) raddb.List {
	var errs raddb.List
	old := map[string]reflect.Value{}
	for f := range before.leaves() {
		old[f.key] = f.value
	}
	for f := range after.leaves() {
		was := old[f.key]
		if f.restart() && was.IsValid() && !reflect.DeepEqual(was.Interface(), f.value.Interface()) {
			errs.Errorf(after.Place(f.key), "%s changed from %s to %s: that needs a restart of the server", f.key, literal(was), literal(f.value))
		}
	}
	return errs
}
