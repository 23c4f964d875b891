package proxy

import (
	"bufio"
	"crypto/md5"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// homeConf is a FreeRADIUS that is a home server; %[1]s is its directory, %[2]d to %[4]d its ports, %[5]s
// the secret.
const homeConf = `prefix = /usr
libdir = /usr/lib/freeradius
logdir = %[1]s
run_dir = %[1]s
pidfile = %[1]s/pid
name = home
security {
	reject_delay = 0
	status_server = yes
}
client proxy {
	ipaddr = 127.0.0.1
	secret = "%[5]s"
	require_message_authenticator = yes
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
		port = %[4]d
	}
	recv-coa {
		ok
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
	preacct {
		ok
	}
	accounting {
		ok
	}
}
`

// startFreeRADIUS runs Debian's server as home server of a realm. Without the program the test is skipped,
// unless PERILUNE_TOOLS=require.
func startFreeRADIUS(t *testing.T) *Realm {
	t.Helper()
	path, err := exec.LookPath("freeradius")
	if err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal("freeradius is not installed; PERILUNE_TOOLS=require asks for it")
		}
		t.Skip("freeradius is not installed (Debian's package freeradius)")
	}
	dir, ports := t.TempDir(), freePorts(t)
	conf := fmt.Sprintf(homeConf, dir, ports[0].Port(), ports[1].Port(), ports[2].Port(), fakeSecret)
	for name, text := range map[string]string{"radiusd.conf": conf, "dictionary": "$INCLUDE /usr/share/freeradius/dictionary\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runFreeRADIUS(t, path, dir)
	return &Realm{Name: "home", Timeout: 3 * time.Second, Retries: 2, Status: true, Require: nas.Auto, binding: new(binding), Servers: []Server{
		{Name: "home", Auth: ports[KindAuth], Acct: ports[KindAcct], Dynamic: ports[KindDynamic], Secret: radius.NewSecret(fakeSecret)}}}
}

func freePorts(t *testing.T) (ports [kinds]netip.AddrPort) {
	t.Helper()
	for i := range ports {
		free, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		ports[i] = free.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	return ports
}

func runFreeRADIUS(t *testing.T, path, dir string) {
	t.Helper()
	cmd := exec.Command(path, "-f", "-l", "stdout", "-d", dir, "-n", "radiusd")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		var all strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(&all, lines.Text())
			if strings.Contains(lines.Text(), "Ready to process requests") {
				ready <- ""
			}
		}
		select {
		case ready <- all.String():
		default:
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
		cmd.Wait()
	})
	select {
	case failure := <-ready:
		if failure != "" {
			t.Fatalf("freeradius does not start:\n%s", failure)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("freeradius is not ready after 30 s")
	}
}

// TestFreeRADIUSAsHome: Debian's server takes what we send on, and we take its answers.
func TestFreeRADIUSAsHome(t *testing.T) {
	r := startFreeRADIUS(t)
	f := startForwarder(t, ForwarderOptions{Name: "proxy.example.net"}, r)
	chap := func(password string) func(*caller) {
		return func(c *caller) {
			c.Received = &radius.Packet{Authenticator: radius.NewAuthenticator()}
			digest := md5.Sum(append(append([]byte{7}, password...), c.Received.Authenticator[:]...))
			c.attrs = append(c.attrs, radius.AppendAttribute(nil, radius.TypeCHAPPassword, append([]byte{7}, digest[:]...))...)
		}
	}
	code := func(code radius.Code, attrs ...[]byte) func(*caller) {
		return func(c *caller) {
			c.Code = code
			for _, a := range attrs {
				c.attrs = append(c.attrs, a...)
			}
		}
	}
	session, sign := attribute(44, "17"), radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, 16))
	for _, test := range []struct {
		name   string
		change func(*caller)
		want   radius.Code
	}{
		{"password", func(c *caller) { c.password = "hello" }, radius.CodeAccessAccept},
		{"wrong password", func(c *caller) { c.password = "hullo" }, radius.CodeAccessReject},
		{"CHAP", chap("hello"), radius.CodeAccessAccept},
		{"wrong CHAP", chap("hullo"), radius.CodeAccessReject},
		{"accounting", code(radius.CodeAccountingRequest, []byte{40, 6, 0, 0, 0, 1}, session), radius.CodeAccountingResponse},
		{"disconnect", code(radius.CodeDisconnectRequest, sign, session), radius.CodeDisconnectACK},
		{"change of authorization", code(radius.CodeCoARequest, sign, session), radius.CodeCoAACK},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCaller(r)
			test.change(c)
			c.attrs = append(c.attrs, attribute(radius.TypeProxyState, "the client's")...)
			if o := c.send(t, f); o != Answered || c.Reply.Code != test.want {
				t.Fatalf("%v: %v", o, c.Reply.Code)
			}
			if state, ok := c.Reply.Attributes.Find(radius.TypeProxyState); !ok || string(state) != "the client's" || c.Reply.Attributes.Count(radius.TypeProxyState) != 1 {
				t.Errorf("Proxy-State of the reply: %q", state)
			}
		})
	}
	for _, h := range *f.homes.Load() {
		if h.kind == KindDynamic {
			continue
		}
		h.mu.Lock()
		h.die(f.now())
		h.mu.Unlock()
		eventually(t, "revival by Status-Server of "+h.kind.String(), func() bool { return h.state() == Reviving })
		if n := h.tally(); n.ProbesGood != 1 || n.Invalid+n.Foreign+n.Unsigned+n.Malformed != 0 {
			t.Errorf("%+v", n)
		}
	}
}
