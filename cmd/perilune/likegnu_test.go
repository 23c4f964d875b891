package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServeLikeGNU: the example's stand-in for radiusd converts and serves a raddb directory, reads it anew on
// SIGHUP, serves on when it cannot be read, and ends on SIGTERM.
func TestServeLikeGNU(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "perilune")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	auth, acct := freePort(t), freePort(t)
	writeFiles(t, dir, map[string]string{
		"raddb/config":  fmt.Sprintf("auth { listen 127.0.0.1:%d; };\nacct { listen 127.0.0.1:%d; };\n", auth, acct),
		"raddb/clients": "127.0.0.1 testing123\n", "raddb/users": "bob Auth-Type = Accept\n\tReply-Message = \"one\"\n",
		"raddb/dictionary": "ATTRIBUTE User-Name 1 string\nATTRIBUTE Reply-Message 18 string\nATTRIBUTE Auth-Type 1000 integer\nVALUE Auth-Type Accept 254\n",
	})
	log, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	at := func(name string) string { return filepath.Join(dir, name) }
	cmd := exec.Command("../../examples/gnu-radius/serve-like-gnu", "-f", "-d", at("raddb"), "-l", at("log"), "-a", at("acct"), "-P", at("run"))
	cmd.Env = append(os.Environ(), "PERILUNE="+program)
	cmd.Stdout, cmd.Stderr = log, log
	hup := make(chan os.Signal, 1) // a shell cannot trap what was ignored when it began, as under nohup
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	ask := func(want string) {
		t.Helper()
		var out string
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			_, out, _ = execute("send", "-server", fmt.Sprintf("127.0.0.1:%d", auth), "-secret", "testing123", "auth", "User-Name=bob", "User-Password=x")
			if strings.Contains(out, want) {
				return
			}
		}
		text, _ := os.ReadFile(at("out"))
		t.Fatalf("no answer %q, but\n%s\n%s", want, out, text)
	}
	ask(`Reply-Message = "one"`)
	writeFiles(t, dir, map[string]string{"raddb/users": "bob Auth-Type = Accept\n\tReply-Message = \"two\"\n"})
	cmd.Process.Signal(syscall.SIGHUP)
	ask(`Reply-Message = "two"`)
	if err := os.Rename(at("raddb"), at("away")); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGHUP)
	ask(`Reply-Message = "two"`)
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// freePort gives a port that nobody has just now.
func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}
