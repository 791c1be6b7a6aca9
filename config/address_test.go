package config

import (
	"net/http"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"
)

const peerID = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"

func maddr(t *testing.T, s string) multiaddr.Multiaddr {
	t.Helper()
	m, err := multiaddr.NewMultiaddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAddressOfMultiaddr(t *testing.T) {
	for _, test := range []struct {
		addr string
		ssl  bool
		want Address
		url  string
	}{
		{"/ip4/1.2.3.4/tcp/9094", false, Address{Scheme: "http", Network: "tcp", HostPort: "1.2.3.4:9094"}, "http://1.2.3.4:9094"},
		{"/ip4/1.2.3.4/tcp/9094", true, Address{Scheme: "https", Network: "tcp", HostPort: "1.2.3.4:9094", TLS: true}, "https://1.2.3.4:9094"},
		{"/ip6/::1/tcp/9094", false, Address{Scheme: "http", Network: "tcp", HostPort: "[::1]:9094"}, "http://[::1]:9094"},
		{"/dns/h/tcp/9094", false, Address{Scheme: "http", Network: "tcp", HostPort: "h:9094"}, "http://h:9094"},
		{"/dns4/h/tcp/9094", false, Address{Scheme: "http", Network: "tcp4", HostPort: "h:9094"}, "http://h:9094"},
		{"/dns6/h/tcp/9094/tls/http", false, Address{Scheme: "https", Network: "tcp6", HostPort: "h:9094", TLS: true}, "https://h:9094"},
		{"/dns/h/tcp/80/http", false, Address{Scheme: "http", Network: "tcp", HostPort: "h:80"}, "http://h"},
		{"/dns/h/tcp/443/https", false, Address{Scheme: "https", Network: "tcp", HostPort: "h:443", TLS: true}, "https://h"},
		{"/dns/h/tcp/443/https", true, Address{Scheme: "https", Network: "tcp", HostPort: "h:443", TLS: true}, "https://h"},
		{"/dns/h/tcp/443/tls", false, Address{Scheme: "https", Network: "tcp", HostPort: "h:443", TLS: true}, "https://h"},
		{"/ip4/1.2.3.4/tcp/444/tls/sni/a.example/http", false, Address{Scheme: "https", Network: "tcp", HostPort: "1.2.3.4:444", TLS: true, ServerName: "a.example"}, "https://a.example:444"},
		{"/ip4/1.2.3.4/tcp/443/tls/sni/a.example", false, Address{Scheme: "https", Network: "tcp", HostPort: "1.2.3.4:443", TLS: true, ServerName: "a.example"}, "https://a.example"},
		{"/ip4/1.2.3.4/tcp/8080/http/http-path/a%2Fb", false, Address{Scheme: "http", Network: "tcp", HostPort: "1.2.3.4:8080", BasePath: "/a/b"}, "http://1.2.3.4:8080/a/b"},
		{"/ip6zone/eth0/ip6/fe80::1/tcp/9094", false, Address{Scheme: "http", Network: "tcp", HostPort: "[fe80::1%eth0]:9094"}, "http://[fe80::1%25eth0]:9094"},
		{"/unix/tmp/x.sock", false, Address{Scheme: "unix", Network: "unix", Socket: "/tmp/x.sock"}, "http://localhost"},
		{"/unix//tmp/x.sock", false, Address{Scheme: "unix", Network: "unix", Socket: "//tmp/x.sock"}, "http://localhost"},
		{"/unix/tmp/x.sock", true, Address{Scheme: "unix", Network: "unix", Socket: "/tmp/x.sock", TLS: true}, "https://localhost"},
		{"/ip4/1.2.3.4/tcp/9096/p2p/" + peerID, false, Address{Scheme: "p2p"}, "http://" + peerID},
		{"/ip4/1.2.3.4/tcp/9096/ipfs/" + peerID, true, Address{Scheme: "p2p"}, "http://" + peerID},
		{"/ip4/1.2.3.4/udp/9096/quic-v1/p2p/" + peerID, false, Address{Scheme: "p2p"}, "http://" + peerID},
		{"/dns4/h/tcp/9096/p2p/" + peerID, false, Address{Scheme: "p2p"}, "http://" + peerID},
		{"/dnsaddr/cluster.example", false, Address{Scheme: "dnsaddr"}, "http://cluster.example"},
		{"/dnsaddr/cluster.example/p2p/" + peerID, false, Address{Scheme: "dnsaddr"}, "http://" + peerID},
	} {
		c := &Config{APIAddr: maddr(t, test.addr), SSL: test.ssl}
		got, err := c.Address()
		if err != nil {
			t.Errorf("%s: %v", test.addr, err)
			continue
		}
		if got.String() != c.APIAddr.String() {
			t.Errorf("%s: called %s", test.addr, got)
		}
		if got.URL().String() != test.url {
			t.Errorf("%s: URL is %s, want %s", test.addr, got.URL(), test.url)
		}
		got.Multiaddr = nil
		if got.diff(test.want) {
			t.Errorf("%s: got %+v, want %+v", test.addr, got, test.want)
		}
	}
}

func (a Address) diff(b Address) bool {
	return a.Scheme != b.Scheme || a.Network != b.Network || a.HostPort != b.HostPort || a.Socket != b.Socket ||
		a.TLS != b.TLS || a.ServerName != b.ServerName || a.BasePath != b.BasePath
}

// U10: upstream ignored the parts of a multiaddress that it did not understand, so
// it spoke plain HTTP to a /https address. U46: upstream accepted addresses without
// a port, which failed later. Each of these addresses is refused with a reason.
func TestRefusedMultiaddrs(t *testing.T) {
	for addr, reason := range map[string]string{
		"/ip4/1.2.3.4/tcp/9094/ws":                       "/ws is not understood here",
		"/ip4/1.2.3.4/tcp/9094/http/ws":                  "/ws is not understood here",
		"/ip4/1.2.3.4/tcp/9094/tls/ws":                   "/ws is not understood here",
		"/ip4/1.2.3.4/tcp/9094/https/http":               "/http is not understood here",
		"/ip4/1.2.3.4/tcp/9094/http/tls":                 "/tls is not understood here",
		"/ip4/1.2.3.4/tcp/9094/sni/a":                    "/sni is not understood here",
		"/ip4/1.2.3.4/tcp/9094/http-path/..%2Fa":         "base path",
		"/ip4/1.2.3.4/tcp/9094/http-path/a/http":         "/http is not understood here",
		"/ip4/1.2.3.4":                                   "port is missing",
		"/dns/h":                                         "port is missing",
		"/ip4/1.2.3.4/udp/99":                            "/p2p/<peer ID> is missing",
		"/ip4/1.2.3.4/udp/99/quic-v1":                    "/p2p/<peer ID> is missing",
		"/ip4/1.2.3.4/tcp/0":                             "port \"0\"",
		"/ip4/1.2.3.4/ip4/1.2.3.4":                       "/ip4 cannot follow the host",
		"/ip6zone/eth0/ip4/1.2.3.4/tcp/1":                "/ip6zone must be followed by /ip6",
		"/ip6zone/eth0":                                  "/ip6zone must be followed by /ip6",
		"/ip6zone/a b/ip6/fe80::1/tcp/1":                 "IPv6 zone",
		"/dns/a b/tcp/1":                                 "host name",
		"/dns/bücher.example/tcp/1":                      "xn--",
		"/dns/h@x/tcp/1":                                 "host name",
		"/p2p/" + peerID:                                 "only a peer ID",
		"/ip4/1.2.3.4/tcp/9096/p2p/" + peerID + "/tcp/1": "must end in /p2p",
		"/ip4/1.2.3.4/tcp/1/dnsaddr/h":                   "/dnsaddr is only understood in front",
		"/tcp/9094":                                      "/tcp is no way to reach",
		"/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234": "/onion3 is no way to reach",
		"/memory/1":                         "/memory is no way to reach",
		"/unix/" + strings.Repeat("a", 120): "at most 107 bytes",
	} {
		_, err := (&Config{APIAddr: maddr(t, addr)}).Address()
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error is %v, want %q", addr, err, reason)
		}
	}
}

