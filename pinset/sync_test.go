package pinset_test

import (
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// kinds counts changes by kind.
func kinds(changes []*pinset.Change) map[pinset.ChangeKind]int {
	n := map[pinset.ChangeKind]int{}
	for _, c := range changes {
		n[c.Kind]++
	}
	return n
}

// contents returns the names of a pinset by CID.
func contents(pins iter.Seq2[*api.Pin, error]) map[string]string {
	all := map[string]string{}
	for pin := range pins {
		all[pin.Cid.String()] = pin.Name
	}
	return all
}

func stored(cluster *clustertest.Cluster) map[string]string {
	all := map[string]string{}
	for _, pin := range cluster.Pinset() {
		all[pin.Cid.String()] = pin.Name
	}
	return all
}

var manyPins = flag.Int("pins", 2000, "number of pins in TestSyncOfManyPins")

// A Sync into an empty cluster, again, and with some of the pins changed while a peer is
// killed: each time the pinset is exactly that of the source, and nothing is written that
// is right already.
func TestSyncOfManyPins(t *testing.T) {
	n := *manyPins
	if testing.Short() {
		n = min(n, 400)
	}
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	want := func(yield func(*api.Pin, error) bool) {
		for pin := range testPins(n) {
			if !yield(pin, nil) {
				return
			}
		}
	}
	check := func(phase string, changes map[pinset.ChangeKind]int, opts ...pinset.Option) {
		t.Helper()
		got, errs := collect(pinset.Sync(t.Context(), c, want, opts...))
		if len(errs) > 0 || !maps.Equal(kinds(got), changes) {
			t.Errorf("%s: changes %v, want %v; errors %v", phase, kinds(got), changes, errs)
		}
		if !maps.Equal(stored(cluster), contents(want)) {
			t.Errorf("%s: the pinset is not that of the source", phase)
		}
	}
	check("empty cluster", map[pinset.ChangeKind]int{pinset.Missing: n})
	if got := requests(cluster); got != n+1 {
		t.Errorf("%d requests for %d pins and a listing", got, n)
	}
	resetRequests(cluster)
	check("again", map[pinset.ChangeKind]int{}, pinset.WithDelete())
	if got := requests(cluster); got != 1 {
		t.Errorf("%d requests for nothing to do, want the listing", got)
	}

	share := n / 100
	want = func(yield func(*api.Pin, error) bool) {
		for i := range n + share {
			pin := testPin(i)
			switch {
			case i < share:
				continue
			case i < 2*share:
				pin.Name = "renamed"
			case i == n/2:
				cluster.Peer(1).Stop()
			}
			if !yield(pin, nil) {
				return
			}
		}
	}
	check("1 % changed, and a peer killed", map[pinset.ChangeKind]int{pinset.Missing: share, pinset.Different: share, pinset.Extra: share}, pinset.WithDelete())
}

// Diff changes nothing, and says what Sync would do.
func TestDiff(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	collect(pinset.Pin(t.Context(), c, testPins(10)))
	before := stored(cluster)
	renamed := testPin(3)
	renamed.Name = "renamed"
	want := source(testPin(11), testPin(1), renamed, testPin(4))
	changes, errs := collect(pinset.Diff(t.Context(), c, want))
	var got []string
	for _, change := range changes[:2] {
		got = append(got, fmt.Sprint(change.Kind, " ", change.Pin.Name))
	}
	if len(errs) > 0 || !slices.Equal(got, []string{"missing pin 11", "different renamed"}) {
		t.Errorf("differences %v, errors %v", got, errs)
	}
	var extra []*api.Pin
	for _, change := range changes[2:] {
		if change.Kind != pinset.Extra {
			t.Errorf("%s", change)
		}
		extra = append(extra, change.Pin)
	}
	if want := []string{"pin 0", "pin 2", "pin 5", "pin 6", "pin 7", "pin 8", "pin 9"}; !slices.Equal(names(extra), want) {
		t.Errorf("extra %v, want %v", names(extra), want)
	}
	if !maps.Equal(stored(cluster), before) {
		t.Error("Diff has changed the pinset")
	}
}

// Sync deletes nothing without WithDelete, nor more than it may, nor after an error.
func TestSyncDeletes(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		want   iter.Seq2[*api.Pin, error]
		opts   []pinset.Option
		left   int
		errors int // of the NotDeletedError; -1 for none
	}{
		"not asked for":      {testPins(99), nil, 100, -1},
		"up to 5 %":          {testPins(95), []pinset.Option{pinset.WithDelete()}, 95, -1},
		"more than 5 %":      {testPins(94), []pinset.Option{pinset.WithDelete()}, 100, 0},
		"0 is not a default": {testPins(99), []pinset.Option{pinset.WithDelete(), pinset.WithMaxDelete(0)}, 100, 0},
		"exactly the share":  {testPins(71), []pinset.Option{pinset.WithDelete(), pinset.WithMaxDelete(0.29)}, 71, -1},
		"a larger share":     {testPins(10), []pinset.Option{pinset.WithDelete(), pinset.WithMaxDelete(0.9)}, 10, -1},
		"all":                {testPins(0), []pinset.Option{pinset.WithDelete(), pinset.WithMaxDelete(1)}, 0, -1},
		"a source that breaks": {func(yield func(*api.Pin, error) bool) {
			for pin := range testPins(99) {
				if !yield(pin, nil) {
					return
				}
			}
			yield(nil, broken)
		}, []pinset.Option{pinset.WithDelete()}, 100, 1},
		"an item that fails": {func(yield func(*api.Pin, error) bool) {
			bad := testPin(0)
			bad.ReplicationFactorMin, bad.ReplicationFactorMax = 50, 50
			for pin := range testPins(99) {
				if pin.Cid.Equals(bad.Cid) {
					pin = bad
				}
				if !yield(pin, nil) {
					return
				}
			}
		}, []pinset.Option{pinset.WithDelete()}, 100, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{})
			c := balanced(t, cluster)
			collect(pinset.Pin(t.Context(), c, testPins(100)))
			_, errs := collect(pinset.Sync(t.Context(), c, test.want, test.opts...))
			if got := len(cluster.Pinset()); got != test.left {
				t.Errorf("%d pins are left, want %d", got, test.left)
			}
			var refused *pinset.NotDeletedError
			if len(errs) > 0 && errors.As(errs[len(errs)-1], &refused) != (test.errors >= 0) {
				t.Fatalf("errors %v", errs)
			}
			if refused != nil && (refused.Errors != test.errors || len(errs) != test.errors+1 || !errors.Is(refused, pinset.ErrNotDeleted)) {
				t.Errorf("errors %v", errs)
			}
			if refused == nil && len(errs) > 0 {
				t.Errorf("errors %v", errs)
			}
		})
	}
}

