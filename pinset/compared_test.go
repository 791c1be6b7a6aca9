package pinset_test

import (
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestComparedOptions holds the documentation of the package to what is compared.
func TestComparedOptions(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{ReplicationFactorMin: 1, ReplicationFactorMax: 2})
	c := balanced(t, cluster)
	expiry := time.Now().Add(time.Hour)
	base := api.PinWithOpts(testCid(0), api.PinOptions{
		Name:                 "name",
		ReplicationFactorMin: 2,
		ReplicationFactorMax: 3,
		ExpireAt:             expiry,
		Metadata:             map[string]string{"a": "1", "b": "2"},
		Origins:              []api.Multiaddr{origin(1), origin(2)},
	})
	collect(pinset.Pin(t.Context(), c, source(&base)))
	for name, test := range map[string]struct {
		change func(*api.Pin)
		differ bool
	}{
		"nothing":               {func(*api.Pin) {}, false},
		"name":                  {func(p *api.Pin) { p.Name = "other" }, true},
		"mode":                  {func(p *api.Pin) { p.Mode = api.PinModeDirect }, true},
		"minimum":               {func(p *api.Pin) { p.ReplicationFactorMin = 1 }, true},
		"maximum":               {func(p *api.Pin) { p.ReplicationFactorMax = 2 }, true},
		"everywhere":            {func(p *api.Pin) { p.ReplicationFactorMin, p.ReplicationFactorMax = -1, -1 }, true},
		"default minimum":       {func(p *api.Pin) { p.ReplicationFactorMin = 0 }, false},
		"default maximum":       {func(p *api.Pin) { p.ReplicationFactorMax = 0 }, false},
		"default factors":       {func(p *api.Pin) { p.ReplicationFactorMin, p.ReplicationFactorMax = 0, 0 }, false},
		"default, other name":   {func(p *api.Pin) { p.ReplicationFactorMin, p.Name = 0, "other" }, true},
		"default, other max":    {func(p *api.Pin) { p.ReplicationFactorMin, p.ReplicationFactorMax = 0, 2 }, true},
		"expiry":                {func(p *api.Pin) { p.ExpireAt = expiry.Add(2 * time.Second) }, true},
		"no expiry":             {func(p *api.Pin) { p.ExpireAt = time.Time{} }, true},
		"expiry, the second":    {func(p *api.Pin) { p.ExpireAt = expiry.Truncate(time.Second) }, false},
		"expiry, UTC":           {func(p *api.Pin) { p.ExpireAt = expiry.UTC() }, false},
		"metadata, value":       {func(p *api.Pin) { p.Metadata = map[string]string{"a": "1", "b": "3"} }, true},
		"metadata, fewer":       {func(p *api.Pin) { p.Metadata = map[string]string{"a": "1"} }, true},
		"metadata, more":        {func(p *api.Pin) { p.Metadata = map[string]string{"a": "1", "b": "2", "c": ""} }, true},
		"metadata, shifted":     {func(p *api.Pin) { p.Metadata = map[string]string{"a": "1b", "": "", "2": ""} }, true},
		"metadata, empty key":   {func(p *api.Pin) { p.Metadata = map[string]string{"a": "1", "b": "2", "": "x"} }, false},
		"origins":               {func(p *api.Pin) { p.Origins = []api.Multiaddr{origin(1)} }, true},
		"origins, order":        {func(p *api.Pin) { p.Origins = []api.Multiaddr{origin(2), origin(1)} }, false},
		"allocations":           {func(p *api.Pin) { p.Allocations = nil }, false},
		"user allocations":      {func(p *api.Pin) { p.UserAllocations = base.Allocations }, false},
		"shard size":            {func(p *api.Pin) { p.ShardSize = 1 << 20 }, false},
		"pin update":            {func(p *api.Pin) { p.PinUpdate = testCid(7) }, false},
		"timestamp":             {func(p *api.Pin) { p.Timestamp = time.Time{} }, false},
		"expired in the source": {func(p *api.Pin) { p.ExpireAt = time.Now().Add(-time.Hour) }, false},
	} {
		pin := base
		test.change(&pin)
		changes, errs := collect(pinset.Diff(t.Context(), c, source(&pin)))
		if len(errs) > 0 || (len(changes) > 0) != test.differ {
			t.Errorf("%s: differences %v, errors %v", name, changes, errs)
		}
	}
}

// An expired pin of the source is not pinned.
func TestExpiredPinsAreNotPinned(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	expired := testPin(0)
	expired.ExpireAt = time.Now().Add(-time.Hour)
	changes, errs := collect(pinset.Sync(t.Context(), balanced(t, cluster), source(expired)))
	if len(changes)+len(errs) > 0 {
		t.Errorf("changes %v, errors %v", changes, errs)
	}
}

// origin returns an address of an IPFS daemon.
func origin(i int) api.Multiaddr {
	return api.Multiaddr([]string{
		1: "/ip4/10.0.0.1/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
		2: "/ip4/10.0.0.2/tcp/4001/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
	}[i])
}
