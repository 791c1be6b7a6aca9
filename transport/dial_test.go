package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/transport"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

func nothing(http.ResponseWriter, *http.Request) {}

// U43: upstream used only the first address of a name. Here all are tried, and /dns4
// and /dns6 restrict the family. Nothing listens at 127.0.0.2.
func TestAllAddressesOfANameAreTried(t *testing.T) {
	testenv.MustHaveAddress(t, "127.0.0.2", "127.0.0.3")
	dns, resolver := transporttest.NewDNS(t)
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(nothing), nil)
	dns.SetIPs("both.test", "127.0.0.2", "127.0.0.1")
	dns.SetIPs("dead.test", "127.0.0.2", "127.0.0.3")
	dns.SetIPs("six.test", "127.0.0.1", "::1")
	for _, test := range []struct {
		addr string
		ok   bool
	}{
		{"/dns/both.test", true},
		{"/dns4/both.test", true},
		{"/dns6/both.test", false}, // the name has no IPv6 address
		{"/dns/dead.test", false},
		{"/dns6/six.test", false}, // nothing listens there
		{"/dns4/six.test", true},
		{"/dns/none.test", false},
	} {
		cfg := &config.Config{APIAddr: multiaddr.StringCast(test.addr + "/tcp/" + port(l)), Resolver: resolver}
		_, err := id(t, cfg)
		if (err == nil) != test.ok || err != nil && !transporttest.IsDialError(err) {
			t.Errorf("%s: error is %v", test.addr, err)
		}
		if test.addr == "/dns/dead.test" && (!errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "127.0.0.2") || !strings.Contains(err.Error(), "127.0.0.3")) {
			t.Errorf("%v does not tell both causes", err)
		}
	}
}

// U43, continued: a name with several addresses can be resolved to a list of peers,
// whose certificates are still verified against the name.
func TestAsTemplateForResolvedAddress(t *testing.T) {
	dns, resolver := transporttest.NewDNS(t)
	dns.SetIPs("fleet.test", "127.0.0.1", "127.0.0.2", "2001:db8::1")
	template := &config.Config{Resolver: resolver}
	for addr, want := range map[string]string{
		"/dns4/fleet.test/tcp/9094":      "[http://127.0.0.1:9094 http://127.0.0.2:9094]",
		"/dns6/fleet.test/tcp/443/https": "[https://fleet.test]",
		"/dns4/fleet.test/tcp/1/tls":     "[https://fleet.test:1 https://fleet.test:1]",
	} {
		cfgs, err := template.AsTemplateForResolvedAddress(t.Context(), multiaddr.StringCast(addr))
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		var got []string
		for _, c := range cfgs {
			a, err := c.Address()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, a.URL().String())
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
	if _, err := template.AsTemplateForResolvedAddress(t.Context(), multiaddr.StringCast("/dns/none.test/tcp/1")); err == nil {
		t.Error("unknown name: no error")
	}

	ca := newAuthority(t)
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(nothing), ca.serverTLS(t, "fleet.test"))
	template.TLS.CA = ca.pem
	cfgs, err := template.AsTemplateForResolvedAddress(t.Context(), multiaddr.StringCast("/dns4/fleet.test/tcp/"+port(l)+"/https"))
	if err != nil || len(cfgs) != 2 {
		t.Fatalf("got %v, error %v", cfgs, err)
	}
	if _, err := id(t, cfgs[0]); err != nil {
		t.Error(err)
	}
}

// silent starts a listener that accepts connections and never writes to them.
func silent(t *testing.T) (addr string, accepted <-chan struct{}) {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	ch := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var conns []net.Conn
		defer func() {
			for _, c := range conns {
				c.Close()
			}
		}()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
			ch <- struct{}{}
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String(), ch
}

// mute returns a resolver whose server never answers.
func mute(t *testing.T) (resolver *net.Resolver, asked <-chan struct{}) {
	t.Helper()
	ch := make(chan struct{}, 100)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ch <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}, ch
}

// U3: cancelling the context ends a dial, and the error is a DialError, because the
// request was not sent.
func TestCancelWhileDialling(t *testing.T) {
	addr, accepted := silent(t)
	resolver, asked := mute(t)
	for name, test := range map[string]struct {
		cfg     *config.Config
		reached <-chan struct{}
	}{
		"handshake": {&config.Config{URL: "https://" + addr, TLS: config.TLS{Insecure: true}}, accepted},
		"name":      {&config.Config{Host: "h.test", Resolver: resolver}, asked},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-test.reached
				cancel()
			}()
			_, err := transporttest.Do(t, ctx, transporttest.Open(t, test.cfg), http.MethodPost, "/ipfs/gc", nil)
			if !errors.Is(err, context.Canceled) || !transporttest.IsDialError(err) {
				t.Errorf("error is %v, want a DialError of context.Canceled", err)
			}
		})
	}
}

