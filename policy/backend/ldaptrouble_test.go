package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"perilune/engine/config"
	"perilune/policy/module"
)

func openLDAP(t *testing.T, s Settings) module.LDAP {
	t.Helper()
	d, err := newWorld(t, s).env.Backends.LDAP("staff")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestLDAPAway: a call ends with its handler where the directory is stuck; where it is away all fail at once; when it
// is back all is well, and connections that it has closed cost nobody an answer.
func TestLDAPAway(t *testing.T) {
	s := newSlapd(t)
	d := openLDAP(t, ldapSettings(s))
	people := &module.LDAPSearch{Filter: "(uid=ann)", Scope: "sub", Limit: 10}
	well := func(what string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if found, err := d.Search(ctx, people); err != nil || len(found) != 1 {
			t.Errorf("%s: %v, %v", what, found, err)
		}
		if right, err := d.Bind(ctx, "uid=ann,ou=people,dc=example,dc=net", "sesame"); !right || err != nil {
			t.Errorf("%s: bind: %v, %v", what, right, err)
		}
	}
	well("at first")
	s.freeze()
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		within(t, time.Second, "asking who is stuck", func() {
			if _, err := d.Search(ctx, people); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("search: %v", err)
			}
			if _, err := d.Bind(ctx, "uid=ann,ou=people,dc=example,dc=net", "sesame"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("bind: %v", err)
			}
		})
		cancel()
	}
	s.thaw()
	well("after the thaw")
	s.stop()
	s.start()
	well("after a restart")
	s.stop()
	within(t, 2*time.Second, "asking who is away", func() {
		for range 50 {
			if _, err := d.Search(context.Background(), people); module.AsFailure(err).Kind != "refused" {
				t.Errorf("away: %v", err)
			}
		}
	})
	s.start()
	time.Sleep(60 * time.Millisecond) // longer than retry
	well("back")
}

// TestLDAPFailOver: another server of the list is asked when the one that was asked last is away.
func TestLDAPFailOver(t *testing.T) {
	one, two := newSlapd(t), newSlapd(t)
	d := openLDAP(t, ldapSettings(one, func(o *config.BackendLDAP) { o.URLs = append(o.URLs, "ldap://"+two.plain) }))
	for _, away := range []*slapd{one, two} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		away.stop()
		if found, err := d.Search(ctx, &module.LDAPSearch{Filter: "(uid=ann)", Scope: "sub", Limit: 10}); err != nil || len(found) != 1 {
			t.Errorf("%v, %v", found, err)
		}
		away.start()
		cancel()
	}
}

