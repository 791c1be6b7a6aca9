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
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// DefaultCheckFreq is how often WaitFor asks when nothing else is said.
const DefaultCheckFreq = time.Second

// maxTransient is how many failed checks in a row WaitFor tolerates.
const maxTransient = 5

// StatusFilterParams say what WaitFor waits for.
type StatusFilterParams struct {
	// Cid is the item to wait for. WaitForAll ignores it.
	Cid cid.Cid
	// Local looks at the contacted peer alone.
	Local bool
	// Target is the status to reach. It may be a set, such as
	// api.TrackerStatusPinned|api.TrackerStatusRemote or
	// api.TrackerStatusQueued: a peer is there when its status is in it.
	Target api.TrackerStatus
	// Limit is at how many peers the target must be reached; 0 or less, or
	// more than there are, means at all of them. When all must be pinned,
	// peers that the item is not allocated to (api.TrackerStatusRemote) do
	// not count.
	Limit int
	// CheckFreq is the time between checks; 0 or less means DefaultCheckFreq.
	// The first check is at once.
	CheckFreq time.Duration
}

// maxName bounds the name of a peer in an error, in bytes.
const maxName = 200

// ErrStatus is what WaitFor ends with when peers report that the target will
// not be reached. The error around it is a *StatusError.
var ErrStatus = errors.New("the item is in an error state")

// StatusError tells which peers keep an item from its target.
type StatusError struct {
	// Info is the status that was seen last.
	Info *api.GlobalPinInfo
	// Target is what was waited for.
	Target api.TrackerStatus
	// Failed are the peers that failed, as keys of Info.PeerMap, sorted.
	Failed []string
}

// Error names the peers and what they report, in one line of bounded length.
func (e *StatusError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s will not become %s", e.Info.Cid, e.Target)
	for i, p := range e.Failed {
		if b.Len() > maxMessage {
			fmt.Fprintf(&b, "; and %d more", len(e.Failed)-i)
			break
		}
		info := e.Info.PeerMap[p]
		fmt.Fprintf(&b, "; %s (%s): %s", oneline.Text(p, maxName), oneline.Text(info.PeerName, maxName), info.Status)
		if info.Error != "" {
			fmt.Fprintf(&b, ": %s", clean(info.Error))
		}
	}
	return b.String()
}

// Unwrap returns ErrStatus.
func (e *StatusError) Unwrap() error { return ErrStatus }

// WaitFor asks for the status of an item until it has reached the target, and
// returns that status. It checks at once and then every CheckFreq.
//
// It gives up with a *StatusError when peers that are needed for the target
// report an error, or could not be asked several times in a row; with the last
// error when several checks in a row failed, or one was refused; and with the
// context's error when ctx ends. What was seen last is in the text then.
func WaitFor(ctx context.Context, c Client, fp StatusFilterParams) (*api.GlobalPinInfo, error) {
	if !fp.Cid.Defined() {
		return nil, invalid(OpStatus, "undefined CID to wait for")
	}
	for info, err := range WaitForAll(ctx, c, []cid.Cid{fp.Cid}, fp) {
		return info, err
	}
	return nil, invalid(OpStatus, "nothing to wait for")
}

// WaitForAll is WaitFor for many items, asked for together. It yields each
// item once, when it has reached the target or, with an error, when it will
// not; an item's failure does not end the others' wait. The item is in the
// *StatusError then; any other error concerns all and ends the loop.
func WaitForAll(ctx context.Context, c Client, cids []cid.Cid, fp StatusFilterParams) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		if fp.Target == api.TrackerStatusUndefined {
			yield(nil, invalid(OpStatus, "no target status to wait for: use for example api.TrackerStatusPinned"))
			return
		}
		w := waiter{client: c, fp: fp, last: map[string]*api.GlobalPinInfo{}, unsure: map[string]int{}}
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

// waiter is one wait for one or many items.
type waiter struct {
	client  Client
	fp      StatusFilterParams
	waiting []cid.Cid
	last    map[string]*api.GlobalPinInfo // what was seen last, by CID
	unsure  map[string]int                // checks in a row that peers could not be asked, by CID
}

func (w *waiter) add(ci cid.Cid) {
	if _, ok := w.last[ci.String()]; !ok {
		w.last[ci.String()] = nil
		w.waiting = append(w.waiting, ci)
	}
}

// run checks until no item is waiting any more.
func (w *waiter) run(ctx context.Context, yield func(*api.GlobalPinInfo, error) bool) {
	freq := w.fp.CheckFreq
	if freq <= 0 {
		freq = DefaultCheckFreq
	}
	ticker := time.NewTicker(freq)
	defer ticker.Stop()
	for failures := 0; len(w.waiting) > 0; {
		proceed, err := w.check(ctx, yield)
		switch {
		case !proceed, len(w.waiting) == 0:
			return
		case ctx.Err() != nil:
			yield(nil, w.ended(ctx))
			return
		case err == nil:
			failures = 0
		case !transient(err) || failures == maxTransient:
			yield(nil, err)
			return
		default:
			failures++
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			yield(nil, w.ended(ctx))
			return
		}
	}
}

// check asks once for the status of what is waiting and yields what need not
// wait any more. It returns whether to go on, and how asking failed.
func (w *waiter) check(ctx context.Context, yield func(*api.GlobalPinInfo, error) bool) (proceed bool, err error) {
	asked := make(map[string]bool, len(w.waiting)) // and not yet heard of
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

// ask returns the status of what is waiting.
func (w *waiter) ask(ctx context.Context) iter.Seq2[*api.GlobalPinInfo, error] {
	if len(w.waiting) > 1 {
		return w.client.StatusCids(ctx, slices.Clone(w.waiting), w.fp.Local)
	}
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		yield(w.client.Status(ctx, w.waiting[0], w.fp.Local))
	}
}

// judge tells whether an item has reached the target, or why it will not.
func (w *waiter) judge(key string, info *api.GlobalPinInfo) (reached bool, err error) {
	v := w.fp.verdict(info)
	switch {
	case v.reached:
		return true, nil
	case !v.unsure && !v.lost:
		w.unsure[key] = 0
		return false, nil
	case !v.lost && w.unsure[key] < maxTransient:
		w.unsure[key]++
		return false, nil
	}
	return false, &StatusError{Info: info, Target: w.fp.Target, Failed: v.failed}
}

// ended is the error of a wait that its context ended.
func (w *waiter) ended(ctx context.Context) error {
	first := w.waiting[0].String()
	seen := "its status was never learnt"
	if info := w.last[first]; info != nil {
		seen = "last seen as " + clean(info.String())
	}
	return fmt.Errorf("waiting for %d items to become %s: %w (the first is %s; %s)",
		len(w.waiting), w.fp.Target, ctxerr.Of(ctx), first, seen)
}

// transient tells whether asking again may help.
func transient(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch {
	case errors.Is(err, ErrClosed), errors.Is(err, ErrInvalid):
		return false
	case e.Status == http.StatusTooManyRequests, e.Status >= 500:
		return true
	case e.Status == http.StatusNotFound:
		return !errors.Is(err, ErrNotFound) // of a proxy
	}
	return e.Status < 300
}

// verdict is what the statuses of an item's peers say about the target.
type verdict struct {
	reached bool
	// lost: so many peers have failed that it will not be reached.
	lost bool
	// unsure: it would be lost if the peers that could not be asked had failed.
	unsure bool
	// failed are the peers that have failed or could not be asked, sorted.
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
			// Of a newer server, who knows what it leads to.
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
