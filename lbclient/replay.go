package lbclient

import (
	"errors"
	"net/http"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// failureKind is the kind of an attempt's failure. Together with the replay class of the
// operation, it determines whether the call is retried, and the effect on the endpoint's
// health.
type failureKind int

const (
	// refused means an error on this side that would be the same at every peer.
	refused failureKind = iota
	// unsent means that the request was provably not sent.
	unsent
	// broken means that the request was sent and no complete answer came.
	broken
	// unavailable means a status that does not come from the API but from a proxy
	// or a rate limit (see client.Error.Unavailable).
	unavailable
	// ending means the API's error of a peer that is shutting down (see isEnding).
	ending
	// failed means the status 500, which is the API's.
	failed
	// ipfsDown means that the peer's IPFS daemon did not accept the blocks.
	ipfsDown
	// reported means an error in the trailer, after a good status.
	reported
	// answered means any other error status of the API.
	answered
	// noCredentials means that the request was not sent because the endpoint's
	// credentials could not be obtained.
	noCredentials
	// redirected means a redirect that the client does not follow, to a login page
	// or to where a proxy has moved, for instance. The request was not executed.
	redirected
	// local means that the request was not sent because this machine cannot
	// connect: it has no file descriptors or no route, for instance.
	local
	// mismatched means that the peer, or a proxy before it, has added something other
	// than what was sent.
	mismatched
	// failureKinds is the number of kinds.
	failureKinds
)

// failureKindNames holds the keys of EndpointInfo.Failures.
var failureKindNames = [failureKinds]string{"refused", "unsent", "broken", "unavailable", "ending", "failed", "ipfs-down", "reported", "answered", "no-credentials", "redirected", "local", "mismatched"}

// ipfsDownText is part of the error of an add when none of the IPFS daemons that were to
// store a block accepted it. The error is usually in the trailer.
const ipfsDownText = "failed to put block on all destinations"

// failureKindOf classifies the error of an attempt. Errors that are not *client.Error
// come from a user's Client, which may have sent the request.
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
	case errors.Is(err, client.ErrContentMismatch):
		return mismatched
	case e.Status == 0 && !e.MayHaveExecuted && errors.Is(e, client.ErrLocal):
		return local
	case e.Status == 0 && !e.MayHaveExecuted:
		return unsent
	case e.Status == 0:
		return broken
	case errors.Is(err, client.ErrIncomplete):
		return broken
	case e.Status < 300:
		var trailer api.Error
		switch {
		case !errors.As(e.Err, &trailer):
			return broken
		case isEnding(e):
			return ending
		case strings.Contains(trailer.Message, ipfsDownText):
			return ipfsDown
		}
		return reported
	case e.Status < 400 && !e.MayHaveExecuted:
		return redirected
	case e.Status < 400:
		return broken
	case e.Unavailable():
		return unavailable
	case e.Status != http.StatusInternalServerError:
		return answered
	case isEnding(e):
		return ending
	case strings.Contains(e.Message, ipfsDownText):
		return ipfsDown
	}
	return failed
}

// replayable holds the kinds of failure after which a call of each replay class may be
// sent to another peer.
var replayable = map[client.ReplayClass][]failureKind{
	client.ReplayOnce:  {unsent, local, noCredentials, redirected},
	client.ReplayRead:  {unsent, local, noCredentials, redirected, broken, unavailable, ending, failed, ipfsDown, reported},
	client.ReplayWrite: {unsent, local, noCredentials, redirected, broken, unavailable, ending},
	client.ReplayAdd:   {unsent, local, noCredentials, redirected, broken, unavailable, ending, ipfsDown, mismatched},
}

// isFailure reports whether EndpointInfo.Failures counts failures of this kind.
func (k failureKind) isFailure() bool { return k != refused && k != answered }

// isOurs reports whether a failure of this kind comes from this side. It says nothing
// about the endpoint.
func (k failureKind) isOurs() bool { return k == refused || k == noCredentials || k == local }
