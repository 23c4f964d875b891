package users

import (
	"iter"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A Dialect is the language of a users file (field-tested rules: docs/users.md).
type Dialect uint8

// The dialects. Infer means: by $DIALECT or by the signs in the file.
const (
	Infer Dialect = iota
	GNU
	FreeRADIUS
)

// Names resolves at load time what the policy registered. Refs are the policy's own numbers and come back
// through Host at match time.
type Names interface {
	Huntgroup(name string) (ref int, ok bool)
	Rewrite(name string) (ref int, ok bool)
	Expression(source string, at raddb.Pos) (ref int, err error) // of an `=` value
	All(kind string) iter.Seq[string]                            // "huntgroup" or "rewrite", for "did you mean"
}

// Options of Load.
type Options struct {
	Dictionary *dictionary.Dictionary
	Names      Names
	Dialect    Dialect
	IgnoreCase bool           // ASCII letters of user names fold, at load and at match
	Location   *time.Location // of Login-Time and Expiration; nil: the process's zone
	Yield      func()         // called every now and then while loading; nil: never
}

// A Table is one users file with all that it includes. It is immutable; its values live in memory that
// Close gives back, so nothing taken from it may be kept beyond the generation.
type Table struct{}

// Load reads the users file name of the tree, whole: all errors and warnings are collected in errs.
func Load(tree *raddb.Tree, name string, o Options, errs *raddb.List) *Table { panic("users.Load") }

// Close gives the table's memory back in small steps, calling yield between them (nil: never).
func (t *Table) Close(yield func()) { panic("users.Close") }

// Len gives the number of entries.
func (t *Table) Len() int { panic("users.Len") }

// A Truth is a huntgroup's answer.
type Truth int8

// The truths. Unknown (the hook failed, with on_error="continue") matches neither = nor !=.
const (
	False Truth = iota
	True
	Unknown
)

// A Host answers what a rule asks of the policy in the middle of a match. Both may block.
type Host interface {
	Huntgroup(ref int) Truth
	Rewrite(ref int) bool // false: the request has been decided, end the match
}

// A Query is what Match works on. It is reused; Result fields are valid until the next Match.
type Query struct {
	Name    []byte           // User-Name after hints
	Request *dictionary.List // compared
	Control *dictionary.List // check pairs that set are added here
	Reply   *dictionary.List // reply pairs are merged here
	Host    Host
	Now     time.Time
	Watch   Watcher // nil: nobody looks

	Found bool   // an entry of the name or a DEFAULT matched (BEGIN alone does not make a user known)
	Ended bool   // Host.Rewrite decided the request
	Rules []Rule // the entries that matched, in order
}

// A Rule names an entry: its place, its label and the dialect it was read in.
type Rule struct {
	File    string
	Line    int
	Label   string
	Dialect Dialect
}

// A Watcher is told of each entry tried, for trace and explain.
type Watcher interface {
	// Tried is called for each entry compared: matched, or the text of the check pair that failed and what
	// the request has instead. Secret values are blanked already.
	Tried(r Rule, matched bool, failed, found string)
}

// Deferred is the Tag of a reply pair whose value is computed by the policy after the password was found
// good: its Value is the ref of Names.Expression in four octets, network order.
const Deferred uint8 = 0xff

// Match finds the entries for q.Name in the order of the file's dialect, and fills Control, Reply and the
// results. It allocates nothing unless Watch is set or a rule expands text.
func (t *Table) Match(q *Query) { panic("users.Match") }
