package config

import (
	"net/http"
	"strings"
	"testing"
)

func TestForwardProxy(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"http://10.0.0.1":               "http://10.0.0.1:80",
		"http://proxy.test:3128/":       "http://proxy.test:3128",
		"http://127.0.0.1:3128":         "http://127.0.0.1:3128",
		"http://u:p@[::1]:3128":         "http://u:p@[::1]:3128",
		"socks5://10.0.0.1":             "socks5://10.0.0.1:1080",
		"SOCKS5H://proxy.test:9":        "socks5://proxy.test:9",
		"socks5://u:p@localhost:9":      "socks5://u:p@localhost:9",
		"http://u:p@x.localhost:9":      "http://u:p@x.localhost:9",
		"socks5://[2001:db8::1]":        "socks5://[2001:db8::1]:1080",
		"http://only-a-user@127.0.0.1/": "http://only-a-user@127.0.0.1:80",
	} {
		c := &Config{URL: "https://peer.test", Proxy: text}
		got := ""
		u, err := c.ForwardProxy()
		if u != nil {
			got = u.String()
		}
		if got != want || err != nil || c.Validate() != nil {
			t.Errorf("%q: got %q, %v, %v", text, got, err, c.Validate())
		}
	}
}

func TestForwardProxyRefuses(t *testing.T) {
	for _, test := range []struct {
		cfg    Config
		reason string
	}{
		{Config{Proxy: "10.0.0.1:3128"}, "not a URL"},
		{Config{Proxy: "http://"}, "not a URL"},
		{Config{Proxy: "http://u:SECRET@h:port"}, "not a URL"},
		{Config{Proxy: "://u:SECRET@h"}, "not a URL"},
		{Config{Proxy: "https://u:SECRET@127.0.0.1"}, `scheme "https"`},
		{Config{Proxy: "socks4://127.0.0.1"}, `scheme "socks4"`},
		{Config{Proxy: "http://127.0.0.1/x?SECRET"}, "a path"},
		{Config{Proxy: "socks5://" + strings.Repeat("u", 256) + ":SECRET@127.0.0.1"}, "255 bytes"},
		{Config{Proxy: "http://127.0.0.1", APIAddr: maddr(t, "/unix/a")}, "cannot be reached through a proxy"},
		{Config{Proxy: "http://127.0.0.1", APIAddr: maddr(t, "/dnsaddr/a.test")}, "cannot be reached through a proxy"},
		{Config{Proxy: "http://127.0.0.1", APIAddr: maddr(t, "/ip4/1.2.3.4/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf")}, "cannot be reached through a proxy"},
		{Config{Proxy: "http://127.0.0.1", RoundTripper: http.DefaultTransport}, "would have no effect"},
		// Whoever runs the proxy, or listens behind it, sees these.
		{Config{Proxy: "http://127.0.0.1", Username: "u", Password: "SECRET"}, "unencrypted to the Proxy"},
		{Config{Proxy: "socks5://127.0.0.1", Host: "localhost", Token: "SECRET"}, "unencrypted to the Proxy"},
		{Config{Proxy: "http://u:SECRET@10.0.0.1", URL: "https://peer.test"}, "credentials of the Proxy"},
		{Config{Proxy: "socks5://u:SECRET@proxy.test", URL: "https://peer.test"}, "credentials of the Proxy"},
	} {
		err := test.cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%v: error is %v, want %q", test.cfg, err, test.reason)
		}
		if test.cfg.AllowCleartextAuth = true; strings.Contains(test.reason, "credentials") || strings.Contains(test.reason, "unencrypted") {
			if err := test.cfg.Validate(); err != nil {
				t.Errorf("%v: with AllowCleartextAuth: %v", test.cfg, err)
			}
		}
	}
	if err := (&Config{Proxy: "http://127.0.0.1", URL: "https://peer.test", Username: "u", Password: "p"}).Validate(); err != nil {
		t.Errorf("credentials in a tunnel: %v", err)
	}
	if err := (&Config{MaxHeaderBytes: -1}).Validate(); err == nil {
		t.Error("a negative MaxHeaderBytes: no error")
	}
}
