package auth

import "errors"

// Errors of Parse, for the person who wrote the password down. They never contain it.
var (
	ErrScheme  = errors.New(`auth: unknown scheme; expected "", "clear", "crypt" or "nt"`)
	ErrHeader  = errors.New(`auth: unknown header before the password; expected {clear} {crypt} {md5} {smd5} {sha} {ssha} {sha256} {ssha256} {sha512} {ssha512} or {nt}; write {clear} before a clear password that begins with a brace`)
	ErrCrypt   = errors.New(`auth: unknown crypt(3) form; expected $1$ $5$ $6$ $2a$ $2b$ $2y$ or $y$; write {clear} before a clear password that looks like one`)
	ErrDES     = errors.New(`auth: 13 characters without $ look like the DES form of crypt(3), which is too weak to be read; expected $6$, $2b$ or $y$`)
	ErrForm    = errors.New(`auth: hashed password is malformed; expected a hash of the scheme's length`)
	ErrEncoded = errors.New(`auth: hashed password is neither base64 nor hexadecimal of the scheme's length`)
	ErrCost    = errors.New(`auth: cost of the hash is out of bounds; expected bcrypt 4 to 16, rounds 1000 to 1000000, yescrypt at most 64 MiB`)
)
