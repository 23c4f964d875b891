package acct

import (
	"strings"
)

// A Verdict is what an event means to the newest session of its key.
type Verdict uint8

// The verdicts.
const (
	Fresh    Verdict = iota // there is no session: it makes one
	Reused                  // the NAS uses the id again: a new session, and the old one ends if it is open
	Same                    // it belongs to the session
	Repeated                // it said so before: retransmission, fail-over
	Stale                   // it was long on its way, and is of a session before this one: an event alone
)

// Judge tells what an event of a session (Start, Interim, Stop) means to the newest session of its key, nil if
// there is none.
func (r *Rules) Judge(s *Session, e *Event) Verdict {
	if s == nil {
		return Fresh
	}
	at, stamped := r.When(e)
	if r.Identity&WithoutSessionID != 0 && e.SessionID != s.SessionID {
		return onPort(s, e)
	}
	// Within a second nothing but the name tells two Starts of one id apart.
	other := e.Status == Start && e.Account() != "" && s.User != "" && e.Account() != s.User
	if !other && s.last[slot(e.Status)].same(fingerprintOf(e, at)) || s.said(e, at) {
		return Repeated
	}
	switch {
	case r.before(s, e, at):
		return Stale
	case !r.another(s, e, at, stamped):
		return Same
	}
	return Reused
}

// before reports an event that was long on its way: a Start that the NAS has held back, or an Interim or Stop of a
// session that had the id before this one began.
func (r *Rules) before(s *Session, e *Event, at int64) bool {
	late := at < s.Begin-orDefault(r.BeginSkew, defaultSkew) && s.Marks&MarkGuessed == 0
	if e.Status == Start {
		return late && e.Delay > 0
	}
	return late && s.Epoch > 0
}

// said recognizes a repetition by the row alone: after a restart, or when another server took the first.
func (s *Session) said(e *Event, at int64) bool {
	sameUser := e.Account() == "" || e.Account() == s.User
	if s.last[slot(e.Status)].at != 0 || !sameUser {
		return false
	}
	counted := e.HasSeconds() && e.Seconds > 0 && int64(e.Seconds) == s.Seconds && e.Input.told(s.Input) && e.Output.told(s.Output)
	switch e.Status {
	case Start:
		return s.Marks&MarkGuessed == 0 && near(at, s.Begin, exact)
	case Interim:
		return counted && near(at, s.Updated, exact)
	case Stop:
		return counted && near(at, s.End, exact) && s.Marks&MarkClosed == 0
	}
	return false
}

// onPort tells what an event with another Acct-Session-Id means where the port of a NAS is the session.
func onPort(s *Session, e *Event) Verdict {
	if e.Status == Stop && s.Open() {
		return Same
	}
	return Reused
}

// another reports that the id was given to another session, mostly after a NAS's reboot.
func (r *Rules) another(s *Session, e *Event, at int64, stamped bool) bool {
	begin, skew := r.begin(e, at), orDefault(r.BeginSkew, defaultSkew)
	switch {
	case e.Status != Start:
		// An Interim or Stop never reopens a row; it is another session only if that began after this one's end.
		return !s.Open() && e.HasSeconds() && begin > s.End+skew
	case e.Account() != "" && s.User != "" && e.Account() != s.User:
		return true
	case !s.Open() && at > s.End+exact && s.Marks&MarkGuessed == 0:
		return true // the same user at once again
	case s.Marks&MarkGuessed != 0: // without an Acct-Session-Time it may have begun at any time before
		return begin > s.Begin+skew || begin < s.Begin-skew && s.Seconds > 0
	case stamped && s.Marks&MarkStamped != 0:
		return !near(begin, s.Begin, exact)
	}
	return !near(begin, s.Begin, skew)
}

// Make gives the session that an event begins. epoch is that of the key's last session + 1, or 0.
func (r *Rules) Make(e *Event, key Key, epoch uint32) *Session {
	at, stamped := r.When(e)
	s := &Session{
		Key: key, Epoch: epoch,
		SessionID: e.SessionID, MultiSessionID: e.MultiSessionID, Client: e.Client,
		NASAddress: e.Address(), NASIPAddress: e.NASAddress, NASIPv6Address: e.NASIPv6Address, NASIdentifier: e.NASIdentifier,
		Begin:    r.begin(e, at),
		UserName: e.UserName, User: e.Account(), Realm: e.Realm, Port: e.Port(), PortType: e.NASPortType,
		Authentic: e.Authentic, ServiceType: e.ServiceType, FramedProtocol: e.FramedProtocol,
		CalledStationID: e.CalledStationID, CallingStationID: e.CallingStationID, Class: e.Class,
		FramedAddress: e.FramedAddress, FramedIPv6Address: e.FramedIPv6Address, FramedIPv6Prefix: e.FramedIPv6Prefix,
		FramedInterfaceID: e.FramedInterfaceID, DelegatedIPv6Prefix: e.DelegatedIPv6Prefix,
	}
	if e.Status != Start {
		s.Marks |= MarkGuessed
	}
	if stamped {
		s.Marks |= MarkStamped
	}
	r.Merge(s, e)
	s.own()
	return s
}

// Merge takes an event that Judge found Same into its session. Events may come in any order and more than once.
func (r *Rules) Merge(s *Session, e *Event) {
	at, stamped := r.When(e)
	newer := at >= s.Updated
	s.describe(e, newer)
	s.count(e, s.later(e, at))
	switch e.Status {
	case Start:
		r.started(s, e, at, stamped)
	case Stop:
		s.stopped(e, at)
	case Interim:
		s.revive(at)
		if newer && s.Open() {
			s.paced(at)
		}
	}
	if newer {
		s.Updated = at
	}
	s.Heard = max(s.Heard, e.Arrival.Unix())
	s.last[slot(e.Status)] = fingerprintOf(e, at)
}

