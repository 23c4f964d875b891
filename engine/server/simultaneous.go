package server

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"perilune/engine/acct"
	"perilune/engine/proxy"
)

// SessionSettings are those of [sessions].
type SessionSettings struct {
	Grace        time.Duration // how long the place of an Accept is kept without a Start; 0: it books none
	IgnoreDoubts bool          // a silent session that no handler knows of does not count
	CountDevices bool          // a login counts even if the user's session is of the same device, as in GNU Radius
	Stripped     bool          // users of other organisations are told apart by the name without realm alone
}

// logins looks whether the user's realm has room (quota=) and then whether the user may log in once more
// (Simultaneous-Use), and books a place in the same step: of two that come at once for the last one, one gets it.
func (c *Core) logins(r *Request) {
	limit, limited := c.loginLimit(r)
	line := r.quota()
	if r.Verdict != Accept || !limited && line == nil {
		return
	}
	if c.sessions == nil {
		c.warn(r, "Simultaneous-Use and quota= are not enforced: there is no accounting that would tell of sessions")
		return
	}
	if limited && len(r.account()) == 0 {
		r.Trace.Step("Simultaneous-Use: a login without a name is not counted")
		limit, limited = math.MaxInt, false
	}
	if limited {
		c.awaitAccounting(r)
	}
	claim := c.claimOf(r, limit, line)
	got := c.claim(r, &claim)
	if got.RealmOut && c.awaitSettled(r) { // a Stop of the realm may just have been answered
		got = c.claim(r, &claim)
	}
	if r.Trace != nil {
		r.Trace.Step(loginsText(&claim, &got))
	}
	switch {
	case got.RealmOut:
		c.reject(r, ReasonRealmQuota)
	case !got.Granted && !r.bundles(got.Sessions):
		r.way.limit = limit
		c.reject(r, ReasonMultipleLogin)
	case got.Granted && !got.Renewed:
		r.way.booked = booked{claim.User, claim.Device, c.sessions, c.places}
	}
}

// loginLimit gives the limit that the matched rules or a handler have set. One that is no number allows nothing.
func (c *Core) loginLimit(r *Request) (limit int, limited bool) {
	a := r.Generation.Dictionary.Known.SimultaneousUse
	v, ok := r.Control.First(a)
	if !ok || r.Verdict != Accept {
		return math.MaxInt, false
	}
	n, ok := a.Uint(v)
	if !ok {
		c.warn(r, "Simultaneous-Use is no number and so refuses")
	}
	return int(min(n, math.MaxInt32)), true
}

// quota gives the realm's line if it bounds the sessions.
func (r *Request) quota() *proxy.Realm {
	if line := r.way.realm; line != nil && line.Quota > 0 {
		return line
	}
	return nil
}

func (c *Core) claimOf(r *Request, limit int, line *proxy.Realm) acct.Claim {
	set := &r.Generation.Settings.Sessions
	claim := acct.Claim{User: acct.Text(r.account()), Device: r.device(), Limit: limit, Grace: set.Grace, Realm: r.Realm}
	if set.CountDevices {
		claim.Device = acct.Device{Client: claim.Device.Client, NAS: claim.Device.NAS}
	}
	if set.Grace <= 0 {
		claim.Grace = -1
	}
	if line != nil {
		claim.Quota = line.Quota
		if realms := r.Generation.Realms; line == realms.Default {
			claim.Shares = func(name string) bool { return realms.Lookup(name) == line }
		}
	}
	return claim
}

// claimRounds bounds how often sessions that were found dead make another attempt worth while: meanwhile others
// may have come.
const claimRounds = 4

// claim claims a place; where sessions stand in the way it asks who knows about them and tries again.
func (c *Core) claim(r *Request, claim *acct.Claim) (got acct.Booking) {
	same := c.reauthenticates(r, claim)
	doubts := doubts{}
	claim.Ignore = func(s *acct.Session) bool { return doubts[idOf(s)] == leftOut || same != nil && same(s) }
	for range claimRounds {
		claim.Now = c.now()
		got = c.sessions.Claim(*claim)
		c.everywhere(r, claim, &got)
		if got.Granted || got.RealmOut || !c.doubt(r, got, claim.Limit, doubts) {
			break
		}
	}
	return got
}

