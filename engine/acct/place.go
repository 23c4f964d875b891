package acct

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Errors of Store.Place. The answer is then what Live.Claim says.
var (
	ErrNotShared = errors.New("acct: the store is not shared by several servers")
	ErrPlaces    = errors.New("acct: the shared database did not answer lately")
)

// placePause is how long logins are not held up after the shared database did not answer one of them.
const placePause = time.Second

// places is a backend's way to book where all servers see it.
type places interface {
	book(ctx context.Context, c *Claim) (Booking, error)
	free(ctx context.Context, user string, d Device) error
	close()
}

// A placer is a backend that has places.
type placer interface{ places() places }

// shared is the state of asking.
type shared struct {
	places  places // nil: the store is not shared
	failed  atomic.Int64
	asked   atomic.Uint64
	refused atomic.Uint64
	unknown atomic.Uint64 // not answered in time
}

// Place is Live.Claim for servers that share a database: it counts what all of them have written and booked, so that
// two logins at two servers do not both get the last place. It is asked after Live.Claim has granted one, only where
// the number of logins is limited; Realm and Quota are not looked at. It waits for the database: the caller must not
// hold up others, and gives ctx a deadline. With an error what Live.Claim said stands.
func (s *Store) Place(ctx context.Context, c Claim) (Booking, error) {
	if s.shared.places == nil {
		return Booking{}, ErrNotShared
	}
	if s.o.Now().UnixNano()-s.shared.failed.Load() < int64(placePause) {
		s.shared.unknown.Add(1)
		return Booking{}, ErrPlaces
	}
	s.shared.asked.Add(1)
	c.Ignore = s.ignoring(c.Ignore)
	b, err := s.shared.places.book(ctx, &c)
	switch {
	case err != nil:
		s.shared.failed.Store(s.o.Now().UnixNano())
		s.shared.unknown.Add(1)
		s.o.Log.Warn("the shared database does not say how often a user is logged in; this server's sessions decide", "err", err.Error())
		return Booking{}, ErrPlaces
	case !b.Granted:
		s.shared.refused.Add(1)
	}
	return b, nil
}

// ignoring leaves sessions out, too, whose end the database has not taken yet.
func (s *Store) ignoring(ignore func(*Session) bool) func(*Session) bool {
	return func(o *Session) bool { return s.live.over(o) || ignore != nil && ignore(o) }
}

// Shared reports whether Place asks anybody.
func (s *Store) Shared() bool { return s.shared.places != nil }

// Unplace gives a place of Place back: the Accept was not sent after all. It does not wait.
func (s *Store) Unplace(user string, d Device) {
	if s.shared.places == nil {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), placePause)
		defer cancel()
		s.shared.places.free(ctx, user, d) // else its time ends
	}()
}
