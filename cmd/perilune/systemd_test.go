package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServiceManager: the manager hears when the server is ready, reloads, lives and stops.
func TestServiceManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "60000")
	hears := func(prefix string) string {
		t.Helper()
		b := make([]byte, 4096)
		for manager.SetReadDeadline(time.Now().Add(10 * time.Second)); ; {
			n, err := manager.Read(b)
			if err != nil {
				t.Fatalf("waiting for %s: %v", prefix, err)
			}
			if text := string(b[:n]); strings.HasPrefix(text, prefix) {
				return text
			}
		}
	}
	t.Run("life", func(t *testing.T) {
		serveOnLoopback(t, reloadTree(t, byCommand))
		hears("READY=1")
		hears("WATCHDOG=1")
		syscall.Kill(os.Getpid(), syscall.SIGHUP)
		if text := hears("RELOADING=1"); !strings.Contains(text, "\nMONOTONIC_USEC=") {
			t.Errorf("%q", text)
		}
		hears("READY=1")
	})
	hears("STOPPING=1")
}

// TestLogFile: the log goes on in a new file after logrotate has renamed the old one, and on SIGUSR1.
func TestLogFile(t *testing.T) {
	dir := reloadTree(t, byCommand+"[log]\nfile = \"../server.log\"\n")
	log := filepath.Join(dir, "server.log")
	s := serveUnheard(t, dir)
	a := newAsker(t, s)
	for _, aside := range []string{"server.log.1", "server.log.2"} {
		if _, _, err := a.ask("bob", "hello"); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "a line in the log", func() bool {
			b, _ := os.ReadFile(log)
			return strings.Contains(string(b), "msg=Access-Request")
		})
		if err := os.Rename(log, filepath.Join(dir, aside)); err != nil {
			t.Fatal(err)
		}
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	}
}

// serveUnheard serves with a log file, and gives the address for authentication from the admin socket.
func serveUnheard(t *testing.T, dir string) string {
	t.Helper()
	s := serveOnLoopback(t, dir)
	_, text := s.command("status", "-d", s.raddb())
	_, rest, _ := strings.Cut(text, "listens on ")
	address, _, _ := strings.Cut(rest, " for auth")
	return address
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}
