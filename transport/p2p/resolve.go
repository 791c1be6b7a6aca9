package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
)

// Bounds for resolving one address, because the DNS records may be hostile.
const (
	maxDepth   = 8   // nested /dnsaddr/ records
	maxLookups = 32  // DNS lookups in total
	maxResults = 100 // resulting addresses
)

// Resolve returns the addresses in the TXT records of a /dnsaddr/ address. It follows
// records that are /dnsaddr/ addresses themselves. It does not resolve host names in
// the results (/dns4/… and the like), because certificates are verified against them.
// Any other address is returned unchanged. A nil resolver means the system's
// resolver. Resolve skips unusable records, and returns an error if no address is
// left.
func Resolve(ctx context.Context, addr multiaddr.Multiaddr, resolver *net.Resolver) ([]multiaddr.Multiaddr, error) {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	r, err := madns.NewResolver(madns.WithDefaultResolver(resolver))
	if err != nil {
		return nil, err
	}
	var (
		results []multiaddr.Multiaddr
		errs    []error
		seen    = make(map[string]bool)
		lookups = 0
	)
	level := []multiaddr.Multiaddr{addr}
	for depth := 0; len(level) > 0; depth++ {
		var next []multiaddr.Multiaddr
		for _, m := range level {
			if len(m) == 0 || seen[string(m.Bytes())] || len(results) == maxResults {
				continue
			}
			seen[string(m.Bytes())] = true
			if m[0].Code() != multiaddr.P_DNSADDR {
				results = append(results, m)
				continue
			}
			if lookups++; depth > maxDepth || lookups > maxLookups {
				errs = append(errs, fmt.Errorf("%s: too many records lead to further records", m))
				continue
			}
			found, err := r.Resolve(ctx, m)
			if err != nil {
				errs = append(errs, err)
			}
			next = append(next, found...)
		}
		level = next
	}
	if len(results) == 0 {
		errs = append(errs, errors.New("no usable dnsaddr records"))
		return nil, fmt.Errorf("resolving %s: %w", addr, errors.Join(errs...))
	}
	return results, nil
}
