package transport_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// authority is a certificate authority for a test. All keys are ECDSA.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test authority"},
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue returns a new certificate for a name or IP address, and its key, in PEM.
func (a *authority) issue(t *testing.T, name string) (certPEM, keyPEM []byte) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func (a *authority) serverTLS(t *testing.T, name string) *tls.Config {
	t.Helper()
	certPEM, keyPEM := a.issue(t, name)
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// serve runs an HTTP server on l until the test ends, with TLS if tc is not nil.
func serve(t *testing.T, l net.Listener, handler http.Handler, tc *tls.Config) transporttest.Server {
	t.Helper()
	counted := &counting{Listener: l}
	server := &http.Server{Handler: handler, TLSConfig: tc, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if tc != nil {
			_ = server.ServeTLS(counted, "", "")
		} else {
			_ = server.Serve(counted)
		}
	}()
	stop := func() {
		server.Close()
		<-done
	}
	t.Cleanup(stop)
	return transporttest.Server{Accepts: func() int { return int(counted.n.Load()) }, Stop: stop}
}

func id(t *testing.T, cfg *config.Config) (*http.Response, error) {
	t.Helper()
	resp, err := transporttest.Do(t, t.Context(), transporttest.Open(t, cfg), http.MethodGet, "/id", nil)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return resp, err
}

// U10: upstream spoke plain HTTP to addresses that end in /https or /tls/http, and
// sent the credentials with it.
func TestAddressSelectsTLS(t *testing.T) {
	var plain, secure atomic.Int64
	ca := newAuthority(t)
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			plain.Add(1)
		} else {
			secure.Add(1)
		}
		if user, password, ok := r.BasicAuth(); !ok || user != "u" || password != "p" {
			t.Errorf("credentials are %q %q", user, password)
		}
	}), ca.serverTLS(t, "127.0.0.1"))
	base := "/ip4/127.0.0.1/tcp/" + port(l)
	for _, suffix := range []string{"/https", "/tls/http", "/tls", "/tls/sni/127.0.0.1/http"} {
		cfg := &config.Config{APIAddr: multiaddr.StringCast(base + suffix), TLS: config.TLS{CA: ca.pem}, Username: "u", Password: "p"}
		ep := transporttest.Open(t, cfg)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, ep.BaseURL.JoinPath("/id").String(), nil)
		req.SetBasicAuth(cfg.Username, cfg.Password)
		resp, err := ep.RoundTripper.RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", suffix, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.TLS == nil {
			t.Errorf("%s: status %d, TLS %v", suffix, resp.StatusCode, resp.TLS)
		}
	}
	if plain.Load() != 0 || secure.Load() != 4 {
		t.Errorf("%d plain and %d secure requests", plain.Load(), secure.Load())
	}
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// U38: upstream offered only RSA suites under TLS 1.2, and had no settings for a
// certificate authority or a client certificate.
func TestTLS12WithECDSA(t *testing.T) {
	ca := newAuthority(t)
	l := listen(t, "127.0.0.1:0")
	tc := ca.serverTLS(t, "cluster.test")
	tc.MaxVersion = tls.VersionTLS12
	serve(t, l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if want := "cluster.test:" + port(l); r.Host != want {
			t.Errorf("Host is %q, want %q", r.Host, want)
		}
	}), tc)
	cfg := &config.Config{URL: "https://" + l.Addr().String(), TLS: config.TLS{CA: ca.pem, ServerName: "cluster.test"}}
	resp, err := id(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if resp.TLS.Version != tls.VersionTLS12 || resp.TLS.ServerName != "cluster.test" {
		t.Errorf("TLS is %x for %q", resp.TLS.Version, resp.TLS.ServerName)
	}
}

// U38, continued: the server is verified. A failure is a DialError, because the
// request was not sent.
func TestTLSVerifies(t *testing.T) {
	ca := newAuthority(t)
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ca.serverTLS(t, "127.0.0.1"))
	url := "https://" + l.Addr().String()

	var de *transport.DialError
	_, err := id(t, &config.Config{URL: url})
	if unknown := (x509.UnknownAuthorityError{}); !errors.As(err, &unknown) || !errors.As(err, &de) {
		t.Errorf("system's roots: error is %v", err)
	}
	_, err = id(t, &config.Config{URL: url, TLS: config.TLS{CA: ca.pem, ServerName: "other.test"}})
	if wrong := (x509.HostnameError{}); !errors.As(err, &wrong) || !errors.As(err, &de) {
		t.Errorf("other name: error is %v", err)
	}
	if _, err := id(t, &config.Config{URL: url, TLS: config.TLS{Insecure: true}}); err != nil {
		t.Errorf("insecure: %v", err)
	}

	plain := listen(t, "127.0.0.1:0")
	serve(t, plain, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	_, err = id(t, &config.Config{Host: plain.Addr().String(), SSL: true})
	if !errors.As(err, &de) || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("plain server: error is %v", err)
	}
}

// U38, continued: the client presents its certificate.
func TestClientCertificate(t *testing.T) {
	ca, clients := newAuthority(t), newAuthority(t)
	tc := ca.serverTLS(t, "127.0.0.1")
	tc.ClientAuth = tls.RequireAndVerifyClientCert
	tc.ClientCAs = x509.NewCertPool()
	tc.ClientCAs.AddCert(clients.cert)
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.TLS.PeerCertificates[0].Subject.CommonName; got != "me" {
			t.Errorf("client is %q", got)
		}
	}), tc)
	certPEM, keyPEM := clients.issue(t, "me")
	url := "https://" + l.Addr().String()
	if _, err := id(t, &config.Config{URL: url, TLS: config.TLS{CA: ca.pem, Cert: certPEM, Key: keyPEM}}); err != nil {
		t.Error(err)
	}

	dir := t.TempDir()
	files := config.TLS{CAFile: filepath.Join(dir, "ca"), CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key")}
	write(t, files.CAFile, ca.pem)
	write(t, files.CertFile, certPEM)
	write(t, files.KeyFile, keyPEM)
	if _, err := id(t, &config.Config{URL: url, TLS: files}); err != nil {
		t.Errorf("from files: %v", err)
	}
	if _, err := id(t, &config.Config{URL: url, TLS: config.TLS{CA: ca.pem}}); err == nil {
		t.Error("without certificate: no error")
	}
}
