package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
)

// watched is a cluster that answers only status calls. The result of call n, counted from
// 0, is what status returns for n.
type watched struct {
	Unimplemented
	status func(n int, ci cid.Cid) (*api.GlobalPinInfo, error)
	asked  int
	times  []time.Time
}

func (w *watched) next() int {
	w.asked++
	w.times = append(w.times, time.Now())
	return w.asked - 1
}

func (w *watched) Status(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error) {
	n := w.next()
	if ctx.Err() != nil {
		return nil, &Error{Op: OpStatus, Err: context.Cause(ctx)}
	}
	return w.status(n, ci)
}

func (w *watched) StatusCids(ctx context.Context, cids []cid.Cid, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		n := w.next()
		for _, ci := range cids {
			info, err := w.status(n, ci)
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// at returns the status of an item at peers a, b, c, ….
func at(ci cid.Cid, statuses ...api.TrackerStatus) *api.GlobalPinInfo {
	info := &api.GlobalPinInfo{Cid: api.NewCid(ci), PeerMap: map[string]api.PinInfoShort{}}
	for i, s := range statuses {
		short := api.PinInfoShort{PeerName: fmt.Sprintf("peer %d", i), Status: s}
		if s&api.TrackerStatusError != 0 {
			short.Error = "disk full"
		}
		info.PeerMap[string(rune('a'+i))] = short
	}
	return info
}

// sequence returns a cluster whose call n returns the nth list; the last list is repeated.
func sequence(lists ...[]api.TrackerStatus) *watched {
	return &watched{status: func(n int, ci cid.Cid) (*api.GlobalPinInfo, error) {
		return at(ci, lists[min(n, len(lists)-1)]...), nil
	}}
}

const (
	pinned   = api.TrackerStatusPinned
	pinning  = api.TrackerStatusPinning
	queued   = api.TrackerStatusPinQueued
	remote   = api.TrackerStatusRemote
	pinError = api.TrackerStatusPinError
	unasked  = api.TrackerStatusClusterError
)

type statuses = []api.TrackerStatus

// patient is the number of consecutive failed checks that toPinned tolerates.
const patient = 5

func toPinned() StatusFilterParams {
	return StatusFilterParams{Cid: cidA, Target: pinned, CheckFreq: time.Minute, Patience: patient * time.Minute}
}

// timeless runs f under synctest, where time passes only while all goroutines wait.
func timeless(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// within returns a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// U27: a CheckFreq of 0 panicked in a goroutine. Now 0 and negative values mean the default.
func TestU27CheckFreqDefault(t *testing.T) {
	for _, freq := range []time.Duration{0, -time.Second} {
		timeless(t, func(t *testing.T) {
			w := sequence(statuses{pinning}, statuses{pinning}, statuses{pinned})
			fp := toPinned()
			fp.CheckFreq = freq
			start := time.Now()
			if _, err := WaitFor(t.Context(), w, fp); err != nil || time.Since(start) != 2*DefaultCheckFreq {
				t.Errorf("%s: %v after %s", freq, err, time.Since(start))
			}
		})
	}
}

// U28: each wait that ended with its context, or with an error, leaked goroutines.
func TestU28NoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if _, err := WaitFor(ctx, sequence(statuses{pinning}), toPinned()); !isCanceled(err) {
			t.Fatal(err)
		}
		if _, err := WaitFor(t.Context(), &watched{status: func(int, cid.Cid) (*api.GlobalPinInfo, error) {
			return nil, &Error{Op: OpStatus, Status: 401, Err: errors.New("no")}
		}}, toPinned()); !errors.Is(err, ErrUnauthorized) {
			t.Fatal(err)
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines became %d", before, after)
	}
}

// U29: an empty peer map, or one where all peers are remote, counted as pinned.
func TestU29NobodyIsNotReached(t *testing.T) {
	for _, list := range []statuses{nil, {remote, remote}} {
		timeless(t, func(t *testing.T) {
			info, err := WaitFor(within(t, time.Hour), sequence(list), toPinned())
			if info != nil || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: %v, %v", list, info, err)
			}
		})
	}
	// Remote peers do not count if other peers pin.
	if _, err := WaitFor(t.Context(), sequence(statuses{remote, pinned, remote}), toPinned()); err != nil {
		t.Error(err)
	}
	// Remote is a valid target.
	fp := toPinned()
	fp.Target = remote
	if _, err := WaitFor(t.Context(), sequence(statuses{remote}), fp); err != nil {
		t.Error(err)
	}
}

// U30: one failed peer ended the wait although other peers satisfied the limit. So did a
// single failed request.
func TestU30FailuresThatDoNotMatter(t *testing.T) {
	limited := toPinned()
	limited.Limit = 1
	for _, list := range []statuses{{pinned, pinError}, {pinError, pinned, pinError, remote}} {
		if _, err := WaitFor(t.Context(), sequence(list), limited); err != nil {
			t.Errorf("%v: %v", list, err)
		}
	}
	timeless(t, func(t *testing.T) { // another peer may still reach the target
		w := sequence(statuses{pinError, pinning}, statuses{pinError, pinning}, statuses{pinError, pinned})
		if _, err := WaitFor(t.Context(), w, limited); err != nil || w.asked != 3 {
			t.Errorf("%d checks, %v", w.asked, err)
		}
	})
	timeless(t, func(t *testing.T) { // a peer that could not be queried may answer later
		w := sequence(statuses{pinned, unasked}, statuses{pinned, api.TrackerStatusUndefined}, statuses{pinned, pinned})
		if _, err := WaitFor(t.Context(), w, toPinned()); err != nil || w.asked != 3 {
			t.Errorf("%d checks, %v", w.asked, err)
		}
	})
	timeless(t, func(t *testing.T) { // a peer that never answers ends the wait
		w := sequence(statuses{pinned, unasked})
		_, err := WaitFor(t.Context(), w, toPinned())
		if !errors.Is(err, ErrStatus) || w.asked != patient+1 {
			t.Errorf("%d checks, %v", w.asked, err)
		}
	})
	timeless(t, func(t *testing.T) { // an error is not final while another peer could not be queried
		fp := toPinned()
		fp.Limit = 2
		w := sequence(statuses{pinError, unasked, pinning}, statuses{pinError, pinned, pinned})
		if _, err := WaitFor(t.Context(), w, fp); err != nil || w.asked != 2 {
			t.Errorf("%d checks, %v", w.asked, err)
		}
	})
	for name, test := range map[string]struct {
		err   error
		fails int // number of consecutive failures
		ok    bool
	}{
		"connection":    {&Error{Op: OpStatus, Err: errors.New("reset")}, patient, true},
		"503":           {&Error{Op: OpStatus, Status: 503, Err: errors.New("later")}, patient, true},
		"too many":      {&Error{Op: OpStatus, Status: 503, Err: errors.New("later")}, patient + 1, false},
		"incomplete":    {&Error{Op: OpStatus, Status: 200, Err: ErrIncomplete}, 1, true},
		"401":           {&Error{Op: OpStatus, Status: 401, Err: errors.New("who?")}, 1, false},
		"unimplemented": {&Error{Op: OpStatus, Err: ErrUnimplemented}, 1, false},
		"redirect":      {&Error{Op: OpStatus, Status: 301, Err: errors.New("there")}, 1, false},
		"closed":        {&Error{Op: OpStatus, Err: ErrClosed}, 1, false},
		"a mistake":     {errors.New("plain"), 1, false},
	} {
		timeless(t, func(t *testing.T) {
			w := &watched{}
			w.status = func(n int, ci cid.Cid) (*api.GlobalPinInfo, error) {
				switch n % (test.fails + 1) {
				case test.fails: // a check between the failures succeeds
					if n > 3*test.fails {
						return at(ci, pinned), nil
					}
					return at(ci, pinning), nil
				default:
					return nil, test.err
				}
			}
			info, err := WaitFor(t.Context(), w, toPinned())
			if (err == nil) != test.ok || (info == nil) == test.ok || err != nil && !errors.Is(err, test.err) {
				t.Errorf("%s: %v behind %d checks", name, err, w.asked)
			}
		})
	}
}

// U31: targets that are sets were never reached, and a target that is an error status was
// reported as an error.
func TestU31CompositeAndErrorTargets(t *testing.T) {
	for _, test := range []struct {
		target api.TrackerStatus
		list   statuses
	}{
		{api.TrackerStatusQueued, statuses{queued, api.TrackerStatusUnpinQueued}},
		{api.TrackerStatusError, statuses{pinError, unasked}},
		{pinError, statuses{pinError}},
		{unasked, statuses{unasked}},
		{pinned | remote, statuses{pinned, remote}},
		{pinned | pinning, statuses{pinning}},
		{api.TrackerStatusUnpinned, statuses{api.TrackerStatusUnpinned, api.TrackerStatusUnpinned}},
	} {
		fp := toPinned()
		fp.Target = test.target
		if _, err := WaitFor(t.Context(), sequence(test.list), fp); err != nil {
			t.Errorf("%s with %v: %v", test.target, test.list, err)
		}
	}
	timeless(t, func(t *testing.T) {
		fp := toPinned()
		fp.Target = pinned | remote
		if _, err := WaitFor(within(t, time.Hour), sequence(statuses{pinned, pinning}), fp); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("reached too early: %v", err)
		}
	})
}

