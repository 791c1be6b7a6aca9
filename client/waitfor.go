package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// DefaultCheckFreq is the time between WaitFor's checks if CheckFreq is not set.
const DefaultCheckFreq = time.Second

// DefaultPatience is WaitFor's patience if Patience is not set. It is longer than
// the restart of a peer takes.
const DefaultPatience = 30 * time.Second

// StatusFilterParams are the parameters of WaitFor and WaitForAll.
type StatusFilterParams struct {
	// Cid is the item to wait for. WaitForAll ignores it.
	Cid cid.Cid
	// Local limits the check to the contacted peer.
	Local bool
	// Target is the status to reach. It may be a set of statuses, such as
	// api.TrackerStatusPinned|api.TrackerStatusRemote or
	// api.TrackerStatusQueued. A peer has reached the target when its status is
	// in the set.
	Target api.TrackerStatus
	// Limit is the number of peers that must reach the target. 0 or less, or
	// more than there are peers, means all peers. If Target includes
	// api.TrackerStatusPinned, peers whose status is api.TrackerStatusRemote
	// (the item is not allocated to them) do not count, unless Target includes
	// that status too.
	Limit int
	// CheckFreq is the time between checks. 0 or less means DefaultCheckFreq.
	CheckFreq time.Duration
	// Patience is the time for which all checks may fail, or for which peers that
	// are needed for the target may be unreachable for the contacted peer. After
	// it, the wait ends with an error. 0 or less means DefaultPatience. A wait ends
	// only at a check, and never at the first one that fails.
	Patience time.Duration
}

// maxName is the maximum size of a peer's name in an error, in bytes.
const maxName = 200

// ErrStatus is wrapped by every *StatusError, for errors.Is.
var ErrStatus = errors.New("the item is in an error state")

// StatusError reports that an item will not reach the target of WaitFor because
// peers failed, or that too many peers could not be asked.
type StatusError struct {
	// Info is the last status of the item.
	Info *api.GlobalPinInfo
	// Target is the status that WaitFor waited for.
	Target api.TrackerStatus
	// Failed lists the peers that report an error or could not be queried, as
	// sorted keys of Info.PeerMap.
	Failed []string
	// Unasked is the time for which peers in Failed could not be queried. It is
	// positive if the item may still reach the target once they can be.
	Unasked time.Duration
}

// Error returns one line of bounded length with the failed peers and their errors.
func (e *StatusError) Error() string {
	var b strings.Builder
	info := e.Info
	if info == nil {
		info = &api.GlobalPinInfo{} // in an error that a program has created
	}
	if e.Unasked > 0 {
		fmt.Fprintf(&b, "%s has not become %s, and peers could not be asked for %s", info.Cid, e.Target, e.Unasked.Round(time.Millisecond))
	} else {
		fmt.Fprintf(&b, "%s will not become %s", info.Cid, e.Target)
	}
	for i, p := range e.Failed {
		if b.Len() > maxMessage {
			fmt.Fprintf(&b, "; and %d more", len(e.Failed)-i)
			break
		}
		report := info.PeerMap[p]
		fmt.Fprintf(&b, "; %s (%s): %s", oneline.Text(p, maxName), oneline.Text(report.PeerName, maxName), report.Status)
		if report.Error != "" {
			fmt.Fprintf(&b, ": %s", clean(report.Error))
		}
	}
	return b.String()
}

// Unwrap returns ErrStatus.
func (e *StatusError) Unwrap() error { return ErrStatus }

