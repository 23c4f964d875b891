package client

import (
	"fmt"
	"time"

	"perilune/engine/radius"
)

// A LoadResult sums up a run. Sent = Answered + Lost.
type LoadResult struct {
	Sent    uint64
	Replies map[radius.Code]uint64
	Lost    uint64 // no reply within Wait, or the open loop needed the identifier for a newer request
	Bad     uint64 // datagrams that were no valid reply to a request that is out
	Wrong   uint64 // valid replies, counted in Replies, with another code than Expect or WrongPasswords ask for
	// Late are requests of an open loop that left more than LateAfter behind their time: the generator, or its
	// share of the processor, was too slow for the rate. Latency has the delay in it.
	Late uint64
	// Took is how long requests were sent; the wait for the last replies is not in it.
	Took      time.Duration
	latencies histogram
}

// LateAfter is how far behind its time a request of an open loop may leave.
const LateAfter = time.Millisecond

// Quantile gives the latency that the fraction q of the replies did not exceed; it is at most a 32nd too
// high.
func (r *LoadResult) Quantile(q float64) time.Duration { return r.latencies.quantile(q) }

// Worst gives the highest latency.
func (r *LoadResult) Worst() time.Duration { return r.latencies.worst }

// A Bucket counts the replies with a latency of at most UpTo that are in no bucket before it.
type Bucket struct {
	UpTo  time.Duration
	Count uint64
}

// Histogram gives the latencies of all replies, shortest first, without empty buckets. A bucket's width is at
// most a 32nd of its latency.
func (r *LoadResult) Histogram() []Bucket { return r.latencies.buckets() }

// Answered gives the number of valid replies.
func (r *LoadResult) Answered() (n uint64) {
	for _, c := range r.Replies {
		n += c
	}
	return n
}

// String gives the counts and the median and worst latency, for messages of tests and logs.
func (r *LoadResult) String() string {
	return fmt.Sprintf("%d sent in %v, replies %v, %d lost, %d bad, %d wrong, %d late, p50 %v, p99 %v, worst %v", r.Sent, r.Took, r.Replies,
		r.Lost, r.Bad, r.Wrong, r.Late, r.Quantile(0.5), r.Quantile(0.99), r.Worst())
}

func (r *LoadResult) add(s *shooter, began time.Time) {
	r.Sent, r.Bad, r.Lost = r.Sent+s.sent, r.Bad+s.bad, r.Lost+s.lost
	r.Wrong, r.Late = r.Wrong+s.wrong, r.Late+s.late
	r.Took = max(r.Took, s.stopped.Sub(began))
	for code, n := range s.replies {
		if n > 0 {
			r.Replies[radius.Code(code)] += n
		}
	}
	r.latencies.merge(&s.latencies)
}
