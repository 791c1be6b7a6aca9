package clustertest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/gostream"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/transport/p2p"
)

var all = clustertest.HTTP | clustertest.HTTPS | clustertest.Unix | clustertest.Libp2p | clustertest.Memory

// transports returns a caller for each listener of a peer.
func transports(t *testing.T, c *clustertest.Cluster, p *clustertest.Peer, key []byte) map[clustertest.Listen]*caller {
	dialNet := func(l clustertest.Listen) func(context.Context, string, string) (net.Conn, error) {
		network, address := "tcp", ""
		if parts := strings.Split(p.AddrOf(l).String(), "/"); l == clustertest.Unix {
			network, address = "unix", strings.TrimPrefix(p.AddrOf(l).String(), "/unix")
		} else {
			address = net.JoinHostPort(parts[2], parts[4])
		}
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}
	}
	over := func(transport *http.Transport) *caller { return newCallerOver(t, transport) }
	secure := over(&http.Transport{
		DialContext:     dialNet(clustertest.HTTPS),
		TLSClientConfig: &tls.Config{RootCAs: c.CAPool(), ServerName: "localhost"},
	})
	secure.scheme = "https"
	return map[clustertest.Listen]*caller{
		clustertest.HTTP:   over(&http.Transport{DialContext: dialNet(clustertest.HTTP)}),
		clustertest.HTTPS:  secure,
		clustertest.Unix:   over(&http.Transport{DialContext: dialNet(clustertest.Unix)}),
		clustertest.Libp2p: over(&http.Transport{DialContext: dialLibp2p(t, p, key)}),
		clustertest.Memory: over(&http.Transport{DialContext: p.DialContext}),
	}
}

// dialLibp2p returns a dialer that uses a new libp2p host.
func dialLibp2p(t *testing.T, p *clustertest.Peer, key []byte) func(context.Context, string, string) (net.Conn, error) {
	var opts []p2p.HostOption
	if key != nil {
		opts = append(opts, p2p.WithProtectorKey(key))
	}
	h, err := p2p.NewHost(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	info, err := peer.AddrInfoFromP2pAddr(p.AddrOf(clustertest.Libp2p))
	if err != nil {
		t.Fatal(err)
	}
	h.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return gostream.Dial(ctx, h, info.ID, "/libp2p-http")
	}
}

func TestTransports(t *testing.T) {
	for name, key := range map[string][]byte{"open": nil, "private network": []byte(strings.Repeat("k", 32))} {
		t.Run(name, func(t *testing.T) {
			c := clustertest.New(t, clustertest.Options{
				Peers: 2, Listen: all, PrivateNetworkKey: key, BasicAuth: map[string]string{"u": "p"},
			})
			c.Seed(2)
			p := c.Peer(1)
			callers := transports(t, c, p, key)
			if len(p.Addrs()) != len(callers) {
				t.Fatalf("addresses %v", p.Addrs())
			}
			for transport, call := range callers {
				call.get("/id").expect(t, 401, "no auth")
				call.header.Set("Authorization", "Basic dTpw")
				for range 2 {
					if id := one[api.ID](t, call.get("/id")); id.ID != p.ID() {
						t.Errorf("transport %d: %+v", transport, id)
					}
				}
				a := call.get("/pins")
				if n := len(decode[api.GlobalPinInfo](t, a)); n != 2 || a.trailer["X-Stream-Error"] == nil {
					t.Errorf("transport %d: %d pins, trailer %v", transport, n, a.trailer)
				}
				if a := call.add("progress=true&no-pin=true", file("f", strings.Repeat("x", 1<<20))); a.status != 200 || strings.Count(a.body, "\n") < 5 {
					t.Errorf("transport %d: add: %+v", transport, a)
				}
			}
			p.Stop()
			for transport, call := range callers {
				if a, err := call.do(http.MethodGet, "/health", nil); err == nil {
					t.Errorf("transport %d: answered by a stopped peer: %+v", transport, a)
				}
			}
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			for _, call := range transports(t, c, p, key) {
				if a := call.get("/health"); a.status != 204 {
					t.Errorf("after the restart: %+v", a)
				}
			}
		})
	}
}

func TestPrivateNetworkKeepsOthersOut(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{
		Peers: 1, Listen: clustertest.Libp2p, PrivateNetworkKey: []byte(strings.Repeat("k", 32)),
	})
	for name, key := range map[string][]byte{"no key": nil, "another key": []byte(strings.Repeat("x", 32))} {
		// The server does not answer what it cannot decrypt.
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if conn, err := dialLibp2p(t, c.Peer(0), key)(ctx, "", ""); err == nil {
			conn.Close()
			t.Errorf("%s: got in", name)
		}
	}
}

