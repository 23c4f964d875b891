package radius

import (
	"errors"
	"strconv"
)

// Errors of verification; the server counts each under its name.
var (
	ErrBadMessageAuthenticator = errors.New("radius: Message-Authenticator is wrong")
	ErrMessageAuthenticatorLen = errors.New("radius: Message-Authenticator has a length other than 18")
	ErrMessageAuthenticators   = errors.New("radius: more than one Message-Authenticator")
	ErrBadAuthenticator        = errors.New("radius: authenticator is wrong")
	ErrNotRequest              = errors.New("radius: code is not that of a request")
	ErrNotReply                = errors.New("radius: code is not that of a reply")
	ErrNoSecret                = errors.New("radius: shared secret is empty")
)

// Errors of revealing.
var (
	ErrPasswordLength = errors.New("radius: User-Password is not 16 to 128 octets in steps of 16")
	ErrSaltedLength   = errors.New("radius: salted value is malformed")
)

// Errors of building.
var (
	ErrTooLong    = errors.New("radius: packet is longer than 4096 octets")
	ErrValueLen   = errors.New("radius: value is longer than its attribute has room")
	ErrNumber     = errors.New("radius: number does not fit the type field")
	ErrAttributes = errors.New("radius: lengths of attributes do not add up")
)

// A Problem is what Parse found wrong.
type Problem uint8

// The problems. Found and Limit of the ParseError are the two numbers of each sentence.
const (
	ProblemDatagram  Problem = iota + 1 // datagram is under 20 octets
	ProblemLengthMin                    // Length is under 20
	ProblemLengthMax                    // Length is over 4096
	ProblemLengthEnd                    // Length is over what the datagram holds
	ProblemTorn                         // an attribute's type is the last octet
	ProblemAttribute                    // an attribute's length is under 2
	ProblemEnd                          // an attribute's length is over what is left
)

// A ParseError says why octets are not a packet. It is counted by its Problem and read by people.
type ParseError struct {
	Problem Problem
	Offset  int  // of the octet in the packet, from 0: the Length field, or the attribute's type
	Type    Type // of the attribute, if Problem is about one
	Found   int  // the number found, in octets
	Limit   int  // the number that it was compared with
}

// Error gives the sentence, such as `radius: attribute 26 at byte 41: length 1 is under 2`.
func (e *ParseError) Error() string {
	found, limit := strconv.Itoa(e.Found), strconv.Itoa(e.Limit)
	switch e.Problem {
	case ProblemDatagram:
		return "radius: datagram of " + found + " octets is under " + limit
	case ProblemLengthMin:
		return "radius: Length " + found + " is under " + limit
	case ProblemLengthMax:
		return "radius: Length " + found + " is over " + limit
	case ProblemLengthEnd:
		return "radius: Length " + found + " is over the datagram's " + limit + " octets"
	}
	where := "radius: attribute " + strconv.Itoa(int(e.Type)) + " at byte " + strconv.Itoa(e.Offset) + ": "
	switch e.Problem {
	case ProblemTorn:
		return where + "the packet ends before its length"
	case ProblemAttribute:
		return where + "length " + found + " is under " + limit
	}
	return where + "length " + found + " is over the " + limit + " octets left"
}
