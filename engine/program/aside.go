package program

import "time"

// RunAside runs a program that nobody waits for. Its time begins with its turn. report, if it is not nil, is told
// how it ended, from another goroutine. It is false if too many wait already: nothing is run then.
func (r *Runner) RunAside(j Job, patience time.Duration, report func(Result, error)) bool {
	return r.beside(func() {
		res, err := r.aside(j, patience)
		r.counters.count(res.Exit, err)
		if report != nil {
			report(res, err)
		}
	})
}

// AskAside asks a filter a line that nobody waits for. report is told how it went, as in RunAside.
func (r *Runner) AskAside(f *Filter, line []byte, patience time.Duration, report func(status int, err error)) bool {
	return r.beside(func() {
		status, _, err := f.Ask(line, time.Now().Add(patience))
		report(status, err)
	})
}

// beside does the work on a goroutine of its own; false if there is no room in the backlog.
func (r *Runner) beside(work func()) bool {
	if r.backlog.Add(1) > int64(r.o.Backlog) || !r.begin() {
		r.backlog.Add(-1)
		r.counters.count(0, ErrBusy)
		return false
	}
	go func() {
		defer r.work.Done()
		defer r.backlog.Add(-1)
		work()
	}()
	return true
}

func (r *Runner) aside(j Job, patience time.Duration) (Result, error) {
	if err := r.enter(r.asides, time.Now().Add(asidePatience)); err != nil {
		return Result{}, err
	}
	j.Deadline = time.Now().Add(patience)
	return r.execute(j, r.asides)
}

// asidePatience is how long a program that nobody waits for keeps its place in the backlog.
const asidePatience = 30 * time.Second
