package client

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
)

// FuzzConfig checks that a Config that is accepted gives one well-formed request, to the host
// and path of its address, with the fields of the Config and no others.
func FuzzConfig(f *testing.F) {
	for _, s := range [][5]string{
		{"", "127.0.0.1", "/cluster", "X-A", "b"},
		{"", "h:1", "", "X-A", "b\r\nX-B: c"},
		{"http://h/base", "", "", "a b", ""},
		{"https://[::1]:443/a%20b", "", "a b", "X-\u00e9", "\u00e9"},
		{"http://u:p@h#@evil.test/", "", "/..", "Host", "evil.test"},
		{"http://h\\@evil.test/", "", "/a?b", "Content-Length", "5"},
		{"/dns4/h/tcp/1/http/http-path/a%2Fb", "", "", "x", "y"},
		{"/ip6zone/eth0/ip6/fe80::1/tcp/80", "", "//evil.test", "Transfer-Encoding", "chunked"},
		{"/unix/tmp/x", "", "/a/../b", "X", "\x00"},
		{"", "[::1%25eth0]:80", "/%2e%2e/x", "", ""},
		{"", "peer.localhost:9094", "", "X-Jwt", "secret"}, // E7, E8
		{"https://x.localhost./", "", "", "Idempotency-Key", "1"},
		{"http://localhost.evil.test/", "", "", "X-Amzn-Oidc-Data", "secret"},
		{"", "2130706433", "/a b\u2028#", "X:", " y"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4])
	}
	f.Fuzz(func(t *testing.T, address, host, base, name, value string) {
		cfg := &config.Config{Host: host, BasePath: base, UserAgent: "agent"}
		if name != "" {
			cfg.Headers = http.Header{name: {value}}
		}
		if strings.HasPrefix(address, "/") {
			var err error
			if cfg.APIAddr, err = multiaddr.NewMultiaddr(address); err != nil {
				return
			}
		} else {
			cfg.URL = address
		}
		var sent []*http.Request
		cfg.RoundTripper = roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, r)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(idDoc))}, nil
		})
		c, err := NewDefaultClient(cfg)
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := c.ID(t.Context()); err != nil {
			if isInvalid(err) && len(sent) == 0 {
				return // for example if the head would be too large
			}
			t.Fatal(err)
		}
		if len(sent) != 1 {
			t.Fatalf("%d requests", len(sent))
		}
		checkRequest(t, cfg, sent[0])
	})
}

// checkRequest checks the bytes of a request for /id.
func checkRequest(t *testing.T, cfg *config.Config, sent *http.Request) {
	t.Helper()
	at, err := cfg.Address()
	if err != nil {
		t.Fatal(err)
	}
	// The request is for the host that is dialled, unless the address has a server name.
	want := at.URL()
	if dialled := (&url.URL{Host: at.HostPort}).Hostname(); at.HostPort != "" && at.ServerName == "" && !strings.EqualFold(want.Hostname(), dialled) {
		t.Errorf("the URL has the host %q, and %q is dialled", want.Hostname(), dialled)
	}
	if sent.URL.Scheme != want.Scheme || sent.URL.Host != want.Host || sent.URL.User != nil {
		t.Errorf("the request is for %s, want %s", sent.URL, want)
	}
	var wire bytes.Buffer
	if err := sent.Write(&wire); err != nil {
		t.Fatalf("%q: %v", sent.URL, err)
	}
	reader := bufio.NewReader(&wire)
	got, err := http.ReadRequest(reader)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("%q follows the request", rest)
	}
	// net/http does not send the zone of an IPv6 address, which means nothing to a server.
	host, _, zoned := strings.Cut(want.Host, "%")
	if got.Method != "GET" || got.URL.Path != want.Path+"/id" || got.URL.RawQuery != "" || got.Host != want.Host && !(zoned && strings.HasPrefix(got.Host, host)) {
		t.Errorf("the server reads %s %s for the host %q, want the host %q and the path %s/id", got.Method, got.RequestURI, got.Host, want.Host, want.Path)
	}
	fields := map[string]string{"User-Agent": "agent"}
	for name, values := range cfg.Headers {
		fields[http.CanonicalHeaderKey(name)] = strings.Trim(values[0], " \t")
	}
	for name, want := range fields {
		if v := got.Header[name]; len(v) != 1 || v[0] != want {
			t.Errorf("the field %q is %q, want %q", name, v, want)
		}
	}
	if len(got.Header) != len(fields) {
		t.Errorf("the server reads the fields %v, want %v", got.Header, fields)
	}
}

// FuzzLocation checks that no Location leads a request to another host or scheme, and no
// Location leads a web source from https:// to http://.
func FuzzLocation(f *testing.F) {
	for _, location := range []string{
		"/moved", "moved", "?q", "#f", "//evil.test/", "///evil.test/", `/\evil.test/`, `\\evil.test\`, "http://evil.test/", "https://h.test/", "http://h.test:80/x",
		"HTTP://H.TEST/x", "http://h.test.evil.test/", "http://h.test@evil.test/", "http://evil.test@h.test/x", "http://h.test:81/", "http:evil.test", "http:///x",
		"/login?next=%2Fid", "https://login.test/", "https://h.test:443/x", "HTTPS://evil.test/", // E4, E9
		"javascript:x", "http://[::1]/", "http://h.test%00.evil.test/", "http://h.test./", "/%0d%0aHost:%20evil.test", "http://h.test\t.evil.test/", "http://h\u3002test/", "//h.test/x", "",
	} {
		f.Add(location)
	}
	f.Fuzz(func(t *testing.T, location string) {
		for status := range map[int]bool{302: true, 307: true} {
			var hosts []string
			redirects := roundTripperFunc(func(r *http.Request) (*http.Response, error) {
				hosts = append(hosts, r.URL.Scheme+"://"+r.URL.Host)
				if r.Host != "" && r.Host != r.URL.Host {
					hosts = append(hosts, r.URL.Scheme+"://"+r.Host)
				}
				return &http.Response{StatusCode: status, Header: http.Header{"Location": {location}}, Body: http.NoBody, Request: r}, nil
			})
			c := &defaultClient{cfg: &config.Config{}, auth: newAuthorizer(&config.Config{}, nil, config.DefaultMaxHeaderBytes), endpoint: endpointAt("http://h.test/base")}
			c.endpoint.RoundTripper = redirects
			for _, op := range []Op{OpID, OpPin} {
				if err := calls[op](t.Context(), c); err == nil {
					t.Errorf("%s: no error", op)
				}
			}
			for _, host := range hosts {
				if host != "http://h.test" {
					t.Errorf("a request was sent to %s", host)
				}
			}
			hosts = nil
			web := &webSources{redirects, &config.WebPolicy{}}
			if body, err := web.fetch(t.Context(), node{web: &url.URL{Scheme: "https", Host: "h.test", Path: "/x"}}); err == nil {
				_ = body.Close()
				t.Error("web source: no error")
			}
			for _, host := range hosts {
				if strings.HasPrefix(host, "http://") {
					t.Errorf("a web source was requested from %s", host)
				}
			}
		}
	})
}
