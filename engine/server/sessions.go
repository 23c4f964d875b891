package server

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"perilune/engine/acct"
)

// Sessions is the table of open sessions, which accounting feeds. *acct.Live is one. Its methods are safe for
// use by many goroutines and never wait for a disk.
type Sessions interface {
	// Claim counts a user's logins, and those of his realm, and books a place in one step.
	Claim(acct.Claim) acct.Booking
	// Release frees a place whose Accept is not sent after all.
	Release(user string, d acct.Device)
	// Select gives the open sessions that match, the newest first.
	Select(acct.Filter) []acct.Session
	// SelectIf gives those of them that are wanted; wanted must be quick.
	SelectIf(f acct.Filter, wanted func(*acct.Session) bool) []acct.Session
	// Count gives how many match.
	Count(acct.Filter) int
}

// account gives the canonical user: by whom sessions are counted and found. It is User-Name as it stands, after
// hints, and without what Prefix and Suffix of the users file have matched if its rule says Strip-User-Name = Yes
// or the site strip-names. The realm of another organisation is part of it, in lower case, whether it was taken off
// for the way or not; all of it is, if the users file knows no case: or a user had each spelling's logins. It is valid
// until the next call.
func (r *Request) account() []byte {
	name := r.fullName()
	if !r.Generation.Settings.IgnoreCase || !slices.ContainsFunc(name, isUpper) {
		return name
	}
	r.way.accountName = foldTo(r.way.accountName[:0], name) // letter by letter: it may be its own memory
	return r.way.accountName
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// fullName is account with the user's letters as they are.
func (r *Request) fullName() []byte {
	name := r.localName()
	line := r.way.realm
	if r.Realm == "" || line != nil && line.Local || r.Generation.Settings.Sessions.Stripped {
		return name
	}
	if at := bytes.LastIndexByte(name, '@'); at >= 0 && equalLower(name[at+1:], r.Realm) {
		name = name[:at]
	}
	b := append(r.way.accountName[:0], name...)
	b = append(append(b, '@'), r.Realm...)
	r.way.accountName = b
	return b
}

func (r *Request) localName() []byte {
	q := &r.way.query
	if len(q.Rules) == 0 {
		return r.User()
	}
	strip := r.Generation.Settings.Recording.StripNames
	if v, ok := r.Control.First(r.Generation.Dictionary.Known.StripUserName); ok && len(v) == 4 {
		strip = v[3] != 0
	}
	if strip {
		return q.Stripped
	}
	return r.User()
}

// device gives what tells one login of the user from another.
func (r *Request) device() acct.Device {
	return acct.DeviceOf(r.Client.Name, r.Source, r.Attributes.Pairs)
}

// A booked is the place that a request has booked for its Accept.
type booked struct {
	user   string
	device acct.Device
	in     Sessions // nil: none
	shared Places   // nil: none
}

// unbook frees the place of a request that was not accepted after all. Its reply is decided.
func (r *Request) unbook() {
	if r.way.booked.in == nil {
		return
	}
	b := r.way.booked
	r.way.booked = booked{}
	if r.Verdict != Accept {
		b.in.Release(b.user, b.device)
		if b.shared != nil {
			b.shared.Unplace(b.user, b.device)
		}
	}
}

// stirred remembers when accounting of a user was answered last. The table of sessions follows some milliseconds
// later: only who logs in meanwhile has to wait for it. Users share places by hash, which costs a wait at worst.
type stirred struct {
	seed  maphash.Seed
	users [1 << 12]atomic.Int64 // nanoseconds since 1970
	all   atomic.Int64          // of a NAS that has begun or ended
}

func newStirred() *stirred { return &stirred{seed: maphash.MakeSeed()} }

func (t *stirred) at(user []byte) *atomic.Int64 {
	return &t.users[maphash.Bytes(t.seed, user)%uint64(len(t.users))]
}

// empty reports whether nothing was ever noted.
func (t *stirred) empty() bool {
	for i := range t.users {
		if t.users[i].Load() != 0 {
			return false
		}
	}
	return t.all.Load() == 0
}

func (t *stirred) note(user []byte, now time.Time) { t.at(user).Store(now.UnixNano()) }

// noteAll tells of an Accounting-On or -Off, which may concern anybody.
func (t *stirred) noteAll(now time.Time) { t.all.Store(now.UnixNano()) }

func (t *stirred) lately(user []byte, now time.Time) bool {
	age := now.UnixNano() - max(t.at(user).Load(), t.all.Load())
	return age < int64(stirredFor) && age > -int64(stirredFor)
}

const (
	stirredFor  = 2 * time.Second
	stirredWait = 250 * time.Millisecond
)

// awaitAccounting lets the table of sessions catch up with what the user's NAS was just told is recorded: a Stop
// frees a place, and a Start takes one, from the answer on.
func (c *Core) awaitAccounting(r *Request) {
	if c.stirred.lately(r.account(), c.now()) {
		c.awaitSettled(r)
	}
}

// awaitSettled waits until the table of sessions has all that is recorded by now; false if it had that already. With
// a database that is slow or away the wait ends soon.
func (c *Core) awaitSettled(r *Request) (waited bool) {
	if c.settled == nil {
		return false
	}
	ready := c.settled()
	select {
	case <-ready:
		return false
	default:
	}
	if r.Detach() != nil {
		return false
	}
	timer := time.NewTimer(stirredWait)
	defer timer.Stop()
	select {
	case <-ready:
	case <-timer.C:
	}
	return true
}

// loginsText tells a trace what a claim has found.
func loginsText(q *acct.Claim, got *acct.Booking) string {
	text := "sessions: "
	if q.Limit != math.MaxInt {
		text += fmt.Sprintf("Simultaneous-Use %d, %d open or booked; ", q.Limit, got.Count)
	}
	switch {
	case got.RealmOut:
		return text + fmt.Sprintf("realm %q has its quota of %d", q.Realm, q.Quota)
	case !got.Granted:
		return text + "no place"
	case got.Renewed:
		return text + "the device has its place already"
	}
	return text + "a place is booked"
}
