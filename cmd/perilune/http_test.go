package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

// TestDefaultHTTPTaken: a second server on the machine starts although the first one has the default address
// of health and metrics. An address that the file names must be had.
func TestDefaultHTTPTaken(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if code := run([]string{"init", dir}, streams{strings.NewReader(""), &out, &out}); code != exitOK {
		t.Fatalf("init: %s", &out)
	}
	if l, err := net.Listen("tcp", "127.0.0.1:9812"); err == nil {
		defer l.Close()
	}
	s := serveOnLoopback(t, dir)
	if !strings.Contains(s.log.String(), "health and metrics are not served") {
		t.Errorf("no warning:\n%s", s.log)
	}
	other := t.TempDir()
	writeFiles(t, dir, map[string]string{"raddb/config.toml": "[http]\nlisten = [\"127.0.0.1:9812\"]\n[policy]\nscripts = \"../scripts\"\n"})
	out.Reset()
	code := run([]string{"serve", "-d", s.raddb(), "-state", other, "-auth-listen", "127.0.0.1:0", "-acct-listen", "127.0.0.1:0"},
		streams{strings.NewReader(""), &out, &out})
	if code != exitFailed || !strings.Contains(out.String(), "address already in use") {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
}
