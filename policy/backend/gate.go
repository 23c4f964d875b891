package backend

import (
	"context"
	"sync/atomic"

	"perilune/policy/module"
)

// A gate lets so many calls through at once. So many may wait for their turn; more are refused as busy.
type gate struct {
	turns   chan struct{}
	waiting atomic.Int64
	room    int64
}

func newGate(turns, room int) *gate {
	return &gate{turns: make(chan struct{}, turns), room: int64(room)}
}

// enter waits for a turn until the context ends. Whoever gets one leaves.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.turns <- struct{}{}:
		return nil
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.room {
		return module.ErrBusy
	}
	select {
	case g.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.turns }
