package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
)

// DefaultDNSInterval is the default interval between lookups.
const DefaultDNSInterval = 30 * time.Second

// DNS resolves the names in addresses to endpoints. For a name in /dns/, /dns4/
// or /dns6/, each A or AAAA record is an endpoint: the address with the name
// replaced by the IP address. For a /dnsaddr/ name, each peer in its records is
// an endpoint. An address without a name is itself an endpoint.
//
// With TLS, certificates are still verified against the name. A name that
// cannot be resolved, or has no records, keeps its last endpoints; other names
// are not affected. Endpoints are in the order of Addrs. The endpoints of one
// name are sorted by address, because name servers rotate the records.
type DNS struct {
	// Addrs are the addresses, in forms that config.Config.APIAddr accepts.
	Addrs []multiaddr.Multiaddr
	// Template holds the settings of the endpoints besides the address; nil means
	// the defaults. Its Resolver resolves the names.
	Template *config.Config
	// ResolveDNSAddr resolves /dnsaddr/ addresses and is required for them only.
	// Use Resolve of package transport/p2p, which links libp2p.
	ResolveDNSAddr func(context.Context, multiaddr.Multiaddr, *net.Resolver) ([]multiaddr.Multiaddr, error)
	// Interval is the time between lookups, ± 10 %. 0 means DefaultDNSInterval.
	// After a failure, the first retry comes after about a second.
	Interval time.Duration
	// Logger receives failures; nil logs nothing.
	Logger *slog.Logger
}

var _ Source = (*DNS)(nil)

// Watch implements [Source]. It returns an error at once if the settings are
// invalid; otherwise it returns only when ctx is done.
func (d *DNS) Watch(ctx context.Context, update func([]*config.Config)) error {
	interval, err := intervalOr(d.Interval, DefaultDNSInterval)
	if err = errors.Join(err, d.check()); err != nil {
		return fmt.Errorf("dns: %w", err)
	}
	n := &names{DNS: d, last: make([][]*config.Config, len(d.Addrs))}
	return poll(ctx, interval, silent(d.Logger), update, n.look)
}

// names is the state of one Watch of a DNS.
type names struct {
	*DNS
	last [][]*config.Config // the endpoints of each element of Addrs
}

// look resolves all names at a time. While a name server is slow to answer for one
// of them, it publishes the endpoints of the others.
func (n *names) look(ctx context.Context, publish func([]*config.Config)) error {
	type lookup struct {
		i     int
		found []*config.Config
		err   error
	}
	lookups := make(chan lookup, len(n.Addrs))
	for i, addr := range n.Addrs {
		go func() { // ends when resolve returns; look waits for that
			found, err := n.resolve(ctx, addr)
			lookups <- lookup{i, found, err}
		}()
	}
	errs := make([]error, len(n.Addrs))
	waited := time.NewTimer(patience)
	defer waited.Stop()
	slow := false
	for missing := len(n.Addrs); missing > 0; {
		select {
		case l := <-lookups:
			missing--
			if errs[l.i] = l.err; len(l.found) > 0 {
				n.last[l.i] = l.found
			}
			if !slow || missing == 0 {
				continue
			}
		case <-waited.C:
			slow = true
		}
		if known := slices.Concat(n.last...); len(known) > 0 {
			publish(known)
		}
	}
	known, err := slices.Concat(n.last...), errors.Join(errs...)
	if err == nil || len(known) > 0 {
		publish(known)
	}
	return err
}

func (d *DNS) check() error {
	if len(d.Addrs) == 0 {
		return errors.New("no addresses: give at least one")
	}
	var errs []error
	for i, cfg := range templateOr(d.Template).AsTemplateFor(d.Addrs) {
		if len(d.Addrs[i]) == 0 {
			errs = append(errs, fmt.Errorf("address %d is empty", i))
			continue
		}
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

// resolve returns the endpoints of one address.
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
		if len(m) == 0 {
			continue // it would be the default address
		}
		endpoints = append(endpoints, ofPeer(addr, m))
	}
	cfgs := template.AsTemplateFor(endpoints)
	slices.SortFunc(cfgs, func(a, b *config.Config) int { return cmp.Compare(key(a), key(b)) })
	return cfgs, nil
}

// ofPeer returns the endpoint for one record of a /dnsaddr/ address: the
// /dnsaddr/ address with the peer's ID appended. The transport resolves that to
// all addresses of the peer, so a peer with several records is one endpoint. A
// record without a peer ID is returned unchanged.
func ofPeer(dnsaddr, record multiaddr.Multiaddr) multiaddr.Multiaddr {
	if len(record) == 0 || record[len(record)-1].Code() != multiaddr.P_P2P {
		return record
	}
	return multiaddr.Join(dnsaddr[:1:1], record[len(record)-1:])
}
