package clustertest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// serverTLS is the TLS configuration of the HTTPS listeners.
type serverTLS struct {
	config *tls.Config
	// certificate is the generated certificate in PEM, or nil with Options.TLS.
	certificate []byte
}

func newServerTLS(opts Options) (*serverTLS, error) {
	if opts.TLS != nil {
		return &serverTLS{config: opts.TLS}, nil
	}
	hosts := append([]string{defaultHost, "::1", "localhost"}, opts.Hosts...)
	certificate, pemCert, err := selfSigned(hosts)
	if err != nil {
		return nil, fmt.Errorf("certificate of the cluster: %w", err)
	}
	return &serverTLS{
		config: &tls.Config{
			Certificates:     []tls.Certificate{certificate},
			MinVersion:       tls.VersionTLS12,
			CurvePreferences: []tls.CurveID{tls.CurveP521, tls.CurveP384, tls.CurveP256},
			CipherSuites: []uint16{
				tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
				tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
				tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
				tls.TLS_RSA_WITH_AES_256_CBC_SHA,
			},
		},
		certificate: pemCert,
	}, nil
}

// selfSigned returns an RSA certificate that is its own authority. All TLS 1.2
// suites that the daemon allows need RSA. It is valid on any client's clock:
// its end is the date that RFC 5280, 4.1.2.5, reserves for certificates that do
// not expire.
func selfSigned(hosts []string) (tls.Certificate, []byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "clustertest"},
		NotBefore:             time.Unix(0, 0),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pemCert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pemCert, nil
}

// CAPEM returns the self-signed certificate of the HTTPS listeners in PEM. It
// returns nil if the peers do not listen on HTTPS or if Options.TLS is set.
func (c *Cluster) CAPEM() []byte {
	if c.tls == nil {
		return nil
	}
	return c.tls.certificate
}

// CAPool returns a pool with the certificate of CAPEM, or nil if there is none.
func (c *Cluster) CAPool() *x509.CertPool {
	pemCert := c.CAPEM()
	if pemCert == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pemCert)
	return pool
}
