package backend

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/policy/module"
)

// LDAP implements module.Backends.
func (l *Lease) LDAP(name string) (module.LDAP, error) {
	s, ok := l.settings.Backend.LDAP[name]
	if !ok {
		return nil, notConfigured("ldap", name, raddb.DidYouMean(name, maps.Keys(l.settings.Backend.LDAP)))
	}
	dialer, files, err := l.ldapDialer(s)
	if err != nil {
		return nil, fmt.Errorf("[backend.ldap.%s]: %w", name, err)
	}
	b := ldapBounds(s)
	secrets := fmt.Sprintf("%q %q %q %t %q %q %q %q", s.URLs, s.BindDN, s.BindPassword.Text(), s.StartTLS, s.Base, files.ca, files.cert, files.key)
	key := fmt.Sprintf("ldap %s %x %v", name, sha256.Sum256([]byte(secrets)), b)
	return take(l, key, func() (*directory, error) {
		what := "backend.ldap." + name
		guest := *dialer // binds as whoever it is asked about
		guest.bindDN = ""
		return &directory{
			base: s.Base, calls: l.pools.counter("ldap", name),
			searches: newPool(what, b, dialer.dial), binds: newPool(what, b, guest.dial),
		}, nil
	})
}

func ldapBounds(s *config.BackendLDAP) poolBounds {
	return poolBounds{s.Connections, s.Waiting, s.Connect, s.Retry, s.Idle}
}

// A directory is one LDAP service: connections that search as the service, and others that try passwords.
type directory struct {
	base            string
	searches, binds *pool[*ldapConn]
	calls           *calls
}

// Close implements io.Closer.
func (d *directory) Close() error {
	return errors.Join(d.searches.Close(), d.binds.Close())
}

// Search implements module.LDAP.
func (d *directory) Search(ctx context.Context, q *module.LDAPSearch) (entries []module.LDAPEntry, err error) {
	own := *q
	if own.Base == "" {
		own.Base = d.base
	}
	err = d.with(ctx, d.searches, func(c *ldapConn) error {
		entries, err = c.search(ctx, &own)
		return err
	})
	return entries, err
}

// Bind implements module.LDAP.
func (d *directory) Bind(ctx context.Context, dn, password string) (right bool, err error) {
	err = d.with(ctx, d.binds, func(c *ldapConn) error {
		right, err = c.bind(ctx, dn, password)
		return err
	})
	return right, err
}

// with runs work on a connection. One that was idle may have been closed by the other side just now: then another is
// tried, since neither searches nor binds change anything.
func (d *directory) with(ctx context.Context, p *pool[*ldapConn], work func(*ldapConn) error) (err error) {
	defer func() { d.calls.count(err) }()
	for {
		c, err := p.take(ctx)
		if err != nil {
			return err
		}
		used := c.used
		c.used = true
		err = work(c)
		if c.alive() {
			p.put(c)
			return err
		}
		p.drop(c)
		if !used || ctx.Err() != nil || !errors.Is(err, errLost) {
			return err
		}
	}
}

// sameSpelling gives the name of an attribute as the script has spelled it.
func sameSpelling(name string, asked []string, equal func(a, b string) bool) string {
	if i := slices.IndexFunc(asked, func(a string) bool { return equal(a, name) }); i >= 0 {
		return asked[i]
	}
	return name
}
