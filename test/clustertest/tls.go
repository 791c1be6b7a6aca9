package clustertest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/pinfleet/pinfleet/internal/selfsigned"
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
	// It is valid on any client's clock: its end is the date that RFC 5280, 4.1.2.5,
	// reserves for certificates that do not expire.
	certificate, pemCert, err := selfsigned.New(hosts, time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))
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
