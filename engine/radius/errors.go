package radius

import "errors"

// Errors of verification; the server counts each under its name.
var (
	ErrBadMessageAuthenticator = errors.New("radius: Message-Authenticator is wrong")
	ErrBadAuthenticator        = errors.New("radius: authenticator is wrong")
	ErrPasswordLength          = errors.New("radius: User-Password is not 16 to 128 octets in steps of 16")
	ErrSaltedLength            = errors.New("radius: salted value is malformed")
	ErrTooLong                 = errors.New("radius: packet is longer than 4096 octets")
)
