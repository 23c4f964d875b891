package sandbox

import (
	"runtime/metrics"
	"time"
)

// How often a run looks up from its work, in steps.
const (
	firstLook = 64    // most hooks are over by then
	lookEvery = 256   // clock and allocation counter
	lookSoon  = 16    // the same while memory grows fast: one instruction can take a megabyte
	longEvery = 8_192 // OnLong once, then Yield
)

// allocations is the counter of all that the process allocates.
const allocations = "/gc/heap/allocs:bytes"

// fastGrowth is what a run may allocate between two looks without being watched closely, in octets.
const fastGrowth = 1 << 20

// A Run bounds one call. A zero field means the limit of the state, no deadline. Within counts from the first
// look at the clock: most runs are over before it, and reading the clock costs as much as a hook's table access.
type Run struct {
	Steps    int
	Within   time.Duration
	Deadline time.Time

	known bool // what runs has run before: neither memory nor time bound it
}

// A budget is what is left of a run. It is a context.Context because gopher-lua asks the context's Done before
// each instruction: that question is the counter.
type budget struct {
	state    *State
	steps    int // in all
	left     int // of them
	mark     int // value of left at the next look
	seen     int // the same while lines are counted, which looks at each step
	long     int // value of left at the next OnLong or Yield
	detached bool
	known    bool          // see Run
	kind     Kind          // why the run was stopped; 0 while it goes on
	within   time.Duration // not yet part of deadline; 0: it is
	deadline time.Time
	slow     bool // the last pause is long ago
	looks    bool // looked is the time of the last look
	measured bool // heap is the counter at the last look
	looked   time.Time
	paused   time.Time // the last pause, or the first look
	pace     int       // steps to the next look
	heap     uint64    // allocation counter at the last look
	grown    uint64    // allocated by the process while this run was computing
}

type closedChannel = chan struct{}

// closed is what Done gives once a run is stopped.
var closed = func() closedChannel { c := make(closedChannel); close(c); return c }()

// Done counts one instruction. It gives nil, which never fires, while the run may go on.
func (b *budget) Done() <-chan struct{} {
	b.left--
	if b.left > b.mark {
		return nil
	}
	return b.look()
}

// Err says why the run was stopped.
func (b *budget) Err() error {
	if b.kind == 0 {
		return nil
	}
	return stopText(b.kind)
}

// Deadline gives the deadline of the run.
func (b *budget) Deadline() (time.Time, bool) { return b.due(), !b.deadline.IsZero() }

// due gives the deadline, counting Within from the first call.
func (b *budget) due() time.Time {
	if b.within != 0 {
		if end := time.Now().Add(b.within); b.deadline.IsZero() || end.Before(b.deadline) {
			b.deadline = end
		}
		b.within = 0
	}
	return b.deadline
}

// Value gives nil: a budget carries nothing.
func (b *budget) Value(any) any { return nil }

// look checks what is too costly to check at each instruction.
func (b *budget) look() <-chan struct{} {
	if b.covered() {
		return nil
	}
	switch {
	case b.kind != 0:
	case b.left <= 0:
		b.stop(Steps)
	case !b.known && b.overMemory():
		b.stop(Memory)
	case !b.due().IsZero() && b.late():
		b.stop(Deadline)
	default:
		if b.left <= b.long || b.slow {
			b.pause()
		}
		b.setMark(max(b.left-b.pace, 0))
		return nil
	}
	return closed
}

func (b *budget) stop(k Kind) {
	b.kind = k
	b.steps -= max(b.left, 0) // what is not taken is not paid for
	b.left, b.mark = 0, 0
}

// pause lets others run: the first time through OnLong, where the caller gives its loop away.
func (b *budget) pause() {
	b.long = b.left - longEvery
	b.slow, b.paused = false, b.looked
	hook := b.state.Yield
	if !b.detached {
		b.detached = true
		hook = b.state.OnLong
	}
	if hook != nil {
		hook()
	}
	b.heap = b.allocated() // others have run meanwhile
}

// longTime is how long a run may compute without a pause, however few steps that were: one that makes a large table
// costs as much as ten thousand others. It counts from the first look at the clock.
const longTime = 300 * time.Microsecond

// slowLook is the time between two looks from which on the next comes sooner: some instructions, as next over a
// table whose keys were deleted, take a thousand times as long as others.
const slowLook = 5 * time.Millisecond

// late reads the clock.
func (b *budget) late() bool {
	now := time.Now()
	if b.looks && now.Sub(b.looked) > slowLook {
		b.pace = lookSoon
	}
	if !b.looks {
		b.paused = now
	}
	b.slow = now.Sub(b.paused) > longTime
	b.looked, b.looks = now, true
	return now.After(b.deadline)
}

// overMemory reads the allocation counter. It counts the whole process, so it is a trip-wire: only growth
// between two looks of a computing run is added up, waits and pauses are left out.
func (b *budget) overMemory() bool {
	now := b.allocated()
	b.pace = lookSoon
	if b.measured {
		b.grown += now - b.heap
		if now-b.heap < fastGrowth {
			b.pace = lookEvery
		}
	}
	b.heap, b.measured = now, true
	limits := &b.state.limits
	return b.grown > uint64(limits.Memory) || b.grown > fastGrowth && limits.Full != nil && limits.Full()
}

// allocated reads the allocation counter.
func (b *budget) allocated() uint64 {
	sample := b.state.sample[:]
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// spend takes n steps at once and reports whether the run may go on.
func (b *budget) spend(n int) bool {
	b.left -= n
	return b.left > b.mark || b.look() == nil
}
