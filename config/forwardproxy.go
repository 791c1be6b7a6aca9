package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Schemes of Config.Proxy.
const (
	schemeSOCKS5  = "socks5"
	schemeSOCKS5H = "socks5h"
)

// ForwardProxy returns Config.Proxy as a URL that always has a port, or nil if there is
// no proxy. A socks5h scheme becomes socks5, because a SOCKS proxy always resolves
// the names. The error does not contain the credentials.
func (c *Config) ForwardProxy() (*url.URL, error) {
	if c.Proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(c.Proxy)
	if err != nil || u.Hostname() == "" {
		// The error of url.Parse quotes the URL.
		return nil, errors.New("the Proxy is not a URL such as http://proxy.example:3128 or socks5://127.0.0.1:1080")
	}
	defaultPort := "1080"
	switch u.Scheme {
	case SchemeHTTP:
		defaultPort = "80"
	case schemeSOCKS5H:
		u.Scheme = schemeSOCKS5
	case schemeSOCKS5:
	default:
		return nil, fmt.Errorf("the Proxy has the scheme %q: use http, socks5 or socks5h", u.Scheme)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the Proxy has a path, a query or a fragment: only scheme, credentials, host and port have a meaning")
	}
	if password, _ := u.User.Password(); u.Scheme == schemeSOCKS5 && (len(u.User.Username()) > 255 || len(password) > 255) {
		return nil, errors.New("the Proxy has credentials that are too long: SOCKS allows 255 bytes each")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), defaultPort)
	}
	u.Path = ""
	return u, nil
}

// checkProxy returns an error if Proxy is malformed, or cannot be used with the
// other settings.
func (c *Config) checkProxy(addr Address) error {
	u, err := c.ForwardProxy()
	if u == nil {
		return err
	}
	if c.RoundTripper != nil {
		return errors.New("RoundTripper replaces the built-in transport: Proxy would have no effect")
	}
	if addr.Scheme != SchemeHTTP && addr.Scheme != SchemeHTTPS {
		return fmt.Errorf("the setting Proxy is set, but %s cannot be reached through a proxy: only http and https addresses can", addr)
	}
	if u.User != nil && !c.AllowCleartextAuth && !(Address{HostPort: u.Host}).IsLoopback() {
		return fmt.Errorf("the credentials of the Proxy would be sent unencrypted to %s: set AllowCleartextAuth to permit that", u.Host)
	}
	return nil
}
