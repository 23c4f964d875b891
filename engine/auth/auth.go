package auth

// A Stored is a password as it is kept: in clear or hashed. Made by Parse; the zero Stored fits nothing.
type Stored struct{}

// Parse reads a stored password. scheme is "" to take the header or crypt prefix that it carries ({SSHA}…,
// {clear}…, $6$…), clear text if it has none; "clear" for clear text whatever it looks like; "crypt" for
// crypt(3) forms ($1$ $5$ $6$ $2a$ $2b$ $2y$). It allocates nothing for clear text. Errors say what is wrong
// without the text (unknown scheme, malformed, costs above the limit).
func Parse(scheme string, stored []byte) (Stored, error) { panic("auth.Parse") }

// Costly reports whether Verify computes for long (more than some 50 µs), so that it belongs on a worker.
func (s Stored) Costly() bool { panic("auth.Costly") }

// Clear gives the clear text, for CHAP and MS-CHAP; false if the password is hashed.
func (s Stored) Clear() ([]byte, bool) { panic("auth.Clear") }

// Verify compares a PAP password in constant time. An empty given password fits only an empty stored one.
func (s Stored) Verify(given []byte) bool { panic("auth.Verify") }

// CHAP verifies CHAP-Password (ident and 16 octets) with its challenge against clear text, RFC 2865 s2.2.
// Wrong lengths are false.
func CHAP(response, challenge, clear []byte) bool { panic("auth.CHAP") }
