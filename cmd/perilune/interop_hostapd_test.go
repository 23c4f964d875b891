package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
)

// hostapdConfig is an access point without a radio, which has no stations: what it is told of is not there.
const hostapdConfig = `
interface=lo
driver=none
ieee8021x=1
own_ip_addr=127.0.0.1
nas_identifier=ap.example
auth_server_addr=127.0.0.1
auth_server_port=9
auth_server_shared_secret=unused
radius_das_port=%d
radius_das_client=127.0.0.1 %s
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
`

// startHostapd runs an access point that takes Disconnect-Requests, and gives its port.
func startHostapd(t *testing.T, dir string) (port int) {
	t.Helper()
	tool := foreignTool(t, "hostapd")
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port = conn.LocalAddr().(*net.UDPAddr).Port
	conn.Close()
	writeFiles(t, dir, map[string]string{"hostapd.conf": fmt.Sprintf(hostapdConfig, port, loopSecret)})
	cmd := exec.Command(tool, filepath.Join(dir, "hostapd.conf"))
	out := newWatchedLog()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() { cmd.Wait(); ended <- cmd.ProcessState.ExitCode() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	if !out.wait("AP-ENABLED", ended) {
		without(t, "hostapd does not start here: %s", out)
	}
	return port
}

// TestHostapd: an access point takes what we send: the authenticator, Message-Authenticator over zeros, the time, and no
// attribute that it does not know, if the client's type says what it is.
func TestHostapd(t *testing.T) {
	dir := t.TempDir()
	port := startHostapd(t, dir)
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/clients": fmt.Sprintf("127.0.0.0/8 %q ap type=hostapd coa=127.0.0.1:%d dynamic-authorization=yes\n", loopSecret, port),
	}))
	s.startSession(t, "bob", "0011", "NAS-Identifier=ap.example", "NAS-Port=7", "Framed-IP-Address=192.0.2.9", "Calling-Station-Id=02-00-00-00-00-01")
	s.waitSessions(t, 1, "bob")
	contains(t, s.must(t, exitFailed, "kick", "bob"), "Disconnect-NAK, Session-Context-Not-Found (503)")
	// A request of another server, with Proxy-State, which hostapd would refuse.
	text := s.must(t, exitFailed, "send", "disconnect", "-server", s.addrs["coa"], "-secret", loopSecret, "User-Name=bob", "Proxy-State=0x01")
	contains(t, text, "Disconnect-NAK", "Session-Context-Not-Found", "Proxy-State = 0x01")
}