func TestDialTimeout(t *testing.T) {
	addr, _ := silent(t)
	resolver, _ := mute(t)
	for name, cfg := range map[string]*config.Config{
		"handshake": {URL: "https://" + addr, TLS: config.TLS{Insecure: true}, DialTimeout: 20 * time.Millisecond},
		"name":      {Host: "h.test", Resolver: resolver, DialTimeout: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := id(t, cfg)
			if !transporttest.IsTimeout(err) || !transporttest.IsDialError(err) {
				t.Errorf("error is %v, want a DialError of a timeout", err)
			}
		})
	}
}

// Close ends a pending dial. Otherwise the leak check of the package would fail.
func TestCloseEndsDials(t *testing.T) {
	addr, accepted := silent(t)
	ep := transporttest.Open(t, &config.Config{URL: "https://" + addr, TLS: config.TLS{Insecure: true}, DialTimeout: -1})
	go func() {
		<-accepted
		ep.Close()
	}()
	_, err := transporttest.Do(t, t.Context(), ep, http.MethodGet, "/id", nil)
	if !transporttest.IsDialError(err) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("error is %v, want a DialError of net.ErrClosed", err)
	}
}

func TestUnixSocketMissing(t *testing.T) {
	_, err := id(t, &config.Config{APIAddr: multiaddr.StringCast("/unix/nonexistent/socket")})
	if !transporttest.IsDialError(err) || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("error is %v", err)
	}
}

// U17: upstream did not escape the zone, and every request failed.
func TestIPv6Zone(t *testing.T) {
	testenv.MustHaveAddress(t, "::1")
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	loopback := slices.IndexFunc(interfaces, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 })
	zone := interfaces[loopback].Name // lo on Linux, lo0 on macOS
	l := listen(t, "[::1]:0")
	serve(t, l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if want := "[::1]:" + port(l); r.Host != want { // the zone has a meaning on the client's machine only
			t.Errorf("Host is %q, want %q", r.Host, want)
		}
	}), nil)
	for _, cfg := range []*config.Config{
		{APIAddr: multiaddr.StringCast("/ip6zone/" + zone + "/ip6/::1/tcp/" + port(l))},
		{Host: "::1%" + zone, Port: port(l)},
		{URL: "http://[::1%25" + zone + "]:" + port(l)},
	} {
		if _, err := id(t, cfg); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	const peer = "/ip4/127.0.0.1/tcp/9096/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"
	for _, test := range []struct {
		cfg    config.Config
		reason string
	}{
		{config.Config{APIAddr: multiaddr.StringCast(peer)}, `import _ "github.com/pinfleet/pinfleet/transport/p2p"`},
		{config.Config{APIAddr: multiaddr.StringCast("/dnsaddr/h.test")}, `import _ "github.com/pinfleet/pinfleet/transport/p2p"`},
		{config.Config{Port: "x"}, "config: "},
		{config.Config{Host: "h.test", Token: "t"}, "AllowCleartextAuth"},
	} {
		if _, err := transport.Open(&test.cfg); err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%v: error is %v, want %q", test.cfg, err, test.reason)
		}
	}
}

type roundTripper struct{ closed bool }

func (*roundTripper) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("mine") }
func (r *roundTripper) CloseIdleConnections()                         { r.closed = true }
func (r *roundTripper) Close() error                                  { r.closed = true; return nil }

// U47: the Config's RoundTripper is used unchanged for any address, and never
// closed.
func TestOwnRoundTripper(t *testing.T) {
	rt := &roundTripper{}
	ep, err := transport.Open(&config.Config{APIAddr: multiaddr.StringCast("/dns/h/tcp/80/http/http-path/base"), RoundTripper: rt})
	if err != nil {
		t.Fatal(err)
	}
	if ep.RoundTripper != http.RoundTripper(rt) || ep.BaseURL.String() != "http://h/base" {
		t.Errorf("got %+v", ep)
	}
	if err := ep.Close(); err != nil || rt.closed {
		t.Errorf("closed is %v, error %v", rt.closed, err)
	}
}

// Requests carry credentials, so an endpoint connects only to its own host, even if
// a redirect leads elsewhere.
func TestOtherHostsAreRefused(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came") }), nil)
	ep := transporttest.Open(t, &config.Config{Host: "127.0.0.2", Port: port(l)})
	for _, url := range []string{"http://" + l.Addr().String() + "/id", "https://127.0.0.2:" + port(l) + "/id"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if _, err := ep.RoundTripper.RoundTrip(req); !transporttest.IsDialError(err) {
			t.Errorf("%s: error is %v", url, err)
		}
	}
}

func TestRegisterTwicePanics(t *testing.T) {
	for _, scheme := range []string{config.SchemeHTTP, config.SchemeUnix} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", scheme)
				}
			}()
			transport.Register(scheme, transport.NewDialer)
		}()
	}
}
