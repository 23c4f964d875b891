package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// execute runs a command line and gives its exit code and its two outputs.
func execute(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(args, streams{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

// TestCheck: errors make exit code 1, warnings only with -strict; nothing is written.
func TestCheck(t *testing.T) {
	dir := loopTree(t, nil)
	root := filepath.Join(dir, "raddb")
	code, out, err := execute("check", "-d", root)
	if code != exitOK || !strings.HasPrefix(out, root+" is fine: 1 clients, 1 users, ") || err != "" {
		t.Errorf("a good tree: %d\n%s%s", code, out, err)
	}
	writeFiles(t, dir, map[string]string{"raddb/clients": "10.0.0.1 short there\n"})
	if code, _, err = execute("check", "-d", root); code != exitOK || !strings.Contains(err, "clients:1:") || !strings.Contains(err, "warning: ") {
		t.Errorf("a warning: %d\n%s", code, err)
	}
	if code, _, _ = execute("check", "-strict", "-d", root); code != exitFailed {
		t.Errorf("a warning with -strict: %d", code)
	}
	writeFiles(t, dir, map[string]string{"raddb/users": "bob Cleartext-Pasword := \"x\"\n", "raddb/realms": "one.example\n"})
	code, out, _ = execute("check", "-json", "-d", root)
	var levels []string
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var f finding
		if err := dec.Decode(&f); err != nil {
			t.Fatal(err)
		}
		levels = append(levels, f.File+" "+f.Level)
	}
	if d := cmp.Diff([]string{"clients warning", "realms error", "users error"}, levels); d != "" || code != exitFailed {
		t.Errorf("exit code %d (-want +got)\n%s", code, d)
	}
	if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
		t.Error("check has made the state directory")
	}
	if code, _, err = execute("check", "more"); code != exitUsage || !strings.Contains(err, `unexpected argument "more"`) {
		t.Errorf("wrong usage: %d %s", code, err)
	}
}

// TestInit: a new tree is good as it is, its secrets are not for everybody, and what is there stays.
func TestInit(t *testing.T) {
	dir := t.TempDir()
	code, out, _ := execute("init", dir)
	if code != exitOK || !strings.Contains(out, "perilune serve -d "+filepath.Join(dir, "raddb")) {
		t.Errorf("init: %d\n%s", code, out)
	}
	for _, name := range []string{"raddb/clients", "raddb/users", "raddb/radius.conf"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm()&^fs.FileMode(0o640) != 0 {
			t.Errorf("%s: %v %v", name, st.Mode(), err)
		}
	}
	if code, _, err := execute("check", "-strict", "-d", filepath.Join(dir, "raddb")); code != exitOK {
		t.Errorf("the new tree: %d %s", code, err)
	}
	if code, out, _ := execute("test", "-d", filepath.Join(dir, "raddb")); code != exitOK || strings.Contains(out, " 0 passed") {
		t.Errorf("its tests: %d %s", code, out)
	}
	writeFiles(t, dir, map[string]string{"raddb/users": "mine\n"})
	if err := os.Remove(filepath.Join(dir, "scripts", "hints.lua")); err != nil {
		t.Fatal(err)
	}
	if code, out, _ = execute("init", dir); code != exitOK || !strings.HasPrefix(out, "1 files written") {
		t.Errorf("again: %d\n%s", code, out)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "raddb/users")); string(b) != "mine\n" {
		t.Errorf("users was overwritten: %q %v", b, err)
	}
	if _, out, _ = execute("init", dir); !strings.Contains(out, "has all files already") {
		t.Errorf("once more: %s", out)
	}
}

// TestNoServer: commands for a running server say where they looked for it.
func TestNoServer(t *testing.T) {
	dir := loopTree(t, nil)
	for _, command := range []string{"status", "reload", "generations", "trace"} {
		code, _, err := execute(command, "-d", filepath.Join(dir, "raddb"))
		if want := "no server answers at " + filepath.Join(dir, "state", "admin.sock"); code != exitFailed || !strings.Contains(err, want) {
			t.Errorf("%s: %d %s", command, code, err)
		}
		if code, _, err = execute(command, "-socket", filepath.Join(dir, "other.sock")); code != exitFailed || !strings.Contains(err, "other.sock") {
			t.Errorf("%s -socket: %d %s", command, code, err)
		}
	}
	writeFiles(t, dir, map[string]string{"raddb/config.toml": "[admin]\nsocket = \"here.sock\"\n[broken\n"})
	if _, _, err := execute("status", "-d", filepath.Join(dir, "raddb")); !strings.Contains(err, filepath.Join(dir, "raddb", "here.sock")) {
		t.Errorf("with broken settings: %s", err)
	}
}
