package policy

import (
	"runtime"

	"perilune/engine/raddb"
)

// Link resolves what the scripts named, once the dictionary is frozen and all names are known: attributes,
// VALUEs, huntgroups, rewrites, answers, keys of `when`, patterns. All errors are given at once. It then runs
// the scripts in a second state, which must register the same.
func (pr *Program) Link() raddb.List {
	var errs raddb.List
	pr.o.Busy.Enter()
	defer pr.o.Busy.Leave()
	pr.names = newNames(pr.dict, pr.o.Busy.Yield)
	pr.checkCodecs(&errs)
	pr.linkLiterals(&errs)
	pr.o.Busy.Yield()
	for _, v := range pr.pending {
		if err := pr.first.build(v); err != nil {
			errs.Errorf(v.at, "%v", err)
		}
	}
	for _, h := range pr.handlers {
		if h.when != nil {
			h.condition = pr.compileWhen(h.when, "when", h.phase, h.at, &errs)
		}
		if h.unless != nil {
			h.exception = pr.compileWhen(h.unless, "unless", h.phase, h.at, &errs)
		}
		pr.o.Busy.Yield()
	}
	if pr.o.Advice {
		pr.adviseOrder(&errs)
		for _, h := range pr.handlers {
			pr.clientsNamed(h, &errs)
		}
	}
	pr.linked, pr.pending = true, nil
	if !errs.Failed() && !pr.failed {
		pr.linkStates(&errs)
	}
	return errs
}

// linkStates keeps the first state for use, and makes a second one.
func (pr *Program) linkStates(errs *raddb.List) {
	before := allocated()
	second := pr.bareRunner()
	*errs = append(*errs, second.loadAgain()...)
	pr.stateSize = max(int(allocated()-before)*2/5, leastState) // what registers leaves garbage; less than this stays
	pr.idle = append(pr.idle, second, pr.first)
	pr.first = nil
}

// allocated gives what the process has allocated since it began, in octets. It is exact, and stops the world for
// some microseconds.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
