package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// parseURL parses Config.URL. Its errors do not quote the URL, which may contain
// a password.
func parseURL(text string, ssl bool) (*Address, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The cause may quote a password: net/url parses the first part of a
		// password with #, / or ? as a port.
		return nil, errors.New("URL cannot be parsed: write http://host:port/base, and credentials elsewhere")
	}
	switch {
	case u.Scheme != SchemeHTTP && u.Scheme != SchemeHTTPS:
		return nil, errors.New("URL must begin with http:// or https://")
	case u.User != nil:
		return nil, errors.New("URL holds credentials: put them in Username and Password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return nil, errors.New("URL has a query or a fragment: it may only have host, port and base path")
	case ssl && u.Scheme == SchemeHTTP:
		return nil, errors.New("SSL is set, but URL says http://: drop the one that is wrong")
	case strings.Contains(strings.ToLower(u.EscapedPath()), "%2f"):
		return nil, errors.New("URL has an escaped slash in its path")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{SchemeHTTP: "80", SchemeHTTPS: "443"}[u.Scheme]
	}
	if u.Hostname() == "" {
		return nil, errors.New("URL has no host")
	}
	a, err := hostAddress(u.Hostname(), port, u.Scheme == SchemeHTTPS)
	if err != nil {
		return nil, fmt.Errorf("URL: %w", err)
	}
	a.BasePath, err = cleanBasePath(u.Path)
	return a, err
}

// parseHostPort parses Config.Host, which may contain a port, and Config.Port.
func parseHostPort(host, port string, ssl bool) (*Address, error) {
	switch {
	case strings.Contains(host, "://"):
		return nil, errors.New("the Host is a URL: put it in URL")
	case strings.Contains(host, "@"):
		return nil, errors.New("the Host contains an @: put credentials in Username and Password")
	case strings.HasPrefix(host, "/"):
		return nil, errors.New("the Host begins with a slash: put a multiaddress in APIAddr")
	}
	host, inHost, err := splitHost(host)
	if err != nil {
		return nil, err
	}
	if inHost != "" && port != "" && inHost != port {
		return nil, fmt.Errorf("the Host has port %s, but Port is %q: drop the one that is wrong", inHost, port)
	}
	if port == "" {
		port = inHost
	}
	if port == "" {
		port = DefaultPort
	}
	if host == "" {
		host = DefaultHost
	}
	a, err := hostAddress(host, port, ssl)
	if err != nil {
		return nil, fmt.Errorf("in Host and Port: %w", err)
	}
	return a, nil
}

// splitHost splits host, host:port, an IPv6 address, [address] and
// [address]:port.
func splitHost(s string) (host, port string, err error) {
	bracketed := strings.HasPrefix(s, "[")
	if bracketed && strings.HasSuffix(s, "]") {
		return s[1 : len(s)-1], "", checkIPv6(s[1 : len(s)-1])
	}
	if !bracketed && strings.Count(s, ":") != 1 {
		return s, "", nil
	}
	if host, port, err = net.SplitHostPort(s); err != nil {
		return "", "", fmt.Errorf("the Host %q is neither a name, an IP address nor host:port", s)
	}
	if host == "" || port == "" {
		return "", "", fmt.Errorf("the Host %q lacks the host or the port around the colon", s)
	}
	if bracketed {
		err = checkIPv6(host)
	}
	return host, port, err
}

func checkIPv6(s string) error {
	if ip, err := netip.ParseAddr(s); err != nil || !ip.Is6() {
		return fmt.Errorf("the Host has %q in brackets, which is not an IPv6 address", s)
	}
	return nil
}

// hostAddress returns the Address for a name or IP address and a port.
func hostAddress(host, port string, tls bool) (*Address, error) {
	port, err := parsePort(port)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if err := checkZone(ip.Zone()); err != nil {
			return nil, err
		}
	} else if err := checkName(host); err != nil {
		return nil, err
	}
	a := &Address{Scheme: SchemeHTTP, Network: "tcp", HostPort: net.JoinHostPort(host, port), TLS: tls}
	if tls {
		a.Scheme = SchemeHTTPS
	}
	return a, nil
}

func parsePort(s string) (string, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return strconv.FormatUint(n, 10), nil
}

// checkName returns an error if s cannot be a host name (or an IPv4 address). It
// permits underscores, which container networks use.
func checkName(s string) error {
	if s == "" || len(s) > 253 {
		return fmt.Errorf("host name %q is empty or longer than 253 characters", s)
	}
	for _, r := range s {
		if r > 127 {
			return fmt.Errorf("host name %q is not ASCII: write it in its xn-- form", s)
		}
		if !isAlnum(r) && !strings.ContainsRune("-_.", r) {
			return fmt.Errorf("host name %q contains %q", s, r)
		}
	}
	if strings.HasPrefix(s, ".") || strings.Contains(s, "..") {
		return fmt.Errorf("host name %q has an empty label", s)
	}
	return nil
}

// checkZone returns an error if an IPv6 zone has characters that interface names
// do not have.
func checkZone(s string) error {
	for _, r := range s {
		if !isAlnum(r) && !strings.ContainsRune("-_.", r) {
			return fmt.Errorf("IPv6 zone %q contains %q", s, r)
		}
	}
	return nil
}

func isAlnum(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// cleanBasePath returns a base path in the form of Address.BasePath. Paths must be
// canonical, because servers redirect requests for other paths, which turns a POST
// into a GET.
func cleanBasePath(p string) (string, error) {
	p = strings.TrimRight(p, "/")
	if p == "" {
		return "", nil
	}
	if p[0] != '/' {
		p = "/" + p
	}
	if path.Clean(p) != p {
		return "", fmt.Errorf("base path %q has an empty, . or .. element", p)
	}
	if strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '?' || r == '#' }) {
		return "", fmt.Errorf("base path %q contains a control character, ? or #", p)
	}
	return p, nil
}
