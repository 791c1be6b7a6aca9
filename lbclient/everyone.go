package lbclient

import (
	"errors"
	"net/http"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// asksEveryone has the operations for which the contacted peer asks all members of the
// cluster, unless local is true. Such a call is as slow as the slowest member, which is not
// the contacted peer's fault: while a member hangs, every healthy peer of ipfs-cluster
// v1.1.6 answers after 15 s, its own limit.
var asksEveryone = map[client.Op]bool{
	client.OpPeers:        true,
	client.OpStatus:       true,
	client.OpStatusCids:   true,
	client.OpStatusAll:    true,
	client.OpRecover:      true,
	client.OpRecoverAll:   true,
	client.OpConnectGraph: true,
}

// everyoneTimeout is the shortest attempt timeout of a call that asks everyone. It is more
// than the 15 s that a healthy peer waits for the other members.
const everyoneTimeout = 20 * time.Second

// at returns the call, which asks only the contacted peer if local is true.
func (cl *call) at(local bool) *call {
	cl.everyone = cl.everyone && !local
	return cl
}

// isTimeout reports whether err, a failure of the given kind, is about time that has passed
// here or at a proxy, and not about a peer that is known to hang.
func isTimeout(kind failureKind, err error) bool {
	var e *client.Error
	if kind != broken {
		return errors.As(err, &e) && e.Status == http.StatusGatewayTimeout
	}
	var timeout interface{ Timeout() bool }
	var silent *SilentError
	return errors.As(err, &timeout) && timeout.Timeout() && !errors.As(err, &silent)
}
