package transport_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// replace replaces a file in one step, as tools that rotate certificates do.
func replace(t *testing.T, path string, data []byte) {
	t.Helper()
	write(t, path+".new", data)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// rotating serves HTTPS with a certificate that can be replaced. It answers with the name
// in the client's certificate, if there is one.
func rotating(t *testing.T, ca *authority, clients *x509.CertPool) (url string, certificate *atomic.Pointer[tls.Certificate]) {
	t.Helper()
	certificate = &atomic.Pointer[tls.Certificate]{}
	certificate.Store(&ca.serverTLS(t, "127.0.0.1").Certificates[0])
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if certs := r.TLS.PeerCertificates; len(certs) > 0 {
			w.Header().Set("X-Client", certs[0].Subject.CommonName)
		}
	}), &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.Load(), nil },
		ClientAuth:     tls.VerifyClientCertIfGiven, ClientCAs: clients,
	})
	return "https://" + l.Addr().String(), certificate
}

// askAgain returns a function that makes a request on a new connection, and returns the
// name of the client that the server saw.
func askAgain(t *testing.T, cfg *config.Config) func() (string, error) {
	cfg.DisableKeepAlives = true
	ep := transporttest.Open(t, cfg)
	return func() (string, error) {
		resp, err := transporttest.Do(t, t.Context(), ep, http.MethodGet, "/id", nil)
		if err != nil {
			return "", err
		}
		_ = resp.Body.Close()
		return resp.Header.Get("X-Client"), nil
	}
}

// C9: the authority's file was read once. After the authority was rotated, every new
// connection failed until the program was restarted.
func TestAuthorityIsReadAgain(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	url, certificate := rotating(t, first, nil)
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, first.pem)
	ask := askAgain(t, &config.Config{URL: url, TLS: config.TLS{CAFile: file}})
	if _, err := ask(); err != nil {
		t.Fatal(err)
	}
	// The server's first certificate is no longer trusted, not even with a session of
	// a connection that trusted it.
	replace(t, file, second.pem)
	if _, err := ask(); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Errorf("with the next authority: %v", err)
	}
	certificate.Store(&second.serverTLS(t, "127.0.0.1").Certificates[0])
	if _, err := ask(); err != nil {
		t.Errorf("with the next certificate: %v", err)
	}
}

// C9, continued: so was the client's certificate. A file that is missing or broken, or a
// certificate that does not fit the key while only one of them has been replaced, changes
// nothing, and is logged once.
func TestClientCertificateIsReadAgain(t *testing.T) {
	ca, clients := newAuthority(t), newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(clients.cert)
	url, _ := rotating(t, ca, pool)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certPEM, keyPEM := clients.issue(t, "first")
	write(t, certFile, certPEM)
	write(t, keyFile, keyPEM)
	var log bytes.Buffer
	ask := askAgain(t, &config.Config{URL: url, TLS: config.TLS{CA: ca.pem, CertFile: certFile, KeyFile: keyFile},
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	nextCert, nextKey := clients.issue(t, "second")
	for i, step := range []struct {
		change   func()
		client   string
		warnings int
	}{
		{func() {}, "first", 0},
		{func() { replace(t, certFile, nextCert) }, "first", 1},
		{func() { replace(t, keyFile, nextKey) }, "second", 1},
		{func() { replace(t, certFile, []byte("nothing")) }, "second", 2},
		{func() { _ = os.Remove(certFile) }, "second", 3},
		{func() { replace(t, certFile, certPEM); replace(t, keyFile, keyPEM) }, "first", 3},
	} {
		step.change()
		for range 2 {
			if client, err := ask(); client != step.client || err != nil {
				t.Errorf("step %d: the client is %q, error %v", i, client, err)
			}
		}
		if n := strings.Count(log.String(), "level=WARN"); n != step.warnings {
			t.Errorf("step %d: %d warnings, want %d:\n%s", i, n, step.warnings, log.String())
		}
	}
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("the log has the key")
	}
}
