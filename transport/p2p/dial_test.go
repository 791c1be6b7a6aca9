package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

const somePeer = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"

func nothing(http.ResponseWriter, *http.Request) {}

func id(t *testing.T, ep *transport.Endpoint) error {
	t.Helper()
	resp, err := transporttest.Do(t, t.Context(), ep, http.MethodGet, "/id", nil)
	if err == nil {
		resp.Body.Close()
	}
	return err
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

func TestHostHeaderIsThePeer(t *testing.T) {
	var host string
	s := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host = r.Host }))
	if err := id(t, transporttest.Open(t, s.Config)); err != nil {
		t.Fatal(err)
	}
	a, err := s.Config.Address()
	if err != nil {
		t.Fatal(err)
	}
	if host != a.PeerID() {
		t.Errorf("Host is %q, want %q", host, a.PeerID())
	}
}

// U3: upstream ignored contexts. In this test, the peer accepts the connection and
// sends nothing.
func TestCancelWhileDialling(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			accepted <- c
		}
	}()
	cfg := &config.Config{APIAddr: multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", l.Addr().(*net.TCPAddr).Port, somePeer))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		c := <-accepted
		cancel()
		t.Cleanup(func() { c.Close() })
	}()
	_, err := transporttest.Do(t, ctx, transporttest.Open(t, cfg), http.MethodGet, "/id", nil)
	if !errors.Is(err, context.Canceled) || !transporttest.IsDialError(err) {
		t.Errorf("error is %v, want a DialError of context.Canceled", err)
	}
}

// U3, continued: the peer is connected, but never answers on a new stream.
func TestSilentNegotiation(t *testing.T) {
	h := newHost(t, WithListenAddrs(loopback))
	streams := make(chan network.Stream, 10)
	h.Network().SetStreamHandler(func(s network.Stream) { streams <- s })
	ep := transporttest.Open(t, &config.Config{APIAddr: address(h)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-streams
		cancel()
	}()
	_, err := transporttest.Do(t, ctx, ep, http.MethodGet, "/id", nil)
	if !errors.Is(err, context.Canceled) || !transporttest.IsDialError(err) {
		t.Errorf("error is %v, want a DialError of context.Canceled", err)
	}
	ep = transporttest.Open(t, &config.Config{APIAddr: address(h), DialTimeout: 100 * time.Millisecond})
	if err := id(t, ep); !transporttest.IsTimeout(err) || !transporttest.IsDialError(err) {
		t.Errorf("error is %v, want a DialError of a timeout", err)
	}
}

// After a failed dial, libp2p does not dial the address again for five seconds or
// more. Our callers decide when to try a peer again, so a peer that came back must be
// reachable at once.
func TestPeerComesBack(t *testing.T) {
	key := newKey(t)
	l := listen(t, "127.0.0.1:0")
	addr := multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port))
	l.Close()
	first := newHost(t, WithIdentity(key), WithListenAddrs(addr))
	s := serve(t, first, http.HandlerFunc(nothing))
	ep := transporttest.Open(t, &config.Config{APIAddr: address(first)})
	if err := id(t, ep); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	for range 3 {
		if err := id(t, ep); err == nil || transporttest.IsDialError(err) && !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("error is %v, want connection refused", err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q has several lines", err)
		}
	}
	serve(t, newHost(t, WithIdentity(key), WithListenAddrs(addr)), http.HandlerFunc(nothing))
	if err := id(t, ep); err != nil {
		t.Errorf("the peer is back: %v", err)
	}
}

func TestOtherPeerAtTheAddress(t *testing.T) {
	s := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	at := s.Config.APIAddr[:len(s.Config.APIAddr)-1]
	other := multiaddr.Join(at, multiaddr.StringCast("/p2p/"+somePeer))
	if err := id(t, transporttest.Open(t, &config.Config{APIAddr: other})); !transporttest.IsDialError(err) {
		t.Errorf("error is %v, want a DialError", err)
	}
}

func TestPrivateNetworkKeepsOthersOut(t *testing.T) {
	s := startOn("/ip4/127.0.0.1/tcp/0", WithProtectorKey(make([]byte, 32)))(t, http.HandlerFunc(nothing))
	key := make([]byte, 32)
	key[0] = 1
	for _, cfg := range []*config.Config{{}, {ProtectorKey: key}} {
		cfg.APIAddr = s.Config.APIAddr
		cfg.DialTimeout = time.Second
		if err := id(t, transporttest.Open(t, cfg)); !transporttest.IsDialError(err) {
			t.Errorf("error is %v, want a DialError", err)
		}
	}
}

func TestPeerWithoutAPI(t *testing.T) {
	h := newHost(t, WithListenAddrs(loopback))
	err := id(t, transporttest.Open(t, &config.Config{APIAddr: address(h)}))
	if !transporttest.IsDialError(err) || !strings.Contains(err.Error(), "does not serve its API over libp2p") {
		t.Errorf("error is %v", err)
	}
}

// U35: when upstream's constructor failed, it left its host open.
func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		cfg    config.Config
		reason string
	}{
		{config.Config{APIAddr: multiaddr.StringCast("/dnsaddr/h"), Libp2pHost: "host"}, "Libp2pHost is a string"},
		{config.Config{APIAddr: multiaddr.StringCast("/ip4/127.0.0.1/udp/1/quic-v1/webtransport/p2p/" + somePeer)}, "only TCP, QUIC"},
		{config.Config{APIAddr: multiaddr.StringCast("/ip4/127.0.0.1/udp/1/quic-v1/p2p/" + somePeer), ProtectorKey: make([]byte, 32)}, "only TCP and WebSocket"},
		{config.Config{APIAddr: multiaddr.StringCast("/ip4/127.0.0.1/tcp/1/p2p/" + somePeer + "/p2p-circuit/p2p/" + somePeer)}, "relay"},
	} {
		if _, err := transport.Open(&test.cfg); err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%v: error is %v, want %q", test.cfg, err, test.reason)
		}
	}
	checkHosts(t, 0)
}