func TestAddressOfURLHostAndPort(t *testing.T) {
	for _, test := range []struct {
		cfg Config
		url string
	}{
		{Config{}, "http://127.0.0.1:9094"},
		{Config{SSL: true}, "https://127.0.0.1:9094"},
		// Upstream ignored Port without Host.
		{Config{Port: "1234"}, "http://127.0.0.1:1234"},
		{Config{Host: "h"}, "http://h:9094"},
		{Config{Host: "h", Port: "0443", SSL: true}, "https://h"},
		// U46: a port in Host was accepted, and failed later.
		{Config{Host: "localhost:9095"}, "http://localhost:9095"},
		{Config{Host: "localhost:9095", Port: "9095"}, "http://localhost:9095"},
		{Config{Host: "::1"}, "http://[::1]:9094"},
		{Config{Host: "[::1]"}, "http://[::1]:9094"},
		{Config{Host: "[::1]:1"}, "http://[::1]:1"},
		{Config{Host: "fe80::1%eth0"}, "http://[fe80::1%25eth0]:9094"},
		{Config{Host: "h", BasePath: "a/b/"}, "http://h:9094/a/b"},
		{Config{Host: "h", BasePath: "/ä b"}, "http://h:9094/%C3%A4%20b"},
		{Config{Host: "h", BasePath: "/"}, "http://h:9094"},
		{Config{URL: "http://h"}, "http://h"},
		{Config{URL: "https://h:9094/"}, "https://h:9094"},
		{Config{URL: "https://h/base/path/", SSL: true}, "https://h/base/path"},
		{Config{URL: "https://h/base", BasePath: "/base"}, "https://h/base"},
		{Config{URL: "https://h:8443", BasePath: "/base"}, "https://h:8443/base"},
		{Config{URL: "http://[fe80::1%25eth0]:9094"}, "http://[fe80::1%25eth0]:9094"},
		{Config{URL: "https://1.2.3.4:8443", TLS: TLS{ServerName: "h"}}, "https://h:8443"},
		// APIAddr takes precedence over Host and Port.
		{Config{APIAddr: maddr(t, "/dns/a/tcp/1"), Host: "b", Port: "2"}, "http://a:1"},
	} {
		a, err := test.cfg.Address()
		if err != nil {
			t.Errorf("%v: %v", test.cfg, err)
			continue
		}
		if got := a.URL().String(); got != test.url {
			t.Errorf("%v: URL is %s, want %s", test.cfg, got, test.url)
		}
	}
}

