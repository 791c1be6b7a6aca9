package field

import (
	"errors"
	"iter"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestListings lists many pins through each proxy. Through a proxy that drops
// trailers, a client must report the list as incomplete unless it is configured
// to accept it.
func TestListings(t *testing.T) {
	skipIfShort(t)
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	cluster.Seed(pins)
	for _, p := range proxies() {
		t.Run(p.name, func(t *testing.T) {
			cfgs := p.configs(t, cluster)
			for _, o := range openers() {
				t.Run(o.name, func(t *testing.T) {
					c := o.open(t, cfgs)
					checkListed(t, "Allocations", pins, c.Allocations(within(t), api.AllType))
					if o.name == "default" {
						checkListed(t, "StatusAll", pins, c.StatusAll(within(t), api.TrackerStatusUndefined, false))
					}
				})
			}
			if p.dropsTrailers {
				t.Run("strict", func(t *testing.T) { checkStrict(t, pins, cfgs[0]) })
			}
		})
	}
}

// checkListed checks that a listing has n different items and no error.
func checkListed[T any](t *testing.T, name string, n int, list iter.Seq2[*T, error]) {
	t.Helper()
	seen := make(map[*T]bool, n)
	for item, err := range list {
		if err != nil {
			t.Errorf("%s after %d items: %v", name, len(seen), err)
			return
		}
		seen[item] = true
	}
	if len(seen) != n {
		t.Errorf("%s: %d items, want %d", name, len(seen), n)
	}
}

// checkStrict checks that a client without AllowUnverifiedStreams receives all
// items and then ErrIncomplete.
func checkStrict(t *testing.T, n int, cfg *config.Config) {
	strict := *cfg
	strict.AllowUnverifiedStreams = false
	c := openers()[0].open(t, []*config.Config{&strict})
	items := 0
	var last error
	for _, err := range c.Allocations(within(t), api.AllType) {
		if last = err; err == nil {
			items++
		}
	}
	if items != n || !errors.Is(last, client.ErrIncomplete) {
		t.Errorf("%d items and the error %v; want %d and ErrIncomplete", items, last, n)
	}
}
