package pinset_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// stuck is a client of a cluster in which the first items stay pinning for ever.
type stuck struct {
	client.Unimplemented
	items int
}

func (s *stuck) Recover(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error) {
	return s.Status(ctx, ci, local)
}

func (s *stuck) Status(_ context.Context, ci cid.Cid, _ bool) (*api.GlobalPinInfo, error) {
	at := api.PinInfoShort{Status: api.TrackerStatusPinned}
	for i := range s.items {
		if testCid(i).Cid.Equals(ci) {
			at.Status = api.TrackerStatusPinning
		}
	}
	return &api.GlobalPinInfo{Cid: api.NewCid(ci), PeerMap: map[string]api.PinInfoShort{"peer": at}}, nil
}

func (s *stuck) StatusCids(ctx context.Context, cids []cid.Cid, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		for _, ci := range cids {
			if info, err := s.Status(ctx, ci, local); !yield(info, err) {
				return
			}
		}
	}
}

// Items that their peers cannot fetch do not keep the others from being mended: what is
// waited for is not a call in flight.
func TestRepairOfItemsThatAreNeverPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		const never, n = 20, 40
		findings := func(yield func(*pinset.Finding, error) bool) {
			for i := range n {
				if !yield(&pinset.Finding{Info: &api.GlobalPinInfo{Cid: testCid(i)}, Reasons: pinset.BelowMinimum, Need: 1}, nil) {
					return
				}
			}
		}
		infos, errs := collect(pinset.Repair(ctx, &stuck{items: never}, findings))
		if len(infos) != n-never || len(errs) != 1 {
			t.Errorf("%d mended, want %d; errors %v", len(infos), n-never, errs)
		}
	})
}

// Repair makes no call for a pin that has expired, whatever else is wrong with it.
func TestRepairOfExpiredPins(t *testing.T) {
	for _, also := range []pinset.Reason{0, pinset.BelowMinimum, pinset.PeerErrors, pinset.PeersGone} {
		info := &api.GlobalPinInfo{Cid: testCid(0)}
		findings := func(yield func(*pinset.Finding, error) bool) {
			yield(&pinset.Finding{Info: info, Reasons: pinset.Expired | also, Need: 1}, nil)
		}
		infos, errs := collect(pinset.Repair(t.Context(), &fake{}, findings)) // each call of it would fail
		if len(infos) != 1 || infos[0] != info || len(errs) > 0 {
			t.Errorf("%s: %v mended, errors %v", pinset.Expired|also, infos, errs)
		}
	}
}

// A shard that is allocated to a peer that is gone is not pinned as an ordinary pin.
func TestRepairOfShards(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	shard := allocated(cluster, 0, 0)
	shard.Type, shard.MaxDepth = api.ShardType, 1
	shard.Allocations = append(shard.Allocations, "gone")
	cluster.SeedPin(*shard)
	infos, errs := collect(pinset.Repair(t.Context(), c, pinset.Audit(t.Context(), c)))
	var item *pinset.ItemError
	if len(infos) > 0 || len(errs) != 1 || !errors.As(errs[0], &item) || !errors.Is(item, pinset.ErrSharded) {
		t.Errorf("%v mended, errors %v", infos, errs)
	}
	if pin, err := c.Allocation(t.Context(), testCid(0).Cid); err != nil || pin.Type != api.ShardType {
		t.Errorf("%v, %v", pin, err)
	}
}
