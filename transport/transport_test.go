package transport_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHTTP(t *testing.T) { transporttest.Run(t, startHTTP) }

func TestHTTPS(t *testing.T) { transporttest.Run(t, startHTTPS) }

func TestUnix(t *testing.T) { transporttest.Run(t, startUnix) }

func TestUnixTLS(t *testing.T) {
	transporttest.Run(t, func(t *testing.T, handler http.Handler) transporttest.Server {
		ca := newAuthority(t)
		l, path := listenUnix(t)
		s := serve(t, l, handler, ca.serverTLS(t, "localhost"))
		s.Config = &config.Config{APIAddr: multiaddr.StringCast("/unix" + path), SSL: true, TLS: config.TLS{CA: ca.pem}}
		return s
	})
}

func startHTTP(t *testing.T, handler http.Handler) transporttest.Server {
	l := listen(t, "127.0.0.1:0")
	s := serve(t, l, handler, nil)
	s.Config = &config.Config{Host: l.Addr().String()}
	return s
}

func startHTTPS(t *testing.T, handler http.Handler) transporttest.Server {
	ca := newAuthority(t)
	l := listen(t, "127.0.0.1:0")
	s := serve(t, l, handler, ca.serverTLS(t, "127.0.0.1"))
	s.Config = &config.Config{URL: "https://" + l.Addr().String(), TLS: config.TLS{CA: ca.pem}}
	return s
}

func startUnix(t *testing.T, handler http.Handler) transporttest.Server {
	l, path := listenUnix(t)
	s := serve(t, l, handler, nil)
	s.Config = &config.Config{APIAddr: multiaddr.StringCast("/unix" + path)}
	return s
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func listenUnix(t *testing.T) (net.Listener, string) {
	t.Helper()
	path := filepath.Join(testenv.SocketDir(t), "api")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, path
}

// counting is a listener that counts the connections it accepts.
type counting struct {
	net.Listener
	n atomic.Int64
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
	}
	return c, err
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