// later reports that an event tells of a later moment than all before it, as the wrap of a counter requires.
func (s *Session) later(e *Event, at int64) bool {
	switch {
	case e.HasSeconds() && int64(e.Seconds) < s.Seconds, !s.Open() && s.Marks&MarkClosed == 0:
		return false
	case at == s.Updated:
		return e.HasSeconds() && int64(e.Seconds) > s.Seconds
	}
	return at > s.Updated
}

// started fills the begin, which came late if the row was made by another event.
func (r *Rules) started(s *Session, e *Event, at int64, stamped bool) {
	if s.Marks&MarkGuessed != 0 && (s.Open() || at <= s.End) {
		s.Begin, s.described = at, true
		s.Marks &^= MarkGuessed | MarkStamped
		if stamped {
			s.Marks |= MarkStamped
		}
		if !s.Open() && s.Seconds == 0 {
			s.Seconds = s.End - s.Begin
		}
	}
	s.set(&s.ConnectStart, e.ConnectInfo, s.ConnectStart == "")
}

// stopped closes the row. Of two Stops the larger wins; one of the NAS wins over what we made up.
func (s *Session) stopped(e *Event, at int64) {
	at = max(at, s.Begin)
	ours := s.Marks&MarkClosed != 0
	if s.Open() || ours || at > s.End {
		s.End = at
	}
	switch {
	case e.HasSeconds() && ours: // ours was a guess
		s.Seconds = int64(e.Seconds)
	case !e.HasSeconds() && (ours || s.Seconds == 0):
		s.Seconds = s.End - s.Begin
	}
	if e.TerminateCause != "" && (s.TerminateCause == "" || ours) {
		s.TerminateCause = strings.Clone(e.TerminateCause)
	}
	if e.ConnectInfo != "" {
		s.ConnectStop = strings.Clone(e.ConnectInfo)
	}
	s.Marks &^= MarkClosed
}

// revive opens a session again that was given up for silence: it was the way here that was interrupted. What a
// Stop, an Accounting-On or a person has closed stays closed.
func (s *Session) revive(at int64) {
	if s.Marks&MarkClosed != 0 && s.TerminateCause == CauseLost && at > s.End {
		s.End, s.TerminateCause, s.described = 0, "", true
		s.Marks &^= MarkClosed
	}
}

// paced keeps the time between updates. Retransmissions and Starts say nothing of it.
func (s *Session) paced(at int64) {
	if s.Updated != 0 && at-s.Updated > exact {
		s.Interval = at - s.Updated
	}
}

// displaced is when a session ended whose id the NAS gave to another one that began at begin: then, or earlier if
// it has fallen silent.
func (s *Session) displaced(begin int64) int64 {
	if s.Interval > 0 {
		return min(begin, s.Updated+s.Interval)
	}
	return begin
}

// Finish closes an open session that no Stop has closed: at is when, by the NAS's clock.
func (s *Session) Finish(at int64, cause string) {
	if !s.Open() {
		return
	}
	s.End = max(at, s.Begin)
	s.Seconds = max(s.Seconds, s.End-s.Begin)
	s.TerminateCause = cause
	s.Marks |= MarkClosed
}

// count takes the counters.
func (s *Session) count(e *Event, newer bool) {
	if e.Input.HasHigh || e.Output.HasHigh {
		s.Marks |= MarkGigawords
	}
	s.Input = advance(s.Input, e.Input, newer)
	s.Output = advance(s.Output, e.Output, newer)
	s.InputPackets = advance32(s.InputPackets, e.InputPackets, newer)
	s.OutputPackets = advance32(s.OutputPackets, e.OutputPackets, newer)
	if e.HasSeconds() {
		s.Seconds = max(s.Seconds, int64(e.Seconds))
	}
}

// describe takes what else an event tells: the first of what names the session, the newest of what may change.
func (s *Session) describe(e *Event, newer bool) {
	s.set(&s.UserName, e.UserName, s.UserName == "")
	s.set(&s.User, e.Account(), s.User == "" || newer && e.User != "" && s.User != e.User)
	s.set(&s.Realm, e.Realm, s.Realm == "")
	s.set(&s.Port, e.Port(), s.Port == "")
	s.set(&s.PortType, e.NASPortType, s.PortType == "")
	s.set(&s.Authentic, e.Authentic, s.Authentic == "")
	s.set(&s.ServiceType, e.ServiceType, s.ServiceType == "")
	s.set(&s.FramedProtocol, e.FramedProtocol, s.FramedProtocol == "")
	s.set(&s.CalledStationID, e.CalledStationID, s.CalledStationID == "" || newer)
	s.set(&s.CallingStationID, e.CallingStationID, s.CallingStationID == "")
	s.set(&s.Class, e.Class, s.Class == "" || newer)
	s.set(&s.FramedAddress, e.FramedAddress, s.FramedAddress == "" || newer)
	s.set(&s.FramedIPv6Address, e.FramedIPv6Address, s.FramedIPv6Address == "" || newer)
	s.set(&s.FramedIPv6Prefix, e.FramedIPv6Prefix, s.FramedIPv6Prefix == "" || newer)
	s.set(&s.FramedInterfaceID, e.FramedInterfaceID, s.FramedInterfaceID == "" || newer)
	s.set(&s.DelegatedIPv6Prefix, e.DelegatedIPv6Prefix, s.DelegatedIPv6Prefix == "" || newer)
}

// set takes a value that is there, if it may and differs: a copy, since the event's text keeps its whole line.
func (s *Session) set(field *string, value string, may bool) {
	if may && value != "" && value != *field {
		*field = strings.Clone(value)
		s.described = true
	}
}
