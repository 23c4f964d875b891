package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"perilune/engine/config"
	"perilune/policy/module"
)

// An ldapDialer makes connections to the first of the servers that can be reached, beginning with the one that could
// last.
type ldapDialer struct {
	urls             []*url.URL
	startTLS         bool
	tls              *tls.Config
	bindDN, password string
	connect          time.Duration
	last             *atomic.Int64 // index of the server that was reached last
}

func (l *Lease) ldapDialer(s *config.BackendLDAP) (d *ldapDialer, files tlsFiles, err error) {
	d = &ldapDialer{startTLS: s.StartTLS, bindDN: s.BindDN, password: s.BindPassword.Text(), connect: s.Connect, last: new(atomic.Int64)}
	for _, text := range s.URLs {
		u, err := url.Parse(text)
		if err != nil {
			return nil, files, err
		}
		d.urls = append(d.urls, u)
	}
	if files, err = l.tlsFiles(s.CA, s.Cert, s.Key); err != nil {
		return nil, files, err
	}
	d.tls, err = files.config()
	return d, files, err
}

func (d *ldapDialer) dial(ctx context.Context) (*ldapConn, error) {
	var whys []error
	first := int(d.last.Load())
	for i := range d.urls {
		n := (first + i) % len(d.urls)
		c, err := d.reach(ctx, d.urls[n])
		if err == nil {
			d.last.Store(int64(n))
			return c, nil
		}
		whys = append(whys, fmt.Errorf("%s: %w", d.urls[n], err))
	}
	return nil, errors.Join(whys...)
}

// reach connects to one server and binds as the service.
func (d *ldapDialer) reach(ctx context.Context, u *url.URL) (*ldapConn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect/time.Duration(len(d.urls)))
	defer cancel()
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, late(ctx, err)
	}
	c := &ldapConn{socket: &socket{Conn: raw}}
	stop := context.AfterFunc(ctx, c.close)
	config := d.tls.Clone()
	config.ServerName = u.Hostname()
	err = c.open(ctx, u.Scheme == "ldaps", d.startTLS, config)
	if err == nil && d.bindDN != "" {
		c.socket.begin()
		if err = c.ldap.Bind(d.bindDN, d.password); err != nil {
			err = fmt.Errorf("bind-dn: %w", plainLDAP(err))
		}
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.close()
		return nil, late(ctx, err)
	}
	return c, nil
}

// late says in words that the time was over.
func late(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("no connection in time")
	}
	return err
}

// A socket bounds what one call may read: the other side says how long its answers are.
type socket struct {
	net.Conn
	room  atomic.Int64
	spent atomic.Bool // it was read to its bound
}

var errLDAPRoom = errors.New("an answer of more than 4 MiB")

// Read implements net.Conn.
func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if s.room.Add(int64(-n)) < 0 {
		s.spent.Store(true)
		s.Conn.Close()
		return 0, errLDAPRoom
	}
	return n, err
}

// begin gives room for the next call.
func (s *socket) begin() { s.room.Store(maxResult) }

// An ldapConn is a connection to a directory, for one call at a time.
type ldapConn struct {
	socket *socket
	ldap   *ldap.Conn
	used   bool // by a call before
}

// open says what must be said before anything is asked.
func (c *ldapConn) open(ctx context.Context, encrypted, startTLS bool, config *tls.Config) error {
	c.socket.begin()
	var conn net.Conn = c.socket
	if encrypted {
		over := tls.Client(conn, config)
		if err := over.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = over
	}
	c.ldap = ldap.NewConn(conn, encrypted)
	c.ldap.Start()
	if !startTLS {
		return nil
	}
	if err := c.ldap.StartTLS(config); err != nil {
		return fmt.Errorf("StartTLS: %w", plainLDAP(err))
	}
	return nil
}

// alive implements conn: the connection's own goroutine notices its end.
func (c *ldapConn) alive() bool { return !c.ldap.IsClosing() && !c.socket.spent.Load() }

// close implements conn. What waits for an answer ends by it.
func (c *ldapConn) close() { c.socket.Close() }

// errLost is in the error of a call whose connection has ended.
var errLost = errors.New("the connection was lost")

