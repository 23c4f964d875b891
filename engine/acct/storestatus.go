package acct

import (
	"time"
)

// StoreStatus is the state of a Store, for status and metrics.
type StoreStatus struct {
	Live       int           // open sessions
	Booked     int           // places booked by Claim
	Records    uint64        // applied since the start
	Repeated   uint64        // of them: said before
	Reused     uint64        // sessions whose id the NAS gave to another one
	Reaped     uint64        // sessions closed because their interims stopped
	Unreadable uint64        // lines of the journal that are no records
	Refused    uint64        // records that the database refuses for what they hold, put aside in refused.jsonl
	Batches    uint64        // transactions
	Backlog    int64         // octets that wait for the database
	Behind     time.Duration // how long the oldest of them has waited
	Failure    string        // why the database cannot be written; empty: it can
	Spilled    bool          // more sessions are open than memory may hold: logins are counted too low
	Shared     bool          // several servers count in one database
	Asked      uint64        // logins that the shared database was asked about
	Elsewhere  uint64        // of them: refused because of what other servers have
	Unanswered uint64        // logins that this server's sessions alone decided, as the shared database did not answer
}

// Status gives the state.
func (s *Store) Status() StoreStatus {
	st := StoreStatus{
		Live: s.live.Len(), Booked: s.live.Booked(s.o.Now()), Records: s.counts.records.Load(), Repeated: s.counts.repeated.Load(),
		Reaped: s.reaped.Load(), Reused: s.counts.reused.Load(), Unreadable: s.counts.unreadable.Load(), Refused: s.counts.refused.Load(),
		Batches: s.counts.batches.Load(),
	}
	if why := s.sick.Load(); why != nil {
		st.Failure = *why
	}
	st.Spilled = s.live.Spilled()
	st.Shared, st.Asked, st.Elsewhere, st.Unanswered = s.work.shared, s.shared.asked.Load(), s.shared.refused.Load(), s.shared.unknown.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.Backlog = s.backlog; st.Backlog > 0 {
		st.Behind = max(0, s.o.Now().Sub(s.since))
	}
	return st
}