// reauthenticates gives what tells the session that a request belongs to already, beside its device: a State of an
// accept of ours, or a Class of ours, which names one accept. Classes that rules give may be many users' and devices'
// own.
func (c *Core) reauthenticates(r *Request, claim *acct.Claim) func(*acct.Session) bool {
	if d := &claim.Device; r.Round != nil && r.Round.accepted && d.Port == "" && d.Calling == "" {
		// Nothing else tells which session of the user this NAS means.
		if list := c.sessions.Select(acct.Filter{User: claim.User, Client: d.Client, Limit: 1}); len(list) > 0 {
			id := idOf(&list[0])
			return func(s *acct.Session) bool { return idOf(s) == id }
		}
	}
	attr := r.Generation.Dictionary.Known.Class
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		if p.Attr != attr {
			continue
		}
		if v, err := c.seal.openClass(p.Value); err == nil && v != nil {
			text := acct.Text(attr.AppendText(nil, p.Value))
			return func(s *acct.Session) bool { return s.Class == text }
		}
	}
	return nil
}

// A sessionID names one session while a request looks at it.
type sessionID struct {
	key   acct.Key
	epoch uint32
}

func idOf(s *acct.Session) sessionID { return sessionID{s.Key, s.Epoch} }

// doubts are what was found of the sessions in the way of one login.
type doubts map[sessionID]finding

type finding uint8

const (
	unasked finding = iota
	counts
	leftOut
)

// doubt asks about the sessions in the way, the most silent first, until enough of them turn out not to count.
// It reports whether another attempt is worth while.
func (c *Core) doubt(r *Request, got acct.Booking, limit int, known doubts) (again bool) {
	slices.SortFunc(got.Sessions, func(a, b acct.Session) int {
		return cmp.Or(cmp.Compare(a.Heard, b.Heard), cmp.Compare(a.Begin, b.Begin))
	})
	missing := got.Count - limit + 1
	for i := range got.Sessions {
		s := &got.Sessions[i]
		if missing <= 0 || c.late(r) {
			break
		}
		if known[idOf(s)] != unasked {
			continue
		}
		known[idOf(s)] = c.find(r, s)
		if known[idOf(s)] == leftOut {
			missing--
			again = true
		}
	}
	return again
}

// find asks the handlers about one session. One that they find dead is closed; one that they don't know counts,
// unless it has fallen silent and the settings say otherwise.
func (c *Core) find(r *Request, s *acct.Session) finding {
	switch c.alive(r, s) {
	case AliveNo:
		r.Trace.Step("session " + s.SessionID + " is dead: it is closed")
		c.closeDead(r, s)
		return leftOut
	case AliveUnknown:
		if r.Generation.Settings.Sessions.IgnoreDoubts && s.Doubtful(c.now().Unix()) {
			r.Trace.Step("session " + s.SessionID + " is doubtful: it does not count")
			return leftOut
		}
	}
	return counts
}

func (c *Core) alive(r *Request, s *acct.Session) Alive {
	policy := r.Generation.Policy
	if policy == nil || !policy.Has(PhaseSession) {
		return AliveUnknown
	}
	r.way.asked = true
	return r.runner().Session(r, s)
}

// causeDead is the Acct-Terminate-Cause of a session that a handler has found dead (RFC 2866 s5.10).
const causeDead = "Lost-Carrier"

// closeDead ends a session in the store. Nobody waits for it: it does not count for this request in any case.
func (c *Core) closeDead(r *Request, s *acct.Session) {
	if c.recorder == nil {
		return
	}
	unique := s.Unique()
	c.log.Info("a session is dead and is closed", "user", s.User, "client", s.Client, "session", s.SessionID, "unique", unique, "request", r.Serial)
	c.recorder.Append(acct.AppendClose(nil, c.now(), unique, causeDead), func(err error) {
		if err != nil {
			c.log.Warn("a dead session could not be closed", "unique", unique, "error", err.Error())
		}
	})
}

// bundles reports another link of a multilink bundle: a session in the way has the address that the request asks
// for, over PPP, SLIP or Ascend's MPP.
func (r *Request) bundles(in []acct.Session) bool {
	known := &r.Generation.Dictionary.Known
	v, ok := r.Attributes.First(known.FramedIPAddress)
	if !ok {
		return false
	}
	address := string(known.FramedIPAddress.AppendText(nil, v))
	return slices.ContainsFunc(in, func(s acct.Session) bool {
		return s.FramedAddress == address && r.multilink(s.FramedProtocol)
	})
}

// multilink knows the values of Framed-Protocol that bundle links: PPP and SLIP (RFC 2865 s5.7), and MPP.
func (r *Request) multilink(protocol string) bool {
	for _, n := range [...]uint32{1, 2, 256} {
		if protocol == string(r.Generation.Dictionary.Known.FramedProtocol.AppendText(nil, binary.BigEndian.AppendUint32(nil, n))) {
			return true
		}
	}
	return false
}
