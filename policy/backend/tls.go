package backend

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// tlsFiles are the texts of the files by which a server is known and knows us, in PEM; empty ones are not there.
type tlsFiles struct{ ca, cert, key []byte }

// tlsFiles reads the files that settings name; "" is none.
func (l *Lease) tlsFiles(ca, cert, key string) (t tlsFiles, err error) {
	if (cert == "") != (key == "") {
		return t, errors.New("cert and key belong together; expected both or none")
	}
	for _, f := range []struct {
		setting, name string
		to            *[]byte
	}{{"ca", ca, &t.ca}, {"cert", cert, &t.cert}, {"key", key, &t.key}} {
		if f.name == "" {
			continue
		}
		if *f.to, err = l.file(f.name); err != nil {
			return t, fmt.Errorf("%s: %w", f.setting, err)
		}
	}
	return t, nil
}

// config makes the settings of TLS.
func (t tlsFiles) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(t.ca) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(t.ca) {
			return nil, errors.New("ca: the file has no certificate in PEM")
		}
	}
	if len(t.cert) > 0 {
		pair, err := tls.X509KeyPair(t.cert, t.key)
		if err != nil {
			return nil, fmt.Errorf("cert and key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// httpFiles reads the files that the settings name.
func (l *Lease) httpFiles(s *httpSettings) (err error) {
	for _, f := range [...]struct{ setting, name string }{{"ca", s.CA}, {"cert", s.Cert}, {"key", s.Key}} {
		if f.name != "" && s.base.Scheme != "https" {
			return fmt.Errorf("%s is set, but base begins with http://; expected https://", f.setting)
		}
	}
	if s.files, err = l.tlsFiles(s.CA, s.Cert, s.Key); err != nil {
		return err
	}
	_, err = s.files.config()
	return err
}
