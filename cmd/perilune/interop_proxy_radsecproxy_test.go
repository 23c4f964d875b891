package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// radsecproxyConfig forwards all that comes to its two ports: UDP on both sides.
const radsecproxyConfig = `
ListenUDP 127.0.0.1:%[1]s
ListenUDP 127.0.0.1:%[2]s
LogDestination x-syslog:///
LoopPrevention Off
client before {
	host 127.0.0.1
	type udp
	secret "%[5]s"
}
server behind {
	host 127.0.0.1
	port %[3]s
	type udp
	secret "%[5]s"
	StatusServer On
}
server behindacct {
	host 127.0.0.1
	port %[4]s
	type udp
	secret "%[5]s"
}
realm * {
	server behind
	accountingServer behindacct
}
`

// startRadsecproxy starts one that forwards to two ports, and gives its own.
func startRadsecproxy(t *testing.T, auth, acct string) (toAuth, toAcct string) {
	t.Helper()
	tool := foreignTool(t, "radsecproxy")
	ports := freePorts(t, 2)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"radsecproxy.conf": fmt.Sprintf(radsecproxyConfig, ports[0], ports[1], auth, acct, loopSecret)})
	out := newWatchedLog()
	cmd := exec.Command(tool, "-f", "-d", "2", "-c", filepath.Join(dir, "radsecproxy.conf"))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		cmd.Wait()
		ended <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("radsecproxy: %s", out)
		}
	})
	awaitTaken(t, ports...)
	return ports[0], ports[1]
}

// awaitTaken waits until somebody listens at ports of 127.0.0.1.
func awaitTaken(t *testing.T, ports ...string) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); len(ports) > 0; time.Sleep(10 * time.Millisecond) {
		conn, err := net.ListenPacket("udp4", "127.0.0.1:"+ports[0])
		switch {
		case err != nil:
			ports = ports[1:]
		case time.Now().After(late):
			conn.Close()
			t.Fatalf("nobody listens at port %s", ports[0])
		default:
			conn.Close()
		}
	}
}

// chainRequest is what the client at the begin of a chain sends, with two Proxy-States.
var chainRequest = []string{"User-Name = bob@whole.example", "User-Password = hello", "NAS-IP-Address = 192.0.2.9", "NAS-Port = 7",
	"Calling-Station-Id = \"00-11-22-33-44-55\"", `Cisco-AVPair = "a=b"`, "Proxy-State = 0x6f6e65", "Proxy-State = 0x74776f", "Message-Authenticator = 0x00"}

// TestProxyChain sends through FreeRADIUS, us, and radsecproxy to another FreeRADIUS, and compares both ends: what the
// client says arrives, Proxy-States in order with one more for each proxy that adds one, and each takes its own off.
func TestProxyChain(t *testing.T) {
	home := newRadiusd(t, homeUsers, nil)
	toAuth, toAcct := startRadsecproxy(t, port(home.auth), port(home.acct))
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q front proxy\n", loopSecret),
		"raddb/realms":  fmt.Sprintf("whole.example 127.0.0.1:%s:%s nostrip secret=%q\n", toAuth, toAcct, loopSecret),
	}))
	front := startFront(t, s.port("auth"), s.port("acct"))
	reply := received(radclientTo(t, front.auth, "auth", chainRequest, "-x", "-r", "1", "-t", "5"))
	want := []string{"Access-Accept", `Reply-Message = "hello bob@whole.example"`, "Proxy-State = 0x6f6e65", "Proxy-State = 0x74776f"}
	if diff := cmp.Diff(want, comparable(reply)); diff != "" {
		t.Errorf("at the client (-want +got)\n%s\n%s\n%s\n%s", diff, s.log, front.said(), home.said())
	}
	sent := front.sent(t, "Access-Request")
	checkChain(t, sent, home.last(t, "Access-Request"))

	record := []string{"User-Name = bob@whole.example", "Acct-Status-Type = Stop", `Acct-Session-Id = "c1"`, "NAS-IP-Address = 192.0.2.9",
		"Acct-Input-Octets = 4000000000", "Acct-Input-Gigawords = 1", "Proxy-State = 0x6f6e65"}
	reply = received(radclientTo(t, front.acct, "acct", record, "-x", "-r", "1", "-t", "5"))
	if diff := cmp.Diff([]string{"Accounting-Response", "Proxy-State = 0x6f6e65"}, reply); diff != "" {
		t.Errorf("accounting at the client (-want +got)\n%s\n%s\n%s\n%s", diff, s.log, front.said(), home.said())
	}
	checkChain(t, front.sent(t, "Accounting-Request"), home.last(t, "Accounting-Request"))
}

// checkChain compares what the first proxy sent with what came out at the end: the same, and our Proxy-State last.
func checkChain(t *testing.T, sent, seen []string) {
	t.Helper()
	if len(seen) == 0 || !ownState(seen[len(seen)-1]) {
		t.Errorf("the last attribute is no Proxy-State of ours: %q", seen)
		return
	}
	if diff := cmp.Diff(sorted(append([]string{""}, sent...)), sorted(append([]string{""}, seen[:len(seen)-1]...))); diff != "" {
		t.Errorf("(-sent by the first proxy +seen at the end)\n%s", diff)
	}
}

// ownState reports a Proxy-State of ours, as FreeRADIUS prints it: 16 octets.
func ownState(line string) bool {
	value, ok := strings.CutPrefix(line, "Proxy-State = 0x")
	return ok && len(value) == 2*16
}

// TestProxyBehindRadsecproxy has radsecproxy as client and FreeRADIUS as home server of ours.
func TestProxyBehindRadsecproxy(t *testing.T) {
	home := newRadiusd(t, homeUsers, nil)
	s := serveOnLoopback(t, homeTree(t, home, map[string]string{"raddb/clients": fmt.Sprintf("127.0.0.1 %q front proxy\n", loopSecret)}))
	toAuth, toAcct := startRadsecproxy(t, s.port("auth"), s.port("acct"))
	reply := received(radclientTo(t, "127.0.0.1:"+toAuth, "auth", chainRequest, "-x", "-r", "1", "-t", "5"))
	want := []string{"Access-Accept", `Reply-Message = "hello bob@whole.example"`, "Proxy-State = 0x6f6e65", "Proxy-State = 0x74776f"}
	if diff := cmp.Diff(want, comparable(reply)); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s\n%s", diff, s.log, home.said())
	}
	reply = received(radclientTo(t, "127.0.0.1:"+toAcct, "acct", []string{"User-Name = bob@home.example", "Acct-Status-Type = Start",
		`Acct-Session-Id = "r1"`, "Proxy-State = 0x05"}, "-x", "-r", "1", "-t", "5"))
	if diff := cmp.Diff([]string{"Accounting-Response", "Proxy-State = 0x05"}, reply); diff != "" {
		t.Errorf("accounting (-want +got)\n%s\n%s\n%s", diff, s.log, home.said())
	}
	code, out, errs := told(t, "", "send", "auth", "-server", "127.0.0.1:"+toAuth, "-secret", loopSecret, "-method", "mschapv2",
		"User-Name=bob@whole.example", "User-Password=hello")
	if code != exitOK || !strings.HasSuffix(out, "# MS-CHAP2-Success is right\n  # MPPE keys are right\n") {
		t.Errorf("MS-CHAPv2: exit code %d\n%s%s\n%s\n%s", code, out, errs, s.log, home.said())
	}
}

func port(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}
