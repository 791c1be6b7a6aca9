package debug

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// AllowHosts adds names to which the Handler responds, such as "ops.example". The
// Handler always responds to IP addresses and to localhost. A name has no port. If a
// name is not valid, AllowHosts returns an error and adds none.
func (h *Handler) AllowHosts(names ...string) error {
	var errs []error
	for _, name := range names {
		if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`/:@?#*"\`, c) }) {
			errs = append(errs, fmt.Errorf("debug: %q is not the name of a host: give it without scheme, port and path, and not a pattern", name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hosts == nil {
		h.hosts = make(map[string]bool)
	}
	for _, name := range names {
		h.hosts[canonical(name)] = true
	}
	return nil
}

// allows reports whether the Handler responds to a request with this Host. A page of
// an attacker can have its own host name resolve to this machine (DNS rebinding).
// The browser then lets that page read the responses. But the Host is the attacker's
// name, which cannot be an IP address.
func (h *Handler) allows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = canonical(host)
	h.mu.Lock()
	defer h.mu.Unlock()
	return host == "localhost" || h.hosts[host]
}

// canonical returns a host name in lower case without the dot of the root.
func canonical(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// secure sets the header fields that keep other sites from reading or framing the
// response.
func secure(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}
