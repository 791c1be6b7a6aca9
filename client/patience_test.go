package client

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
)

// outage is a cluster whose checks fail with err, or whose second peer cannot be asked if
// err is nil, between the times from and to after the test's start.
func outage(start time.Time, from, to time.Duration, err error) *watched {
	w := &watched{}
	w.status = func(_ int, ci cid.Cid) (*api.GlobalPinInfo, error) {
		now := time.Since(start)
		switch {
		case now >= from && now < to && err != nil:
			return nil, err
		case now >= from && now < to:
			return at(ci, pinned, unasked), nil
		case now < from:
			return at(ci, pinned, pinning), nil
		}
		return at(ci, pinned, pinned), nil
	}
	return w
}

// C6: the patience was five failed checks, so that a caller who checked ten times as often
// had a tenth of it: 0.5 s at 100 ms. A peer that restarted ended the wait. Now it is a time,
// 30 s by default, whatever the frequency.
func TestPatienceIsATime(t *testing.T) {
	reset := &Error{Op: OpStatus, Err: errors.New("connection reset")}
	proxy404 := &Error{Op: OpStatus, Status: 404, Err: errForeign}
	for _, failure := range []error{reset, proxy404, &Error{Op: OpStatus, Status: 408, Err: errors.New("slow")}, nil} {
		for _, freq := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second, 20 * time.Second} {
			for _, patience := range []time.Duration{0, 2 * time.Minute} {
				fp := StatusFilterParams{Cid: cidA, Target: pinned, CheckFreq: freq, Patience: patience}
				if patience == 0 {
					patience = DefaultPatience
				}
				timeless(t, func(t *testing.T) { // a restart within the patience
					c := outage(time.Now(), 40*time.Second, 40*time.Second+patience-time.Second, failure)
					if _, err := WaitFor(t.Context(), c, fp); err != nil {
						t.Errorf("every %s, patience %s: a restart ended the wait: %v", freq, patience, err)
					}
				})
				timeless(t, func(t *testing.T) { // an outage without end
					start := time.Now()
					_, err := WaitFor(t.Context(), outage(start, 40*time.Second, time.Hour, failure), fp)
					took := time.Since(start) - 40*time.Second
					if err == nil || took < patience || took > patience+freq {
						t.Errorf("every %s, patience %s: ended after %s with %v", freq, patience, took, err)
						return
					}
					contains(t, err.Error(), "could not be asked for "+took.String())
					if failure != nil && !errors.Is(err, failure) {
						t.Errorf("%v does not wrap the failure", err)
					}
				})
			}
		}
	}
}

// C6: "will not become pinned" was false for peers that could not be asked. It is said only
// if the peers report errors.
func TestUnaskedPeersMayStillPin(t *testing.T) {
	timeless(t, func(t *testing.T) {
		_, err := WaitFor(t.Context(), sequence(statuses{pinned, unasked}), StatusFilterParams{Cid: cidA, Target: pinned})
		var e *StatusError
		if !errors.As(err, &e) || e.Unasked != DefaultPatience {
			t.Fatalf("%#v", err)
		}
		contains(t, err.Error(), textA+" has not become pinned, and peers could not be asked for 30s; b (peer 1): cluster_error")
	})
	timeless(t, func(t *testing.T) {
		_, err := WaitFor(t.Context(), sequence(statuses{pinned, unasked}, statuses{pinError, unasked}), StatusFilterParams{Cid: cidA, Target: pinned})
		var e *StatusError
		if !errors.As(err, &e) || e.Unasked != 0 || !strings.Contains(err.Error(), "will not become pinned") {
			t.Errorf("%v", err)
		}
	})
}

// A check that fails after a time longer than the patience is followed by another one.
func TestPatienceNeedsTwoChecks(t *testing.T) {
	timeless(t, func(t *testing.T) {
		w := &watched{}
		w.status = func(n int, ci cid.Cid) (*api.GlobalPinInfo, error) {
			if n == 0 {
				time.Sleep(time.Minute)
				return nil, &Error{Op: OpStatus, Err: errors.New("timeout")}
			}
			return at(ci, pinned), nil
		}
		if _, err := WaitFor(t.Context(), w, StatusFilterParams{Cid: cidA, Target: pinned}); err != nil {
			t.Error(err)
		}
	})
}
