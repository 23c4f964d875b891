package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"perilune/engine/program"
	"perilune/engine/raddb"
	"perilune/policy/module"
)

// Programs says how programs are run.
type Programs struct {
	Account program.Account
	Trouble error         // why the account cannot be had; nil: it can
	Timeout time.Duration // of one that says nothing else
	Output  int           // octets that one may print
	Max     int           // at once
}

// Exec implements module.Backends.
func (l *Lease) Exec() module.Exec { return execution{l} }

// execution runs programs for one generation.
type execution struct{ *Lease }

// Run implements module.Exec.
func (l execution) Run(ctx context.Context, q *module.ExecRequest) (*module.ExecResult, error) {
	path, o := q.Args[0], &l.settings.Run
	if listed := l.settings.Backend.Programs; !slices.Contains(listed, path) {
		return nil, &module.Misuse{Err: fmt.Errorf("config.toml does not list %q under [backend] programs%s", path, raddb.DidYouMean(path, slices.Values(listed)))}
	}
	calls := l.pools.counter("exec", path)
	r, err := l.run(ctx, q, o)
	calls.count(err)
	return r, err
}

func (l execution) run(ctx context.Context, q *module.ExecRequest, o *Programs) (*module.ExecResult, error) {
	if o.Trouble != nil {
		return nil, o.Trouble
	}
	runner, err := take(l.Lease, fmt.Sprint("exec ", o.Max), func() (*programs, error) {
		return &programs{program.NewRunner(program.Options{Max: o.Max, Log: l.pools.log})}, nil
	})
	if err != nil {
		return nil, err
	}
	patience := q.Timeout
	if patience == 0 {
		patience = o.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	deadline, _ := ctx.Deadline()
	res, err := runner.Run(program.Job{Args: q.Args, Account: o.Account, Stdin: q.Stdin, Output: o.Output, Errors: o.Output, Deadline: deadline})
	switch {
	case errors.Is(err, program.ErrDeadline):
		return nil, &module.Failure{Kind: "timeout", Err: err}
	case errors.Is(err, program.ErrBusy):
		return nil, &module.Failure{Kind: "busy", Err: err}
	case err != nil:
		return nil, err
	}
	return &module.ExecResult{Status: res.Exit, Stdout: res.Output, Stderr: res.Errors}, nil
}

// programs is what generations share, to be closed with the last.
type programs struct{ *program.Runner }

// Close implements io.Closer.
func (p *programs) Close() error {
	p.Runner.Close()
	return nil
}
