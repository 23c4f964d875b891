package server

import (
	"time"

	"perilune/engine/dictionary"
)

// A Kind is what a verdict decides.
type Kind uint8

// The kinds. Discard is no reply by rule; Drop is no reply for want of a backend or of room.
const (
	Accept Kind = iota + 1
	Authenticated
	Reject
	Challenge
	Proxy
	HandleLocally
	Discard
	Drop
)

// String gives the name as Lua and the log spell it.
func (k Kind) String() string {
	return [...]string{"", "accept", "authenticated", "reject", "challenge", "proxy", "handle_locally", "discard", "drop"}[k]
}

// An Assignment is one attribute of a verdict: it replaces what the reply holds under that name. Append
// keeps what is there (later items of an interleaved list of the same name).
type Assignment struct {
	Ref    dictionary.Ref
	Value  []byte
	Append bool
}

// A Verdict ends its phase. It is immutable and may be returned for many requests. nil is no opinion.
type Verdict struct {
	Kind       Kind
	Reason     string // for log and trace, never sent
	Attributes []Assignment

	Delay    time.Duration // reject: instead of the configured delay, if HasDelay
	HasDelay bool

	Next    string        // challenge (and accept): the answer handler of the next round
	State   []byte        // plain data of the script, encoded by the policy; sealed by the server
	Timeout time.Duration // of the sealed State
	Echo    bool          // Prompt = Echo

	NoRecord   bool   // accounting: answer without the recorders
	ErrorCause uint32 // CoA NAK
	Realm      string // proxy
	Pool       string // proxy
	Strip      int8   // proxy, handle_locally: 0 as the realm says, 1 yes, -1 no

	Hook   string // the handler that decided: file:line, or its name
	Failed bool   // made by on_error or on_timeout, not returned by a script
}
