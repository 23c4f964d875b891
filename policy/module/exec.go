package module

import "context"

// An Exec runs programs without a shell, those that [backend] programs lists.
type Exec interface {
	Run(ctx context.Context, q *ExecRequest) (*ExecResult, error)
}

// An ExecRequest is one run: the path of the program first.
type ExecRequest struct {
	Args  []string
	Stdin []byte
}

// An ExecResult is how it ended.
type ExecResult struct {
	Status         int
	Stdout, Stderr []byte
}