func TestRefusedURLHostAndPort(t *testing.T) {
	for _, test := range []struct {
		cfg    Config
		reason string
	}{
		{Config{Host: "http://h"}, "put it in URL"},
		{Config{Host: "/ip4/1.2.3.4/tcp/1"}, "APIAddr"},
		{Config{Host: "h:1", Port: "2"}, "drop the one that is wrong"},
		{Config{Host: "h:"}, "lacks the host or the port"},
		{Config{Host: ":1"}, "lacks the host or the port"},
		{Config{Host: "a:b:c"}, "host name"},
		{Config{Host: "h:http"}, "port \"http\""},
		{Config{Host: "[h]:1"}, "not an IPv6 address"},
		{Config{Host: "[1.2.3.4]"}, "not an IPv6 address"},
		{Config{Host: "[::1"}, "neither a name"},
		{Config{Host: "h/x"}, "host name"},
		{Config{Host: "u@h"}, "contains an @"},
		{Config{Port: "abc"}, "port \"abc\""},
		{Config{Port: "-1"}, "port"},
		{Config{Port: "65536"}, "port"},
		{Config{URL: "h:9094"}, "must begin with http"},
		{Config{URL: "ftp://h"}, "must begin with http"},
		{Config{URL: "http://"}, "no host"},
		{Config{URL: "http://h:0"}, "port"},
		{Config{URL: "http://h?x"}, "query"},
		{Config{URL: "http://h?"}, "query"},
		{Config{URL: "http://h#x"}, "query"},
		{Config{URL: "http://u:secret@h"}, "credentials"},
		{Config{URL: "http://u:secret@h:x"}, "cannot be parsed"},
		{Config{URL: "http://h/a%2fb"}, "escaped slash"},
		{Config{URL: "http://h/a//b"}, "base path"},
		{Config{URL: "http://h", SSL: true}, "SSL"},
		{Config{URL: "http://h/a", BasePath: "/b"}, "contradicts"},
		{Config{URL: "http://h", Host: "h"}, "keep the one"},
		{Config{URL: "http://h", Port: "1"}, "keep the one"},
		{Config{URL: "http://h", APIAddr: maddr(t, "/dns/h/tcp/1")}, "keep the one"},
		{Config{APIAddr: maddr(t, "/dns/h/tcp/1/http"), SSL: true}, "SSL"},
		{Config{APIAddr: maddr(t, "/dns/h/tcp/1/tls/sni/a"), TLS: TLS{ServerName: "b"}}, "contradicts"},
		{Config{SSL: true, TLS: TLS{ServerName: "a b"}}, "host name"},
		{Config{BasePath: "/a/../b"}, "base path"},
		{Config{BasePath: "/a?b"}, "base path"},
	} {
		_, err := test.cfg.Address()
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%v: error is %v, want %q", test.cfg, err, test.reason)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v has the password", err)
		}
	}
}

