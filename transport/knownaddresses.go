package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// lookupPatience limits a lookup whose result is not needed, because addresses are known.
const lookupPatience = 3 * time.Second

// knownAddresses holds the addresses that host names had at their last lookup. They are
// used while the name server fails or does not answer, so that its outage does not make
// peers unreachable. The zero value is empty. It is safe for concurrent use.
type knownAddresses struct {
	mu  sync.Mutex
	ips map[string][]netip.Addr // by host; a dialer has one, or two with a proxy
}

// lookup returns the addresses of a host from do, which asks the name server, or the known
// ones if that fails. The answer that the name does not exist is not such a failure.
func (k *knownAddresses) lookup(ctx context.Context, host string, do func(context.Context) ([]netip.Addr, error)) ([]netip.Addr, error) {
	known := k.get(host)
	limited, cancel := ctx, context.CancelFunc(func() {})
	if len(known) > 0 {
		limited, cancel = context.WithTimeout(ctx, lookupPatience)
	}
	defer cancel()
	ips, err := do(limited)
	var dnsErr *net.DNSError
	switch {
	case err == nil:
		k.set(host, ips)
		return ips, nil
	case len(known) == 0, ctx.Err() != nil, errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		return nil, err
	}
	return known, nil
}

func (k *knownAddresses) get(host string) []netip.Addr {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ips[host]
}

func (k *knownAddresses) set(host string, ips []netip.Addr) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ips == nil {
		k.ips = make(map[string][]netip.Addr)
	}
	k.ips[host] = ips
}
