package users

import "perilune/engine/raddb"

// maxErrors bounds the errors of one load, and so do as many warnings: what a file of another kind would give.
const maxErrors = 1000

// A tally counts what is told while loading, so that a file of noise fills no memory.
type tally struct {
	seen     int // length of the list when it was last looked at
	errors   int
	warnings int
	untold   int // warnings beyond the bound
}

// count looks at what was told since the last time, and takes warnings beyond the bound away.
func (t *tally) count(errs *raddb.List) {
	if len(*errs) == t.seen {
		return
	}
	kept := (*errs)[:t.seen]
	for _, e := range (*errs)[t.seen:] {
		switch {
		case !e.Warning:
			t.errors++
		case t.warnings == maxErrors:
			t.untold++
			continue
		default:
			t.warnings++
		}
		kept = append(kept, e)
	}
	*errs, t.seen = kept, len(kept)
}

// rest tells how many warnings were taken away.
func (t *tally) rest(file string, errs *raddb.List) {
	t.count(errs)
	if t.untold > 0 {
		errs.Warnf(raddb.Pos{File: file}, "and %d more warnings", t.untold)
	}
}
