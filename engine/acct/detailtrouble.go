package acct

import (
	"maps"
	"time"
)

// brokenDetails are the files that could not be written, with the time of the last failure.
type brokenDetails map[string]time.Time

const (
	mostBroken  = 64        // files that are told of at the same time: their names may hold what users send
	brokenStays = time.Hour // after which a file that nobody writes any more makes room for another
)

// fails logs that a file cannot be written: once, until it can be written again.
func (d *Detail) fails(name string, err error) {
	now := d.o.Now()
	if d.broken == nil {
		d.broken = brokenDetails{}
	}
	_, known := d.broken[name]
	if !known && len(d.broken) >= mostBroken {
		maps.DeleteFunc(d.broken, func(_ string, last time.Time) bool { return now.Sub(last) > brokenStays })
	}
	if !known && len(d.broken) >= mostBroken {
		return
	}
	d.broken[name] = now
	if !known {
		d.o.Log.Error("detail file cannot be written; trying on", "file", name, "err", err.Error())
	}
}

// mended logs the end of what fails has told.
func (d *Detail) mended(name string) {
	if _, known := d.broken[name]; known {
		delete(d.broken, name)
		d.o.Log.Info("detail file is written again", "file", name)
	}
}
