package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDocsTutorial follows docs/tutorial.md from its top to its end: files are written and reloaded where the page
// shows them, commands are run, and what they print is compared.
func TestDocsTutorial(t *testing.T) {
	page := fences(t, "../../docs/tutorial.md")
	dir := t.TempDir()
	tree := filepath.Join(dir, "tutorial")
	if err := os.Rename(defaultTree(t), tree); err != nil {
		t.Fatal(err)
	}
	s := serveOnLoopback(t, tree)
	writeFiles(t, tree, map[string]string{"raddb/radius.conf": fmt.Sprintf("auth %s testing123\n", s.addrs["auth"])})
	t.Chdir(dir)
	for _, f := range page {
		switch f.kind {
		case "lua":
			f.writeScript(t, tree)
			s.command("reload", "-d", "tutorial/raddb") // the page says which change is refused; its next command shows it
		case "users":
			s.append(t, "users", f.text)
			s.command("reload", "-d", "tutorial/raddb")
		case "console":
			for _, c := range shellCommands(f.text) {
				t.Run(f.at()+" "+c.line, func(t *testing.T) { s.follow(t, c) })
			}
		}
	}
}

// append adds lines to a file of the tree.
func (s *loopServer) append(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.raddb(), name)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, s.raddb(), map[string]string{name: string(bytes.TrimRight(old, "\n")) + "\n\n" + text})
}

// follow runs a command of the page as it stands, with the code that holds now.
func (s *loopServer) follow(t *testing.T, c shellCommand) {
	code, out := s.command(shellWords(strings.Replace(c.line, "123456", oneTimeCode(t, "JBSWY3DPEHPK3PXP", time.Now()), 1))...)
	if len(c.output) == 0 {
		t.Errorf("the page shows nothing of what this prints:\n%s", out)
	}
	c.compare(t, code, strings.ReplaceAll(out, s.addrs["auth"], "127.0.0.1:1812"))
	if t.Failed() {
		t.Logf("%s", s.log)
	}
}

// oneTimeCode is what a telephone shows (RFC 6238 s4, RFC 4226 s5.3), computed apart from the module otp.
func oneTimeCode(t *testing.T, secret string, now time.Time) string {
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	binary.Write(mac, binary.BigEndian, uint64(now.Unix()/30))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}