// U32: the first check came after one full interval, and the error named neither the failed
// peer nor its error.
func TestU32FirstCheckAtOnceAndErrorDetails(t *testing.T) {
	timeless(t, func(t *testing.T) {
		w := sequence(statuses{pinning}, statuses{pinned})
		start := time.Now()
		info, err := WaitFor(t.Context(), w, toPinned())
		if err != nil || info.PeerMap["a"].Status != pinned || !w.times[0].Equal(start) || w.times[1].Sub(start) != time.Minute {
			t.Errorf("checks at %v, %v", w.times, err)
		}
	})
	_, err := WaitFor(t.Context(), sequence(statuses{pinned, pinError, pinError}), toPinned())
	var e *StatusError
	if !errors.As(err, &e) || !errors.Is(err, ErrStatus) || !slices.Equal(e.Failed, []string{"b", "c"}) || e.Target != pinned || e.Info == nil {
		t.Fatalf("%v", err)
	}
	contains(t, err.Error(), textA+" will not become pinned", "b (peer 1): pin_error: disk full", "c (peer 2)")
	timeless(t, func(t *testing.T) {
		reason := errors.New("lunch")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(90*time.Second, func() { cancel(reason) })
		start := time.Now()
		_, err := WaitFor(ctx, sequence(statuses{pinning, queued}), toPinned())
		if !isCanceled(err) || !errors.Is(err, reason) || time.Since(start) != 90*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		contains(t, err.Error(), textA, "to become pinned", "pinning", "pin_queued")
	})
}

