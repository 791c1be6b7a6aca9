package config

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	ok := []Config{
		{},
		{Username: "u", Password: "p"},
		{Username: "u", Password: "p", FetchToken: true},
		{Username: "a:b", Password: "p", MintTTL: time.Hour},
		{Token: "abc.def", Headers: http.Header{"X-Cluster": {"a"}}},
		{TokenFunc: func(context.Context) (string, error) { return "", nil }},
		{Host: "cluster.example", Headers: http.Header{"X-Cluster": {"a\tb"}}},
		{DialTimeout: -1, HeaderTimeout: -1, IdleTimeout: -1, Timeout: -1},
		{APIAddr: maddr(t, "/ip4/1.2.3.4/tcp/1/p2p/"+peerID), ProtectorKey: make([]byte, 32), Username: "u", Password: "p"},
		{APIAddr: maddr(t, "/dnsaddr/h"), ProtectorKey: make([]byte, 32), TLS: TLS{Insecure: true}, Token: "t"},
		{RoundTripper: http.DefaultTransport, Host: "localhost"},
		{SSL: true, Host: "h", TLS: TLS{Insecure: true}},
	}
	for _, c := range ok {
		if err := c.Validate(); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, test := range []struct {
		cfg    Config
		reason string
	}{
		{Config{Port: "x"}, "port"},
		{Config{Token: "t", TokenFunc: func(context.Context) (string, error) { return "", nil }}, "Token, TokenFunc are set together"},
		{Config{Username: "u", Password: "p", FetchToken: true, MintTTL: 1}, "FetchToken, MintTTL are set together"},
		{Config{Username: "u", Password: "p", Token: "t"}, "a request carries one of them"},
		{Config{FetchToken: true}, "FetchToken needs Username and Password"},
		{Config{MintTTL: 1}, "MintTTL needs"},
		{Config{MintTTL: -1}, "MintTTL is negative"},
		{Config{Username: "u"}, "one of Username and Password is empty"},
		{Config{Password: "p"}, "one of Username and Password is empty"},
		{Config{Username: "a:b", Password: "p"}, "colon"},
		{Config{Token: "abc\n"}, "bare token"},
		{Config{Token: "Bearer abc"}, "bare token"},
		{Config{ProtectorKey: make([]byte, 31), APIAddr: maddr(t, "/dnsaddr/h")}, "31 bytes instead of 32"},
		{Config{ProtectorKey: make([]byte, 32)}, "protect nothing"},
		{Config{ProtectorKey: make([]byte, 32), APIAddr: maddr(t, "/dnsaddr/h"), Libp2pHost: 1}, "Libp2pHost"},
		{Config{RoundTripper: http.DefaultTransport, SSL: true, TLS: TLS{Insecure: true}}, "RoundTripper"},
		{Config{Headers: http.Header{"Host": {"x"}}}, "the field Host may not"},
		{Config{Headers: http.Header{"content-length": {"1"}}}, "the field content-length may not"},
		{Config{Headers: http.Header{"authorization": {"secret"}}}, "the field authorization may not"},
		{Config{Headers: http.Header{"a b": {""}}}, "malformed name"},
		{Config{Headers: http.Header{"": {""}}}, "malformed name"},
		{Config{Headers: http.Header{"X-A": {"secret\r\nX-B: c"}}}, "malformed value"},
		{Config{UserAgent: "a\n"}, "UserAgent"},
		{Config{Weight: -1}, "Weight"},
		{Config{ProxyAddr: maddr(t, "/ip4/1.2.3.4")}, "ProxyAddr"},
		{Config{TLS: TLS{Insecure: true}}, "does not use TLS"},
		{Config{APIAddr: maddr(t, "/unix/tmp/x"), TLS: TLS{ServerName: "h"}}, "does not use TLS"},
	} {
		err := test.cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%v: error is %v, want %q", test.cfg, err, test.reason)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v has a secret", err)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	c := &Config{Port: "x", Weight: -1, Username: "u", Token: "t", UserAgent: "\x00", ProxyAddr: maddr(t, "/ip4/1.2.3.4")}
	err := c.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 6 {
		t.Errorf("%d problems, want 6:\n%v", len(lines), err)
	}
	for _, l := range lines {
		if !strings.HasPrefix(l, "config: ") {
			t.Errorf("%q does not say where it comes from", l)
		}
	}
}

