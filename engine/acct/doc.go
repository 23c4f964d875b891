// Package acct keeps accounting records. A NAS is answered only after its record cannot be lost any more
// (RFC 2866 s2), so that what cannot be stored is sent again, here or to another server.
package acct
