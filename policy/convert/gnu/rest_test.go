package gnu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file of the old directory is read or named.
func TestRest(t *testing.T) {
	root := writeFiles(t, map[string]string{
		"users": "bob Auth-Type = Accept\n", "clients": "$INCLUDE more\n", "more": "192.0.2.1 s\n", "hints~": "", "radius.parse": "", ".git/config": "",
		"old.rw": "integer f() { return 0; }\n", "lib/auth.scm": "(define)\n", "notes": "call Ole\n", "bin/check": "#!/bin/sh\n",
	})
	if err := os.Chmod(filepath.Join(root, "bin/check"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "dangling")); err != nil {
		t.Fatal(err)
	}
	_, report := convert(t, nil, Options{Root: root})
	for file, want := range map[string]string{
		"bin/check":    "bin/check: a program stays where it is; move it if the old directory shall go, and change what names it\n",
		"dangling":     "dangling: nothing in the old tree names this file; left out\n",
		"lib/auth.scm": "lib/auth.scm: Scheme procedures must be written anew as Lua hooks\n",
		"notes":        "notes: nothing in the old tree names this file; left out\n",
		"old.rw":       "old.rw: the old config does not load this Rewrite source; left out\n",
		"more":         "", "hints~": "", "radius.parse": "", ".git/config": "",
	} {
		same(t, file, want, about(report, file))
	}
}

// What the new files name in the old directory is told.
func TestOldPaths(t *testing.T) {
	root := writeFiles(t, nil)
	program := filepath.Join(root, "bin/credit")
	writeTo(t, root, map[string]string{"clients": "192.0.2.1 s\n", "config": "filters {\nfilter credit { exec-path \"" + program + "\"; auth { input-format \"%u\"; }; }; };\n"})
	_, report := convert(t, nil, Options{Root: root})
	if want := "of the new raddb/config.toml names a file in " + root + ": the old directory must stay"; !strings.Contains(report, want) {
		t.Errorf("lacks %s\n%s", want, report)
	}
}

func TestClientConf(t *testing.T) {
	out, report := convert(t, map[string]string{"client.conf": "# radtest\nserver one 192.0.2.1 \"se\\\"cret\" 1645 1646\nserver two radius.example s2\ntimeout 5\nretry 2\nsource_ip 192.0.2.9\n" +
		"server three 192.0.2.300 s\ntimeout soon\nserver\ndebug 1\n"}, Options{})
	_, lines, _ := strings.Cut(out.File("raddb/radius.conf").String(), "\n\n")
	same(t, "radius.conf", `auth  192.0.2.1:1645  "se\"cret"  5  2
auth  radius.example:1812  "s2"  5  2
acct  192.0.2.1:1646  "se\"cret"  5  2
acct  radius.example:1813  "s2"  5  2
`, lines)
	same(t, "notes", `client.conf: 2 servers are in raddb/radius.conf, which perilune send reads
client.conf:6:1: source_ip: requests of perilune send leave from the address that the system takes
client.conf:7:1: server "three": expected a name, an address and a secret; left out
client.conf:8:1: timeout: left out; expected server name address secret auth-port acct-port, timeout or retry
client.conf:9:1: server: left out; expected server name address secret auth-port acct-port, timeout or retry
client.conf:10:1: debug: left out; expected server name address secret auth-port acct-port, timeout or retry
`, about(report, "client.conf"))
	if !out.File("raddb/radius.conf").Secret {
		t.Error("others may read the secrets")
	}
}
