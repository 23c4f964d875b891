package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A radiusd is a FreeRADIUS of a test's own, with fixed ports, that can be stopped and started again. It
// tells all that it receives and sends.
type radiusd struct {
	dir              string
	auth, acct, dyna string // addresses of its listeners
	cmd              *exec.Cmd
	out              *watchedLog // of the process that runs or ran last
	ended            chan int
}

// radiusdConfig is what all of them have; @words@ are replaced.
const radiusdConfig = `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = @dir@
run_dir = @dir@
max_requests = 16384
security {
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
modules {
	pap {
	}
	chap {
	}
	mschap {
		use_mppe = yes
		require_encryption = no
		require_strong = no
	}
	files {
		usersfile = @dir@/users
	}
	always ok {
		rcode = ok
	}
	always fail {
		rcode = fail
	}
	@modules@
}
client loop {
	ipaddr = 127.0.0.0/8
	secret = "@secret@"
	@client@
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = @auth@
	}
	listen {
		type = acct
		ipaddr = 127.0.0.1
		port = @acct@
	}
	listen {
		type = coa
		ipaddr = 127.0.0.1
		port = @coa@
	}
	@sections@
}
@more@
`

// homeSections are those of a home server.
const homeSections = `
	authorize {
		@eap first@
		mschap
		chap
		files
		pap
	}
	authenticate {
		@eap@
		Auth-Type MS-CHAP {
			mschap
		}
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
	recv-coa {
		ok
	}
`

// newRadiusd writes the configuration of one and starts it. words gives what stands for the @words@; those of no
// meaning here are empty.
func newRadiusd(t *testing.T, users string, words map[string]string) *radiusd {
	t.Helper()
	foreignTool(t, "radclient")
	foreignTool(t, "freeradius")
	f := &radiusd{dir: t.TempDir()}
	ports := freePorts(t, 3)
	f.auth, f.acct, f.dyna = "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1], "127.0.0.1:"+ports[2]
	all := map[string]string{"dir": f.dir, "secret": loopSecret, "auth": ports[0], "acct": ports[1], "coa": ports[2],
		"sections": homeSections, "modules": "", "client": "require_message_authenticator = yes", "eap": "", "eap first": "", "more": ""}
	for word, text := range words {
		all[word] = text
	}
	config := radiusdConfig
	for range 3 { // texts have words, too
		for word, text := range all {
			config = strings.ReplaceAll(config, "@"+word+"@", text)
		}
	}
	writeFiles(t, f.dir, map[string]string{"users": users, "radiusd.conf": config})
	f.start(t)
	t.Cleanup(f.stop)
	return f
}

// freePorts gives ports of 127.0.0.1 that nobody has for UDP.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		free, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		_, port, _ := net.SplitHostPort(free.LocalAddr().String())
		ports = append(ports, port)
	}
	return ports
}

func (f *radiusd) start(t *testing.T) {
	t.Helper()
	f.out = newWatchedLog()
	f.cmd = exec.Command("freeradius", "-X", "-d", f.dir, "-D", "/usr/share/freeradius", "-n", "radiusd")
	f.cmd.Stdout, f.cmd.Stderr = f.out, f.out
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	f.ended = ended
	go func(cmd *exec.Cmd) {
		cmd.Wait()
		ended <- cmd.ProcessState.ExitCode()
	}(f.cmd)
	if !f.out.wait("Ready to process requests", ended) {
		t.Fatalf("freeradius does not start:\n%s", f.out)
	}
}

// stop ends it, as an operator would.
func (f *radiusd) stop() {
	if f.cmd == nil {
		return
	}
	f.cmd.Process.Signal(syscall.SIGCONT)
	f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-f.ended:
	case <-time.After(5 * time.Second):
		f.cmd.Process.Kill()
		<-f.ended
	}
	f.cmd = nil
}

// server is its entry in a realms file.
func (f *radiusd) server() string {
	_, acct, _ := net.SplitHostPort(f.acct)
	return f.auth + ":" + acct
}

// said gives what it has told since it was ready.
func (f *radiusd) said() string {
	_, text, _ := strings.Cut(f.out.String(), "Ready to process requests\n")
	return text
}

// expect waits until it has told what matches, and gives the parts.
func (f *radiusd) expect(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for late := time.Now().Add(10 * time.Second); time.Now().Before(late); time.Sleep(10 * time.Millisecond) {
		if m := re.FindStringSubmatch(f.said()); m != nil {
			return m
		}
	}
	t.Fatalf("FreeRADIUS does not say %s:\n%s", pattern, f.said())
	return nil
}

var debugPacket = regexp.MustCompile(`^\(\d+\) (Received|Sent) (\S+) Id \d+ from \S+ to \S+ length \d+`)

// packets gives the packets of a code that it has Received or Sent, each with its attributes as it prints them.
func (f *radiusd) packets(way, code string) (packets [][]string) {
	open := false
	for line := range strings.Lines(f.said()) {
		line = strings.TrimRight(line, "\n")
		if m := debugPacket.FindStringSubmatch(line); m != nil {
			if open = m[1] == way && m[2] == code; open {
				packets = append(packets, nil)
			}
			continue
		}
		_, text, ok := strings.Cut(line, ")   ")
		if open = open && ok && strings.Contains(text, " = "); open {
			last := len(packets) - 1
			packets[last] = append(packets[last], text)
		}
	}
	return packets
}

func (f *radiusd) got(code string) [][]string { return f.packets("Received", code) }

// last gives the last packet of a code that it has received, without Message-Authenticator.
func (f *radiusd) last(t *testing.T, code string) []string { return f.newest(t, "Received", code) }

// sent gives the last one that it has sent.
func (f *radiusd) sent(t *testing.T, code string) []string { return f.newest(t, "Sent", code) }

func (f *radiusd) newest(t *testing.T, way, code string) []string {
	t.Helper()
	all := f.packets(way, code)
	if len(all) == 0 {
		t.Fatalf("FreeRADIUS has not %s: %s\n%s", way, code, f.said())
	}
	return slices.DeleteFunc(all[len(all)-1], func(line string) bool { return strings.HasPrefix(line, "Message-Authenticator") })
}

// eapModule is EAP with a certificate of the test's own; inside PEAP the virtual server inner decides.
const eapModule = `
	eap {
		default_eap_type = peap
		tls-config tls-common {
			private_key_file = @dir@/key.pem
			certificate_file = @dir@/cert.pem
			ca_file = @dir@/cert.pem
			tls_min_version = "1.2"
			tls_max_version = "1.2"
		}
		md5 {
		}
		mschapv2 {
		}
		peap {
			tls = tls-common
			default_eap_type = mschapv2
			virtual_server = inner
		}
	}
`

const eapInner = `
server inner {
	authorize {
		eap {
			ok = return
		}
		files
	}
	authenticate {
		Auth-Type MS-CHAP {
			mschap
		}
		eap
	}
}
`

// certificate gives a self-signed certificate of a server and its key, as PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "home.example"}, DNSNames: []string{"home.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", secret)
}
