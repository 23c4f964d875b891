package acct

import (
	"math"
	"slices"
	"strings"
	"time"
)

// A Device is what tells one login of a user from another.
type Device struct {
	Client, NAS, Port string
	Calling           string // Calling-Station-Id
	Multi             string // Acct-Multi-Session-Id
}

// Same reports the same device again, or another link of the same multilink bundle. Calling-Station-Id decides if
// both have one: a device may roam to another NAS, and radios give all devices one port. Else it is the port.
func (d Device) Same(o Device) bool {
	switch {
	case d.Multi != "" && d.Multi == o.Multi:
		return true
	case d.Calling != "" && o.Calling != "":
		return sameStation(d.Calling, o.Calling)
	}
	return d.Port != "" && d.Port == o.Port && d.NAS == o.NAS && d.Client == o.Client
}

// sameStation compares station identifiers: MAC addresses are written with -, :, . or nothing, in either case.
func sameStation(a, b string) bool {
	return strings.EqualFold(a, b) || isMAC(a) && isMAC(b) && strings.EqualFold(bare(a), bare(b))
}

func isMAC(text string) bool {
	n := 0
	for _, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f':
			n++
		case c != '-' && c != ':' && c != '.':
			return false
		}
	}
	return n == 12
}

func bare(text string) string { return strings.NewReplacer("-", "", ":", "", ".", "").Replace(text) }

// A Claim asks for a place for one more login of a user.
type Claim struct {
	User   string // canonical
	Device Device
	Limit  int           // Simultaneous-Use; math.MaxInt: none, and Count is not told
	Now    time.Time     // when the request was decided
	Grace  time.Duration // how long the place is kept without a Start; 0: 30 s; below 0: none is booked
	Realm  string        // the session's realm, "" for none; its sessions and places are counted, too
	Quota  int           // how many the realm may have; 0: any number
	// Shares, if set, tells which realms have one quota together. It must be quick.
	Shares func(realm string) bool
	// Ignore, if set, leaves sessions out of the count: those that were found dead, or doubtful ones. It must be quick.
	Ignore func(*Session) bool
}

// A Booking is what became of a Claim.
type Booking struct {
	Granted  bool
	Renewed  bool      // the device had a place already: it must stay if this Accept is not sent
	RealmOut bool      // not granted because of Quota
	Count    int       // logins of other devices: open sessions and places booked; bundles count once
	Sessions []Session // if not granted: the sessions that count
}

// grace gives how long the place is kept.
func (c *Claim) grace() time.Duration {
	if c.Grace == 0 {
		return 30 * time.Second
	}
	return c.Grace
}

// Claim counts a user's logins and books a place if there is room, in one step: of two that come at once for the
// last place one gets it. The place is confirmed by a Start of the user and device, or freed by time or Release.
// The same device again is no second login: it replaces its own place and session.
func (l *Live) Claim(c Claim) Booking {
	c.Grace = c.grace()
	l.mu.Lock()
	defer l.mu.Unlock()
	var counted []*Session
	var bundles map[string]bool // by Acct-Multi-Session-Id
	sessions := l.users[c.User]
	if c.Limit == math.MaxInt { // only the realm's sessions count, and one user may have all of them
		sessions = nil
	}
	for _, s := range sessions {
		if bundles[s.MultiSessionID] || c.Device.Same(s.Device()) || c.Ignore != nil && c.Ignore(s) {
			continue
		}
		counted = append(counted, s)
		if s.MultiSessionID != "" {
			if bundles == nil {
				bundles = map[string]bool{}
			}
			bundles[s.MultiSessionID] = true
		}
	}
	b := Booking{Count: len(counted) + l.booked.others(&c, counted)}
	if l.full(&c) {
		b.RealmOut = true
		return b
	}
	if b.Count >= c.Limit {
		for _, s := range counted {
			b.Sessions = append(b.Sessions, *s)
		}
		return b
	}
	b.Granted, b.Renewed = true, l.booked.add(&c)
	return b
}

