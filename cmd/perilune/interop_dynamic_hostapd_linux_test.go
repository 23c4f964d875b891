package main

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
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
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
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
	out, ended := startSwitch(t, hostapd, fmt.Sprintf(switchConfig, s.port("auth"), s.port("acct"), das, secret))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s\n%s", out, s.log, home.said())
		}
	})
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
	tellSwitch(t, das, secret)
	s.openSessions(t, 0)
}

// tellSwitch asks hostapd by send: for a session that it does not know, another NAS, and a station that it knows by its
// address alone.
func tellSwitch(t *testing.T, das, secret string) {
	t.Helper()
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
}

// startSwitch starts hostapd.
func startSwitch(t *testing.T, hostapd, config string) (out *watchedLog, ended chan int) {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"hostapd.conf": config})
	out, ended = newWatchedLog(), make(chan int, 1)
	cmd := exec.Command(hostapd, "-d", filepath.Join(dir, "hostapd.conf"))
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
	})
	if !out.wait("AP-ENABLED", ended) {
		t.Fatalf("hostapd does not start:\n%s", out)
	}
	return out, ended
}

var errEAPFailure = errors.New("EAP-Failure")

// pae is the Ethernet type of 802.1X, and the same with its octets in the order of the network.
const (
	pae        = 0x888e
	paeNetwork = pae>>8 | pae&0xff<<8
)

// A wiredStation is a supplicant that knows EAP-MD5, at the other end of the wire (IEEE 802.1X, RFC 3748 s5.4).
type wiredStation struct {
	address        net.HardwareAddr
	user, password string
	fd             int
	at             *syscall.SockaddrLinklayer
}

func logIn(address net.HardwareAddr, user, password string) error {
	wire, err := net.InterfaceByName("wire")
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, paeNetwork)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	w := &wiredStation{address, user, password, fd, &syscall.SockaddrLinklayer{Protocol: paeNetwork, Ifindex: wire.Index}}
	if err := syscall.Bind(fd, w.at); err != nil {
		return err
	}
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Sec: 1})
	if err := w.send(1, nil); err != nil { // EAPOL-Start
		return err
	}
	for late := time.Now().Add(15 * time.Second); time.Now().Before(late); {
		if done, err := w.answer(w.receive()); done {
			return err
		}
	}
	return errors.New("no EAP-Success within 15 s")
}

func (w *wiredStation) send(kind byte, body []byte) error {
	frame := append([]byte{1, 0x80, 0xc2, 0, 0, 3}, w.address...)
	frame = append(frame, pae>>8, pae&0xff, 1, kind)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(body)))
	return syscall.Sendto(w.fd, append(frame, body...), 0, w.at)
}

// receive gives the next EAP packet for the station, nil if none has come within a second.
func (w *wiredStation) receive() []byte {
	const header = 14 + 4
	frame := make([]byte, 2048)
	n, _, err := syscall.Recvfrom(w.fd, frame, 0)
	if err != nil || n < header+4 || !bytes.Equal(frame[:6], w.address) || frame[15] != 0 {
		return nil
	}
	return frame[header:n]
}

// answer does what an EAP packet asks for; done ends the login.
func (w *wiredStation) answer(packet []byte) (done bool, err error) {
	const request, success, failure, identity, nak, md5Challenge = 1, 3, 4, 1, 3, 4
	switch {
	case packet == nil:
		return false, nil
	case packet[0] == success:
		return true, nil
	case packet[0] == failure:
		return true, errEAPFailure
	case packet[0] != request || len(packet) < 5:
		return false, nil
	}
	switch id, data := packet[1], packet[5:]; packet[4] {
	case identity:
		err = w.respond(id, identity, []byte(w.user))
	case md5Challenge:
		digest := md5.Sum(append(append([]byte{id}, w.password...), data[1:1+int(data[0])]...))
		err = w.respond(id, md5Challenge, append([]byte{16}, digest[:]...))
	default:
		err = w.respond(id, nak, []byte{md5Challenge})
	}
	return err != nil, err
}

func (w *wiredStation) respond(id, method byte, data []byte) error {
	const response = 2
	b := binary.BigEndian.AppendUint16([]byte{response, id}, uint16(5+len(data)))
	return w.send(0, append(append(b, method), data...))
}
