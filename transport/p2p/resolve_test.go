package p2p

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

func resolve(t *testing.T, addr string, r *net.Resolver) ([]string, error) {
	t.Helper()
	addrs, err := Resolve(t.Context(), multiaddr.StringCast(addr), r)
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return texts, err
}

func TestResolve(t *testing.T) {
	dns, resolver := transporttest.NewDNS(t)
	const other = "12D3KooWSHj3RRbBjD15g6wekV8y3mm57Pobmps2g2WJm6F67Lay"
	p2p := "/ip4/1.2.3.4/tcp/9096/p2p/" + somePeer
	dns.SetDNSAddrs("one.test", p2p)
	dns.SetDNSAddrs("mixed.test", "/dnsaddr/one.test", "/dns4/h.test/tcp/443/https", "/bogus/x", p2p, "/dnsaddr/none.test")
	dns.SetDNSAddrs("two.test", p2p, "/ip4/1.2.3.5/tcp/9096/p2p/"+other)
	dns.SetDNSAddrs("loop.test", "/dnsaddr/loop.test", "/dnsaddr/pool.test")
	dns.SetDNSAddrs("pool.test", "/dnsaddr/loop.test")
	dns.SetDNSAddrs("empty.test")
	for i := range 100 { // every record refers to the next name
		dns.SetDNSAddrs(fmt.Sprintf("chain%d.test", i), fmt.Sprintf("/dnsaddr/chain%d.test", i+1))
	}
	for addr, want := range map[string][]string{
		"/dnsaddr/one.test":               {p2p},
		"/dnsaddr/mixed.test":             {"/dns4/h.test/tcp/443/https", p2p},
		"/dnsaddr/two.test":               {p2p, "/ip4/1.2.3.5/tcp/9096/p2p/" + other},
		"/dnsaddr/two.test/p2p/" + other:  {"/ip4/1.2.3.5/tcp/9096/p2p/" + other},
		"/dns4/h.test/tcp/9094":           {"/dns4/h.test/tcp/9094"},
		"/ip4/1.2.3.4/tcp/9094":           {"/ip4/1.2.3.4/tcp/9094"},
		"/dnsaddr/one.test/p2p/" + other:  nil,
		"/dnsaddr/loop.test":              nil,
		"/dnsaddr/empty.test":             nil,
		"/dnsaddr/none.test":              nil,
		"/dnsaddr/chain0.test":            nil,
		"/dnsaddr/chain99.test/tcp/1/p2p": nil,
	} {
		m, err := multiaddr.NewMultiaddr(addr)
		if err != nil {
			continue
		}
		got, err := resolve(t, m.String(), resolver)
		if !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("%s: got %v, error %v, want %v", addr, got, err, want)
		}
	}
}

// Hostile DNS records must not cause unbounded work.
func TestResolveIsBounded(t *testing.T) {
	dns, resolver := transporttest.NewDNS(t)
	wide := make([]string, 90)
	for i := range wide {
		name := fmt.Sprintf("w%d.test", i)
		wide[i] = "/dnsaddr/" + name
		dns.SetDNSAddrs(name, "/ip4/1.2.3.4/tcp/9094", fmt.Sprintf("/ip4/1.2.3.4/tcp/%d", i+1))
	}
	dns.SetDNSAddrs("wide.test", wide[:20]...)
	dns.SetDNSAddrs("wider.test", append([]string{"/dnsaddr/wide.test"}, wide[:20]...)...)
	if got, err := resolve(t, "/dnsaddr/wider.test", resolver); err != nil || len(got) != 21 {
		t.Errorf("got %d addresses, error %v, want 21", len(got), err)
	}
	for i := range 40 {
		dns.SetDNSAddrs(fmt.Sprintf("deep%d.test", i), fmt.Sprintf("/dnsaddr/deep%d.test", 2*i+1), fmt.Sprintf("/dnsaddr/deep%d.test", 2*i+2))
	}
	before := dns.Queries()
	if got, err := resolve(t, "/dnsaddr/deep0.test", resolver); err == nil {
		t.Errorf("got %v", got)
	}
	if n := dns.Queries() - before; n > 2*maxLookups {
		t.Errorf("%d queries", n)
	}
}