// Limit counts peers that have reached the target. More than there are peers means all.
func TestWaitForLimit(t *testing.T) {
	for _, test := range []struct {
		limit int
		list  statuses
		ok    bool
	}{
		{0, statuses{pinned, pinning}, false},
		{-1, statuses{pinned, pinning}, false},
		{1, statuses{pinned, pinning}, true},
		{2, statuses{pinned, pinning}, false},
		{9, statuses{pinned, pinned}, true},
		{9, statuses{pinned, pinned, remote}, true},
		{2, statuses{pinned, pinned, pinning, remote}, true},
	} {
		timeless(t, func(t *testing.T) {
			fp := toPinned()
			fp.Limit = test.limit
			if _, err := WaitFor(within(t, time.Hour), sequence(test.list), fp); (err == nil) != test.ok {
				t.Errorf("%d with %v: %v", test.limit, test.list, err)
			}
		})
	}
}

// A status that only newer servers have is neither success nor failure.
func TestWaitForUnknownStatus(t *testing.T) {
	timeless(t, func(t *testing.T) {
		w := &watched{status: func(n int, ci cid.Cid) (*api.GlobalPinInfo, error) {
			info := at(ci, pinned)
			if n < 20 {
				info.PeerMap["a"] = api.PinInfoShort{UnknownStatus: "meditating"}
			}
			return info, nil
		}}
		if _, err := WaitFor(t.Context(), w, toPinned()); err != nil || w.asked != 21 {
			t.Errorf("%d checks, %v", w.asked, err)
		}
	})
}

func TestWaitForInvalid(t *testing.T) {
	w := sequence(statuses{pinned})
	if _, err := WaitFor(t.Context(), w, StatusFilterParams{Target: pinned}); !isInvalid(err) {
		t.Error(err)
	}
	if _, err := WaitFor(t.Context(), w, StatusFilterParams{Cid: cidA}); !isInvalid(err) {
		t.Error(err)
	}
	for _, err := range WaitForAll(t.Context(), w, []cid.Cid{cidA, cid.Undef}, toPinned()) {
		if !isInvalid(err) {
			t.Error(err)
		}
	}
	if w.asked != 0 {
		t.Errorf("%d requests", w.asked)
	}
}
