package server

import "runtime/debug"

// pin gives the active generation with one more reference on it. A count that has reached zero never rises
// again: then a newer generation is already in place, and the next look finds it. It gives nil before the
// first Swap and after the end.
func (s *Server) pin() *Generation {
	for {
		if g := s.generation.Load(); g == nil || g.acquire() {
			return g
		}
	}
}

// acquire adds a reference unless the generation is already given up.
func (g *Generation) acquire() bool {
	for {
		n := g.refs.Load()
		if n <= 0 {
			return false
		}
		if g.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// unpin gives one reference back. The last one closes the generation, never on the packet path.
func (s *Server) unpin(g *Generation) {
	if g.refs.Add(-1) == 0 {
		s.closers.Add(1)
		go s.retire(g)
	}
}

// retire frees what a generation holds, once nobody works on it.
func (s *Server) retire(g *Generation) {
	defer s.closers.Done()
	s.busy.Enter()
	defer s.busy.Leave()
	s.close(g)
	// What building the next one left behind goes back too, not some minutes later. Nothing here refers to g any more, so
	// that this generation is part of it.
	debug.FreeOSMemory()
}

// close frees what lies outside the heap, and ends what runs.
func (s *Server) close(g *Generation) {
	if g.Policy != nil {
		g.Policy.Close()
	}
	if g.Users != nil {
		g.Users.Close(s.busy.Yield)
	}
	g.Programs.Close()
	g.closed.Store(true)
}

// Current gives the active generation, nil before the first Swap and after Shutdown. What hangs from it may be freed after the
// next Swap, so callers that look into it for longer should use Hold.
func (s *Server) Current() *Generation { return s.generation.Load() }

// Hold gives the active generation, nil as Current does, and keeps it alive until release is called.
func (s *Server) Hold() (g *Generation, release func()) {
	if g = s.pin(); g == nil {
		return nil, func() {}
	}
	return g, func() { s.unpin(g) }
}

// Swap makes g the active generation and gives the old one, nil at first. Requests at work end on the
// generation that they began with; the old one is closed when the last of them is over.
func (s *Server) Swap(g *Generation) (old *Generation) {
	g.refs.Store(1)
	old = s.generation.Swap(g)
	if old == nil {
		return nil
	}
	s.unpin(old)
	s.desks.drop()
	for _, ro := range s.roles {
		ro.wake()
	}
	return old
}
