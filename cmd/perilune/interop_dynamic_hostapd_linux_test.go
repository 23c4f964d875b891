package main

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// switchConfig is a wired switch with 802.1X: a port at which stations come up.
const switchConfig = `
interface=nas
driver=wired
logger_stdout=-1
logger_stdout_level=0
ieee8021x=1
eapol_version=2
use_pae_group_addr=0
own_ip_addr=127.0.0.1
nas_identifier=switch
auth_server_addr=127.0.0.1
auth_server_port=%[1]s
auth_server_shared_secret=%[4]s
acct_server_addr=127.0.0.1
acct_server_port=%[2]s
acct_server_shared_secret=%[4]s
radius_das_port=%[3]s
radius_das_client=127.0.0.1 %[4]s
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
`

// inOwnNetwork runs the test in a process of its own, with a network of its own, and reports whether this is it.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	const mark = "PERILUNE_OWN_NETWORK"
	if os.Getenv(mark) != "" {
		return true
	}
	foreignTool(t, "ip")
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if id := os.Getuid(); id != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	switch {
	case cmd.ProcessState == nil:
		without(t, "a network of the test's own cannot be made: %v", err)
	case err != nil:
		t.Fatalf("%v\n%s", err, &out)
	case strings.Contains(out.String(), "--- SKIP"):
		t.Skip(out.String())
	}
	return false
}

// TestKickAtHostapd: stations log in by EAP at hostapd, a home server behind us decides, and hostapd tells of the
// sessions and is told to end one.
func TestKickAtHostapd(t *testing.T) {
	hostapd := foreignTool(t, "hostapd")
	if !inOwnNetwork(t) {
		return
	}
	for _, args := range []string{"link set lo up", "link add nas type veth peer name wire", "link set nas up", "link set wire up"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			without(t, "ip %s: %v %s", args, err, out)
		}
	}
	home := startEAPHome(t)
	das := freePorts(t, 1)[0]
	const secret = "a-secret-of-hostapd" // its file takes no blanks
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/clients": fmt.Sprintf("127.0.0.1 %q switch type=hostapd coa=127.0.0.1:%s\n", secret, das),
		"raddb/realms":  fmt.Sprintf("whole.example %s nostrip secret=%q\n", home.server(), loopSecret),
	}))
	writeFiles(t, s.dir, map[string]string{"hostapd.conf": fmt.Sprintf(switchConfig, s.port("auth"), s.port("acct"), das, secret)})
	out, ended := newWatchedLog(), make(chan int, 1)
	cmd := exec.Command(hostapd, "-d", filepath.Join(s.dir, "hostapd.conf"))
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
			t.Logf("%s\n%s\n%s", out, s.log, home.said())
		}
	})
	if !out.wait("AP-ENABLED", ended) {
		t.Fatal("hostapd does not start")
	}
	one, two := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	for _, station := range []net.HardwareAddr{one, two} {
		if err := logIn(station, "bob@whole.example", "hello"); err != nil {
			t.Fatalf("%v: %v", station, err)
		}
	}
	if err := logIn(net.HardwareAddr{2, 0, 0, 0, 0, 3}, "bob@whole.example", "wrong"); err != errEAPFailure {
		t.Fatalf("wrong password: %v", err)
	}
	sessions := s.openSessions(t, 2)
	if code, text := s.kick("-mac", "02-00-00-00-00-02"); code != exitOK || !strings.Contains(text, "Disconnect-ACK") {
		t.Errorf("kick: exit code %d\n%s", code, text)
	}
	if !out.wait("STA 02:00:00:00:00:02 RADIUS: stopped accounting session", ended) {
		t.Error("hostapd has not put the station off")
	}
	if left := s.openSessions(t, 1); left[0] != sessions[0] && left[0] != sessions[1] {
		t.Errorf("session %s is open, not one of %q", left[0], sessions)
	}
	// A session that it does not know, and a station, which it knows by its address alone.
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{exitFailed, "Error-Cause = Session-Context-Not-Found", []string{"disconnect", "Acct-Session-Id=0000000000000000"}},
		{exitFailed, "Error-Cause = NAS-Identification-Mismatch", []string{"disconnect", "NAS-Identifier=other", "Calling-Station-Id=02-00-00-00-00-01"}},
		{exitOK, "Disconnect-ACK", []string{"disconnect", "NAS-Identifier=switch", "Calling-Station-Id=02-00-00-00-00-01"}},
	} {
		code, text, errs := told(t, "", append([]string{"send", "-server", "127.0.0.1:" + das, "-secret", secret}, append(test.args, "Message-Authenticator=0x00")...)...)
		if code != test.code || !strings.Contains(text, test.want) {
			t.Errorf("send %q: exit code %d, expected %d and %q\n%s%s", test.args, code, test.code, test.want, text, errs)
		}
	}
	s.openSessions(t, 0)
}

var errEAPFailure = fmt.Errorf("EAP-Failure")

// logIn is a supplicant that knows EAP-MD5, at the other end of the wire (IEEE 802.1X, RFC 3748 s5.4).
func logIn(station net.HardwareAddr, user, password string) error {
	wire, err := net.InterfaceByName("wire")
	if err != nil {
		return err
	}
	const pae = 0x888e
	network := uint16(pae>>8 | pae&0xff<<8)
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, int(network))
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	at := &syscall.SockaddrLinklayer{Protocol: network, Ifindex: wire.Index}
	if err := syscall.Bind(fd, at); err != nil {
		return err
	}
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 1})
	send := func(kind byte, body []byte) error {
		frame := append([]byte{1, 0x80, 0xc2, 0, 0, 3}, station...)
		frame = append(frame, pae>>8, pae&0xff, 1, kind)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(body)))
		return syscall.Sendto(fd, append(frame, body...), 0, at)
	}
	eap := func(id, method byte, data []byte) []byte {
		const response = 2
		b := binary.BigEndian.AppendUint16([]byte{response, id}, uint16(5+len(data)))
		return append(append(b, method), data...)
	}
	if err := send(1, nil); err != nil { // EAPOL-Start
		return err
	}
	frame := make([]byte, 2048)
	for late := time.Now().Add(15 * time.Second); time.Now().Before(late); {
		n, _, err := syscall.Recvfrom(fd, frame, 0)
		const header = 14 + 4
		if err != nil || n < header+4 || !bytes.Equal(frame[:6], station) || frame[15] != 0 {
			continue
		}
		b := frame[header:n]
		switch b[0] {
		case 3:
			return nil
		case 4:
			return errEAPFailure
		case 1:
			if len(b) < 5 {
				continue
			}
		default:
			continue
		}
		switch id, method := b[1], b[4]; method {
		case 1:
			err = send(0, eap(id, 1, []byte(user)))
		case 4:
			digest := md5.Sum(append(append([]byte{id}, password...), b[6:6+int(b[5])]...))
			err = send(0, eap(id, 4, append([]byte{16}, digest[:]...)))
		default:
			err = send(0, eap(id, 3, []byte{4})) // Nak: EAP-MD5 alone
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("no EAP-Success within 15 s")
}
