package auth

import "errors"

// Errors of Parse, for the person who wrote the password down. They never contain it.
var (
	ErrScheme  = errors.New(`auth: unknown scheme; expected "", "clear", "crypt", "pbkdf2" or "nt"`)
	ErrHeader  = errors.New(`auth: unknown header before the password; expected {clear} {crypt} {md5} {smd5} {sha} {ssha} {sha256} {ssha256} {sha512} {ssha512} {x-pbkdf2} {argon2} or {nt}; write {clear} before a clear password that begins with a brace`)
	ErrCrypt   = errors.New(`auth: unknown crypt(3) form; expected $1$ $5$ $6$ $2a$ $2b$ $2y$ $y$ $argon2id$ $argon2i$ $pbkdf2-sha256$, BSDi's _ or 13 characters of DES; write {clear} before a clear password that looks like one`)
	ErrForm    = errors.New(`auth: hashed password is malformed; expected a hash of the scheme's length`)
	ErrEncoded = errors.New(`auth: hashed password is neither base64 nor hexadecimal of the scheme's length`)
	ErrCost    = errors.New(`auth: cost of the hash is out of bounds; expected bcrypt 4 to 16, rounds 1000 to 1000000, PBKDF2 at most 2000000, BSDi at most 1048576, yescrypt at most 64 MiB, Argon2 at most 128 MiB, 16 lanes and 1 GiB in all passes`)
)
