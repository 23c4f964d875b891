// Package acct keeps accounting records. A NAS is answered only after its record cannot be lost any more
// (RFC 2866 s2), so that what cannot be stored is sent again, here or to another server.
//
// A Store is the whole of it: AppendRecord makes a record of a request, Store.Append keeps it, Live counts and finds
// sessions, Store.Sessions and Store.Totals look back.
//
//	s, err := acct.OpenStore(acct.StoreOptions{Dir: dir, Log: log})
//	record = acct.AppendRecord(record[:0], &head, pairs)
//	s.Append(record, func(err error) { … answer if err is nil … })
//
//	b := s.Live().Claim(acct.Claim{User: "bob", Device: device, Limit: 1, Now: now})
//	if !b.Granted { … b.Sessions are in the way … }
//
// Rules are how events become sessions: pure functions over an Event and a Session. A Journal is an append-only file
// with group commit, and a Detail writes files in the form of GNU Radius; both are of use alone.
package acct
