package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
)

// What DNS may make of one address.
const (
	maxDepth   = 8   // records that lead to further /dnsaddr/ addresses
	maxLookups = 32  // in all
	maxResults = 100 // addresses in the end
)

// Resolve replaces a /dnsaddr/ address by those that its TXT records stand for,
// also where they lead to further /dnsaddr/ addresses. Names in the results
// (/dns4/… and the like) remain, for certificates are verified against them. Any
// other address is returned as it is. A nil resolver is the system's. It fails
// if there is no result; records that cannot be used are left out if there are
// others.
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
