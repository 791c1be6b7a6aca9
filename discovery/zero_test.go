package discovery_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/internal/testenv"
)

// E14: zero values can be printed, and sources that are nil or have nil elements are
// errors. A nil pointer in Combine, and an empty address in DNS, panicked in a goroutine
// of the source, and with it the program.
func TestZeroAndNil(t *testing.T) {
	testenv.Print(t, discovery.Endpoint{}, &discovery.Endpoint{}, discovery.Cluster{}, discovery.DNS{}, discovery.SRV{}, discovery.File{}, discovery.Registry{}, discovery.Static())
	for name, src := range map[string]discovery.Source{
		"Combine":             discovery.Combine(nil, nil),
		"Combine nil pointer": discovery.Combine(nil, (*discovery.File)(nil)),
		"Cluster":             &discovery.Cluster{},
		"DNS":                 &discovery.DNS{},
		"DNS empty address":   &discovery.DNS{Addrs: []multiaddr.Multiaddr{nil}},
		"SRV":                 &discovery.SRV{},
		"File":                &discovery.File{},
		"Registry":            &discovery.Registry{},
	} {
		if err := src.Watch(t.Context(), func([]*config.Config) { t.Errorf("%s: an update", name) }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := discovery.Announce(t.Context(), nil, "/a", "b", discovery.Endpoint{Addr: maddr(a1)}, nil); err == nil {
		t.Error("Announce: no error")
	}
}

// An empty address from a user's function was taken for the default address.
func TestEmptyAddressIsNoEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, &discovery.DNS{
			Addrs: []multiaddr.Multiaddr{maddr("/dnsaddr/a.test")},
			ResolveDNSAddr: func(context.Context, multiaddr.Multiaddr, *net.Resolver) ([]multiaddr.Multiaddr, error) {
				return []multiaddr.Multiaddr{nil, maddr(a1)}, nil
			},
		})
		l.expect(t, a1)
		h := newHosts()
		h.add(true, "10.0.0.1")
		h.add(false, "10.0.0.2")
		listen(t, &discovery.Cluster{
			Seeds: []*config.Config{h.seed("10.0.0.1")},
			Map:   func(*config.Config, *api.ID) []multiaddr.Multiaddr { return []multiaddr.Multiaddr{nil} },
		}).expectHosts(t, h, "10.0.0.1")
		if n := h.asked["127.0.0.1"]; n != 0 {
			t.Errorf("the default address was asked %d times", n)
		}
	})
}
