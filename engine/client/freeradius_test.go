package client

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// freeradiusConf is all that a server for these tests needs; %[1]s is its directory, %[2]d, %[3]d and
// %[5]d its ports, %[4]s the secret.
const freeradiusConf = `prefix = /usr
libdir = /usr/lib/freeradius
logdir = %[1]s
run_dir = %[1]s
pidfile = %[1]s/pid
name = interop
max_request_time = 5
hostname_lookups = no
security {
	reject_delay = 0
	status_server = yes
}
client loopback {
	ipaddr = 127.0.0.1
	secret = "%[4]s"
	require_message_authenticator = no
}
thread pool {
	start_servers = 1
	max_servers = 1
	min_spare_servers = 1
	max_spare_servers = 1
}
modules {
	pap {
	}
	chap {
	}
	always ok {
		rcode = ok
	}
	always reject {
		rcode = reject
	}
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = %[2]d
	}
	listen {
		type = acct
		ipaddr = 127.0.0.1
		port = %[3]d
	}
	listen {
		type = coa
		ipaddr = 127.0.0.1
		port = %[5]d
	}
	recv-coa {
		if (User-Name == "bob") {
			ok
		}
		else {
			reject
		}
	}
	authorize {
		update control {
			Cleartext-Password := "hello"
		}
		chap
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
	}
	post-auth {
		update reply {
			Reply-Message := "for %%{User-Name}"
			Tunnel-Password:1 := "tunnel"
		}
	}
	preacct {
		ok
	}
	accounting {
		ok
	}
}
`

// startFreeRADIUS runs Debian's server in a directory of its own and gives its three addresses. Without the
// program the test is skipped, unless PERILUNE_TOOLS=require.
func startFreeRADIUS(t *testing.T) (authAddr, acctAddr, coaAddr string) {
	t.Helper()
	path, err := exec.LookPath("freeradius")
	if err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal("freeradius is not installed; PERILUNE_TOOLS=require asks for it")
		}
		t.Skip("freeradius is not installed (Debian's package freeradius)")
	}
	dir := t.TempDir()
	authPort, acctPort, coaPort := freePort(t), freePort(t), freePort(t)
	write(t, filepath.Join(dir, "radiusd.conf"), fmt.Sprintf(freeradiusConf, dir, authPort, acctPort, testSecret, coaPort))
	write(t, filepath.Join(dir, "dictionary"), "$INCLUDE /usr/share/freeradius/dictionary\n")
	cmd := exec.Command(path, "-f", "-l", "stdout", "-d", dir, "-n", "radiusd")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	awaitLine(t, bufio.NewScanner(out), "Ready to process requests")
	const at = "127.0.0.1:%d"
	return fmt.Sprintf(at, authPort), fmt.Sprintf(at, acctPort), fmt.Sprintf(at, coaPort)
}

// awaitLine reads until the server is ready, and on in the background so that it never blocks.
func awaitLine(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	ready := make(chan error, 1)
	go func() {
		var all strings.Builder
		for lines.Scan() {
			if all.WriteString(lines.Text() + "\n"); strings.Contains(lines.Text(), want) {
				ready <- nil
			}
		}
		select {
		case ready <- errors.New(all.String()):
		default:
		}
	}()
	select {
	case err := <-ready:
		if err != nil {
			t.Fatalf("freeradius ended:\n%v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("freeradius is not ready after 30 s")
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	addr, err := net.ResolveUDPAddr("udp", closedPort(t))
	if err != nil {
		t.Fatal(err)
	}
	return addr.Port
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFreeRADIUS asks an independent server: it must understand what we hide and sign, and we its answers.
func TestFreeRADIUS(t *testing.T) {
	authAddr, acctAddr, coaAddr := startFreeRADIUS(t)
	d := words(t)
	accept := `Access-Accept Reply-Message = "for bob" Tunnel-Password:1 = "tunnel"`
	for _, tc := range []struct {
		name, addr string
		code       radius.Code
		chap       string
		attrs      []string
		want       string
	}{
		{"PAP", authAddr, radius.CodeAccessRequest, "", []string{"User-Name=bob", "User-Password=hello"}, accept},
		{"PAP, wrong", authAddr, radius.CodeAccessRequest, "", []string{"User-Name=bob", "User-Password=hellp"}, "Access-Reject"},
		{"PAP, long", authAddr, radius.CodeAccessRequest, "", []string{"User-Name=bob", "User-Password=" + strings.Repeat("x", 128)}, "Access-Reject"},
		{"CHAP", authAddr, radius.CodeAccessRequest, "hello", []string{"User-Name=bob"}, accept},
		{"CHAP, wrong", authAddr, radius.CodeAccessRequest, "hellp", []string{"User-Name=bob"}, "Access-Reject"},
		{"CHAP-Challenge", authAddr, radius.CodeAccessRequest, "hello", []string{"User-Name=bob", "CHAP-Challenge=0x00112233445566778899aabbccddeeff"}, accept},
		{"accounting", acctAddr, radius.CodeAccountingRequest, "", []string{"User-Name=bob", "Acct-Status-Type=Start", "Acct-Session-Id=1", "NAS-IP-Address=127.0.0.1"}, "Accounting-Response"},
		{"CoA", coaAddr, radius.CodeCoARequest, "", []string{"User-Name=bob", "Session-Timeout=60"}, "CoA-ACK"},
		{"CoA, refused", coaAddr, radius.CodeCoARequest, "", []string{"User-Name=ann"}, "CoA-NAK"},
		{"CoA, signed", coaAddr, radius.CodeCoARequest, "", []string{"User-Name=bob", "Message-Authenticator=0x00"}, "CoA-ACK"},
		{"Disconnect", coaAddr, radius.CodeDisconnectRequest, "", []string{"User-Name=bob"}, "Disconnect-ACK"},
		{"status", authAddr, radius.CodeStatusServer, "", nil, "Access-Accept"},
		{"status of accounting", acctAddr, radius.CodeStatusServer, "", nil, "Accounting-Response"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := &Request{Code: tc.code, Attributes: pairs(t, d, tc.attrs...)}
			if tc.chap != "" {
				req.CHAP = []byte(tc.chap)
			}
			c := &Client{Dictionary: d, Servers: []Server{{Address: tc.addr, Secret: radius.NewSecret(testSecret), Timeout: 5 * time.Second, Tries: 3}}}
			r, err := c.Exchange(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			r.Attributes.Delete(dictionary.Ref{Attr: d.Known.MessageAuthenticator})
			if r.Code == radius.CodeAccessReject {
				r.Attributes.Reset()
			}
			got := r.Code.String()
			for i := range r.Attributes.Pairs {
				got += " " + string(r.Attributes.Pairs[i].AppendText(nil, false))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
