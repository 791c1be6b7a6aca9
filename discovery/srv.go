package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
)

// SRV reports an endpoint for each SRV record of a service, with the record's
// host, port and weight. Weights without a 0 among them are divided by their greatest
// common divisor, so that all are 1 if they are equal. Endpoints are sorted by priority,
// which matters only to strategies that prefer earlier endpoints. Hosts are resolved at
// each dial, and certificates are verified against the host name.
type SRV struct {
	// Name is the name of the records, such as
	// "_cluster-api._tcp.example.org".
	Name string
	// Suffix is what follows /tcp/<port> in the endpoints' addresses: "" or
	// "/http" for HTTP, "/https" or "/tls/http" for HTTPS.
	Suffix string
	// Template holds the settings of the endpoints besides address and weight; nil
	// means the defaults. Its Resolver looks the records up.
	Template *config.Config
	// Interval is the time between lookups, ± 10 %. 0 means DefaultDNSInterval.
	// After a failure, the first retry comes after about a second.
	Interval time.Duration
	// Logger receives failures; nil logs nothing.
	Logger *slog.Logger
}

var _ Source = (*SRV)(nil)

// Watch implements [Source]. It returns an error at once if the settings are
// invalid; otherwise it returns only when ctx is done.
func (s *SRV) Watch(ctx context.Context, update func([]*config.Config)) error {
	interval, err := intervalOr(s.Interval, DefaultDNSInterval)
	if s.Name == "" {
		err = errors.Join(err, errors.New("no name: give that of the records"))
	}
	if _, bad := s.endpoint("host", 1); bad != nil {
		err = errors.Join(err, fmt.Errorf("suffix %q: %w", s.Suffix, bad))
	}
	if err != nil {
		return fmt.Errorf("srv: %w", err)
	}
	return poll(ctx, interval, silent(s.Logger), update, s.look)
}

func (s *SRV) look(ctx context.Context, publish func([]*config.Config)) error {
	ctx, cancel := context.WithTimeout(ctx, config.ResolveTimeout)
	defer cancel()
	resolver := templateOr(s.Template).Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	// LookupSRV leaves out records whose target is not a host name, and then
	// returns both the other records and an error.
	_, records, err := resolver.LookupSRV(ctx, "", "", s.Name)
	var cfgs []*config.Config
	// Sorted for a stable order: the resolver shuffles records of one priority.
	slices.SortFunc(records, func(a, b *net.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Port, b.Port))
	})
	reduceWeights(records)
	for _, r := range records {
		host := strings.TrimSuffix(r.Target, ".")
		if host == "" || r.Port == 0 {
			continue // target ".": the service is not offered here (RFC 2782)
		}
		cfg, bad := s.endpoint(host, r.Port)
		if bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		cfg.Weight = int(r.Weight)
		cfgs = append(cfgs, cfg)
	}
	if err == nil || len(cfgs) > 0 {
		publish(cfgs)
	}
	return err
}

// reduceWeights divides the weights by their greatest common divisor. CoreDNS gives
// each of n pods the weight 100/n. Without the division, each pod that comes or goes
// would change the settings of all endpoints, and so replace them. If a weight is 0,
// which counts as 1, the weights are left as they are.
func reduceWeights(records []*net.SRV) {
	divisor := uint16(0)
	for _, r := range records {
		if r.Weight == 0 {
			return
		}
		for a := r.Weight; a != 0; {
			divisor, a = a, divisor%a
		}
	}
	for _, r := range records {
		r.Weight /= divisor
	}
}

func (s *SRV) endpoint(host string, port uint16) (*config.Config, error) {
	addr, err := multiaddr.NewMultiaddr("/dns/" + host + "/tcp/" + strconv.Itoa(int(port)) + s.Suffix)
	if err != nil {
		return nil, err
	}
	cfg := templateOr(s.Template).AsTemplateFor([]multiaddr.Multiaddr{addr})[0]
	_, err = cfg.Address()
	return cfg, err
}
