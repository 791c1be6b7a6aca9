package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
)

// DefaultDNSInterval is how often names are resolved anew.
const DefaultDNSInterval = 30 * time.Second

// DNS is the source of the endpoints that addresses with names stand for: each
// A or AAAA record of /dns/, /dns4/ and /dns6/ is an endpoint, with the rest of
// the address, and so is each peer that the records of a /dnsaddr/ name. An
// address without a name is an endpoint as it is.
//
// Where TLS is used, certificates are still verified against the name. A name
// that cannot be resolved keeps what it stood for last; the other names go on.
// Endpoints are ordered by Addrs, those of a name by address, as servers rotate
// them.
type DNS struct {
	// Addrs are the addresses, in forms that config.Config.APIAddr accepts.
	Addrs []multiaddr.Multiaddr
	// Template holds the settings of the endpoints besides the address; nil are
	// the defaults. Its Resolver looks the names up.
	Template *config.Config
	// ResolveDNSAddr resolves /dnsaddr/ addresses; it is needed for them alone.
	// Use Resolve of the package transport/p2p, which links libp2p.
	ResolveDNSAddr func(context.Context, multiaddr.Multiaddr, *net.Resolver) ([]multiaddr.Multiaddr, error)
	// Interval is the time between two looks, give or take a tenth. 0 means
	// DefaultDNSInterval. After a failure it is a second at first.
	Interval time.Duration
	// Logger is told of failures; nil is silent.
	Logger *slog.Logger
}

var _ Source = (*DNS)(nil)

// Watch is that of [Source]. It fails at once if the settings cannot be used,
// and otherwise goes on until ctx ends.
func (d *DNS) Watch(ctx context.Context, update func([]*config.Config)) error {
	interval, err := intervalOr(d.Interval, DefaultDNSInterval)
	if err = errors.Join(err, d.check()); err != nil {
		return fmt.Errorf("dns: %w", err)
	}
	last := make([][]*config.Config, len(d.Addrs))
	return poll(ctx, interval, silent(d.Logger), update, func(ctx context.Context) ([]*config.Config, error) {
		errs := make([]error, len(d.Addrs))
		var lookups sync.WaitGroup
		for i, addr := range d.Addrs {
			lookups.Go(func() {
				found, err := d.resolve(ctx, addr)
				if errs[i] = err; len(found) > 0 {
					last[i] = found
				}
			})
		}
		lookups.Wait()
		return slices.Concat(last...), errors.Join(errs...)
	})
}

func (d *DNS) check() error {
	if len(d.Addrs) == 0 {
		return errors.New("no addresses: give at least one")
	}
	var errs []error
	for _, cfg := range templateOr(d.Template).AsTemplateFor(d.Addrs) {
		a, err := cfg.Address()
		switch {
		case err != nil:
			errs = append(errs, err)
		case a.Scheme == config.SchemeDNSAddr && d.ResolveDNSAddr == nil:
			errs = append(errs, fmt.Errorf("%s needs ResolveDNSAddr: set it to Resolve of transport/p2p", a))
		}
	}
	return errors.Join(errs...)
}

// resolve returns the endpoints that an address stands for.
func (d *DNS) resolve(ctx context.Context, addr multiaddr.Multiaddr) ([]*config.Config, error) {
	template := templateOr(d.Template)
	if addr[0].Code() != multiaddr.P_DNSADDR {
		cfgs, err := template.AsTemplateForResolvedAddress(ctx, addr)
		slices.SortFunc(cfgs, func(a, b *config.Config) int { return cmp.Compare(key(a), key(b)) })
		return cfgs, err
	}
	ctx, cancel := context.WithTimeout(ctx, config.ResolveTimeout)
	defer cancel()
	resolver := template.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := d.ResolveDNSAddr(ctx, addr, resolver)
	if err != nil {
		return nil, err
	}
	endpoints := make([]multiaddr.Multiaddr, 0, len(found))
	for _, m := range found {
		endpoints = append(endpoints, ofPeer(addr, m))
	}
	cfgs := template.AsTemplateFor(endpoints)
	slices.SortFunc(cfgs, func(a, b *config.Config) int { return cmp.Compare(key(a), key(b)) })
	return cfgs, nil
}

// ofPeer returns where to reach the peer of a record of a /dnsaddr/ address: the
// /dnsaddr/ address with its ID, by which the transport finds all of the peer's
// addresses, so that a peer with several of them is one endpoint. A record
// without a peer's ID is an address by itself.
func ofPeer(dnsaddr, record multiaddr.Multiaddr) multiaddr.Multiaddr {
	if len(record) == 0 || record[len(record)-1].Code() != multiaddr.P_P2P {
		return record
	}
	return multiaddr.Join(dnsaddr[:1:1], record[len(record)-1:])
}
