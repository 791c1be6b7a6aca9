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

// cleaning is the timeout of each step of the cleanup. The cleanup continues
// after the end of the run's context.
const cleaning = 20 * time.Second

// unpinLater unpins ci at the end of the test, if it is pinned then. Call it
// before pinning ci, because a failed pin may have been executed.
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

// addPinned adds and pins a file with params, and returns its CID. The file is
// unpinned at the end of the test, even if the add fails: addPinned then adds
// the file without pinning, to learn the CID that the failed add may have pinned.
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

// checkUnpinned fails the test if a peer still has an item of the run in its
// pinset. It unpins items that a peer received only after another peer had
// unpinned them.
func (s *suite) checkUnpinned(t *testing.T) {
	if len(s.touched) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 3*cleaning)
	defer cancel()
	rounds, pause := 2, 50*time.Millisecond
	if t.Failed() {
		rounds, pause = 6, 500*time.Millisecond // failed operations may still be in progress
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

// unpinAll unpins all items of the run that a peer lists. It returns an error
// for each such item, or for the listing.
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
