package lbclient

import (
	"errors"
	"net/http"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// failureKind is the way in which an attempt failed, as far as it matters for
// what to do next.
type failureKind int

const (
	// refused: by our side; no peer could do better.
	refused failureKind = iota
	// unsent: provably not sent.
	unsent
	// broken: sent, but without a complete answer.
	broken
	// unavailable: 429, 502, 503 or 504, or the 404 of something that is not the
	// API, such as a proxy whose peer is gone.
	unavailable
	// failed: any other 5xx.
	failed
	// ipfsDown: the peer's own IPFS did not take the blocks.
	ipfsDown
	// reported: the server's error behind a good status, in the trailer.
	reported
	// answered: any other status is the server's answer.
	answered
	// noCredentials: not sent, for want of credentials.
	noCredentials
	// redirected: sent elsewhere, where it does not follow, and not acted upon: a
	// login page, a proxy that moved.
	redirected
	failureKinds
)

// failureKindNames are the names in snapshots.
var failureKindNames = [failureKinds]string{"refused", "unsent", "broken", "unavailable", "failed", "ipfs-down", "reported", "answered", "no-credentials", "redirected"}

// ipfsDownText is what an add fails with when none of the IPFS daemons that it
// was to put blocks on took one. It comes in the trailer.
const ipfsDownText = "failed to put block on all destinations"

// cutShortText is the whole trailer of a stream that the server gave up: it is
// stopping, or lost the connection on its side. A call whose own context ended
// is sorted out before.
const cutShortText = "context canceled"

// failureKindOf classifies the error of an attempt. Errors that are not
// *client.Error are those of somebody else's Client: what it sent is anybody's guess.
func failureKindOf(err error) failureKind {
	for _, ours := range []error{client.ErrInvalid, client.ErrSource, client.ErrBodyNotReplayable, client.ErrUnimplemented, ErrReplayDiverged} {
		if errors.Is(err, ours) {
			return refused
		}
	}
	var e *client.Error
	if !errors.As(err, &e) {
		return broken
	}
	switch {
	case errors.Is(err, client.ErrCredentials):
		return noCredentials
	case e.Status == 0 && !e.MayHaveExecuted:
		return unsent
	case e.Status == 0:
		return broken
	case e.Status < 300:
		var trailer api.Error
		switch {
		case !errors.As(e.Err, &trailer), trailer.Message == cutShortText:
			return broken
		case strings.Contains(trailer.Message, ipfsDownText):
			return ipfsDown
		}
		return reported
	case e.Status < 400 && !e.MayHaveExecuted:
		return redirected
	case e.Status < 400:
		return broken
	case e.Status == http.StatusNotFound && !errors.Is(err, client.ErrNotFound):
		return unavailable
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusBadGateway,
		e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		return unavailable
	case e.Status >= 500 && strings.Contains(e.Message, ipfsDownText):
		return ipfsDown
	case e.Status >= 500:
		return failed
	}
	return answered
}

// replayable is the one table of what may be sent to another peer: for each
// replay class the kinds of failure.
var replayable = map[client.ReplayClass][]failureKind{
	client.ReplayOnce:  {unsent, noCredentials, redirected},
	client.ReplayRead:  {unsent, noCredentials, redirected, broken, unavailable, failed, ipfsDown, reported},
	client.ReplayWrite: {unsent, noCredentials, redirected, broken, unavailable},
	client.ReplayAdd:   {unsent, noCredentials, redirected, broken, unavailable, ipfsDown},
}

// isFailure tells whether an attempt that ended so did not do its work.
func (k failureKind) isFailure() bool { return k != refused && k != answered }

// outcomeOf returns what an attempt that failed with err says about the
// endpoint. A cancelled caller is to be sorted out before.
func outcomeOf(err error, class client.ReplayClass) outcome {
	switch failureKindOf(err) {
	case unsent:
		if errors.Is(err, client.ErrClosed) {
			return failure
		}
		return unreachable
	case broken, unavailable, failed, ipfsDown, redirected:
		return failure
	case reported:
		// A write's or an add's is about its arguments as often as not.
		if class == client.ReplayRead {
			return failure
		}
		return neutral
	case answered:
		return success
	}
	return neutral
}