// U10: upstream sent Basic credentials in clear text.
func TestCleartextCredentials(t *testing.T) {
	auth := []Config{
		{Username: "u", Password: "p"},
		{Token: "t"},
		{TokenFunc: func(context.Context) (string, error) { return "t", nil }},
		{Headers: http.Header{"Cookie": {"session=1"}}},
		{Headers: http.Header{"X-Api-Key": {"1"}}},
	}
	for addr, allowed := range map[string]bool{
		"/ip4/127.0.0.1/tcp/1":                true,
		"/ip4/127.9.9.9/tcp/1":                true,
		"/ip6/::1/tcp/1":                      true,
		"/ip6/::ffff:127.0.0.1/tcp/1":         true,
		"/ip4/0.0.0.0/tcp/1":                  true,
		"/dns/localhost/tcp/1":                true,
		"/dns4/LOCALHOST./tcp/1":              true,
		"/dns/a.localhost/tcp/1":              true,
		"/dns6/a.localhost./tcp/1/http":       true,
		"/ip6/::/tcp/1":                       true,
		"/ip6/::ffff:0.0.0.0/tcp/1":           true,
		"/ip6zone/eth0/ip6/::1/tcp/1":         true,
		"/dns/127.1/tcp/1":                    false,
		"/dns/2130706433/tcp/1":               false,
		"/dns/0x7f.0.0.1/tcp/1":               false,
		"/dns/127.0.0.1./tcp/1":               false,
		"/dns/0/tcp/1":                        false,
		"/dns/notlocalhost/tcp/1":             false,
		"/dns/ip6-localhost/tcp/1":            false,
		"/dns/localhost.localdomain/tcp/1":    false,
		"/ip4/128.0.0.1/tcp/1":                false,
		"/ip6/::ffff:10.0.0.1/tcp/1":          false,
		"/ip6/64:ff9b::7f00:1/tcp/1":          false,
		"/unix/tmp/x":                         true,
		"/ip4/1.2.3.4/tcp/1/https":            true,
		"/ip4/1.2.3.4/tcp/1/p2p/" + peerID:    true,
		"/dnsaddr/h":                          true,
		"/ip4/1.2.3.4/tcp/1":                  false,
		"/ip4/10.0.0.1/tcp/1/http":            false,
		"/dns/h/tcp/1":                        false,
		"/dns/localhost.example/tcp/1":        false,
		"/ip6zone/eth0/ip6/fe80::1/tcp/1":     false,
		"/ip6/2001:db8::1/tcp/1":              false,
		"/dns/127.0.0.1.evil.example/tcp/443": false,
	} {
		for _, c := range auth {
			c.APIAddr = maddr(t, addr)
			err := c.Validate()
			if (err == nil) != allowed {
				t.Errorf("%v: error is %v", c, err)
			}
			if !allowed && (err == nil || !strings.Contains(err.Error(), "AllowCleartextAuth")) {
				t.Errorf("%v: %v does not name the remedy", c, err)
			}
			c.AllowCleartextAuth = true
			if err := c.Validate(); err != nil {
				t.Errorf("%v: %v", c, err)
			}
		}
	}
}

// E7: a RoundTripper resolves names itself, also localhost. Only addresses are trusted
// then.
func TestCleartextCredentialsWithRoundTripper(t *testing.T) {
	for at, allowed := range map[string]bool{
		"http://localhost:1": false, "http://a.localhost.:1": false, "http://h:1": false,
		"http://127.0.0.1:1": true, "http://[::1]:1": true, "https://localhost:1": true,
	} {
		err := (&Config{URL: at, Token: "t", RoundTripper: http.DefaultTransport}).Validate()
		if (err == nil) != allowed {
			t.Errorf("%s: %v", at, err)
		}
		if err != nil && !strings.Contains(err.Error(), "AllowCleartextAuth") {
			t.Errorf("%v does not name the remedy", err)
		}
		if err := (&Config{URL: at, RoundTripper: http.DefaultTransport}).Validate(); err != nil {
			t.Errorf("%s without credentials: %v", at, err)
		}
	}
}

// U38: upstream had no settings for a certificate authority or a client certificate.
func TestTLSFiles(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	for _, test := range []struct {
		tls    TLS
		reason string
	}{
		{TLS{CAFile: missing}, "TLS.CAFile cannot be read"},
		{TLS{CAFile: junk}, "holds no PEM certificate"},
		{TLS{CA: []byte("junk")}, "TLS.CA holds no PEM certificate"},
		{TLS{CertFile: missing}, "TLS.CertFile cannot be read"},
		{TLS{CertFile: junk}, "without its key"},
		{TLS{Key: []byte("junk")}, "without its certificate"},
		{TLS{Cert: []byte("junk"), CertFile: junk}, "both set"},
		{TLS{Cert: []byte("junk"), Key: []byte("junk")}, "client certificate and key"},
		{TLS{KeyFile: missing, CertFile: missing, CAFile: missing}, "TLS.KeyFile cannot be read"},
	} {
		err := (&Config{SSL: true, TLS: test.tls}).Validate()
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%v: error is %v, want %q", test.tls, err, test.reason)
		}
	}
}
