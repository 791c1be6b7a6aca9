package p2p

import (
	"crypto/rand"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/net/gostream"
	"github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTCP(t *testing.T) { transporttest.Run(t, startOn("/ip4/127.0.0.1/tcp/0")) }

func TestQUIC(t *testing.T) {
	transporttest.Run(t, func(t *testing.T, handler http.Handler) transporttest.Server {
		s := startOn("/ip4/127.0.0.1/udp/0/quic-v1")(t, handler)
		s.Config.DialTimeout = 2 * time.Second // for ServerGone: a UDP dial is not refused
		return s
	})
}

func TestWebSocket(t *testing.T) { transporttest.Run(t, startOn("/ip4/127.0.0.1/tcp/0/ws")) }

func TestPrivateNetwork(t *testing.T) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	transporttest.Run(t, func(t *testing.T, handler http.Handler) transporttest.Server {
		s := startOn("/ip4/127.0.0.1/tcp/0", WithProtectorKey(key))(t, handler)
		s.Config.ProtectorKey = key
		return s
	})
}

func TestOwnHost(t *testing.T) {
	transporttest.Run(t, func(t *testing.T, handler http.Handler) transporttest.Server {
		s := startOn("/ip4/127.0.0.1/tcp/0")(t, handler)
		s.Config.Libp2pHost = newHost(t)
		return s
	})
}

var loopback = multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")

func newHost(t testing.TB, opts ...HostOption) host.Host {
	t.Helper()
	h, err := NewHost(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func newKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// startOn returns a Start whose servers listen on addr.
func startOn(addr string, opts ...HostOption) transporttest.Start {
	return func(t *testing.T, handler http.Handler) transporttest.Server {
		t.Helper()
		h := newHost(t, append(opts, WithListenAddrs(multiaddr.StringCast(addr)))...)
		s := serve(t, h, handler)
		s.Config = &config.Config{APIAddr: address(h)}
		return s
	}
}

// address returns the address on which h listens, with its peer ID.
func address(h host.Host) multiaddr.Multiaddr {
	return multiaddr.Join(h.Addrs()[0], multiaddr.StringCast("/p2p/"+h.ID().String()))
}

// serve serves HTTP on the streams of h until the test ends.
func serve(t *testing.T, h host.Host, handler http.Handler) transporttest.Server {
	t.Helper()
	l, err := gostream.Listen(h, Protocol)
	if err != nil {
		t.Fatal(err)
	}
	counted := &counting{Listener: l}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(counted)
	}()
	stop := func() {
		server.Close()
		<-done
		h.Close()
	}
	t.Cleanup(stop)
	return transporttest.Server{Accepts: func() int { return int(counted.n.Load()) }, Stop: stop}
}

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
