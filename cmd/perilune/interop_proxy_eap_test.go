package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// supplicant has eapol_test log in by a network block, as a device of its own, and gives what it tells.
func supplicant(t *testing.T, s *loopServer, conf, mac string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args = append([]string{"-c", filepath.Join(s.dir, conf), "-a", "127.0.0.1", "-p", s.port("auth"), "-s", loopSecret, "-t", "20", "-M", mac}, args...)
	out, _ := exec.CommandContext(ctx, foreignTool(t, "eapol_test"), args...).CombinedOutput() // it fails where it should
	return string(out)
}

// TestProxyEAPBalanced: each conversation stays with the home server that has begun it, whatever the weights say, and
// both get some.
func TestProxyEAPBalanced(t *testing.T) {
	foreignTool(t, "eapol_test")
	first, second := startEAPHome(t), startEAPHome(t)
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/realms": fmt.Sprintf("whole.example %s,%s nostrip,balance secret=%q\n", first.server(), second.server(), loopSecret), "md5.conf": md5Network,
	}))
	for i := range 16 {
		if out := supplicant(t, s, "md5.conf", fmt.Sprintf("02:00:00:00:00:%02x", i), "-n"); !strings.Contains(out, "\nSUCCESS\n") {
			t.Fatalf("device %d:\n%s\n%s", i, out, s.log)
		}
	}
	if a, b := len(first.got("Access-Request")), len(second.got("Access-Request")); a == 0 || b == 0 || (a+b)%3 != 0 {
		t.Errorf("the home servers have got %d and %d requests of three-packet logins", a, b)
	}
}

// TestProxyEAPToHostapd has the RADIUS server inside of hostapd as home server.
func TestProxyEAPToHostapd(t *testing.T) {
	foreignTool(t, "eapol_test")
	tool := foreignTool(t, "hostapd")
	dir, at := t.TempDir(), freePorts(t, 2)
	cert, key := certificate(t)
	const secret = "a-secret-of-hostapd"
	writeFiles(t, dir, map[string]string{"cert.pem": cert, "key.pem": key, "clients": "127.0.0.1 " + secret + "\n",
		"users":        "\"bob@whole.example\" PEAP\n\"bob@whole.example\" MSCHAPV2,MD5 \"hello\" [2]\n\"anonymous@whole.example\" PEAP\n",
		"hostapd.conf": fmt.Sprintf("driver=none\nradius_server_clients=%[1]s/clients\nradius_server_auth_port=%[2]s\nradius_server_acct_port=%[3]s\neap_server=1\neap_user_file=%[1]s/users\nserver_cert=%[1]s/cert.pem\nca_cert=%[1]s/cert.pem\nprivate_key=%[1]s/key.pem\n", dir, at[0], at[1])})
	out, ended := newWatchedLog(), make(chan int, 1)
	cmd := exec.Command(tool, "-d", filepath.Join(dir, "hostapd.conf"))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		ended <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("hostapd: %s", out)
		}
	})
	awaitTaken(t, at[0])
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/realms": fmt.Sprintf("whole.example 127.0.0.1:%s:%s nostrip secret=%q\n", at[0], at[1], secret),
		"peap.conf":    fmt.Sprintf(peapNetwork, "hello", dir), "wrong.conf": fmt.Sprintf(peapNetwork, "wrong", dir),
	}))
	if text := supplicant(t, s, "peap.conf", "02:00:00:00:00:01"); !strings.Contains(text, "MPPE keys OK: 1  mismatch: 0") || !strings.Contains(text, "\nSUCCESS\n") {
		t.Errorf("%s\n%s", text, s.log)
	}
	if text := supplicant(t, s, "wrong.conf", "02:00:00:00:00:02"); !strings.Contains(text, "code=3 (Access-Reject)") {
		t.Errorf("wrong password:\n%s\n%s", text, s.log)
	}
}

// TestProxyRepeats: what a NAS sends again while its request is out is not sent on again, except where only the NAS
// repeats.
func TestProxyRepeats(t *testing.T) {
	slow := strings.Replace(homeSections, "preacct {", "post-auth {\nslow\n}\npreacct {", 1)
	home := newRadiusd(t, homeUsers, map[string]string{"sections": slow, "modules": "exec slow {\nprogram = \"/bin/sleep 2\"\nwait = yes\n}"})
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/realms": fmt.Sprintf(
		"home.example %[1]s timeout=10 secret=%[2]q\nold.example %[1]s retransmit=client secret=%[2]q\n", home.server(), loopSecret)}))
	for i, realm := range []string{"home.example", "old.example"} {
		out := runRadclient(t, s, "auth", "auth", []string{"User-Name = bob@" + realm, "User-Password = hello"}, "-x", "-r", "10", "-t", "0.7")
		if received(out)[0] != "Access-Accept" || strings.Count(out, "Sent Access-Request") < 2 {
			t.Errorf("%s: %s\n%s", realm, out, s.log)
		}
		if got := len(home.got("Access-Request")) - i; got != 1 {
			t.Errorf("%s: FreeRADIUS takes %d requests for new\n%s", realm, got, home.said())
		}
		// What it has seen again it names so once it has the time.
		again := strings.Contains(home.said(), "duplicate")
		if again != (realm == "old.example") {
			t.Errorf("%s: sent on again %v\n%s", realm, again, home.said())
		}
	}
}

// TestProxyManyOut keeps more requests out than one socket has identifiers.
func TestProxyManyOut(t *testing.T) {
	home := newRadiusd(t, homeUsers, nil)
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/realms": fmt.Sprintf("home.example %s timeout=500ms secret=%q\n", home.server(), loopSecret)}))
	freeze(t, home.cmd.Process)
	time.AfterFunc(500*time.Millisecond, func() { home.cmd.Process.Signal(syscall.SIGCONT) })
	code, out, errs := told(t, "", "send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "-count", "520", "-parallel", "260", "-timeout", "10s", "User-Name=bob@home.example", "User-Password=hello")
	if code != exitOK || !strings.Contains(out, "Access-Accept") || strings.Contains(out, "Access-Reject") {
		t.Errorf("exit code %d\n%s%s\n%s", code, out, errs, s.log)
	}
	if h := s.health(t, home.auth); h.Sockets < 2 {
		t.Errorf("%+v", h)
	}
}
