package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"perilune/engine/radius"
)

// A Load measures a server of any make: many Access-Requests by PAP, from several sockets, either with a
// fixed number outstanding (closed loop) or at a fixed rate (open loop, latency counted from the time at
// which a request was due). Every reply's authenticator is checked.
type Load struct {
	Address     string        // host:port
	Secret      radius.Secret //
	Duration    time.Duration
	Sockets     int    // at least 1
	Outstanding int    // closed loop: requests in flight over all sockets, at most 256 for each
	Rate        int    // open loop: requests a second over all sockets; 0: closed loop
	Users       int    // names are made by NameFormat with numbers from 0 to Users-1
	NameFormat  string // like "user%07d@example.org"; one without %d is used as it is
	Password    string // like "pw%07d", with the same number
	Sign        bool   // send Message-Authenticator
	Wait        time.Duration
}

// A LoadResult sums up a run. Sent = Answered + Lost.
type LoadResult struct {
	Sent    uint64
	Replies map[radius.Code]uint64
	Lost    uint64 // no reply within Wait, or the open loop needed the identifier for a newer request
	Bad     uint64 // datagrams that were no valid reply to a request that is out
	// Took is how long requests were sent; the wait for the last replies is not in it.
	Took      time.Duration
	latencies histogram
}

// Quantile gives the latency that the fraction q of the replies did not exceed; it is at most a 32nd too
// high.
func (r *LoadResult) Quantile(q float64) time.Duration { return r.latencies.quantile(q) }

// Worst gives the highest latency.
func (r *LoadResult) Worst() time.Duration { return r.latencies.worst }

// Answered gives the number of valid replies.
func (r *LoadResult) Answered() (n uint64) {
	for _, c := range r.Replies {
		n += c
	}
	return n
}

// Run sends until Duration is over or ctx ends, then waits for what is still out.
func (l *Load) Run(ctx context.Context) (*LoadResult, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	shooters := make([]*shooter, 0, l.Sockets)
	for i := range l.Sockets {
		s, err := l.shooter(i)
		if err != nil {
			return nil, err
		}
		defer s.conn.Close()
		shooters = append(shooters, s)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for _, s := range shooters {
		wg.Go(func() { s.run(ctx, began) })
	}
	wg.Wait()
	result := &LoadResult{Replies: map[radius.Code]uint64{}}
	for _, s := range shooters {
		result.add(s, began)
	}
	return result, nil
}

// check refuses what could not be sent or measured.
func (l *Load) check() error {
	name, password := parseNumbered(l.NameFormat), parseNumbered(l.Password)
	switch {
	case l.Sockets < 1 || l.Users < 1 || l.Duration <= 0 || l.Wait <= 0:
		return errors.New("sockets, users, duration and wait must be positive")
	case l.Rate < 0 || l.Rate > 1e9:
		return errors.New("the rate must be 1 to 1000000000 requests a second, or 0 for a closed loop")
	case l.Rate == 0 && (l.Outstanding < 1 || l.Outstanding > 256*l.Sockets):
		return errors.New("the requests in flight must be 1 to 256 for each socket")
	case name.longest(l.Users) == 0 || name.longest(l.Users) > radius.MaxValueLen:
		return fmt.Errorf("the user name must have 1 to %d octets", radius.MaxValueLen)
	case password.longest(l.Users) > radius.MaxPasswordLen:
		return fmt.Errorf("the password must have at most %d octets", radius.MaxPasswordLen)
	}
	return nil
}

func (r *LoadResult) add(s *shooter, began time.Time) {
	r.Sent, r.Bad, r.Lost = r.Sent+s.sent, r.Bad+s.bad, r.Lost+s.lost
	r.Took = max(r.Took, s.stopped.Sub(began))
	for code, n := range s.replies {
		if n > 0 {
			r.Replies[radius.Code(code)] += n
		}
	}
	r.latencies.merge(&s.latencies)
}
