package pinset_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestPinAndUnpin(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	const n = 300
	var last pinset.Progress
	pinned, errs := collect(pinset.Pin(t.Context(), c, testPins(n), pinset.WithProgress(func(p pinset.Progress) { last = p })))
	if len(errs) > 0 || len(pinned) != n {
		t.Fatalf("%d pins, errors %v", len(pinned), errs)
	}
	if last.Read != n || last.Done != n || last.Failed != 0 || last.Limit < 1 {
		t.Errorf("progress at the end: %+v", last)
	}
	var stored []*api.Pin
	for _, p := range cluster.Pinset() {
		stored = append(stored, &p)
	}
	if !slices.Equal(names(stored), names(pinned)) {
		t.Errorf("%d pins in the cluster, %d in the loop", len(stored), len(pinned))
	}

	// Half of them is unpinned, and one that is not pinned.
	unpinned, errs := collect(pinset.Unpin(t.Context(), c, pinset.Cids(func(yield func(cid.Cid) bool) {
		for i := range n/2 + 1 {
			if i == n/2 {
				i = n
			}
			if !yield(testCid(i).Cid) {
				return
			}
		}
	}, api.PinOptions{})))
	if len(unpinned) != n/2 || len(cluster.Pinset()) != n/2 {
		t.Errorf("%d unpinned, %d left", len(unpinned), len(cluster.Pinset()))
	}
	var item *pinset.ItemError
	if len(errs) != 1 || !errors.As(errs[0], &item) || !item.Cid.Equals(testCid(n)) || item.Op != client.OpUnpin || !errors.Is(item, client.ErrNotFound) {
		t.Errorf("errors = %v", errs)
	}
}

// A part of sharded content is an error: an ordinary pin of it would have each peer fetch all
// of the content.
func TestPinOfShardedContent(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	pins := []*api.Pin{testPin(0), testPin(1), testPin(2), testPin(3)}
	for i, pinType := range []api.PinType{api.MetaType, api.ClusterDAGType, api.ShardType} {
		pins[i].Type = pinType
	}
	pinned, errs := collect(pinset.Pin(t.Context(), c, source(pins...)))
	if !slices.Equal(names(pinned), []string{"pin 3"}) || len(errs) != 3 || len(cluster.Pinset()) != 1 {
		t.Errorf("pinned %v; errors %v", names(pinned), errs)
	}
	for _, err := range errs {
		var item *pinset.ItemError
		if !errors.As(err, &item) || !errors.Is(err, pinset.ErrSharded) {
			t.Errorf("%v", err)
		}
	}
}

func TestRecover(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	cids := cluster.Seed(20)
	for _, ci := range cids {
		cluster.SetStatus(ci, 1, api.TrackerStatusPinError, "broken")
	}
	infos, errs := collect(pinset.Recover(t.Context(), c, pinset.Cids(slices.Values(cids), api.PinOptions{})))
	if len(errs) > 0 || len(infos) != len(cids) {
		t.Fatalf("%d recovered, errors %v", len(infos), errs)
	}
	for _, ci := range cids {
		if info, err := c.Status(t.Context(), ci, false); err != nil || !info.Pinned(0) {
			t.Errorf("%s, %v", info, err)
		}
	}
}

// Items that fail do not keep the others from being pinned.
func TestFailuresDoNotEndTheWork(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	bad := testPin(1000)
	bad.ReplicationFactorMin, bad.ReplicationFactorMax = 100, 100
	unknown := &api.Pin{}
	broken := errors.New("broken line")
	pins := func(yield func(*api.Pin, error) bool) {
		_ = yield(bad, nil) && yield(testPin(0), nil) && yield(nil, broken) && yield(unknown, nil) && yield(nil, nil) && yield(testPin(1), nil)
	}
	pinned, errs := collect(pinset.Pin(t.Context(), c, pins))
	if !slices.Equal(names(pinned), []string{"pin 0", "pin 1"}) {
		t.Errorf("pinned %v", names(pinned))
	}
	if len(errs) != 4 {
		t.Fatalf("errors = %v", errs)
	}
	found := map[string]bool{}
	for _, err := range errs {
		var item *pinset.ItemError
		switch {
		case err == broken:
			found["source"] = true
		case errors.As(err, &item) && item.Cid.Equals(bad.Cid):
			found["refused"] = true
		case errors.Is(err, client.ErrInvalid):
			found[fmt.Sprintf("invalid, of an item: %t", item != nil)] = true
			if item != nil && !strings.HasPrefix(err.Error(), "an item without a CID: ") {
				t.Errorf("%v", err)
			}
		}
	}
	if len(found) != 4 {
		t.Errorf("errors = %v", errs)
	}
}

// fake is a client whose pins and unpins are functions.
type fake struct {
	client.Unimplemented
	pin   func(ctx context.Context, ci cid.Cid) error
	unpin func(ctx context.Context, ci cid.Cid) error
}

func (f *fake) Pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) (*api.Pin, error) {
	if err := f.pin(ctx, ci); err != nil {
		return nil, err
	}
	pin := api.PinWithOpts(api.NewCid(ci), opts)
	return &pin, nil
}

