package auth

import (
	"bytes"
	"strconv"
)

// Accounts are the users of a Unix system with their passwords, as passwd(5) and shadow(5) have them. They are
// immutable and share the memory of the texts that they were read from.
type Accounts struct {
	byName    map[string]account
	costliest Cost
}

type account struct {
	hash    []byte
	expires int // the day since 1970 from which on the account is closed; 0: never
	changed int // the day of the last change of the password; -1: not known
	longest int // days that a password may be used; 0: for ever
}

// An AccountState is whether an account may be used.
type AccountState uint8

// The states of an account.
const (
	AccountOpen     AccountState = iota
	AccountClosed                // its day has come
	PasswordExpired              // the password is too old, or must be changed at the next login
)

// Fields of a line.
const (
	shadowFields = 9
	masterFields = 10 // master.passwd(5) of the BSDs
)

const secondsOfDay = 86400

// ParseAccounts reads passwd and shadow; for shadow it takes master.passwd of the BSDs as well. An account of
// shadow alone is one too. Lines that are none are left out, as the system itself does.
func ParseAccounts(passwd, shadow []byte) *Accounts {
	a := &Accounts{byName: map[string]account{}}
	for f := range fieldsOf(passwd) {
		if len(f) > 2 {
			a.add(f[0], account{hash: f[1], changed: -1})
		}
	}
	for f := range fieldsOf(shadow) {
		switch {
		case len(f) == masterFields:
			a.add(f[0], account{hash: f[1], changed: -1, expires: day(f[6], 0) / secondsOfDay})
		case len(f) >= shadowFields-1:
			a.add(f[0], account{hash: f[1], changed: day(f[2], -1), longest: day(f[4], 0), expires: day(f[7], 0)})
		}
	}
	return a
}

// fieldsOf gives the fields of each line.
func fieldsOf(text []byte) func(func([][]byte) bool) {
	return func(yield func([][]byte) bool) {
		for line := range bytes.Lines(text) {
			if !yield(bytes.Split(bytes.TrimRight(line, "\r\n"), []byte(":"))) {
				return
			}
		}
	}
}

// day reads a number of days (or of seconds), none if the field is empty or no number.
func day(field []byte, none int) int {
	n, err := strconv.Atoi(string(field))
	if err != nil || n < 0 {
		return none
	}
	return n
}

// add keeps the first account of a name. Lines of NIS and empty names are none.
func (a *Accounts) add(name []byte, c account) {
	if len(name) == 0 || name[0] == '+' || name[0] == '-' || name[0] == '#' {
		return
	}
	if old, twice := a.byName[string(name)]; twice && string(old.hash) != "x" {
		return // of shadow, or with its password in passwd itself
	}
	a.byName[string(name)] = c
	if s, ok := c.stored(); ok && s.Cost().Micros() > a.costliest.Micros() {
		a.costliest = s.Cost()
	}
}

// stored reads the password. One that is empty, locked (! or *) or kept elsewhere (x) fits nothing.
func (c *account) stored() (Stored, bool) {
	s, err := parseCrypt(c.hash)
	return s, err == nil
}

// Len gives the number of accounts.
func (a *Accounts) Len() int { return len(a.byName) }

// Costliest gives the cost of the costliest password, for Dummy.
func (a *Accounts) Costliest() Cost { return a.costliest }

// Find gives the password of an account, and what is to be thought of the account on a day (since 1970-01-01
// UTC) if the password is right. ok is false if there is no such account or nothing fits its password: take
// a Dummy then.
func (a *Accounts) Find(name []byte, today int) (s Stored, state AccountState, ok bool) {
	c, known := a.byName[string(name)]
	if !known {
		return Stored{}, AccountOpen, false
	}
	s, ok = c.stored()
	return s, c.state(today), ok
}

func (c *account) state(today int) AccountState {
	switch {
	case c.expires > 0 && today >= c.expires:
		return AccountClosed
	case c.changed == 0, c.changed > 0 && c.longest > 0 && today > c.changed+c.longest:
		return PasswordExpired
	}
	return AccountOpen
}
