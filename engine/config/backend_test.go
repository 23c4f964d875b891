package config

import (
	"strings"
	"testing"
)

// TestDataBackends: databases and directories that cannot be asked are errors at their places; no text has a password.
func TestDataBackends(t *testing.T) {
	for text, want := range map[string]string{
		"[backend.sql.crm]\ndatabase = \"crm.db\"":                                                              "",
		"[backend.sql.crm]":                                                                                     "config.toml:1:14: backend.sql.crm has no database",
		"[backend.sql.crm]\ndatabase = \":memory:\"":                                                            "config.toml:2:1: backend.sql.crm.database is :memory:; expected a file: each connection would have a memory of its own",
		"[backend.sql.crm]\ndatabase = \"mysql://geheim@db/x\"":                                                 "config.toml:2:12: backend.sql.crm.database = an address that begins with \"mysql://\"; expected",
		"[backend.sql.crm]\ndatabase = \"x\"\nconnections = 0":                                                  "config.toml:3:15: backend.sql.crm.connections = 0; expected 1 to 256",
		"[backend.sql.crm]\ndatabase = \"x\"\nread_only = true":                                                 "config.toml:3:1: unknown key \"read_only\" in [backend.sql.crm]; did you mean \"read-only\"?",
		"[backend.sql.\"a b\"]\ndatabase = \"x\"":                                                               "config.toml:1:14: [backend.sql] has the name \"a b\"; expected letters, digits and -_. alone, 64 at most",
		"[backend.ldap.staff]\nurls = [\"ldaps://ldap.example.net\", \"ldap://[::1]:3890\"]":                    "",
		"[backend.ldap.staff]":                                                                                  "config.toml:1:15: backend.ldap.staff has no urls",
		"[backend.ldap.staff]\nurls = [\"ldap.example.net\"]":                                                   "config.toml:2:1: backend.ldap.staff.urls has \"ldap.example.net\"; expected \"ldap://HOST\", \"ldaps://HOST\" or either with a port",
		"[backend.ldap.staff]\nurls = [\"ldaps://ldap.example.net:0\"]":                                         "config.toml:2:1: backend.ldap.staff.urls has \"ldaps://ldap.example.net:0\"; expected",
		"[backend.ldap.staff]\nurls = [\"ldaps://ldap.example.net/dc=x?uid\"]":                                  "config.toml:2:1: backend.ldap.staff.urls has \"ldaps://ldap.example.net/dc=x?uid\"; expected",
		"[backend.ldap.staff]\nurls = [\"ldaps://ldap.example.net\"]\nstart-tls = true":                         "config.toml:2:1: backend.ldap.staff.urls has \"ldaps://ldap.example.net\", which is encrypted from its beginning; expected ldap:// beside start-tls",
		"[backend.ldap.staff]\nurls = [\"ldap://ldap.example.net\"]":                                            "config.toml:2:1: warning: backend.ldap.staff.urls has \"ldap://ldap.example.net\" without start-tls: passwords cross the network as they are",
		"[backend.ldap.staff]\nurls = [\"ldap://localhost\"]\nbind-dn = \"cn=x\"":                               "config.toml:1:15: backend.ldap.staff: bind-dn and bind-password belong together; expected both or none",
		"[backend.ldap.staff]\nurls = [\"ldap://localhost\"]\nbind-password = \"geheim\"":                       "config.toml:1:15: backend.ldap.staff: bind-dn and bind-password belong together; expected both or none",
		"[backend.ldap.staff]\nurls = [\"ldap://localhost\"]\nbind-dn = \"cn=x\"\nbind-password = [\"geheim\"]": "config.toml:4:1: backend.ldap.staff.bind-password: got no text",
	} {
		_, errs := load(t, text+"\n")
		if got := errs.Error(); !strings.HasPrefix(got, want) || want == "" && errs != nil || strings.Contains(got, "geheim") {
			t.Errorf("%s\ngot  %v\nwant %s", text, errs, want)
		}
	}
}
