package conformance

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// once returns the items of a listing by key. It fails if an item is listed twice.
func once[T any](list iter.Seq2[*T, error], key func(*T) string) (map[string]*T, error) {
	seen := map[string]*T{}
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		if seen[key(item)] != nil {
			return nil, fmt.Errorf("%s was listed twice", key(item))
		}
		seen[key(item)] = item
	}
	return seen, nil
}

func pinKey(p *api.Pin) string            { return p.Cid.String() }
func infoKey(i *api.GlobalPinInfo) string { return i.Cid.String() }

// holds returns an error if seen does not contain all of the keys.
func holds[T any](seen map[string]*T, keys map[string]bool) error {
	for k := range keys {
		if seen[k] == nil {
			return fmt.Errorf("%s is missing among %d items", k, len(seen))
		}
	}
	return nil
}

func testAllocations(t *testing.T, s *suite) {
	cids := s.pinnedFiles(t, 5)
	for _, filter := range []api.PinType{api.AllType, api.DataType, api.DataType | api.MetaType} {
		s.eventually(t, func(ctx context.Context) error {
			seen, err := once(s.Allocations(ctx, filter), pinKey)
			if err != nil {
				return err
			}
			return holds(seen, cids)
		})
	}
	seen, err := once(s.Allocations(s.within(t), api.ShardType), pinKey)
	if err != nil {
		t.Fatal(err)
	}
	for k := range cids {
		if seen[k] != nil {
			t.Errorf("%s is listed among the shards", k)
		}
	}
	_, err = once(s.Allocations(s.within(t), 0), pinKey)
	want(t, "Allocations of no type", err, client.ErrInvalid)
	_, err = once(s.Allocations(s.within(t), api.BadType), pinKey)
	want(t, "Allocations of a bad type", err, client.ErrInvalid)
}

func testStatusAll(t *testing.T, s *suite) {
	cids := s.pinnedFiles(t, 5)
	for _, filter := range []api.TrackerStatus{
		api.TrackerStatusUndefined,
		api.TrackerStatusPinned,
		api.TrackerStatusPinned | api.TrackerStatusPinning | api.TrackerStatusQueued,
	} {
		s.eventually(t, func(ctx context.Context) error {
			seen, err := once(s.StatusAll(ctx, filter, false), infoKey)
			if err != nil {
				return err
			}
			return holds(seen, cids)
		})
	}
	s.eventually(t, func(ctx context.Context) error {
		seen, err := once(s.StatusAll(ctx, api.TrackerStatusUndefined, true), infoKey)
		if err != nil {
			return err
		}
		for k, info := range seen {
			if len(info.PeerMap) != 1 {
				return fmt.Errorf("local status of %s has %d peers, want 1", k, len(info.PeerMap))
			}
		}
		return holds(seen, cids)
	})
	seen, err := once(s.StatusAll(s.within(t), api.TrackerStatusError, false), infoKey)
	if err != nil {
		t.Fatal(err)
	}
	for k := range cids {
		if seen[k] != nil {
			t.Errorf("%s is listed among the errors", k)
		}
	}
	_, err = once(s.StatusAll(s.within(t), 1, false), infoKey)
	want(t, "StatusAll of an unknown status", err, client.ErrInvalid)
}

// testStatusCids asks for more CIDs than fit into a request's header.
func testStatusCids(t *testing.T, s *suite) {
	pinned := s.pinned(t, "status", api.PinOptions{})
	asked := []cid.Cid{pinned, pinned}
	keys := map[string]bool{pinned.String(): true}
	for i := range 400 {
		hash, err := multihash.Sum(unique("unknown"), multihash.SHA2_256, -1)
		if err != nil {
			t.Fatal(err)
		}
		ci := cid.NewCidV0(hash)
		if i%2 == 1 {
			ci = cid.NewCidV1(cid.Raw, hash)
		}
		asked = append(asked, ci)
		keys[ci.String()] = true
	}
	for _, local := range []bool{false, true} {
		seen, err := once(s.StatusCids(s.within(t), asked, local), infoKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := holds(seen, keys); err != nil || len(seen) != len(keys) {
			t.Errorf("%d of %d items (local %t): %v", len(seen), len(keys), local, err)
		}
		for k, info := range seen {
			if k != pinned.String() && !info.Match(api.TrackerStatusUnpinned) {
				t.Errorf("unknown %s has status %s", k, info)
			}
		}
	}
	none, err := once(s.StatusCids(s.within(t), nil, false), infoKey)
	if err != nil || len(none) != 0 {
		t.Errorf("no CIDs: %d items, error %v", len(none), err)
	}
	_, err = once(s.StatusCids(s.within(t), []cid.Cid{pinned, cid.Undef}, false), infoKey)
	want(t, "an undefined CID", err, client.ErrInvalid)
	info, err := s.Status(s.within(t), asked[2], false)
	if err != nil || !info.Match(api.TrackerStatusUnpinned) {
		t.Errorf("status of an unknown CID: %v, error %v", info, err)
	}
}

// testBreak leaves listings early. The client must remain usable.
func testBreak(t *testing.T, s *suite) {
	s.pinnedFiles(t, 3)
	for range 20 {
		for _, err := range s.Allocations(s.within(t), api.AllType) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		for _, err := range s.StatusAll(s.within(t), api.TrackerStatusUndefined, false) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if _, err := s.Version(s.within(t)); err != nil {
		t.Errorf("Version: %v", err)
	}
}