// U44: for a Unix socket, upstream derived the proxy address /unix/…/tcp/9095, to
// which no request could succeed.
func TestProxyAddress(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "127.0.0.1:9095"},
		{Config{APIAddr: maddr(t, "/unix/tmp/x.sock")}, "127.0.0.1:9095"},
		{Config{APIAddr: maddr(t, "/dns6/h/tcp/9094/https")}, "h:9095"},
		{Config{Host: "::1"}, "[::1]:9095"},
		{Config{URL: "https://h/base"}, "h:9095"},
		{Config{APIAddr: maddr(t, "/ip4/1.2.3.4/tcp/9096/p2p/"+peerID)}, "1.2.3.4:9095"},
		{Config{APIAddr: maddr(t, "/dnsaddr/h"), ProxyAddr: maddr(t, "/ip4/1.2.3.4/tcp/1")}, "1.2.3.4:1"},
	} {
		a, err := test.cfg.ProxyAddress()
		if err != nil || a.HostPort != test.want || a.Scheme != SchemeHTTP || a.BasePath != "" {
			t.Errorf("%v: got %+v, error %v", test.cfg, a, err)
		}
	}
	for _, cfg := range []Config{
		{APIAddr: maddr(t, "/dnsaddr/h")},
		// The host at the front is the relay's. It was used as the peer's host.
		{APIAddr: maddr(t, "/ip4/1.2.3.4/tcp/9096/p2p/"+peerID+"/p2p-circuit/p2p/"+peerID)},
		{ProxyAddr: maddr(t, "/ip4/1.2.3.4/tcp/9096/p2p/"+peerID)},
		{ProxyAddr: maddr(t, "/ip4/1.2.3.4")},
	} {
		if a, err := cfg.ProxyAddress(); err == nil {
			t.Errorf("%v: got %+v", cfg, a)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("/ip4/127.0.0.1/tcp/9094", "", "", "")
	f.Add("/ip6zone/eth0/ip6/fe80::1/tcp/9094/tls/sni/h/http/http-path/a", "", "", "/b")
	f.Add("/dnsaddr/h/p2p/"+peerID, "", "", "")
	f.Add("", "https://[fe80::1%25eth0]:1/x", "", "")
	f.Add("", "", "[::1]:9094", "9094")
	f.Add("/unix/x", "", "h", "1")
	f.Add("/dns4/peer.localhost/tcp/9094", "", "", "") // E7
	f.Add("", "http://localhost.evil.test", "", "")
	f.Add("", "", "LOCALHOST.:9094", "")
	f.Fuzz(func(t *testing.T, addr, url, host, basePath string) {
		c := &Config{URL: url, Host: host, BasePath: basePath}
		if m, err := multiaddr.NewMultiaddr(addr); err == nil {
			c.APIAddr = m
		}
		if c.Validate() != nil {
			return
		}
		a, err := c.Address()
		if err != nil {
			t.Fatalf("%v: Validate found nothing, Address: %v", c, err)
		}
		req, err := http.NewRequest(http.MethodGet, a.URL().JoinPath("id").String(), nil)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		if req.URL.Host != a.URL().Host || req.URL.Path != a.BasePath+"/id" {
			t.Errorf("%v: host %q and path %q became %q and %q", c, a.URL().Host, a.BasePath, req.URL.Host, req.URL.Path)
		}
	})
}
