package module

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// An Exec runs programs without a shell, those that [backend] programs lists.
type Exec interface {
	// Run runs one to its end. Any status is an answer; it is a Misuse if the program is not listed.
	Run(ctx context.Context, q *ExecRequest) (*ExecResult, error)
}

// An ExecRequest is one run: the path of the program first.
type ExecRequest struct {
	Args    []string
	Stdin   []byte        // nil: nothing
	Timeout time.Duration // 0: the configuration's
}

// An ExecResult is how it ended.
type ExecResult struct {
	Status         int // 128 and the number of the signal that killed it
	Stdout, Stderr []byte
}

// Bounds of what a program is given.
const (
	maxExecArguments  = 64
	maxArgumentOctets = 64 << 10 // of all together
	maxStdin          = 1 << 20
)

func execFunctions() []Function {
	return waits("exec", "", "run", "{path, argument, …, stdin=, timeout=}",
		"Runs a program that [backend] programs lists, without a shell; gives {status, stdout, stderr}. Any status is an answer.", execRun)
}

func execRun(l *lua.LState) (lua.LValue, error) {
	e, q := From(l), execRequest(l)
	if e.Backends == nil {
		sandbox.RaiseMisuse(l, "exec.run: there are no backends here")
	}
	runs := e.Backends.Exec()
	r, err := block(l, func(ctx context.Context) (*ExecResult, error) { return runs.Run(ctx, q) })
	if err != nil {
		return nil, err
	}
	sandbox.Charge(l, 16+(len(r.Stdout)+len(r.Stderr))/64)
	t := l.CreateTable(0, 3)
	t.RawSetString("status", lua.LNumber(r.Status))
	t.RawSetString("stdout", lua.LString(r.Stdout))
	t.RawSetString("stderr", lua.LString(r.Stderr))
	return t, nil
}

// execRequest reads the table of run{…}.
func execRequest(l *lua.LState) *ExecRequest {
	t, q := sandbox.CheckTable(l, 1), &ExecRequest{}
	total := 0
	for i := 1; i <= t.Len(); i++ {
		text, ok := argumentText(t.RawGetInt(i))
		total += len(text)
		switch {
		case !ok:
			sandbox.RaiseMisuse(l, "exec.run: argument %d is %s, expected text or a number", i, shown(t.RawGetInt(i)))
		case strings.IndexByte(text, 0) >= 0:
			sandbox.RaiseMisuse(l, "exec.run: argument %d holds a NUL", i)
		case i > maxExecArguments || total > maxArgumentOctets:
			sandbox.RaiseMisuse(l, "exec.run: more than %d arguments, or %d octets in them", maxExecArguments, maxArgumentOctets)
		}
		q.Args = append(q.Args, text)
	}
	if len(q.Args) == 0 || !strings.HasPrefix(q.Args[0], "/") {
		sandbox.RaiseMisuse(l, `exec.run: the first entry is the program's absolute path, as in exec.run{"/usr/bin/id", "-u"}`)
	}
	noteSecrets(l, t, 0)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if err := q.take(t.Len(), k, v); err != nil {
			sandbox.RaiseMisuse(l, "exec.run: %v", err)
		}
	}
	return q
}

// take reads one option; entries 1 to n are arguments.
func (q *ExecRequest) take(n int, k, v lua.LValue) (err error) {
	if i, ok := k.(lua.LNumber); ok && i >= 1 && i <= lua.LNumber(n) {
		return nil
	}
	switch key := k.String(); key {
	case "stdin":
		text, ok := textOf(v)
		if !ok || len(text) > maxStdin {
			return fmt.Errorf("stdin: got %s, expected text of at most %d octets", shown(v), maxStdin)
		}
		q.Stdin = []byte(text)
	case "timeout":
		q.Timeout, err = Duration(key, v)
	default:
		err = unknownOption(key, "stdin", "timeout")
	}
	return err
}

// argumentText gives an argument; a number as it is written.
func argumentText(v lua.LValue) (string, bool) {
	if n, ok := v.(lua.LNumber); ok {
		return strconv.FormatFloat(float64(n), 'f', -1, 64), true
	}
	return textOf(v)
}