// WaitFor polls the status of an item until the item has reached the target, and
// returns that status. It checks at once and then every CheckFreq.
//
// WaitFor returns a *StatusError if the target cannot be reached because peers
// report an error. It also returns one if peers that are needed for the target
// could not be queried for as long as Patience. If a check fails with an error that
// may be transient, such as that of a peer that restarts, WaitFor checks again, and
// returns the error when no check has succeeded for Patience. It returns any other
// error at once. When ctx ends, WaitFor returns an error that wraps ctx.Err() and
// describes the last status. Only ctx bounds the duration of a single check.
func WaitFor(ctx context.Context, c Client, fp StatusFilterParams) (*api.GlobalPinInfo, error) {
	if !fp.Cid.Defined() {
		return nil, invalid(OpStatus, "undefined CID to wait for")
	}
	for info, err := range WaitForAll(ctx, c, []cid.Cid{fp.Cid}, fp) {
		return info, err
	}
	return nil, invalid(OpStatus, "nothing to wait for")
}

// WaitForAll is WaitFor for many items, which it queries together. It yields each
// item once, as soon as the item has reached the target. If an item will not
// reach it, WaitForAll yields a nil item with a *StatusError, whose Info is the
// item, and goes on with the other items. Any other error ends the loop. Loop with
// two variables: a loop with one discards the errors.
func WaitForAll(ctx context.Context, c Client, cids []cid.Cid, fp StatusFilterParams) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		if nilness.Is(c) {
			yield(nil, invalid(OpStatus, "no client to wait with"))
			return
		}
		if fp.Target == api.TrackerStatusUndefined {
			yield(nil, invalid(OpStatus, "no target status to wait for: use for example api.TrackerStatusPinned"))
			return
		}
		w := newWaiter(c, fp)
		for _, ci := range cids {
			if !ci.Defined() {
				yield(nil, invalid(OpStatus, "undefined CID to wait for"))
				return
			}
			w.add(ci)
		}
		w.run(ctx, yield)
	}
}

// waiter is the state of one WaitFor or WaitForAll.
type waiter struct {
	client  Client
	fp      StatusFilterParams // with the defaults
	waiting []cid.Cid
	last    map[string]*api.GlobalPinInfo // last status, by CID
	unsure  map[string]time.Time          // when the verdict became unsure, by CID
}

func newWaiter(c Client, fp StatusFilterParams) *waiter {
	if fp.CheckFreq <= 0 {
		fp.CheckFreq = DefaultCheckFreq
	}
	if fp.Patience <= 0 {
		fp.Patience = DefaultPatience
	}
	return &waiter{client: c, fp: fp, last: map[string]*api.GlobalPinInfo{}, unsure: map[string]time.Time{}}
}

func (w *waiter) add(ci cid.Cid) {
	if _, ok := w.last[ci.String()]; !ok {
		w.last[ci.String()] = nil
		w.waiting = append(w.waiting, ci)
	}
}

// run checks until no item is left to wait for.
func (w *waiter) run(ctx context.Context, yield func(*api.GlobalPinInfo, error) bool) {
	ticker := time.NewTicker(w.fp.CheckFreq)
	defer ticker.Stop()
	var failing time.Time // when the first of the last checks began that all failed, or zero
	for len(w.waiting) > 0 {
		began := time.Now()
		proceed, err := w.check(ctx, yield)
		switch {
		case !proceed, len(w.waiting) == 0:
			return
		case ctx.Err() != nil:
			yield(nil, w.ended(ctx))
			return
		case err == nil:
			failing = time.Time{}
		case !transient(err):
			yield(nil, err)
			return
		case failing.IsZero():
			failing = began
		case time.Since(failing) >= w.fp.Patience:
			yield(nil, fmt.Errorf("the cluster could not be asked for %s: %w", time.Since(failing).Round(time.Millisecond), err))
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			yield(nil, w.ended(ctx))
			return
		}
	}
}

