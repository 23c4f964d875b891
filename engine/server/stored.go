package server

import (
	"errors"
	"unicode/utf8"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
	"perilune/engine/users"
)

// errNotUTF8 is of clear passwords that no MS-CHAP response can fit (RFC 2759 s8.3: its hash is that of Unicode).
var errNotUTF8 = errors.New("the clear password is not UTF-8, so that MS-CHAP cannot use it; write it in UTF-8")

// unusable are attributes of that look that nothing is compared with, and what to write.
var unusable = map[string]string{
	"LM-Password":         "LM hashes are not compared with anything; write the NT hash as NT-Password",
	"NS-MTA-MD5-Password": "hashes of NS-MTA are not known; write another hash as Password-With-Header",
}

// StoredPassword is a check for users.Options.Stored: what it finds wrong would make the first login fail. It
// notes the costliest hash that it sees, so that unknown names take as long from the beginning. It is called
// while the generation is made, with its dictionary complete.
func (g *Generation) StoredPassword(a *dictionary.Attribute, value []byte) error {
	as := g.prepare().password(a)
	if as == nil {
		if way := unusable[a.Name]; way != "" && a.Vendor == nil {
			return errors.New(way)
		}
		return nil
	}
	s, err := as.parse(value, authLocal)
	if errors.Is(err, auth.ErrCost) {
		return users.Refused{Err: err}
	}
	if err != nil {
		return err
	}
	if s.Costly() {
		g.costliest.raiseTo(s.Cost())
	}
	if clear, ok := s.Clear(); ok && !utf8.Valid(clear) {
		return users.Refused{Err: errNotUTF8}
	}
	return nil
}