// during runs a call, which ends with ctx.
func (c *ldapConn) during(ctx context.Context, call func() error) error {
	c.socket.begin()
	stop := context.AfterFunc(ctx, c.close)
	err := call()
	if !stop() || ctx.Err() != nil && err != nil {
		c.ldap.Close()
		return ctx.Err()
	}
	if err != nil && ldap.IsErrorAnyOf(err, ldap.ErrorNetwork) || err != nil && !isLDAP(err) {
		c.close()
		c.ldap.Close()
		if c.socket.spent.Load() {
			return &module.Misuse{Err: errors.New("an answer of more than 4 MiB; ask for fewer entries or attributes")}
		}
		return &module.Failure{Kind: "refused", Err: errLost}
	}
	return err
}

func isLDAP(err error) bool {
	var e *ldap.Error
	return errors.As(err, &e)
}

// search does one search.
func (c *ldapConn) search(ctx context.Context, q *module.LDAPSearch) (entries []module.LDAPEntry, err error) {
	r := &ldap.SearchRequest{
		BaseDN: q.Base, Filter: q.Filter, Attributes: q.Attributes, SizeLimit: q.Limit, EnforceSizeLimit: true,
		Scope: map[string]int{"base": ldap.ScopeBaseObject, "one": ldap.ScopeSingleLevel, "sub": ldap.ScopeWholeSubtree}[q.Scope],
	}
	if until, ok := ctx.Deadline(); ok {
		r.TimeLimit = int(math.Ceil(time.Until(until).Seconds()))
	}
	if _, err := ldap.CompileFilter(q.Filter); err != nil {
		return nil, &module.Misuse{Err: fmt.Errorf("filter %q: %w", q.Filter, plainLDAP(err))}
	}
	var found *ldap.SearchResult
	err = c.during(ctx, func() error {
		found, err = c.ldap.Search(r)
		if errors.Is(err, ldap.ErrSizeLimitExceeded) { // it goes on sending what nobody wants
			c.close()
			err = nil
		}
		return err
	})
	if err != nil && !ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded) {
		if ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject) {
			return nil, nil
		}
		return nil, ldapFailure(err)
	}
	for _, e := range found.Entries {
		entry := module.LDAPEntry{DN: e.DN, Attributes: make(map[string][]string, len(e.Attributes))}
		for _, a := range e.Attributes {
			name := sameSpelling(a.Name, q.Attributes, strings.EqualFold)
			entry.Attributes[name] = append(entry.Attributes[name], a.Values...)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// bind tries a password.
func (c *ldapConn) bind(ctx context.Context, dn, password string) (bool, error) {
	err := c.during(ctx, func() error { return c.ldap.Bind(dn, password) })
	switch {
	case err == nil:
		return true, nil
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultNoSuchObject,
		ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultConstraintViolation):
		return false, nil // the last two: locked or disabled accounts
	}
	return false, ldapFailure(err)
}

// ldapFailure says whose fault an answer is (RFC 4511 appendix A.2).
func ldapFailure(err error) error {
	var e *ldap.Error
	if !errors.As(err, &e) {
		return err
	}
	text := plainLDAP(err)
	switch e.ResultCode {
	case ldap.LDAPResultTimeLimitExceeded:
		return &module.Failure{Kind: "timeout", Err: text}
	case ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultInappropriateMatching, ldap.LDAPResultInvalidAttributeSyntax, ldap.LDAPResultUndefinedAttributeType, ldap.LDAPResultProtocolError:
		return &module.Misuse{Err: text}
	case ldap.LDAPResultReferral:
		return &module.Failure{Kind: "refused", Err: errors.New("the directory names another server, which is not asked"), Answered: true}
	case ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultAdminLimitExceeded:
		return &module.Failure{Kind: "refused", Err: text, Answered: true}
	}
	return &module.Failure{Kind: "refused", Err: text}
}

// plainLDAP makes one line of an error.
func plainLDAP(err error) error {
	var e *ldap.Error
	if !errors.As(err, &e) {
		return err
	}
	text := "LDAP: " + ldap.LDAPResultCodeMap[e.ResultCode]
	if e.Err != nil && e.Err.Error() != "" {
		text += ": " + strings.TrimPrefix(strings.Join(strings.Fields(e.Err.Error()), " "), "ldap: ")
	}
	const longest = 400
	if len(text) > longest {
		text = text[:longest] + " …"
	}
	return errors.New(text)
}
