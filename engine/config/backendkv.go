package config

import (
	"net"
	"strings"
	"time"
)

// BackendKV is one [backend.kv.NAME].
type BackendKV struct {
	Address     string        `toml:"address" doc:"HOST:PORT of a Redis or Valkey that holds the table for several servers, or the path of its socket; empty: the memory of this server"`
	User        string        `toml:"user" doc:"name to log in with; empty: the default user"`
	Password    Secret        `toml:"password" doc:"password to log in with: the text itself, \"@FILE\" or 'secret(\"NAME\")'; empty: none"`
	Database    int           `toml:"database" min:"0" max:"65535" doc:"number of the database there"`
	Prefix      string        `toml:"prefix" doc:"what the keys there begin with, before the name of the table and a colon"`
	TLS         bool          `toml:"tls" doc:"speak TLS; ca, cert and key without it are errors"`
	CA          string        `toml:"ca" doc:"file with the authorities that its certificate may be of, relative to this directory; empty: the system's"`
	Cert        string        `toml:"cert" doc:"file with the certificate that is shown to it; empty: none"`
	Key         string        `toml:"key" doc:"file with the key of cert"`
	Timeout     time.Duration `toml:"timeout" min:"10ms" max:"60s" doc:"of one call; what the handler has left holds, too"`
	Fails       int           `toml:"breaker-fails" min:"0" max:"1000" doc:"failures in a row that open the breaker: calls fail at once then; 0: never"`
	Cooldown    time.Duration `toml:"breaker-cooldown" min:"100ms" max:"1h" doc:"how long it stays open until one call is let through to try"`
	Connections int           `toml:"connections" min:"1" max:"1024" doc:"connections to it at most"`
	Waiting     int           `toml:"waiting" min:"0" max:"65536" doc:"calls that may wait for one; more fail as busy"`
	Size        Size          `toml:"size" min:"1MiB" max:"16GiB" doc:"octets of a table in memory, keys, values and 128 octets for each; beyond it keys make room for others"`
}

func (b *BackendKV) setDefaults() { *b = DefaultKV() }

// DefaultKV gives what a table has that sets nothing, also one without [backend.kv.NAME].
func DefaultKV() BackendKV {
	return BackendKV{
		Prefix: "perilune:", Timeout: time.Second, Fails: 3, Cooldown: time.Second, Connections: 16, Waiting: 1024, Size: 64 * MiB,
	}
}

// Remote reports that a Redis or Valkey holds the table.
func (b *BackendKV) Remote() bool { return b.Address != "" }

// kvs refuses what does not fit together.
func (r *reader) kvs() {
	tables := r.config.Backend.KV
	for name, b := range tables {
		table := "backend.kv." + name
		for _, k := range []struct {
			key       string
			set, need bool
			miss      string
		}{
			{"user", b.User != "", b.Remote(), "address"}, {"password", b.Password != "", b.Remote(), "address"}, {"tls", b.TLS, b.Remote(), "address"},
			{"ca", b.CA != "", b.TLS, "tls"}, {"cert", b.Cert != "", b.TLS, "tls"}, {"key", b.Key != "", b.TLS, "tls"},
			{"cert", b.Cert != "", b.Key != "", "key"}, {"key", b.Key != "", b.Cert != "", "cert"},
		} {
			if k.set && !k.need {
				r.errs.Errorf(r.config.Place(table+"."+k.key), "%s.%s is set, but not %s", table, k.key, k.miss)
			}
		}
		if !b.Remote() {
			continue
		}
		if host, port, err := net.SplitHostPort(b.Address); !strings.HasPrefix(b.Address, "/") && (err != nil || host == "" || port == "") {
			r.errs.Errorf(r.config.Place(table+".address"), "%s.address = %q; expected HOST:PORT, or the path of a socket", table, b.Address)
		}
	}
}
