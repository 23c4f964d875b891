package server

import "context"

// Shutdown stops gracefully: Status-Server is not answered any more, the sockets are read empty, rejects on
// their delay go out at once, requests at work are waited for, and then the sockets are closed and the
// generation is freed. If ctx ends first the sockets are closed at once, and the error is the context's;
// requests that still wait then end without an answer. Further calls wait for the first.
func (s *Server) Shutdown(ctx context.Context) (err error) {
	first := false
	s.stop.Do(func() { first = true })
	if !first {
		select {
		case <-s.stopped:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.steps.Drain()
	s.starting.Lock()
	s.stopping.Store(true)
	serving := s.started
	s.starting.Unlock()
	if serving {
		err = s.drain(ctx)
	}
	s.closeSockets()
	if err == nil { // else requests are still at work on it
		if g := s.generation.Swap(nil); g != nil {
			s.unpin(g)
		}
		s.closers.Wait()
	}
	close(s.stopped)
	return err
}

// drain waits for roles and requests at work.
func (s *Server) drain(ctx context.Context) error {
	s.busy.unwatch()
	for _, ro := range s.roles {
		ro.wake()
	}
	s.delays.end()
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.working.Wait()
		s.inflight.Wait()
		s.outbox.end()
		<-s.outbox.done
		<-s.delays.done
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
