package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// WebPolicy restricts the web sources of Add, which are paths that begin with
// http:// or https://. The client fetches them and uploads the content. The zero
// value permits all of them, which suits a program whose own user names the paths.
//
// A service that adds addresses of its users should set PublicOnly or Hosts.
// Otherwise its users can read what only the service's machine can reach. All
// restrictions also apply to the targets of redirects.
//
// Every other path is the name of a local file. A WebPolicy does not restrict those:
// a service must not pass a path of its users to Add before checking that it begins
// with http:// or https://.
type WebPolicy struct {
	// Refuse refuses every web source.
	Refuse bool
	// Hosts, if not empty, are the only permitted hosts, with any port. An element
	// is a host name, an IP address, or *.name for all names below name.
	Hosts []string
	// PublicOnly permits connections to public IP addresses only. It refuses
	// loopback, private, link-local, shared (100.64.0.0/10), multicast, reserved
	// and documentation addresses, and IPv6 addresses that contain an IPv4 address
	// (NAT64, 6to4, Teredo). The address is checked when it is dialled, after the
	// host name was resolved. Proxies of the environment are not used. NoCopy is
	// refused, because then the server fetches the source later.
	PublicOnly bool
	// MaxBytes is the maximum size of one web source. 0 means no limit.
	MaxBytes int64
}

// check returns an error for each mistake in p.
func (p *WebPolicy) check() error {
	var wrong problems
	if p.Refuse && (len(p.Hosts) > 0 || p.PublicOnly || p.MaxBytes != 0) {
		wrong.addf("Web.Refuse is set together with other settings of Web: it refuses every web source, so that they have no effect")
	}
	if p.MaxBytes < 0 {
		wrong.addf("Web.MaxBytes is negative")
	}
	for _, host := range p.Hosts {
		if _, err := netip.ParseAddr(host); err == nil {
			continue
		}
		if err := checkName(strings.TrimPrefix(host, "*.")); err != nil {
			wrong = append(wrong, fmt.Errorf("Web.Hosts: %w", err))
		}
	}
	return errors.Join(wrong...)
}

// PermitsHost reports whether Hosts permits the host, which has no port.
func (p *WebPolicy) PermitsHost(host string) bool {
	if len(p.Hosts) == 0 {
		return true
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	ip, ipErr := netip.ParseAddr(host)
	for _, permitted := range p.Hosts {
		permitted = strings.ToLower(strings.TrimSuffix(permitted, "."))
		below, isPattern := strings.CutPrefix(permitted, "*")
		other, err := netip.ParseAddr(permitted)
		switch {
		case ipErr == nil && err == nil && ip == other, host == permitted:
			return true
		case isPattern && ipErr != nil && strings.HasSuffix(host, below) && len(host) > len(below):
			return true
		}
	}
	return false
}

// PermitsIP reports whether PublicOnly permits connections to ip.
func (p *WebPolicy) PermitsIP(ip netip.Addr) bool {
	if !p.PublicOnly {
		return true
	}
	if ip = ip.Unmap(); ip.Zone() != "" {
		return false
	}
	for _, block := range notPublic {
		if block.Contains(ip) {
			return false
		}
	}
	return ip.Is4() || publicIPv6.Contains(ip)
}

// publicIPv6 has all global unicast addresses that are assigned.
var publicIPv6 = netip.MustParsePrefix("2000::/3")

// notPublic are the address blocks in the IANA's registries of special-purpose
// addresses that do not lead to a public host, and multicast. Those outside of
// publicIPv6 are omitted.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"),
}
