package backend

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"perilune/engine/config"
)

// An authority signs certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB, name string) *authority {
	a := &authority{}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.pem, _ = a.sign(t, template, true)
	return a
}

// sign gives a certificate and its key in PEM.
func (a *authority) sign(t testing.TB, template *x509.Certificate, self bool) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if self {
		parent, signer = template, k
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &k.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	if self {
		a.key = k
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func (a *authority) leaf(t testing.TB, name string, addresses ...net.IP) (cert, key string) {
	return a.sign(t, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: addresses, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, false)
}

// serveTLS gives the address of a server that wants certificates of clients.
func serveTLS(t testing.TB, cert, key, clients string) string {
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(clients))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestHTTPOverTLS(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	loopback := net.IPv4(127, 0, 0, 1)
	serverCert, serverKey := ours.leaf(t, "server", loopback)
	elsewhereCert, elsewhereKey := ours.leaf(t, "elsewhere", net.IPv4(192, 0, 2, 1))
	clientCert, clientKey := ours.leaf(t, "radius")
	strangerCert, strangerKey := theirs.leaf(t, "stranger")
	files := map[string]string{
		"tls/ca.pem": ours.pem, "tls/other.pem": theirs.pem, "tls/none.pem": "no certificate", "tls/me.pem": clientCert, "tls/me.key": clientKey,
		"tls/stranger.pem": strangerCert, "tls/stranger.key": strangerKey,
	}
	good, elsewhere := serveTLS(t, serverCert, serverKey, ours.pem), serveTLS(t, elsewhereCert, elsewhereKey, ours.pem)
	for _, c := range []struct{ base, ca, cert, key, want string }{
		{good, "tls/ca.pem", "tls/me.pem", "tls/me.key", "hello radius"},
		{good, "tls/other.pem", "tls/me.pem", "tls/me.key", "refused: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{good, "", "tls/me.pem", "tls/me.key", "refused: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{good, "tls/ca.pem", "", "", "refused: remote error: tls: "},
		{good, "tls/ca.pem", "tls/stranger.pem", "tls/stranger.key", "refused: remote error: tls: "},
		{elsewhere, "tls/ca.pem", "tls/me.pem", "tls/me.key", "refused: tls: failed to verify certificate: x509: certificate is valid for 192.0.2.1, not 127.0.0.1"},
		{good, "tls/gone.pem", "", "", "error: t.lua:1: http.open: ca: no such file tls/gone.pem"},
		{good, "tls/none.pem", "", "", "error: t.lua:1: http.open: ca: the file has no certificate in PEM"},
		{good, "tls/ca.pem", "tls/me.pem", "tls/stranger.key", "error: t.lua:1: http.open: cert and key: tls: private key does not match public key"},
		{good, "tls/ca.pem", "tls/me.pem", "", "error: t.lua:1: http.open: cert and key belong together; expected both or none"},
	} {
		h := config.DefaultHTTP()
		h.Base, h.CA, h.Cert, h.Key = c.base, c.ca, c.cert, c.key
		w := newWorld(t, Settings{Backend: config.Backend{HTTP: map[string]*config.BackendHTTP{"api": &h}}, File: func(name string) ([]byte, error) {
			text, ok := files[name]
			if !ok {
				return nil, fmt.Errorf("no such file %s", name)
			}
			return []byte(text), nil
		}})
		if got := w.asking(`local r, why = api:try_get("/") out(why or r.body)`); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", fmt.Sprint(c.ca, c.cert, c.key), got, c.want)
		}
	}
}

// TestHTTPFilesMakeADifference: another text in a file of the same name is another pool, the same one is not.
func TestHTTPFilesMakeADifference(t *testing.T) {
	pools := New(time.Now, nil)
	open := func(ca string) any {
		l := pools.Lease(Settings{Backend: config.Backend{HTTP: map[string]*config.BackendHTTP{"api": {Base: "https://x", CA: "ca.pem", Connections: 1}}},
			File: func(string) ([]byte, error) { return []byte(ca), nil }})
		t.Cleanup(l.Close)
		h, err := l.HTTP("api", nil)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	a, b := newAuthority(t, "a").pem, newAuthority(t, "b").pem
	first, same, changed := open(a), open(a), open(b)
	if first != same || first == changed {
		t.Errorf("same %t, changed %t", first == same, first != changed)
	}
}
