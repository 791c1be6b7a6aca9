package pinset_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
)

// While nothing is served, the work goes on for the time of the patience, and ends with one
// error then.
func TestPatience(t *testing.T) {
	for _, down := range []error{status(http.StatusServiceUnavailable), status(0), status(http.StatusBadGateway)} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			up := began.Add(time.Minute)
			c := &fake{pin: func(context.Context, cid.Cid) error {
				if time.Now().Before(up) {
					return down
				}
				return nil
			}}
			pinned, errs := collect(pinset.Pin(t.Context(), c, testPins(100), pinset.WithPatience(50*time.Second)))
			if len(pinned) > 0 || len(errs) != 1 || !errors.Is(errs[0], down) || errors.As(errs[0], new(*pinset.ItemError)) {
				t.Errorf("%d pinned, errors %v", len(pinned), errs)
			}
			if took := time.Since(began); took < 50*time.Second || took > 60*time.Second {
				t.Errorf("given up after %s", took)
			}
			up = time.Now().Add(40 * time.Second)
			pinned, errs = collect(pinset.Pin(t.Context(), c, testPins(100), pinset.WithPatience(50*time.Second)))
			if len(pinned) != 100 || len(errs) > 0 {
				t.Errorf("after an outage: %d pinned, errors %v", len(pinned), errs)
			}
		})
	}
}

// A call that the server wants repeated only after the time of the patience fails its item
// after that time. Meanwhile it keeps its place, so that no further call is made in vain, and
// the work ends only if no other call is served.
func TestPatienceWithALongRetryAfter(t *testing.T) {
	busy := &client.Error{Op: client.OpPin, Status: http.StatusTooManyRequests, RetryAfter: time.Hour, Err: errors.New("busy")}
	for refused, want := range map[int64]struct{ pinned, errors int }{2: {98, 2}, 1000: {0, 1}} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var calls atomic.Int64
			c := &fake{pin: func(context.Context, cid.Cid) error {
				if calls.Add(1) <= refused {
					return busy
				}
				time.Sleep(100 * time.Millisecond)
				return nil
			}}
			pinned, errs := collect(pinset.Pin(t.Context(), c, testPins(100), pinset.WithPatience(10*time.Second)))
			if len(pinned) != want.pinned || len(errs) != want.errors || calls.Load() > int64(len(pinned))+10 {
				t.Errorf("%d calls, %d pinned, errors %v", calls.Load(), len(pinned), errs)
			}
			if took := time.Since(began); took < 10*time.Second {
				t.Errorf("given up after %s", took)
			}
			for _, err := range errs {
				if len(errs) > 1 && !errors.As(err, new(*pinset.ItemError)) {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

// An outage fails the first item, and ends the work with the second one, if there is one call
// at a time.
func TestPatienceWithOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := status(http.StatusServiceUnavailable)
		c := &fake{pin: func(context.Context, cid.Cid) error { return down }}
		pinned, errs := collect(pinset.Pin(t.Context(), c, testPins(100), pinset.WithMaxInFlight(1)))
		if len(pinned) > 0 || len(errs) != 2 || !errors.As(errs[0], new(*pinset.ItemError)) || errors.As(errs[1], new(*pinset.ItemError)) {
			t.Errorf("%d pinned, errors %v", len(pinned), errs)
		}
	})
}

// An item that is never served fails, and the others do not, also if there is one call at a
// time.
func TestPatienceWithOneItem(t *testing.T) {
	for _, most := range []int{1, 4, 256} {
		synctest.Test(t, func(t *testing.T) {
			c := &fake{pin: func(_ context.Context, ci cid.Cid) error {
				if ci.Equals(testCid(3).Cid) {
					return status(http.StatusGatewayTimeout)
				}
				time.Sleep(time.Second)
				return nil
			}}
			pinned, errs := collect(pinset.Pin(t.Context(), c, testPins(1000), pinset.WithPatience(10*time.Second), pinset.WithMaxInFlight(most)))
			var item *pinset.ItemError
			if len(pinned) != 999 || len(errs) != 1 || !errors.As(errs[0], &item) || !item.Cid.Equals(testCid(3)) {
				t.Errorf("%d calls at a time: %d pinned, errors %v", most, len(pinned), errs)
			}
		})
	}
}
