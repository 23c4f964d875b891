package acct

import "time"

// Rules are the settings of how events become sessions. The zero value has the defaults.
type Rules struct {
	Identity  Identity      // 0: DefaultIdentity
	Back      time.Duration // how far behind our clock an Event-Timestamp is believed; 0: 24 h
	Ahead     time.Duration // and ahead of it; 0: 5 min
	BeginSkew time.Duration // between two begins of one session, when no clock tells better; 0: 5 min
	OnScope   OnScope
}

// OnScope is what an Accounting-On or -Off speaks for.
type OnScope uint8

// The scopes.
const (
	ScopeNAS           OnScope = iota // the NAS that the packet names
	ScopeCalledStation                // and only sessions of its Called-Station-Id: radios that send one for each BSSID
)

// defaultSkew is Ahead and BeginSkew where they are not set.
const defaultSkew = 5 * time.Minute

// exact is what two readings of one clock may differ by, in seconds: rounding, and a second's step.
const exact = 2

func orDefault(d, otherwise time.Duration) int64 {
	if d <= 0 {
		d = otherwise
	}
	return int64(d / time.Second)
}

// When gives the time of the event: Event-Timestamp if it is near enough to ours (RFC 2869 s5.3), else arrival
// less Acct-Delay-Time (RFC 2866 s5.2), which is believed up to Back. stamped tells which. A NAS whose clock
// stands in 1970 or 2036 so never chooses a row.
func (r *Rules) When(e *Event) (at int64, stamped bool) {
	arrival := e.Arrival.Unix()
	back, ahead := orDefault(r.Back, 24*time.Hour), orDefault(r.Ahead, defaultSkew)
	if e.Stamp != 0 && e.Stamp >= arrival-back && e.Stamp <= arrival+ahead {
		return e.Stamp, true
	}
	if d := int64(e.Delay); d <= back {
		return arrival - d, false
	}
	return arrival, false
}

// begin gives when the session of an event began, as far as the event tells.
func (r *Rules) begin(e *Event, at int64) int64 {
	if e.Status == Start {
		return at
	}
	return max(1, at-int64(e.Seconds)) // 0 would be no begin
}
