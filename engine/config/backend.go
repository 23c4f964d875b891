package config

import (
	"reflect"
	"strings"
	"time"
)

// Backend holds the servers, databases and directories that scripts open by name, and the programs that they may run.
type Backend struct {
	Programs []string `toml:"programs" doc:"absolute paths of the programs that exec.run may run: docs/modules/exec.md"`

	HTTP map[string]*BackendHTTP `toml:"http" doc:"A server that http.open(NAME) asks: docs/modules/http.md."`
	SQL  map[string]*BackendSQL  `toml:"sql" doc:"A database that sql.open(NAME) asks: docs/modules/sql.md."`
	LDAP map[string]*BackendLDAP `toml:"ldap" doc:"A directory that ldap.open(NAME) asks: docs/modules/ldap.md."`
	KV   map[string]*BackendKV   `toml:"kv" doc:"Where the table that kv.open(NAME) opens is kept: docs/modules/kv.md."`
}

// BackendHTTP is one [backend.http.NAME].
type BackendHTTP struct {
	Base        string        `toml:"base" doc:"where it is, like \"https://otp.example.net/v1\"; paths of requests follow it"`
	Timeout     time.Duration `toml:"timeout" min:"10ms" max:"60s" doc:"of one try; what the handler has left holds, too"`
	CA          string        `toml:"ca" doc:"file with the authorities that its certificate may be of, relative to this directory; empty: the system's"`
	Cert        string        `toml:"cert" doc:"file with the certificate that is shown to it; empty: none"`
	Key         string        `toml:"key" doc:"file with the key of cert"`
	Bearer      Secret        `toml:"bearer" doc:"token that is sent as Authorization: Bearer: the text itself, \"@FILE\" or 'secret(\"NAME\")'"`
	Headers     []Secret      `toml:"headers" doc:"further headers of each request, like [\"X-Api-Key: …\"], each the text itself, \"@FILE\" or 'secret(\"NAME\")'"`
	Retry       int           `toml:"retry" min:"0" max:"5" doc:"further tries of get, put and delete if one fails and time is left; post has none"`
	Fails       int           `toml:"breaker-fails" min:"0" max:"1000" doc:"failures in a row that open the breaker: no request is sent then; 0: never"`
	Cooldown    time.Duration `toml:"breaker-cooldown" min:"100ms" max:"1h" doc:"how long it stays open until one request is let through to try"`
	Connections int           `toml:"connections" min:"1" max:"1024" doc:"requests to it at once"`
	Waiting     int           `toml:"waiting" min:"0" max:"65536" doc:"requests that may wait for their turn; more fail as busy"`
	MaxBody     Size          `toml:"max-body" min:"1KiB" max:"1MiB" doc:"octets of an answer's body; a longer one is a failure"`
}

func (b *BackendHTTP) setDefaults() { *b = DefaultHTTP() }

// DefaultHTTP gives what a server has that sets nothing; also of those that scripts open by http.open{…}.
func DefaultHTTP() BackendHTTP {
	return BackendHTTP{
		Timeout: 5 * time.Second, Headers: []Secret{}, Fails: 5, Cooldown: 10 * time.Second,
		Connections: 64, Waiting: 1024, MaxBody: 256 * KiB,
	}
}

// backends refuses names that are no words, and what says nothing.
func (r *reader) backends() {
	b := &r.config.Backend
	table := reflect.ValueOf(b).Elem()
	for f := range fields(table, "backend") {
		if !isNamed(f.value.Type()) {
			continue
		}
		for _, name := range f.value.MapKeys() {
			if !plainName(name.String()) {
				r.errs.Errorf(r.config.Place(f.key+"."+name.String()), "[%s] has the name %q; expected letters, digits and -_. alone, %d at most", f.key, name.String(), maxTableName)
			}
		}
	}
	for _, path := range b.Programs {
		if !strings.HasPrefix(path, "/") {
			r.errs.Errorf(r.config.Place("backend.programs"), "backend.programs has %q; expected absolute paths, which begin with /", path)
		}
	}
	for name, h := range b.HTTP {
		r.needs("backend.http."+name, "base", h.Base)
	}
	r.sqls()
	r.ldaps()
	r.kvs()
}

// needs refuses a named table without a key that it cannot be without.
func (r *reader) needs(table, key, value string) {
	if at := r.config.Place(table); value == "" && !r.toldAt(table+"."+key) {
		r.errs.Errorf(at, "%s has no %s", table, key)
	}
}

// toldAt reports that a key was refused already, so that more would only follow from it.
func (r *reader) toldAt(key string) bool {
	at, set := r.config.places[key]
	for _, e := range *r.errs {
		if set && e.Pos.Line == at.Line {
			return true
		}
	}
	return false
}
