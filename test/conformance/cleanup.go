package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// cleaning bounds each step of the cleaning up, which the end of the run's
// context does not end.
const cleaning = 20 * time.Second

// unpinLater unpins ci at the end of the test, if it is pinned then. It is to be
// called before ci is pinned: a pin that failed may have been executed.
func (s *suite) unpinLater(t *testing.T, ci cid.Cid) {
	s.touched = append(s.touched, ci)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), cleaning)
		defer cancel()
		if _, err := s.Unpin(ctx, ci); err != nil && !errors.Is(err, client.ErrNotFound) {
			t.Errorf("Unpin %s at the end: %v", ci, err)
		}
	})
}

// addPinned adds one file, which params pin, and returns its CID. It is unpinned
// at the end of the test, also if the add fails: the same file is then added
// without pinning it, to learn what the failed add may have pinned.
func (s *suite) addPinned(t *testing.T, path string, params *api.AddParams) cid.Cid {
	t.Helper()
	outputs, err := s.add(s.within(t), []string{path}, params)
	if err == nil {
		ci := root(t, outputs)
		s.unpinLater(t, ci)
		return ci
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), cleaning)
	defer cancel()
	if outputs, again := s.add(ctx, []string{path}, unpinned()); again != nil {
		t.Errorf("whether the failed add pinned something is not known: %v", again)
	} else {
		s.unpinLater(t, root(t, outputs))
	}
	t.Fatalf("Add: %v", err)
	return cid.Undef
}

// checkUnpinned fails the test unless no peer has anything of the run in its
// pinset any more. What a peer learnt of only after another had unpinned it is
// unpinned again.
func (s *suite) checkUnpinned(t *testing.T) {
	if len(s.touched) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 3*cleaning)
	defer cancel()
	rounds, pause := 2, 50*time.Millisecond
	if t.Failed() {
		rounds, pause = 6, 500*time.Millisecond // what failed may still be under way
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for clean := 0; clean < rounds; {
		left := s.unpinAll(ctx)
		if clean++; len(left) > 0 {
			clean = 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			for _, err := range left {
				t.Errorf("left in the pinset: %v", err)
			}
			return
		}
	}
}

// unpinAll unpins what any peer lists of the run, and returns an error for each
// such item, or for the listing.
func (s *suite) unpinAll(ctx context.Context) []error {
	ours := map[string]cid.Cid{}
	for _, ci := range s.touched {
		ours[ci.String()] = ci
	}
	var left []error
	for info, err := range s.StatusAll(ctx, api.TrackerStatusUndefined, false) {
		if err != nil {
			return append(left, fmt.Errorf("what else is not known: %w", err))
		}
		ci, ok := ours[info.Cid.String()]
		if !ok {
			continue
		}
		if _, err = s.Unpin(ctx, ci); err == nil {
			err = errors.New("unpinned again")
		}
		left = append(left, fmt.Errorf("%s: %w", info, err))
	}
	return left
}
