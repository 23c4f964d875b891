package server

import "time"

// Stuck gives the number of loops that have worked on one batch for longer than d: a server in which none
// turns is not alive, whatever its process says.
func (s *Server) Stuck(d time.Duration) (n int) {
	latest := int64(time.Since(s.born) - d)
	for _, ro := range s.roles {
		if since := ro.since.Load(); since != 0 && since < latest {
			n++
		}
	}
	return n
}