// TestLDAPSettings: what does not let us in says why, and no password.
func TestLDAPSettings(t *testing.T) {
	s := newSlapd(t)
	for name, c := range map[string]struct {
		change func(*config.BackendLDAP)
		want   string
	}{
		"password":  {func(o *config.BackendLDAP) { o.BindPassword = "geheim" }, "nil refused: backend.ldap.staff: ldap://" + s.plain + ": bind-dn: LDAP: Invalid Credentials"},
		"authority": {func(o *config.BackendLDAP) { o.URLs = []string{"ldaps://" + s.over} }, "nil refused: backend.ldap.staff: ldaps://" + s.over + ": tls: failed to verify certificate"},
		"StartTLS":  {func(o *config.BackendLDAP) { o.StartTLS = true }, "nil refused: backend.ldap.staff: ldap://" + s.plain + ": StartTLS: LDAP: Network Error: TLS handshake failed (tls: failed to verify"},
		"anonymous": {func(o *config.BackendLDAP) { o.BindDN, o.BindPassword = "", "" }, "table"},
	} {
		w := newWorld(t, ldapSettings(s, c.change))
		got := w.run(`local d = ldap.open("staff") handler(function() local r, err = d:try_search{filter="(uid=ann)"} out(r and type(r), err) end)`)
		if !strings.HasPrefix(got, c.want) || strings.Contains(got, "geheim") {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, c := range map[string]struct {
		change func(*config.BackendLDAP)
		want   string
	}{
		"no file": {func(o *config.BackendLDAP) { o.CA = "none.pem" }, "no such file"},
		"no PEM":  {func(o *config.BackendLDAP) { o.CA = "slapd.conf" }, "no certificate in PEM"},
		"no key":  {func(o *config.BackendLDAP) { o.Cert = "cert.pem" }, "cert and key belong together"},
	} {
		if got := newWorld(t, ldapSettings(s, c.change)).run(`ldap.open("staff")`); !strings.Contains(got, `ldap.open("staff"): [backend.ldap.staff]: `) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	w := newWorld(t, ldapSettings(s))
	for source, want := range map[string]string{
		`ldap.open("stuff")`:                   `error: t.lua:1: ldap.open("stuff"): config.toml has no [backend.ldap.stuff]; did you mean "staff"?`,
		`sql.open("crm")`:                      `error: t.lua:1: sql.open("crm"): config.toml has no [backend.sql.crm]`,
		`ldap.open("staff"):bind("cn=x", "y")`: "error: t.lua:1: ldap: nothing waits while scripts load",
	} {
		if got := w.run(source); got != want {
			t.Errorf("%s: %s", source, got)
		}
	}
}

// babbling answers each connection with the octets.
func babbling(t *testing.T, says string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.Read(make([]byte, 1000))
				for range 1000 {
					if _, err := io.WriteString(c, says); err != nil || says == "" {
						return
					}
				}
				io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}

// TestLDAPHostile: what a directory says that is none is a failure, soon, and no more memory than is allowed.
func TestLDAPHostile(t *testing.T) {
	entry := func(n int) string { // SearchResultEntry of message 1 with a long value
		text := strings.Repeat("x", n)
		octets := func(tag byte, inner string) string {
			return string([]byte{tag, 0x84, byte(len(inner) >> 24), byte(len(inner) >> 16), byte(len(inner) >> 8), byte(len(inner))}) + inner
		}
		return octets(0x30, "\x02\x01\x01"+octets(0x64, octets(4, "cn=x")+octets(0x30, octets(0x30, octets(4, "cn")+octets(0x31, octets(4, text))))))
	}
	for name, says := range map[string]string{
		"nothing":         "",
		"text":            "HTTP/1.1 400 Bad Request\r\n\r\n",
		"length":          "\x30\x84\x7f\xff\xff\xff",
		"long length":     "\x30\x88\x7f\xff\xff\xff\xff\xff\xff\xff",
		"nested":          strings.Repeat("\x30\x80", 5000),
		"other message":   "\x30\x0c\x02\x01\x63\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
		"no operation":    "\x30\x03\x02\x01\x01",
		"no number":       "\x30\x0c\x04\x01\x63\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
		"empty done":      "\x30\x05\x02\x01\x01\x65\x00",
		"empty entry":     "\x30\x05\x02\x01\x01\x64\x00",
		"endless entries": entry(10000),
		"huge entry":      entry(5 << 20),
	} {
		t.Run(name, func(t *testing.T) {
			at := babbling(t, says)
			s := Settings{Backend: config.Backend{LDAP: map[string]*config.BackendLDAP{"staff": {
				URLs: []string{"ldap://" + at}, Connections: 1, Waiting: 10, Connect: time.Second, Retry: time.Millisecond, Idle: time.Minute,
			}}}}
			d := openLDAP(t, s)
			for _, ask := range []func(context.Context) error{
				func(ctx context.Context) error {
					found, err := d.Search(ctx, &module.LDAPSearch{Filter: "(a=b)", Scope: "sub", Limit: 1000})
					if err == nil {
						return fmt.Errorf("%d entries were found", len(found))
					}
					return nil
				},
				func(ctx context.Context) error {
					if right, err := d.Bind(ctx, "cn=x", "y"); right || err == nil {
						return fmt.Errorf("bind: %v, %v", right, err)
					}
					return nil
				},
			} {
				ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
				within(t, 3*time.Second, "a hostile answer", func() {
					if err := ask(ctx); err != nil {
						t.Error(err)
					}
				})
				cancel()
			}
		})
	}
}
