package acct

import "math"

// fingerprint is what makes an event a repetition of another: its time and its counters.
type fingerprint struct {
	at            int64
	input, output Octets
	seconds       uint32
}

// fingerprintOf leaves Acct-Delay-Time out: it grows with each retransmission (RFC 2866 s5.2).
func fingerprintOf(e *Event, at int64) fingerprint {
	return fingerprint{at, e.Input, e.Output, e.Seconds}
}

// same allows the time to be off by a rounding: without an Event-Timestamp it is computed.
func (f fingerprint) same(g fingerprint) bool {
	return f.at != 0 && near(f.at, g.at, exact) && f.input == g.input && f.output == g.output && f.seconds == g.seconds
}

func near(a, b, by int64) bool { return a-b <= by && b-a <= by }

// slot gives the place of a status among a session's fingerprints.
func slot(s Status) int { return int(s & 3) }

// advance gives a counter's next value: it never goes down. With Gigawords the packet says it all. Without them 32
// bits went round (+2^32) if they are below the last ones, but only in an event that is newer than the last: an
// old one that comes late just says less. A bare zero is a NAS that doesn't count, not a counter gone round.
func advance(last uint64, o Octets, newer bool) uint64 {
	if !o.HasLow && !o.HasHigh {
		return last
	}
	next := o.Value()
	if !o.HasHigh && o.Low != 0 && newer {
		next |= last &^ (1<<32 - 1)
		if next < last {
			next += 1 << 32
		}
	}
	return min(max(last, next), math.MaxInt64)
}

// advance32 does the same for packets, which have no Gigawords.
func advance32(last uint64, low uint32, newer bool) uint64 {
	return advance(last, Octets{Low: low, HasLow: true}, newer)
}
