package pinset

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/sleep"
)

// Pauses before an item is tried again, without jitter.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
)

// retry decides how long the call for an item is repeated.
type retry struct {
	patience time.Duration
	pause    time.Duration // the last one
	began    time.Time     // when the item failed first, or zero
}

// wait waits before the next attempt, and reports whether there is one. There is none if
// ctx has ended, or once the item has failed for as long as patience, but at least one
// otherwise. If the server asks for a longer pause than patience, wait returns false after
// patience: an item that failed at once would make room for a call that is refused as well.
func (r *retry) wait(ctx context.Context, err error) bool {
	now := time.Now()
	if r.began.IsZero() {
		r.began = now
	}
	r.pause = min(max(2*r.pause, firstPause), maxPause)
	pause := r.pause/2 + rand.N(r.pause/2)
	if e := (*client.Error)(nil); errors.As(err, &e) {
		pause = max(pause, e.RetryAfter)
	}
	left := r.patience - now.Sub(r.began)
	switch {
	case left <= 0:
		return false
	case pause > r.patience:
		sleep.For(ctx, left)
		return false
	}
	return sleep.For(ctx, pause)
}

// failed reports whether the call for the item has failed before.
func (r *retry) failed() bool { return !r.began.IsZero() }

// transient reports whether the call may succeed later or elsewhere: the cluster is
// overloaded, or could not be reached, or the answer did not come from its API.
func transient(err error) bool {
	var e *client.Error
	if final(err) || errors.Is(err, client.ErrInvalid) || !errors.As(err, &e) {
		return false
	}
	return e.Status < 300 || e.Unavailable() || e.Status == http.StatusInternalServerError && e.IsForeign()
}

// final reports whether every further call would fail as well.
func final(err error) bool {
	return errors.Is(err, client.ErrClosed) || errors.Is(err, client.ErrUnauthorized) || errors.Is(err, client.ErrUnimplemented)
}

// mayHaveExecuted reports whether a server may have executed the call that failed.
func mayHaveExecuted(err error) bool {
	var e *client.Error
	return errors.As(err, &e) && e.MayHaveExecuted
}