// What is pinned while Sync runs is not deleted, nor what was sharded content before.
func TestSyncLeavesNewPins(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	collect(pinset.Pin(t.Context(), c, testPins(10)))
	sharded := testPin(200)
	sharded.Type = api.MetaType
	cluster.SeedPin(*sharded)
	want := func(yield func(*api.Pin, error) bool) {
		for pin := range testPins(8) {
			if !yield(pin, nil) {
				return
			}
		}
		if _, err := c.Pin(t.Context(), testCid(100).Cid, api.PinOptions{}); err != nil {
			t.Error(err)
		}
		cluster.SeedPin(*testPin(200))
		if _, err := c.Pin(t.Context(), testCid(8).Cid, api.PinOptions{Name: "pinned again"}); err != nil {
			t.Error(err)
		}
	}
	changes, errs := collect(pinset.Sync(t.Context(), c, want, pinset.WithDelete(), pinset.WithMaxDelete(0.5)))
	if len(errs) > 0 || len(changes) != 1 || !changes[0].Pin.Cid.Equals(testCid(9)) {
		t.Errorf("changes %v, errors %v", changes, errs)
	}
	for _, i := range []int{8, 100, 200} {
		if _, err := c.Allocation(t.Context(), testCid(i).Cid); err != nil {
			t.Errorf("pin %d: %v", i, err)
		}
	}
}

// A peer that does not know an extra pin may not have heard of it: that is an error.
func TestSyncOfAnExtraPinThatAPeerDoesNotKnow(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	collect(pinset.Pin(t.Context(), c, testPins(2)))
	cluster.InjectAll(clustertest.Fault{Route: "DELETE /pins/{hash}", Effect: clustertest.ErrorAnswer(http.StatusNotFound, "pin is not part of the pinset")})
	changes, errs := collect(pinset.Sync(t.Context(), c, testPins(1), pinset.WithDelete(), pinset.WithMaxDelete(1)))
	if len(changes) > 0 || len(errs) != 1 || !errors.Is(errs[0], client.ErrNotFound) {
		t.Errorf("changes %v, errors %v", changes, errs)
	}
}

// Sharded content is left as it is, and an error if it is missing.
func TestSyncOfShardedContent(t *testing.T) {
	sharded := []*api.Pin{testPin(0), testPin(1), testPin(2)}
	for i, pinType := range []api.PinType{api.MetaType, api.ClusterDAGType, api.ShardType} {
		sharded[i].Type = pinType
	}
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	changes, errs := collect(pinset.Sync(t.Context(), c, source(append(sharded, testPin(3))...)))
	var item *pinset.ItemError
	if len(changes) != 1 || len(errs) != 1 || !errors.Is(errs[0], pinset.ErrSharded) || !errors.As(errs[0], &item) || !item.Cid.Equals(testCid(0)) {
		t.Errorf("changes %v, errors %v", changes, errs)
	}
	for _, pin := range sharded {
		cluster.SeedPin(*pin)
	}
	changes, errs = collect(pinset.Sync(t.Context(), c, source(append(sharded, testPin(3))...), pinset.WithDelete()))
	if len(changes) > 0 || len(errs) > 0 {
		t.Errorf("with the content in the cluster: changes %v, errors %v", changes, errs)
	}
	_, errs = collect(pinset.Sync(t.Context(), c, source(testPin(0)), pinset.WithDelete(), pinset.WithMaxDelete(1)))
	if len(errs) > 0 || len(cluster.Pinset()) != len(sharded) {
		t.Errorf("%d pins, errors %v", len(cluster.Pinset()), errs)
	}
}

// If a source has an item twice, the first one counts, and another one is an error.
func TestSyncOfRepeatedItems(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	other := testPin(0)
	other.Name = "other"
	for _, phase := range []string{"missing", "right"} {
		changes, errs := collect(pinset.Sync(t.Context(), c, source(testPin(0), testPin(0), other)))
		if len(errs) != 1 || !errors.Is(errs[0], pinset.ErrConflict) || len(changes) > 1 {
			t.Errorf("%s: changes %v, errors %v", phase, changes, errs)
		}
		if got := stored(cluster)[testCid(0).String()]; got != "pin 0" {
			t.Errorf("%s: the name is %q", phase, got)
		}
	}
}