// full reports whether the claim's realm has no room. What the same device has there already takes none.
func (l *Live) full(c *Claim) bool {
	if c.Quota <= 0 {
		return false
	}
	l.booked.sweep(c.Now)
	n := l.realms.sum(c) + l.booked.realms.sum(c)
	if n < c.Quota {
		return false
	}
	for _, s := range l.users[c.User] {
		if c.shares(s.Realm) && (c.Device.Same(s.Device()) || c.Ignore != nil && c.Ignore(s)) {
			n--
		}
	}
	for _, b := range l.booked.byUser[c.User] {
		if c.shares(b.realm) && b.device.Same(c.Device) {
			n--
		}
	}
	return n >= c.Quota
}

// shares reports whether sessions of a realm count for the claim's quota.
func (c *Claim) shares(realm string) bool {
	if c.Shares != nil {
		return c.Shares(realm)
	}
	return realm == c.Realm
}

// OfRealm gives how many open sessions a realm has, and places that are booked.
func (l *Live) OfRealm(realm string, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.booked.sweep(now)
	return l.realms[realm] + l.booked.realms[realm]
}

// Release frees a place that was booked: the Accept was not sent after all.
func (l *Live) Release(user string, d Device) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.booked.drop(user, func(b booking) bool { return b.device == d })
}

// Booked gives the number of places that wait for a Start.
func (l *Live) Booked(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.booked.sweep(now)
	return l.booked.total
}

// bookings are places between an Accept and its Start.
type bookings struct {
	byUser map[string][]booking
	realms tally
	total  int
	swept  time.Time
}

type booking struct {
	device Device
	realm  string
	until  time.Time
}

// maxBookings bounds the table. Beyond it logins are granted without a place: refusing all users would be worse
// than a race that somebody has to fill the table for.
const maxBookings = 1 << 17

// others counts places of other devices, without those whose session is counted.
func (t *bookings) others(c *Claim, counted []*Session) (n int) {
	t.drop(c.User, func(b booking) bool { return !b.until.After(c.Now) })
	for _, b := range t.byUser[c.User] {
		if !b.device.Same(c.Device) && !slices.ContainsFunc(counted, func(s *Session) bool { return b.device.Same(s.Device()) }) {
			n++
		}
	}
	return n
}

// add gives a place to the device. renewed reports that it had one, which the new one replaces.
func (t *bookings) add(c *Claim) (renewed bool) {
	had := t.total
	t.drop(c.User, func(b booking) bool { return b.device.Same(c.Device) })
	renewed = t.total < had
	if t.total >= maxBookings {
		t.sweep(c.Now)
	}
	if t.total < maxBookings && c.Grace > 0 {
		t.byUser[c.User] = append(t.byUser[c.User], booking{c.Device, c.Realm, c.Now.Add(c.Grace)})
		t.realms.add(c.Realm, 1)
		t.total++
	}
	return renewed
}

// confirm ends the place of a session that has started: its device's, else the user's oldest.
func (t *bookings) confirm(s *Session) {
	list := t.byUser[s.User]
	if len(list) == 0 {
		return
	}
	d := s.Device()
	at := max(0, slices.IndexFunc(list, func(b booking) bool { return b.device.Same(d) }))
	t.total--
	t.realms.add(list[at].realm, -1)
	if len(list) == 1 {
		delete(t.byUser, s.User)
		return
	}
	t.byUser[s.User] = slices.Delete(list, at, at+1)
}

func (t *bookings) drop(user string, which func(booking) bool) {
	list := t.byUser[user]
	if len(list) == 0 {
		return
	}
	kept := slices.DeleteFunc(list, func(b booking) bool {
		gone := which(b)
		if gone {
			t.realms.add(b.realm, -1)
		}
		return gone
	})
	t.total -= len(list) - len(kept)
	if len(kept) == 0 {
		delete(t.byUser, user)
		return
	}
	t.byUser[user] = kept
}

// sweep drops all places whose time is over, once a second at most.
func (t *bookings) sweep(now time.Time) {
	if d := now.Sub(t.swept); d >= 0 && d < time.Second {
		return
	}
	t.swept = now
	for user := range t.byUser {
		t.drop(user, func(b booking) bool { return !b.until.After(now) })
	}
}