// U43: upstream used only the first record of a /dnsaddr/ name, and looked the name up
// only once.
func TestDNSAddr(t *testing.T) {
	testenv.MustHaveAddress(t, "127.0.0.2")
	dns, resolver := transporttest.NewDNS(t)
	a := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	b := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	dead := "/ip4/127.0.0.2/tcp/9/p2p/" + somePeer
	dns.SetDNSAddrs("fleet.test", dead, a.Config.APIAddr.String())
	ep := transporttest.Open(t, &config.Config{APIAddr: multiaddr.StringCast("/dnsaddr/fleet.test"), Resolver: resolver})
	if err := id(t, ep); err != nil {
		t.Fatal(err)
	}
	dns.SetDNSAddrs("fleet.test", dead, b.Config.APIAddr.String())
	a.Stop()
	// One request may be sent on the pooled stream before its end is noticed.
	if err := id(t, ep); err != nil {
		if err := id(t, ep); err != nil {
			t.Errorf("the name leads elsewhere now: %v", err)
		}
	}
	if n := b.Accepts(); n != 1 {
		t.Errorf("%d streams, want 1", n)
	}
	dns.SetDNSAddrs("fleet.test", dead)
	ep = transporttest.Open(t, &config.Config{APIAddr: multiaddr.StringCast("/dnsaddr/fleet.test"), Resolver: resolver})
	if err := id(t, ep); !transporttest.IsDialError(err) {
		t.Errorf("all dead: error is %v, want a DialError", err)
	}
}

// U43, continued: all addresses of the peer are tried.
func TestAllAddressesOfAPeerAreTried(t *testing.T) {
	testenv.MustHaveAddress(t, "127.0.0.2")
	dns, resolver := transporttest.NewDNS(t)
	s := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	at := s.Config.APIAddr
	port, err := at.ValueForProtocol(multiaddr.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	peer := "/p2p/" + at[len(at)-1].Value()
	dns.SetIPs("peer.test", "127.0.0.2", "127.0.0.1")
	dns.SetDNSAddrs("peer.test", "/ip4/127.0.0.2/tcp/9"+peer, at.String())
	for _, addr := range []string{"/dns4/peer.test/tcp/" + port + peer, "/dnsaddr/peer.test" + peer} {
		ep := transporttest.Open(t, &config.Config{APIAddr: multiaddr.StringCast(addr), Resolver: resolver})
		if err := id(t, ep); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
		ep.Close()
	}
}

// C9: for an https address behind a /dnsaddr/ name, the TLS files were read for each
// connection, so that a file that was broken for a moment made every dial fail.
func TestDNSAddrOfHTTPSKeepsItsAuthority(t *testing.T) {
	dns, resolver := transporttest.NewDNS(t)
	server := httptest.NewTLSServer(http.HandlerFunc(nothing))
	t.Cleanup(server.Close)
	dns.SetDNSAddrs("plain.test", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/https", server.Listener.Addr().(*net.TCPAddr).Port))
	file := filepath.Join(t.TempDir(), "ca.pem")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	ep := transporttest.Open(t, &config.Config{APIAddr: multiaddr.StringCast("/dnsaddr/plain.test"), Resolver: resolver,
		TLS: config.TLS{CAFile: file}, DisableKeepAlives: true})
	if err := id(t, ep); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("half a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := id(t, ep); err != nil {
		t.Errorf("with a broken file: %v", err)
	}
}

// A record without a peer ID is a plain HTTP address, to which all rules for such
// addresses apply.
func TestDNSAddrOfPlainHTTP(t *testing.T) {
	dns, resolver := transporttest.NewDNS(t)
	l := listen(t, "127.0.0.1:0")
	server := &http.Server{Handler: http.HandlerFunc(nothing)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	plain := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port)
	at := multiaddr.StringCast("/dnsaddr/plain.test")
	for _, test := range []struct {
		record string
		cfg    config.Config
		reason string // empty if it must work
	}{
		{plain, config.Config{}, ""},
		{plain + "/http", config.Config{Token: "t"}, ""},
		{"/ip4/192.0.2.1/tcp/9", config.Config{Token: "t"}, "unencrypted"},
		{plain, config.Config{ProtectorKey: make([]byte, 32)}, "protect nothing"},
		{plain, config.Config{TLS: config.TLS{Insecure: true}}, "does not use TLS"},
		{plain + "/http", config.Config{SSL: true}, "SSL"},
		{plain + "/http-path/x", config.Config{}, "neither a libp2p address nor"},
		{plain + "/ws", config.Config{}, "/ws"},
		{"/unix/tmp/x", config.Config{}, "neither a libp2p address nor"},
	} {
		dns.SetDNSAddrs("plain.test", test.record)
		test.cfg.APIAddr, test.cfg.Resolver = at, resolver
		ep := transporttest.Open(t, &test.cfg)
		err := id(t, ep)
		if test.reason == "" && err != nil || test.reason != "" && (!transporttest.IsDialError(err) || !strings.Contains(err.Error(), test.reason)) {
			t.Errorf("%s, %v: error is %v, want %q", test.record, test.cfg, err, test.reason)
		}
		ep.Close()
	}
}