func (f *fake) Unpin(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	if err := f.unpin(ctx, ci); err != nil {
		return nil, err
	}
	pin := api.PinCid(api.NewCid(ci))
	return &pin, nil
}

// status returns the error of a call that was answered with a status.
func status(code int) error {
	return &client.Error{Op: client.OpPin, Endpoint: "peer", Status: code, Err: errors.New(http.StatusText(code))}
}

// Leaving the loop ends the calls in flight, and the source.
func TestLeavingTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began, ended atomic.Int64
		c := &fake{pin: func(ctx context.Context, _ cid.Cid) error {
			if began.Add(1) == 1 {
				return nil
			}
			<-ctx.Done()
			ended.Add(1)
			return ctx.Err()
		}}
		for range pinset.Pin(t.Context(), c, testPins(1000), pinset.WithMaxInFlight(4)) {
			break
		}
		// A goroutine that is left would make the bubble fail.
		if began.Load() != ended.Load()+1 || began.Load() > 10 {
			t.Errorf("%d calls began, and %d were ended", began.Load(), ended.Load())
		}
	})
}

// The end of the context ends the work with one error, after what was done.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var n atomic.Int64
		c := &fake{pin: func(ctx context.Context, _ cid.Cid) error {
			if n.Add(1) <= 20 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		pinned, errs := collect(pinset.Pin(ctx, c, testPins(1000)))
		if len(pinned) != 20 {
			t.Errorf("%d pinned, want 20", len(pinned))
		}
		if len(errs) != 1 || !errors.Is(errs[0], context.DeadlineExceeded) {
			t.Errorf("errors = %v", errs)
		}
	})
}

// Errors that every further call would return end the work.
func TestFinalErrors(t *testing.T) {
	for _, final := range []error{client.ErrClosed, status(http.StatusUnauthorized), client.ErrUnimplemented} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			c := &fake{pin: func(context.Context, cid.Cid) error {
				if calls.Add(1) > 5 {
					return final
				}
				return nil
			}}
			pinned, errs := collect(pinset.Pin(t.Context(), c, testPins(1000), pinset.WithMaxInFlight(4)))
			if len(pinned) != 5 || len(errs) != 1 || !errors.Is(errs[0], final) || calls.Load() > 20 {
				t.Errorf("%v: %d pinned after %d calls, errors %v", final, len(pinned), calls.Load(), errs)
			}
		})
	}
}

// A call that is refused is repeated, after the time that the server asks for.
func TestRefusedCallsAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, refused := time.Now(), map[cid.Cid]bool{}
		busy := &client.Error{Op: client.OpPin, Status: http.StatusTooManyRequests, RetryAfter: 7 * time.Second, Err: errors.New("busy")}
		c := &fake{pin: func(_ context.Context, ci cid.Cid) error {
			if !refused[ci] {
				refused[ci] = true
				return busy
			}
			return nil
		}}
		pinned, errs := collect(pinset.Pin(t.Context(), c, testPins(1)))
		if len(pinned) != 1 || len(errs) > 0 {
			t.Errorf("%d pinned, errors %v", len(pinned), errs)
		}
		if took := time.Since(began); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("repeated after %s", took)
		}
	})
}

// "Not found" after an unpin that may have been executed means that it was.
func TestUnpinAfterAnUncertainAttempt(t *testing.T) {
	for _, executed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			c := &fake{unpin: func(context.Context, cid.Cid) error {
				if calls++; calls == 1 {
					return &client.Error{Op: client.OpUnpin, MayHaveExecuted: executed, Err: errors.New("connection lost")}
				}
				return status(http.StatusNotFound)
			}}
			unpinned, errs := collect(pinset.Unpin(t.Context(), c, testPins(1)))
			if executed != (len(unpinned) == 1 && len(errs) == 0) || executed == (len(errs) == 1) {
				t.Errorf("may have been executed: %t; %d unpinned, errors %v", executed, len(unpinned), errs)
			}
		})
	}
}

// A panic of the source or of the client reaches the goroutine of the loop.
func TestPanics(t *testing.T) {
	fine := &fake{pin: func(context.Context, cid.Cid) error { return nil }}
	for name, seq := range map[string]iter.Seq2[*api.Pin, error]{
		"source": pinset.Pin(t.Context(), fine, func(yield func(*api.Pin, error) bool) {
			yield(testPin(0), nil)
			panic("oops")
		}),
		"client": pinset.Pin(t.Context(), &fake{pin: func(context.Context, cid.Cid) error { panic("oops") }}, testPins(10)),
		"progress": func(yield func(*api.Pin, error) bool) {
			for range pinset.Pin(t.Context(), fine, testPins(10), pinset.WithProgress(func(pinset.Progress) { panic("oops") })) {
				t.Error("a result after the panic")
			}
		},
		"loop": func(yield func(*api.Pin, error) bool) {
			for range pinset.Pin(t.Context(), fine, testPins(10)) {
				panic("oops")
			}
		},
	} {
		func() {
			defer func() {
				if r := recover(); r == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			collect(seq)
		}()
	}
}