// TestPlainToTLS sends plain HTTP to an HTTPS listener.
func TestPlainToTLS(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, Listen: clustertest.HTTPS})
	addr := strings.Split(c.Peer(0).Addr().String(), "/")
	call := newCallerOver(t, &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", net.JoinHostPort(addr[2], addr[4]))
	}})
	call.get("/id").expect(t, 400, "Client sent an HTTP request to an HTTPS server.")
}

// TestCrashCutsConnections stops a peer during a listing.
func TestCrashCutsConnections(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, Listen: all})
	c.Seed(1000)
	p := c.Peer(0)
	for transport, call := range transports(t, c, p, nil) {
		until := make(chan struct{})
		p.Inject(clustertest.Fault{Effect: clustertest.Hold(until)})
		done := make(chan error, 1)
		go func() {
			_, err := call.do(http.MethodGet, "/pins", nil)
			done <- err
		}()
		for p.Count("GET /pins") == 0 {
			runtime.Gosched()
		}
		p.Stop()
		if err := <-done; err == nil {
			t.Errorf("transport %d: answered", transport)
		}
		if open, _ := p.Connections(); open != 0 {
			t.Errorf("transport %d: %d connections left", transport, open)
		}
		p.ResetRequests()
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingLeft checks that Close leaves no descriptors and temporary files.
func TestNothingLeft(t *testing.T) {
	t.Setenv("TMPDIR", testenv.SocketDir(t)) // short, so that the sockets are created there
	before := descriptors(t)
	for range 3 {
		c, err := clustertest.Start(clustertest.Options{Listen: all})
		if err != nil {
			t.Fatal(err)
		}
		c.Peer(1).Stop()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Peer(0).Start(); err == nil {
			t.Fatal("a peer of a closed cluster was started")
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// TestFixedPorts checks the ports of peers with BasePort.
func TestFixedPorts(t *testing.T) {
	base := testenv.FreePorts(t, 1)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clustertest.Start(clustertest.Options{Peers: 1, BasePort: base}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("port in use: %v", err)
	}
	l.Close()
	c := clustertest.New(t, clustertest.Options{Peers: 1, BasePort: base})
	if got, want := c.Peer(0).Addr().String(), fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", base); got != want {
		t.Errorf("address %s, want %s", got, want)
	}
	newCaller(t, c.Peer(0)).get("/version").expect(t, 200, "")
}

func TestHosts(t *testing.T) {
	for host, prefix := range map[string]string{"127.0.0.7": "/ip4/127.0.0.7/tcp/", "::1": "/ip6/::1/tcp/"} {
		t.Run(prefix[1:4], func(t *testing.T) {
			testenv.MustHaveAddress(t, host)
			c := clustertest.New(t, clustertest.Options{Peers: 1, Hosts: []string{host}})
			if got := c.Peer(0).Addr().String(); !strings.HasPrefix(got, prefix) {
				t.Errorf("address %s", got)
			}
			newCaller(t, c.Peer(0)).get("/id").expect(t, 200, `"addresses":["`+prefix+"9096/p2p/")
		})
	}
}

// TestLongSocketPath checks that sockets work if the path of the temporary
// directory is long, as on macOS, and that a UnixDir with a path that is too
// long is reported.
func TestLongSocketPath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	clustertest.New(t, clustertest.Options{Listen: clustertest.Unix})
	_, err := clustertest.Start(clustertest.Options{Listen: clustertest.Unix, UnixDir: long})
	if err == nil || !strings.Contains(err.Error(), "use a UnixDir with a shorter path") {
		t.Errorf("error %v", err)
	}
}

func TestBadOptions(t *testing.T) {
	for want, opts := range map[string]clustertest.Options{
		"number of peers":       {Peers: 65},
		"unknown consensus":     {Consensus: "paxos"},
		"private network key":   {PrivateNetworkKey: []byte("short")},
		"must be an IP address": {Hosts: []string{"localhost"}},
		"base port":             {BasePort: 65530},
		"larger than max":       {ReplicationFactorMin: 3, ReplicationFactorMax: 2},
		"user or password":      {BasicAuth: map[string]string{"u": ""}},
	} {
		if _, err := clustertest.Start(opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
