package config

import (
	"strings"
	"time"
)

// BackendSQL is one [backend.sql.NAME].
type BackendSQL struct {
	Database    Database      `toml:"database" doc:"the file of an SQLite database, relative to this directory, which must be there; or a PostgreSQL: \"postgres://USER:PASSWORD@HOST/NAME\", \"@FILE\" or 'secret(\"NAME\")'"`
	ReadOnly    bool          `toml:"read-only" doc:"scripts may look and not change"`
	Connections int           `toml:"connections" min:"1" max:"256" doc:"connections at once"`
	Waiting     int           `toml:"waiting" min:"1" max:"65536" doc:"calls that may wait for a connection; more fail as busy"`
	Connect     time.Duration `toml:"connect-timeout" min:"10ms" max:"60s" doc:"how long making a connection may take"`
	Retry       time.Duration `toml:"retry" min:"10ms" max:"1h" doc:"how long all calls fail at once after a connection could not be made"`
	Idle        time.Duration `toml:"idle" min:"1s" max:"24h" doc:"a connection that nobody has used for so long is closed"`
}

func (b *BackendSQL) setDefaults() {
	*b = BackendSQL{Connections: 8, Waiting: 256, Connect: 2 * time.Second, Retry: time.Second, Idle: 5 * time.Minute}
}

// sqls refuses databases that are none.
func (r *reader) sqls() {
	for name, b := range r.config.Backend.SQL {
		table := "backend.sql." + name
		r.needs(table, "database", b.Database.Name())
		if strings.Contains(b.Database.Name(), ":memory:") {
			r.errs.Errorf(r.config.Place(table+".database"), "%s.database is %s; expected a file: each connection would have a memory of its own", table, b.Database)
		}
	}
}
