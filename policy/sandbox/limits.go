package sandbox

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Limits bound one run of a script. A zero field means its default.
type Limits struct {
	Steps      int           // instructions of one Call; 1,000,000
	String     int           // octets of one string; 1 MiB
	Memory     int           // octets that may be allocated during one run; 64 MiB
	Depth      int           // nested calls; 200
	Coroutines int           // made in one run; 16
	LoadSteps  int           // instructions of one Load; 10,000,000
	LoadTime   time.Duration // of one Load; 5 s

	// Full reports whether the process has nearly all the memory that it may have. Then runs that have allocated much
	// are ended as if they were over Memory. nil: it never has. It is called often and by many goroutines.
	Full func() bool
}

// What a table, a registry and a pattern may hold in every state.
const (
	maxList     = 65_536    // entries of the list part of a table
	maxRegistry = 16_384    // values on the stack of a state
	maxUnpack   = 4_096     // values of one unpack, string.byte or match
	maxPattern  = 4_096     // octets of a pattern
	maxSource   = 256 << 10 // octets of a script: its tree is walked by recursion
)

// octetsPerStep is what a string costs: one step for so many octets. It bounds the sum of all strings of a
// run, as Limits.String bounds one.
const octetsPerStep = 16

// The list part of a gopher-lua table grows to the highest index at once, so t[6e7] = 1 takes gigabytes in one
// instruction that nothing interrupts. The limit is a variable of that package; it is set here and nowhere else.
var _ = func() int { lua.MaxArrayIndex = maxList; return 0 }()

func (l Limits) withDefaults() Limits {
	set := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	set(&l.Steps, 1_000_000)
	set(&l.String, 1<<20)
	set(&l.Memory, 64<<20)
	set(&l.Depth, 200)
	set(&l.Coroutines, 16)
	set(&l.LoadSteps, 10_000_000)
	if l.LoadTime <= 0 {
		l.LoadTime = 5 * time.Second
	}
	return l
}
