package config

import (
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// BackendLDAP is one [backend.ldap.NAME].
type BackendLDAP struct {
	URLs         []string      `toml:"urls" doc:"where it is, like [\"ldaps://ldap1.example.net\", \"ldaps://ldap2.example.net\"]; each further one is asked if those before it cannot be"`
	StartTLS     bool          `toml:"start-tls" doc:"ldap:// is encrypted before anything is said (RFC 4511 s4.14)"`
	CA           string        `toml:"ca" doc:"file with the authorities that its certificate may be of, relative to this directory; empty: the system's"`
	Cert         string        `toml:"cert" doc:"file with the certificate that is shown to it; empty: none"`
	Key          string        `toml:"key" doc:"file with the key of cert"`
	BindDN       string        `toml:"bind-dn" doc:"who searches; empty: anybody"`
	BindPassword Secret        `toml:"bind-password" doc:"the text itself, \"@FILE\" or 'secret(\"NAME\")'"`
	Base         string        `toml:"base" doc:"where searches begin that name no base"`
	Connections  int           `toml:"connections" min:"1" max:"256" doc:"connections for searches at once, and as many for passwords"`
	Waiting      int           `toml:"waiting" min:"1" max:"65536" doc:"calls that may wait for a connection; more fail as busy"`
	Connect      time.Duration `toml:"connect-timeout" min:"10ms" max:"60s" doc:"how long making a connection may take, with all of urls"`
	Retry        time.Duration `toml:"retry" min:"10ms" max:"1h" doc:"how long all calls fail at once after a connection could not be made"`
	Idle         time.Duration `toml:"idle" min:"1s" max:"24h" doc:"a connection that nobody has used for so long is closed"`
}

func (b *BackendLDAP) setDefaults() {
	*b = BackendLDAP{URLs: []string{}, Connections: 8, Waiting: 256, Connect: 3 * time.Second, Retry: time.Second, Idle: 5 * time.Minute}
}

// ldaps refuses directories that cannot be asked, and warns of passwords that everybody on the way can read.
func (r *reader) ldaps() {
	for name, b := range r.config.Backend.LDAP {
		table := "backend.ldap." + name
		first := ""
		for _, text := range b.URLs {
			first = text
			u, ok := parseLDAPURL(text)
			at := r.config.Place(table + ".urls")
			switch {
			case !ok:
				r.errs.Errorf(at, `%s.urls has %q; expected "ldap://HOST", "ldaps://HOST" or either with a port`, table, text)
			case u.Scheme == "ldaps" && b.StartTLS:
				r.errs.Errorf(at, "%s.urls has %q, which is encrypted from its beginning; expected ldap:// beside start-tls", table, text)
			case u.Scheme == "ldap" && !b.StartTLS && !onThisMachine(u.Hostname()):
				r.errs.Warnf(at, "%s.urls has %q without start-tls: passwords cross the network as they are", table, text)
			}
		}
		r.needs(table, "urls", first)
		if (b.BindDN == "") != (b.BindPassword == "") && !r.toldAt(table+".bind-password") {
			r.errs.Errorf(r.config.Place(table), "%s: bind-dn and bind-password belong together; expected both or none", table)
		}
	}
}

// parseLDAPURL reads an address; nothing but host and port may follow the scheme.
func parseLDAPURL(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, false
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, false
		}
	}
	return u, true
}

func onThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
