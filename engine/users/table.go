package users

import (
	"iter"
	"regexp"
	"strings"
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
	Names      Names // nil: nothing is registered
	Dialect    Dialect
	IgnoreCase bool           // ASCII letters of user names fold, at load and at match
	Local      bool           // requests have GNU-Server-Address and GNU-Server-Port, so that rules may ask for them
	Location   *time.Location // of Login-Time and Expiration; nil: the process's zone
	Yield      func()         // called every now and then while loading; nil: never

	// Stored tells what is wrong with a password as it is kept, nil for nothing; its error holds none of it.
	// It is asked of each constant order of an entry. What is Refused is an error of the file, all else a warning.
	// nil: passwords are taken unseen.
	Stored func(a *dictionary.Attribute, value []byte) error

	// Program tells what is wrong with the command of an attribute that runs a program, nil for nothing: an error
	// of the file. nil: commands are taken unseen.
	Program func(a *dictionary.Attribute, command []byte) error

	// AuthType is told of each constant Auth-Type that an entry orders, in wire form. What it finds amiss is a
	// warning at that place. nil: nobody is told.
	AuthType func(value []byte) error

	slow    bool // for tests: nothing is read the quick way
	quickly *int // for tests: counts the entries that are
}

// Refused is what Options.Stored finds so wrong that the file is not used.
type Refused struct{ Err error }

// Error implements error.
func (r Refused) Error() string { return r.Err.Error() }

// A Table is one users file with all that it includes. It is immutable; its values live in memory that
// Close gives back, so nothing taken from it may be kept beyond the generation.
type Table struct {
	slab     slab
	index    index
	order    Dialect // GNU: BEGIN, name, DEFAULT; FreeRADIUS: file order
	begin    place   // last record of the BEGIN entries
	defaults place   // last record of the DEFAULT entries

	attrs      []*dictionary.Attribute // by the numbers in compiled pairs
	heads      heads
	regexps    []*regexp.Regexp
	rules      []ruleIndex // of long lists, by their last records
	profiles   []profile
	groups     []group
	uids       map[string]uint32 // of Unix accounts, if an entry asks
	files      []string
	port       *dictionary.Attribute // NAS-Port
	stripped   *dictionary.Attribute // Stripped-User-Name
	typed      *dictionary.Attribute // User-Password
	huntgroups map[int]string        // names by ref, for the Watcher
	location   *time.Location
	captures   bool // some expansion reads what a regular expression matched
	rewrites   bool // some entry runs a rewrite function

	entries   int
	named     int   // entries with a literal name
	lastNamed place // the last of them

	// Needed while loading alone.
	patterns map[string]int // number of a regular expression
}

// Close gives the table's memory back in small steps, calling yield between them (nil: never).
func (t *Table) Close(yield func()) {
	t.slab.free(yield)
	if t.index.slots != nil {
		unmapMemory(t.index.slots, yield)
		t.index.slots = nil
	}
	t.begin, t.defaults, t.profiles, t.rules = 0, 0, nil, nil
}

// Len gives the number of entries.
func (t *Table) Len() int { return t.entries }

// Order tells in which order entries are tried: GNU for BEGIN, name, DEFAULT; FreeRADIUS for that of the
// file. In the former language a user whom no entry matches is rejected; in the latter the way goes on.
func (t *Table) Order() Dialect { return t.order }

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
	Name    []byte           // User-Name after hints; Match may replace it by Stripped-User-Name
	Request *dictionary.List // compared
	Control *dictionary.List // check pairs that set are added here
	Reply   *dictionary.List // reply pairs are merged here
	Host    Host             // nil: no huntgroup holds, rewrite functions do nothing
	Now     time.Time
	Watch   Watcher // nil: nobody looks

	Found    bool      // an entry of the name or a DEFAULT matched; what BEGIN alone gives is in Control
	Ended    bool      // Host.Rewrite decided the request
	Rules    []Rule    // the entries that matched, in order
	Dropped  []Dropped // reply and control pairs whose expansion failed; they were left out
	Err      error     // an expansion is longer than its attribute has room for: the request fails
	Stripped []byte    // Name without the Prefix and Suffix of the entries that matched; shares its memory

	scratch  []byte
	captured captures
}

// Reset forgets the results, so that nothing of a generation is kept alive, and keeps the memory.
func (q *Query) Reset() {
	q.Found, q.Ended, q.Err = false, false, nil
	if len(q.Rules) > 0 {
		clear(q.Rules)
		q.Rules = q.Rules[:0]
	}
	if len(q.Dropped) > 0 {
		clear(q.Dropped)
		q.Dropped = q.Dropped[:0]
	}
	q.Stripped = nil
	if q.captured.n > 0 {
		q.captured = captures{}
	}
}

// captures are what the last regular expression that matched has found: the whole and up to eight groups.
type captures struct {
	text [9][]byte
	n    int
}

// A Rule names an entry: its place, its label and the dialect it was read in. Label shares the table's
// memory: Clone it if it must outlive the generation.
type Rule struct {
	File    string
	Line    int
	Label   string
	Dialect Dialect
}

// Clone gives a copy that may outlive the generation.
func (r Rule) Clone() Rule {
	r.Label = strings.Clone(r.Label)
	return r
}

// A Dropped names a pair that was left out because its expansion gave no value of the attribute's type.
type Dropped struct {
	Rule Rule
	Attr *dictionary.Attribute
	Why  string // never holds the value of a Secret attribute
}

// A Watcher is told of each entry tried, for trace and explain.
type Watcher interface {
	// Matched is called for an entry that matched, before it does what it says.
	Matched(r Rule)
	// Near is called for an entry that did not: held of its check pairs hold, where what would ask a script or a
	// profile counts as if it did not. True asks for a call of Missed.
	Near(r Rule, held, checks int) bool
	// Missed is told of the check pair that failed, as the file's dialect writes it, and what the request has
	// in its place. Secret values are blanked.
	Missed(r Rule, wants, found string)
}

// Deferred is the Tag of a reply pair whose value is computed by the policy after the password was found
// good: its Value is the ref of Names.Expression in four octets, network order, and in a fifth octet the tag
// that the pair shall have, if it shall have one.
const Deferred uint8 = 0xff
