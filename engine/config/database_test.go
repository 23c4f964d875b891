package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
)

// TestDatabase: the forms of acct.database, and that no error or text of any kind has the password.
func TestDatabase(t *testing.T) {
	const password = "geheim-7f3a"
	for _, test := range []struct {
		value string // as TOML
		mode  os.FileMode
		name  string // Database.Name
		shown string // by every other way
		errs  string
	}{
		{`""`, 0o600, "", "", ""},
		{`"/srv/acct.db"`, 0o600, "/srv/acct.db", "/srv/acct.db", ""},
		{`"postgres://ann@db/radius"`, 0o644, "postgres://ann@db/radius", "postgres://ann@db/radius", ""},
		{`"postgres://ann:` + password + `@db/radius"`, 0o600, "postgres://ann:" + password + "@db/radius", "postgres://ann:xxxxx@db/radius", ""},
		{`"postgresql://db/radius?password=` + password + `"`, 0o600, "postgresql://db/radius?password=" + password, "postgresql://db/radius?…", ""},
		{`"postgres://ann:` + password + `@db/radius"`, 0o644, "postgres://ann:" + password + "@db/radius", "postgres://ann:xxxxx@db/radius",
			"config.toml:2:12: warning: everybody on this machine may read this file, and acct.database has a password; expected mode 0640 or less"},
		{`"@db.url"`, 0o600, "postgres://ann:" + password + "@db/radius", "postgres://ann:xxxxx@db/radius", ""},
		{`'secret("db")'`, 0o600, "postgres://ann:" + password + "@db/radius", "postgres://ann:xxxxx@db/radius", ""},
		{`"secret(db)"`, 0o600, "postgres://ann:" + password + "@db/radius", "postgres://ann:xxxxx@db/radius", ""},
		{`"@open.url"`, 0o600, "/tmp/x.db", "/tmp/x.db", "config.toml:2:12: warning: everybody on this machine may read the secret in open.url; expected mode 0640 or less"},
		{`"@gone"`, 0o600, "", "", "config.toml:2:12: acct.database: there is no file gone"},
		{`"@empty"`, 0o600, "", "", "config.toml:2:12: acct.database: the file empty is empty; expected a secret"},
		{`"secret(../db)"`, 0o600, "", "", `config.toml:2:12: acct.database: "../db" is no name of a secret; expected letters, digits, - _ and dots inside`},
		{`"mysql://ann:` + password + `@db/radius"`, 0o600, "", "", `config.toml:2:12: acct.database = an address that begins with "mysql://"; expected the path of a file, "postgres://USER:PASSWORD@HOST/NAME", "@FILE" or 'secret("NAME")'`},
		{`"postgres://"`, 0o600, "", "", `config.toml:2:12: acct.database = an address without a host; expected`},
		{`"postgres://ann:` + password + `%zz@db/radius"`, 0o600, "", "", `config.toml:2:12: acct.database = an address that cannot be read`},
		{`"postgres://ann:` + password + `@db/radius?sslmode=foo"`, 0o600, "", "", `config.toml:2:12: acct.database = an address that cannot be used (failed to configure TLS: sslmode is invalid); expected`},
		{`"postgres://ann:` + password + `@db/radius?sslrootcert=/nowhere.pem&sslmode=verify-ca"`, 0o600, "", "", `config.toml:2:12: acct.database = an address that cannot be used (failed to configure TLS: unable to read CA file: open /nowhere.pem: no such file or directory); expected`},
		{`"postgres://ann:` + password + `@db/radius?connect_timeout=soon"`, 0o600, "", "", `config.toml:2:12: acct.database = an address that cannot be used (invalid connect_timeout); expected`},
		{`"postgres://ann:` + password + `@db/radius?target_session_attrs=a%0Ab"`, 0o600, "", "", `config.toml:2:12: acct.database = an address that cannot be used (unknown target_session_attrs value: a; b); expected`},
		{`"host=db password=` + password + `"`, 0o600, "", "", `config.toml:2:12: acct.database = a list of parameters; expected`},
		{`"a\u0000b"`, 0o600, "", "", `config.toml:2:12: acct.database = a text with control characters; expected`},
		{`7`, 0o600, "", "", `config.toml:2:12: acct.database = 7; expected the path`},
	} {
		root := write(t, map[string]string{
			FileName: "[acct]\ndatabase = " + test.value + "\n", "db.url": "postgres://ann:" + password + "@db/radius\n",
			"secrets/db": "postgres://ann:" + password + "@db/radius", "open.url": "/tmp/x.db\n", "empty": "\n",
		})
		os.Chmod(filepath.Join(root, FileName), test.mode)
		os.Chmod(filepath.Join(root, "open.url"), 0o644)
		var errs raddb.List
		d := Load(raddb.Open(root), &errs).Acct.Database
		if d.Name() != test.name || !strings.HasPrefix(errs.Error(), test.errs) || (test.errs == "") != (errs == nil) {
			t.Errorf("%s: %q, %v", test.value, d.Name(), errs)
		}
		text, _ := d.MarshalText()
		for _, shown := range []string{d.String(), fmt.Sprint(d), fmt.Sprintf("%#v %q %x", d, d, d), d.LogValue().String(), d.GoString(), string(text), errs.Error()} {
			if strings.Contains(shown, password) {
				t.Errorf("%s: the password is shown: %s", test.value, shown)
			}
		}
		if diff := cmp.Diff(test.shown, d.String()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.value, diff)
		}
	}
}

// TestDatabaseChange: a new password is a change that needs a restart, and is not told.
func TestDatabaseChange(t *testing.T) {
	before, _ := load(t, "[acct]\ndatabase = \"postgres://ann:first-one@db/radius\"\n")
	after, _ := load(t, "[acct]\ndatabase = \"postgres://ann:other-one@db/radius\"\n")
	got := RestartOnly(before, after)
	if len(got) != 1 || strings.Contains(got.Error(), "-one") {
		t.Errorf("%v", got)
	}
}
