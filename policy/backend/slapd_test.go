package backend

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const directoryLDIF = `dn: dc=example,dc=net
objectClass: domain
dc: example

dn: cn=radius,dc=example,dc=net
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: radius
userPassword: s3rvice

dn: ou=people,dc=example,dc=net
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=example,dc=net
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Example
mail: ann@example.net
mail: a@example.net
userPassword: sesame

dn: uid=bob,ou=people,dc=example,dc=net
objectClass: inetOrgPerson
uid: bob
cn:: QsO2Yg==
sn: (*)
userPassword: hello

dn: cn=elsewhere,dc=example,dc=net
objectClass: referral
objectClass: extensibleObject
cn: elsewhere
ref: ldap://127.0.0.1:1/dc=example,dc=org
`

// A slapd is OpenLDAP's server, of the test's own, on loopback.
type slapd struct {
	t           testing.TB
	dir         string
	plain, over string // host:port of ldap:// and ldaps://
	as          *syscall.Credential
	p           *exec.Cmd
}

func newSlapd(t testing.TB) *slapd {
	t.Helper()
	bin := foreign(t, "/usr/sbin/slapd")
	dir, err := os.MkdirTemp("", "slapd") // that another user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &slapd{t: t, dir: dir, plain: freePort(t), over: freePort(t)}
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.certificate()
	s.write("slapd.conf", fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
database mdb
suffix "dc=example,dc=net"
rootdn "cn=admin,dc=example,dc=net"
rootpw admin
directory %[1]s/data
sizelimit 500
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=radius,dc=example,dc=net" read by * none
`, s.dir))
	s.write("tree.ldif", directoryLDIF)
	if s.as = unprivileged(t); s.as != nil {
		for _, name := range []string{".", "data", "slapd.conf", "tree.ldif", "cert.pem", "key.pem"} {
			os.Chown(filepath.Join(s.dir, name), int(s.as.Uid), int(s.as.Gid))
		}
	}
	if out, err := s.command(bin, "-T", "add", "-f", filepath.Join(s.dir, "slapd.conf"), "-l", filepath.Join(s.dir, "tree.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v: %s", err, out)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// unprivileged gives the user nobody, nil where we have no privileges that it could lack.
func unprivileged(t testing.TB) *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("there is no user nobody to run it")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (s *slapd) command(name string, args ...string) *exec.Cmd {
	p := exec.Command(name, args...)
	p.Dir = s.dir
	p.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return p
}

func (s *slapd) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *slapd) start() {
	s.t.Helper()
	s.p = s.command("/usr/sbin/slapd", "-f", filepath.Join(s.dir, "slapd.conf"), "-d", "0", "-h", "ldap://"+s.plain+"/ ldaps://"+s.over+"/")
	if err := s.p.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "slapd listens", func() bool {
		c, err := net.Dial("tcp", s.over)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (s *slapd) stop() {
	if s.p != nil {
		s.p.Process.Kill()
		s.p.Wait()
		s.p = nil
	}
}

// freeze stops it in its tracks: it takes connections, and answers nothing.
func (s *slapd) freeze() {
	s.p.Process.Signal(syscall.SIGSTOP)
	eventually(s.t, "slapd stands still", func() bool {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.p.Process.Pid))
		return len(stats) > 0 && !slices.ContainsFunc(stats, runs)
	})
}

// runs tells whether a thread has not been stopped yet: on a busy machine some answer a while after the signal was
// sent. The state is behind the name in brackets: proc_pid_stat(5).
func runs(stat string) bool {
	text, err := os.ReadFile(stat)
	_, state, _ := strings.Cut(string(text), ") ")
	return err != nil || !strings.HasPrefix(state, "T")
}

func (s *slapd) thaw() { s.p.Process.Signal(syscall.SIGCONT) }

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate makes one for 127.0.0.1, signed by itself.
func (s *slapd) certificate() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "slapd"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}
