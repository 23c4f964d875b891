package backend

import (
	"maps"
	"slices"
)

// Check looks at what the configuration describes, whether scripts open it or not. tell is told the table of each
// fault. Nothing is connected.
func (l *Lease) Check(tell func(table string, err error)) {
	for _, name := range slices.Sorted(maps.Keys(l.settings.Backend.HTTP)) {
		if l.settings.Backend.HTTP[name].Base == "" {
			continue // told where the file is read
		}
		if _, err := l.httpSettings(name, nil); err != nil {
			tell("backend.http."+name, err)
		}
	}
}
