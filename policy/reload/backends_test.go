package reload

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"perilune/engine/raddb"
	"perilune/engine/server"
)

// certificate gives one in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestHTTPBackendsAtLoad: what is wrong with a server that scripts may ask is told with its place, opened or not.
func TestHTTPBackendsAtLoad(t *testing.T) {
	for _, c := range []struct{ name, config, script, want string }{
		{"secret that is no header", "[backend.http.a]\nbase = \"https://x\"\nca = \"tls/ca.pem\"\nbearer = 'secret(\"t\")'\nheaders = [\"@secrets/t\"]\n", `http.open("a")`,
			`a.lua:1: http.open: headers: a line is no header; expected "NAME: VALUE"` + "\n" + `config.toml:13:15: backend.http.a: headers: a line is no header; expected "NAME: VALUE"`},
		{"no base", "[backend.http.a]\n", ``, "config.toml:13:15: backend.http.a has no base"},
		{"wrong base", "[backend.http.a]\nbase = \"x\"\n", ``, `config.toml:13:15: backend.http.a: base is no address of HTTP; expected one like "https://otp.example.net/v1"`},
		{"missing file", "[backend.http.a]\nbase = \"https://x\"\nca = \"tls/gone.pem\"\n", ``, "config.toml:13:15: backend.http.a: ca: open"},
		{"no certificate", "[backend.http.a]\nbase = \"https://x\"\nca = \"users\"\n", ``, "config.toml:13:15: backend.http.a: ca: the file has no certificate in PEM"},
		{"missing secret", "[backend.http.a]\nbase = \"https://x\"\nbearer = 'secret(\"gone\")'\n", ``, "config.toml:15:10: backend.http.a.bearer: "},
		{"unknown name", "[backend.http.a]\nbase = \"https://x\"\n", `http.open("b")`, `a.lua:1: http.open: config.toml has no [backend.http.b]; did you mean "a"?`},
		{"unknown key", "[backend.http.a]\nbase = \"https://x\"\nretries = 1\n", ``, `config.toml:15:1: unknown key "retries" in [backend.http.a]; did you mean "retry"?`},
		{"name", "[backend.http.\"a b\"]\nbase = \"https://x\"\n", ``, `config.toml:13:15: [backend.http] has the name "a b"; expected letters, digits and -_. alone, 64 at most`},
		{"out of bounds", "[backend.http.a]\nbase = \"https://x\"\ntimeout = \"2h\"\n", ``, `config.toml:15:11: backend.http.a.timeout = "2h"; expected 10ms to 60s`},
		{"programs", "[backend]\nprograms = [\"id\"]\n", ``, `config.toml:14:1: backend.programs has "id"; expected absolute paths, which begin with /`},
		{"program", "[backend]\nprograms = [\"/bin/id\"]\n", "on('reply', function(req)\n exec.run{timeout=1, '/bin/id', '-u'}\n exec.try_run{'/bin/idd'} end)",
			`a.lua:3:15: exec: config.toml does not list "/bin/idd" under [backend] programs; did you mean "/bin/id"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, map[string]string{"raddb/config.toml": siteConfig + c.config, "scripts/a.lua": c.script,
				"raddb/tls/ca.pem": certificate(t), "raddb/secrets/t": "geheim"})
			_, errs := Build(Options{Root: s.path("raddb"), Log: slog.New(slog.DiscardHandler), Busy: new(server.Busy)})
			if got := errs.Error(); !strings.HasPrefix(got, c.want) || strings.Contains(got, "geheim") {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestBackendFilesAreInputs: the files with certificates belong to the generation, also those that scripts name.
func TestBackendFilesAreInputs(t *testing.T) {
	s := newSite(t, map[string]string{
		"raddb/config.toml": siteConfig + "[backend.http.a]\nbase = \"https://x\"\nca = \"tls/a.pem\"\n",
		"scripts/a.lua":     `http.open{base="https://y", ca="tls/b.pem"}`,
		"raddb/tls/a.pem":   certificate(t), "raddb/tls/b.pem": certificate(t),
	})
	hash := func() string {
		tree := raddb.Open(s.path("raddb"))
		r, err := New(Options{Root: s.path("raddb"), Log: slog.New(slog.DiscardHandler), Busy: new(server.Busy)})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		c, errs := r.build.candidate(tree)
		if c == nil {
			t.Fatal(errs)
		}
		defer c.Discard()
		return c.Hash
	}
	first := hash()
	for _, name := range []string{"raddb/tls/a.pem", "raddb/tls/b.pem"} {
		s.write(name, certificate(t))
		if next := hash(); next == first {
			t.Errorf("%s has changed and the generation has not", name)
		} else {
			first = next
		}
	}
}