// check queries the status of the waiting items once, and yields and removes the
// items that have reached the target or will not reach it. proceed is false if
// the consumer has ended the loop. err is the error of the query.
func (w *waiter) check(ctx context.Context, yield func(*api.GlobalPinInfo, error) bool) (proceed bool, err error) {
	asked := make(map[string]bool, len(w.waiting)) // without a status yet
	for _, ci := range w.waiting {
		asked[ci.String()] = true
	}
	done := map[string]bool{}
	proceed = true
	for info, askErr := range w.ask(ctx) {
		if askErr != nil {
			err = askErr
			break
		}
		key := info.Cid.String()
		if len(w.waiting) == 1 {
			key = w.waiting[0].String()
		}
		if !asked[key] {
			continue
		}
		delete(asked, key)
		w.last[key] = info
		switch reached, statusErr := w.judge(key, info); {
		case reached:
			proceed = yield(info, nil)
		case statusErr != nil:
			proceed = yield(nil, statusErr)
		default:
			continue
		}
		done[key] = true
		if !proceed {
			break
		}
	}
	w.waiting = slices.DeleteFunc(w.waiting, func(ci cid.Cid) bool { return done[ci.String()] })
	return proceed, err
}

// ask queries the status of the waiting items.
func (w *waiter) ask(ctx context.Context) iter.Seq2[*api.GlobalPinInfo, error] {
	if len(w.waiting) > 1 {
		return w.client.StatusCids(ctx, slices.Clone(w.waiting), w.fp.Local)
	}
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		yield(w.client.Status(ctx, w.waiting[0], w.fp.Local))
	}
}

// judge reports whether an item has reached the target. It returns an error if the
// item will not reach it.
func (w *waiter) judge(key string, info *api.GlobalPinInfo) (reached bool, err error) {
	v := w.fp.verdict(info)
	lost := &StatusError{Info: info, Target: w.fp.Target, Failed: v.failed}
	switch {
	case v.reached:
		return true, nil
	case v.lost:
		return false, lost
	case !v.unsure:
		delete(w.unsure, key)
		return false, nil
	}
	since, ok := w.unsure[key]
	if !ok {
		w.unsure[key] = time.Now()
		return false, nil
	}
	if lost.Unasked = time.Since(since); lost.Unasked < w.fp.Patience {
		return false, nil
	}
	return false, lost
}

// ended returns the error of a wait whose context has ended.
func (w *waiter) ended(ctx context.Context) error {
	first := w.waiting[0].String()
	seen := "its status was never learnt"
	if info := w.last[first]; info != nil {
		seen = "last seen as " + clean(info.String())
	}
	return fmt.Errorf("waiting for %d items to become %s: %w (the first is %s; %s)",
		len(w.waiting), w.fp.Target, ctxerr.Of(ctx), first, seen)
}

// transient reports whether another check may succeed after err.
func transient(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, final := range []error{ErrClosed, ErrInvalid, ErrUnimplemented} {
		if errors.Is(err, final) {
			return false
		}
	}
	return e.Status < 300 || e.Status == http.StatusInternalServerError || e.Unavailable()
}

// verdict is the result of comparing an item's status with the target.
type verdict struct {
	reached bool
	// lost: too many peers have failed for the target to be reached.
	lost bool
	// unsure: the target is lost if the peers that could not be queried have failed.
	unsure bool
	// failed lists the peers that have failed or could not be queried, sorted.
	failed []string
}

func (fp StatusFilterParams) verdict(info *api.GlobalPinInfo) verdict {
	var v verdict
	var there, remote, failing int
	for p, at := range info.PeerMap {
		switch {
		case at.Status&fp.Target != 0:
			there++
		case at.Status == api.TrackerStatusRemote && fp.Target&api.TrackerStatusPinned != 0:
			remote++
		case at.Status&(api.TrackerStatusPinError|api.TrackerStatusUnpinError) != 0:
			failing++
			v.failed = append(v.failed, p)
		case at.UnknownStatus != "":
			// A newer server's status. It may still lead to the target.
		case at.Status == api.TrackerStatusUndefined, at.Status == api.TrackerStatusClusterError:
			v.failed = append(v.failed, p)
		}
	}
	slices.Sort(v.failed)
	able := len(info.PeerMap) - remote
	need := able
	if fp.Limit > 0 && fp.Limit < need {
		need = fp.Limit
	}
	v.reached = there > 0 && there >= need
	v.lost = able-failing < need
	v.unsure = able-len(v.failed) < need
	return v
}
