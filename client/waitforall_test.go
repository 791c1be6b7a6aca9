package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
)

// WaitForAll queries the items together. It yields each item once, as soon as the item has
// reached the target, and the failure of an item does not affect the others.
func TestWaitForAll(t *testing.T) {
	timeless(t, func(t *testing.T) {
		cids := manyCids(4)
		w := &watched{status: func(n int, ci cid.Cid) (*api.GlobalPinInfo, error) {
			i := slices.Index(cids, ci)
			switch {
			case n == 1 && i == 2:
				return nil, &Error{Op: OpStatusCids, Status: 503, Err: errors.New("later")}
			case i == 1:
				return at(ci, pinError), nil
			case n < 2*i:
				return at(ci, pinning), nil
			}
			return at(ci, pinned), nil
		}}
		var events []string
		start := time.Now()
		for info, err := range WaitForAll(t.Context(), w, append(cids, cids[0]), toPinned()) {
			var e *StatusError
			if errors.As(err, &e) {
				info = e.Info
			} else if err != nil {
				t.Fatal(err)
			}
			events = append(events, fmt.Sprintf("%d %t %s", slices.Index(cids, info.Cid.Cid), err == nil, time.Since(start)))
		}
		if got, want := strings.Join(events, ", "), "0 true 0s, 1 false 0s, 2 true 4m0s, 3 true 6m0s"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if w.asked != 7 {
			t.Errorf("%d requests", w.asked)
		}
	})
	for range WaitForAll(t.Context(), sequence(nil), nil, toPinned()) {
		t.Error("nothing to wait for yields something")
	}
}

// The consumer may end the loop or the context at any step, also at the last item. An
// error that is not about a single item ends the loop.
func TestWaitForAllEnds(t *testing.T) {
	w := sequence(statuses{pinned})
	for range WaitForAll(t.Context(), w, manyCids(3), toPinned()) {
		break
	}
	if w.asked != 1 {
		t.Errorf("%d requests", w.asked)
	}
	for _, n := range []int{1, 3} {
		ctx, cancel := context.WithCancel(t.Context())
		var items int
		for info, err := range WaitForAll(ctx, sequence(statuses{pinned}), manyCids(n), toPinned()) {
			if err != nil {
				t.Errorf("the context ended with the last of %d items: %v", n, err)
			}
			if info != nil {
				items++
			}
			if items == n {
				cancel()
			}
		}
		cancel()
		if items != n {
			t.Errorf("%d of %d items", items, n)
		}
	}
	refused := &watched{status: func(int, cid.Cid) (*api.GlobalPinInfo, error) {
		return nil, &Error{Op: OpStatusCids, Status: 403, Err: errors.New("no")}
	}}
	var errs []error
	for _, err := range WaitForAll(t.Context(), refused, manyCids(3), toPinned()) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || !errors.Is(errs[0], ErrUnauthorized) {
		t.Errorf("%v", errs)
	}
}

// Items that were not requested, or are reported twice, are not yielded.
func TestWaitForAllIgnoresStrangers(t *testing.T) {
	cids := manyCids(3)
	w := &strange{watched: *sequence(statuses{pinned}), extra: []cid.Cid{cidA, cids[0], cids[0]}}
	n := 0
	for info, err := range WaitForAll(t.Context(), w, cids, toPinned()) {
		if n++; err != nil || info.Cid.Cid == cidA {
			t.Errorf("%v, %v", info, err)
		}
	}
	if n != len(cids) {
		t.Errorf("%d items", n)
	}
}

// strange is a cluster that reports more items than requested.
type strange struct {
	watched
	extra []cid.Cid
}

func (s *strange) StatusCids(ctx context.Context, cids []cid.Cid, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return s.watched.StatusCids(ctx, append(slices.Clone(s.extra), cids...), local)
}
