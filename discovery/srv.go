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

// SRV is the source of the endpoints that SRV records name: each is a host, a
// port and a weight. They are ordered by priority, which is the order of
// preference for strategies that have one; others use them all. Hosts are
// resolved when they are dialled, and certificates verified against them.
type SRV struct {
	// Name is the name of the records, such as
	// "_cluster-api._tcp.example.org".
	Name string
	// Suffix is what follows /tcp/<port> in the endpoints' addresses: "" or
	// "/http" for HTTP, "/https" or "/tls/http" for HTTPS.
	Suffix string
	// Template holds the settings of the endpoints besides address and weight;
	// nil are the defaults. Its Resolver looks the records up.
	Template *config.Config
	// Interval is the time between two looks, give or take a tenth. 0 means
	// DefaultDNSInterval. After a failure it is a second at first.
	Interval time.Duration
	// Logger is told of failures; nil is silent.
	Logger *slog.Logger
}

var _ Source = (*SRV)(nil)

// Watch is that of [Source]. It fails at once if the settings cannot be used,
// and otherwise goes on until ctx ends.
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

func (s *SRV) look(ctx context.Context) ([]*config.Config, error) {
	ctx, cancel := context.WithTimeout(ctx, config.ResolveTimeout)
	defer cancel()
	resolver := templateOr(s.Template).Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	// Records that are not host names are left out, with an error.
	_, records, err := resolver.LookupSRV(ctx, "", "", s.Name)
	var cfgs []*config.Config
	// The resolver shuffles records of one priority by weight.
	slices.SortFunc(records, func(a, b *net.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Port, b.Port))
	})
	for _, r := range records {
		host := strings.TrimSuffix(r.Target, ".")
		if host == "" || r.Port == 0 {
			continue // "." says that the service is not there
		}
		cfg, bad := s.endpoint(host, r.Port)
		if bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		cfg.Weight = int(r.Weight)
		cfgs = append(cfgs, cfg)
	}
	return cfgs, err
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
