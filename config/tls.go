package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/pinfleet/pinfleet/internal/regularfile"
)

// maxPEM limits the size of the files that TLS names, in bytes.
const maxPEM = 8 << 20

func (t *TLS) isZero() bool {
	return t.CAFile == "" && len(t.CA) == 0 && t.CertFile == "" && len(t.Cert) == 0 &&
		t.KeyFile == "" && len(t.Key) == 0 && t.ServerName == "" && !t.Insecure
}

// ClientConfig returns a new tls.Config for connections to a server. Its ServerName
// is that of t; if it is empty, the caller must set the host of the address.
// ClientConfig reads the files that t names and reports all their errors at once.
func (t *TLS) ClientConfig() (*tls.Config, error) {
	roots, caErr := t.roots()
	certs, certErr := t.certificates()
	if err := errors.Join(caErr, certErr); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		RootCAs:            roots,
		Certificates:       certs,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.Insecure, //nolint:gosec // the user asked for it
	}, nil
}

// roots returns the configured certificate authorities, or nil for the system's.
func (t *TLS) roots() (*x509.CertPool, error) {
	if t.CAFile == "" && len(t.CA) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if len(t.CA) > 0 && !pool.AppendCertsFromPEM(t.CA) {
		return nil, errors.New("TLS.CA holds no PEM certificate")
	}
	if t.CAFile != "" {
		pem, err := regularfile.Read(t.CAFile, maxPEM)
		if err != nil {
			return nil, fmt.Errorf("TLS.CAFile cannot be read: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("TLS.CAFile %s holds no PEM certificate", t.CAFile)
		}
	}
	return pool, nil
}

// certificates returns the client's certificate, or nil if none is configured.
func (t *TLS) certificates() ([]tls.Certificate, error) {
	cert, certErr := oneOf("Cert", t.CertFile, t.Cert)
	key, keyErr := oneOf("Key", t.KeyFile, t.Key)
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, err
	}
	switch {
	case cert == nil && key == nil:
		return nil, nil
	case key == nil:
		return nil, errors.New("TLS has a client certificate without its key: set Key or KeyFile")
	case cert == nil:
		return nil, errors.New("TLS has a client key without its certificate: set Cert or CertFile")
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("TLS client certificate and key: %w", err)
	}
	return []tls.Certificate{pair}, nil
}

// oneOf returns data, or the content of the file. It is an error if both are set.
func oneOf(name, file string, data []byte) ([]byte, error) {
	switch {
	case file == "" && len(data) == 0:
		return nil, nil
	case file == "":
		return data, nil
	case len(data) > 0:
		return nil, fmt.Errorf("TLS.%s and TLS.%sFile are both set: keep the one that is meant", name, name)
	}
	data, err := regularfile.Read(file, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("TLS.%sFile cannot be read: %w", name, err)
	}
	return data, nil
}
