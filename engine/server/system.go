package server

import (
	"errors"
	"fmt"
	"io/fs"

	"perilune/engine/auth"
	"perilune/engine/raddb"
)

// ReadAccounts reads the accounts of the system for Auth-Type System. A shadow file that is not there is none (the
// passwords are in passwd then); one that may not be read is an error which names the way out, and the accounts
// are nil. The files are inputs of the tree.
func ReadAccounts(tree *raddb.Tree, passwd, shadow string) (*auth.Accounts, error) {
	users, err := tree.ReadSystemFile(passwd)
	if err != nil {
		return nil, fmt.Errorf("Auth-Type System needs %s, which cannot be read: %w", passwd, reason(err))
	}
	hashes, err := tree.ReadSystemFile(shadow)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("Auth-Type System needs %s, which this process cannot read (%w); "+
			"add the server's user to the group shadow, as root: usermod -aG shadow USER, and start it anew; until then logins of system users are dropped", shadow, reason(err))
	}
	return auth.ParseAccounts(users, hashes), nil
}

// reason leaves out the path that the text around it has already.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// UseAccounts makes the accounts those of the generation. It is called while the generation is made.
func (g *Generation) UseAccounts(a *auth.Accounts) {
	g.Accounts = a
	if a != nil {
		g.costliest.raiseTo(a.Costliest())
	}
}

// OrdersSystem reports whether a value of Auth-Type, in wire form, is System.
func (g *Generation) OrdersSystem(value []byte) bool { return g.prepare().auth(value) == authSystem }

// system authenticates a user of the operating system. CHAP and MS-CHAP are answered by a password of the rule,
// as with Local: those of the system are hashes.
func (c *Core) system(r *Request, n *native) {
	given, pap := r.Attributes.First(r.Generation.Dictionary.Known.UserPassword)
	if !pap {
		c.password(r, n, authLocal)
		return
	}
	accounts := r.Generation.Accounts
	if accounts == nil {
		c.warn(r, "Auth-Type System, but the accounts of the system were not read: they cannot be, which the last load has said, or only a script names that type and [auth] system is not set")
		r.refuse(Drop, ReasonBackend)
		return
	}
	stored, state, found := accounts.Find(r.systemName(), int(r.Arrival.Unix()/86400))
	if !found {
		stored = c.nothing(r)
	}
	right, ok := c.verifyPAP(r, r.decoy(&stored), given)
	if ok && found {
		r.compared(right)
	}
	switch {
	case !ok: // decided there
	case !right || !found:
		c.reject(r, ReasonPassword)
	case state == auth.AccountOpen:
		c.accept(r)
	default:
		c.reject(r, ReasonExpiredAccount)
	}
}

// systemName gives the name without what Prefix and Suffix of the rules have matched, unless Strip-User-Name says
// No.
func (r *Request) systemName() []byte {
	q := &r.way.query
	if keep, ok := r.Control.First(r.Generation.Dictionary.Known.StripUserName); ok && len(keep) == 4 && keep[3] == 0 || len(q.Rules) == 0 {
		return r.User()
	}
	return q.Stripped
}
