package backend

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// httpFiles reads the files that the settings name.
func (l *Lease) httpFiles(s *httpSettings) (err error) {
	if (s.Cert == "") != (s.Key == "") {
		return errors.New("cert and key belong together; expected both or none")
	}
	for _, f := range []struct {
		key, name string
		to        *[]byte
	}{{"ca", s.CA, &s.ca}, {"cert", s.Cert, &s.cert}, {"key", s.Key, &s.pin}} {
		if f.name == "" {
			continue
		}
		if s.base.Scheme != "https" {
			return fmt.Errorf("%s is set, but base begins with http://; expected https://", f.key)
		}
		if *f.to, err = l.file(f.name); err != nil {
			return fmt.Errorf("%s: %w", f.key, err)
		}
	}
	_, err = s.tls()
	return err
}

// tls gives how the server is known, and how it knows us.
func (s *httpSettings) tls() (*tls.Config, error) { return tlsOf(s.ca, s.cert, s.pin) }

// tlsOf makes the settings of TLS from the texts of files in PEM; empty ones are not there.
func tlsOf(ca, cert, key []byte) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(ca) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("ca: the file has no certificate in PEM")
		}
	}
	if len(cert) > 0 {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("cert and key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
