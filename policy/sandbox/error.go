package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// A Kind is why a run failed.
type Kind uint8

// The kinds. From Deadline on pcall does not catch them.
const (
	Raise    Kind = iota + 1 // error() or a fault of the script
	Misuse                   // a function of the API was given what it does not take
	Backend                  // a backend failed and the script did not handle it
	Deadline                 // the time was up
	Steps                    // the step budget was spent
	Memory                   // too much was allocated
	Internal                 // a fault of the interpreter: the state must be thrown away
)

// String gives the kind as logs and metrics spell it.
func (k Kind) String() string {
	return [...]string{"", "raise", "misuse", "backend", "deadline", "steps", "memory", "internal"}[k]
}

// An Error is a run that failed. File and Line are the place in the script, "" and 0 if unknown.
type Error struct {
	Kind      Kind
	File      string
	Line      int
	Msg       string     // without the place
	Traceback []string   // "file:line: in function 'name'", innermost first
	Value     lua.LValue // what was raised
}

// Error gives "file:line: message".
func (e *Error) Error() string {
	if e.File == "" {
		return e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// The sentinels that end a run; Error.Msg is their text.
var (
	errDeadline = errors.New("deadline exceeded")
	errSteps    = errors.New("step budget spent; use fewer or simpler loops and patterns")
	errMemory   = errors.New("memory limit exceeded")
	errInternal = errors.New("fault in the interpreter")
)

func stopText(k Kind) error {
	switch k {
	case Deadline:
		return errDeadline
	case Memory:
		return errMemory
	case Internal:
		return errInternal
	}
	return errSteps
}

// failure turns what PCall gave into an Error.
func (s *State) failure(err error) *Error {
	e := &Error{Kind: Raise, Value: lua.LNil, Msg: err.Error()}
	var api *lua.ApiError
	if errors.As(err, &api) {
		e.Value, e.Traceback = api.Object, traceback(api.StackTrace)
		e.Msg = s.text(api.Object)
		if api.Type == lua.ApiErrorPanic {
			s.broken = true
			e.Kind = Internal
		}
	}
	if text, ok := e.Value.(lua.LString); ok && s.raised.kind != 0 && string(text) == s.raised.text {
		e.Kind = s.raised.kind
	}
	e.place()
	if s.budget.kind != 0 {
		e.Kind, e.Msg = s.budget.kind, stopText(s.budget.kind).Error()
	}
	return e
}

// place splits "file:line: text" and falls back on the innermost line of the traceback.
func (e *Error) place() {
	if file, line, msg, ok := cutPlace(e.Msg); ok {
		e.File, e.Line, e.Msg = file, line, msg
		return
	}
	if len(e.Traceback) > 0 {
		if file, line, _, ok := cutPlace(e.Traceback[0]); ok {
			e.File, e.Line = file, line
		}
	}
}

// cutPlace takes "file:line: " off the front of a message.
func cutPlace(msg string) (file string, line int, rest string, ok bool) {
	file, after, ok := strings.Cut(msg, ":")
	if !ok || file == "" || strings.ContainsAny(file, " \n") {
		return "", 0, msg, false
	}
	number, rest, ok := strings.Cut(after, ":")
	line, err := strconv.Atoi(number)
	if !ok || err != nil {
		return "", 0, msg, false
	}
	return file, line, strings.TrimPrefix(rest, " "), true
}

// frameNames mends what gopher-lua calls the first frame of a call and of a coroutine.
var frameNames = strings.NewReplacer("in main chunk", "in the outermost function", "in corountine", "in a coroutine")

// traceback keeps the lines of gopher-lua's stack trace that stand in scripts.
func traceback(trace string) []string {
	var lines []string
	for _, line := range strings.Split(trace, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "[G]") || strings.HasPrefix(line, "stack traceback") {
			continue
		}
		lines = append(lines, frameNames.Replace(line))
	}
	return lines
}
