package convert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// makeFiles makes files below dir; a name that ends in a slash is a directory.
func makeFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else if err == nil {
			err = os.WriteFile(path, []byte("# nothing\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRun tells whose a directory is.
func TestRun(t *testing.T) {
	tests := []struct {
		name        string
		files       []string
		server, err string
	}{
		{"users and naslist", []string{"users", "naslist", "dictionary"}, "GNU Radius", ""},
		{"config alone", []string{"config"}, "GNU Radius", ""},
		{"clients.conf", []string{"clients.conf", "users", "huntgroups"}, "FreeRADIUS", ""},
		{"mods-config", []string{"mods-config/files/authorize", "clients.conf"}, "FreeRADIUS", ""},
		{"this server's own", []string{"config.toml", "users"}, "", "it is a tree of this server already"},
		{"anything else", []string{"clients", "letter"}, "", "is no directory of GNU Radius"},
		{"a directory named users", []string{"users/"}, "", "is no directory of GNU Radius"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			makeFiles(t, filepath.Join(dir, "old"), test.files...)
			r, err := Run(Options{From: filepath.Join(dir, "old"), To: filepath.Join(dir, "new")})
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%v, want %s", err, test.err)
				}
			case err != nil || r.Server != test.server || r.Files == 0:
				t.Errorf("%+v %v, want %s", r, err, test.server)
			}
		})
	}
}

// TestSecretsStaySecret: only the owner may read the files that have secrets.
func TestSecretsStaySecret(t *testing.T) {
	dir := t.TempDir()
	makeFiles(t, dir, "old/users", "old/clients")
	if _, err := Run(Options{From: filepath.Join(dir, "old"), To: filepath.Join(dir, "new")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"clients", "users"} {
		st, err := os.Stat(filepath.Join(dir, "new/raddb", name))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, st.Mode(), err)
		}
	}
}
