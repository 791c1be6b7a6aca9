package lbclient

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// SetConfigs compared each configuration with all endpoints: for 1,000 in reverse order it
// took 0.96 s (E12). Each comparison allocates, so the number of allocations shows how many
// there are.
func TestSetConfigsIsLinear(t *testing.T) {
	const n = 1000
	cfgs := make([]*config.Config, n)
	for i := range cfgs {
		cfgs[i] = &config.Config{Host: fmt.Sprintf("peer-%d", i)}
	}
	town, c := newTown(t, &strategy.RoundRobin{}, cfgs, 0)
	before := slices.Clone(c.pool.list())
	allocs := testing.AllocsPerRun(1, func() {
		slices.Reverse(cfgs)
		if err := c.SetConfigs(cfgs); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 20*n {
		t.Errorf("%.0f allocations for %d configurations", allocs, n)
	}
	// AllocsPerRun calls its function twice.
	if !slices.Equal(c.pool.list(), before) {
		t.Error("the order is not that of the configurations")
	}
	for i := range cfgs {
		if opened := len(town.at(cfgs[i].Host)); opened != 1 {
			t.Fatalf("%s was opened %d times", cfgs[i].Host, opened)
		}
	}
}

// Equal configurations keep as many endpoints as there are, and configurations that differ
// only in other settings than the address have different endpoints.
func TestSetConfigsWithOneAddress(t *testing.T) {
	weights := func(weights ...int) []*config.Config {
		var cfgs []*config.Config
		for _, w := range weights {
			cfgs = append(cfgs, &config.Config{Host: "a", Weight: w})
		}
		return cfgs
	}
	_, c := newTown(t, &strategy.RoundRobin{}, weights(1, 2, 1, 3), 0)
	old := slices.Clone(c.pool.list())
	if err := c.SetConfigs(weights(3, 2, 1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	got := c.pool.list()
	if want := []*endpoint{old[3], old[1], old[0], old[2]}; !slices.Equal(got[:4], want) || slices.Contains(old, got[4]) {
		t.Errorf("endpoints %p, of %p", got, old)
	}
}

// A pick looked at every endpoint while a single one was eligible, and locked the ejected
// ones. The list of eligible endpoints holds no others.
func TestEligibleListHoldsNoOthers(t *testing.T) {
	c := newLB(t, &strategy.RoundRobin{}, newFakes(5), 0)
	eps := c.pool.list()
	for _, i := range []int{1, 3, 4} {
		permit, _ := eps[i].health.Enter()
		eps[i].health.Record(permit, health.Unreachable, c.pool.now(), 0)
	}
	eps[3].health.Probed(true, c.pool.now())
	c.pool.update()
	if got := *c.pool.eligible.Load(); !slices.Equal(got, eps[3:4]) {
		t.Errorf("%d endpoints are listed as eligible, want 1", len(got))
	}
	ep, permit := c.pool.pick(newCall(client.OpID, ""))
	if ep != eps[3] || !permit.IsTrial() {
		t.Errorf("picked %s, trial %t, want the trial of d", ep.name, permit.IsTrial())
	}
	c.pool.record(ep, permit, result{}, c.pool.now())
	ep.release()
}
