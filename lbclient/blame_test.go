package lbclient

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// serverError returns the error of a 500 of the API.
func serverError(text string) error {
	return &client.Error{Endpoint: "fake", Status: 500, Message: text, Err: api.Error{Code: 500, Message: text}, MayHaveExecuted: true}
}

// C2: a cluster answers 500 to many mistakes of its callers. Five of them ejected a healthy
// peer. The texts are those of ipfs-cluster v1.1.6.
func TestBlame(t *testing.T) {
	for _, test := range []struct {
		op   client.Op
		text string
		want health.Outcome
	}{
		// mistakes
		{client.OpPin, "cluster.replication_factor_min is larger than max", health.Neutral},
		{client.OpPin, "cluster.replication_factor_min and max must be -1 when one of them is", health.Neutral},
		{client.OpPin, "not enough peers to allocate CID. Needed at least: 9. Wanted at most: 9. Available candidates: 3. See logs for more info.", health.Neutral},
		{client.OpPin, "pin.ExpireAt set before current time", health.Neutral},
		{client.OpPin, "cannot repin a CID which is already pinned in recursive mode (new pin is pinned as direct). Unpin it first.", health.Neutral},
		{client.OpPin, "this peer is configured to be in follower mode. Write operations are disabled", health.Neutral},
		{client.OpPin, "error marshaling pin: string field contains invalid UTF-8", health.Neutral},
		{client.OpPinPath, `IPFS error (resolve?arg=%2Fipfs%2FQmPT2%2Fnothere). Code: 500. Message: no link named "nothere" under QmPT2`, health.Neutral},
		{client.OpPinPath, `IPFS error (resolve?arg=%2Fipns%2Fx.example). Code: 500. Message: could not resolve name`, health.Neutral},
		{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=%2Fipns%2Fx": context deadline exceeded`, health.Neutral},
		{client.OpUnpin, "cannot unpin a shard directly. Unpin content root CID instead", health.Neutral},
		{client.OpPeerRm, "crdt consensus component cannot remove peers", health.Neutral},
		{client.OpPeerAdd, "failed to dial: failed to dial 12D3KooW: all dials failed\n  * [/ip4/127.0.0.1/tcp/9296] dial tcp4 127.0.0.1:9296: connect: connection refused", health.Neutral},
		{client.OpPin, "failed to dial: failed to dial 12D3KooW: all dials failed\n  * [/ip4/127.0.0.1/tcp/9296] dial tcp4 127.0.0.1:9296: connect: connection refused", health.Neutral},
		{client.OpAddMultiFile, "unrecognized chunker option: size-x", health.Neutral},

		// the peer's IPFS daemon
		{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": dial tcp 127.0.0.1:5001: connect: connection refused`, health.Failure},
		{client.OpPinPath, `Post "http://ipfs:5001/api/v0/resolve?arg=x": dial tcp: lookup ipfs: no such host`, health.Failure},
		{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": EOF`, health.Failure},
		{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": read tcp 127.0.0.1:1->127.0.0.1:5001: read: connection reset by peer`, health.Failure},
		{client.OpStatusCids, "could not get pinset from IPFS: Post \"http://127.0.0.1:5001/api/v0/pin/ls\": context deadline exceeded", health.Failure},
		{client.OpAdd, "failed to put block on all destinations", health.Failure},

		// its disk, as the peer and as its IPFS daemon report it
		{client.OpPin, "error committing: write /data/raft.db: no space left on device", health.Failure},
		{client.OpPin, "open /data/badger/000001.sst: too many open files", health.Failure},
		{client.OpAdd, "IPFS error (block/put?format=x). Code: 500. Message: write /data/ipfs/blocks/put-1: no space left on device", health.Failure},

		// its consensus
		{client.OpPin, "timed out waiting for leader: context deadline exceeded", health.Failure},
		{client.OpUnpin, "leadership lost while committing log", health.Failure},
		{client.OpPin, "error batching item: batching max_queue_size reached. Too many operations are waiting to be batched. Try increasing the max_queue_size or adjusting the batching options", health.Failure},
		{client.OpPin, "shutting down. Pin could not be batched", health.Failure},
		{client.OpPin, "datastore closed", health.Failure},
		{client.OpRecover, "pin/unpin operation queue is full. Try increasing max_pin_queue_size", health.Failure},
		{client.OpPin, "context canceled", health.Failure},

		// calls without arguments
		{client.OpVersion, "x", health.Failure},
		{client.OpID, "x", health.Failure},
		{client.OpPeers, "x", health.Failure},
		{client.OpStatusAll, "x", health.Failure},
		{client.OpAllocations, "x", health.Failure},
	} {
		if got := outcomeOf(serverError(test.text), test.op); got != test.want {
			t.Errorf("%s: %s: outcome %d, want %d", test.op, test.text, got, test.want)
		}
		trailer := &client.Error{Status: 200, Message: test.text, Err: api.Error{Code: 500, Message: test.text}, MayHaveExecuted: true}
		if got := outcomeOf(trailer, test.op); got != test.want {
			t.Errorf("%s, in the trailer: %s: outcome %d, want %d", test.op, test.text, got, test.want)
		}
	}
}

// Every entry of the tables decides by itself, and none hides another.
func TestBlameTables(t *testing.T) {
	for _, text := range append(append([]string{}, trouble...), diskTrouble...) {
		if !isTroubled("x: " + text) {
			t.Errorf("%q is not the peer's trouble", text)
		}
		for _, other := range append(append([]string{}, trouble...), diskTrouble...) {
			if text != other && strings.Contains(text, other) {
				t.Errorf("%q makes %q superfluous", other, text)
			}
		}
	}
	for op := range argued {
		if _, ok := methods(context.Background(), nil)[op]; !ok {
			t.Errorf("%s is no operation", op)
		}
	}
}

// C2: of 70 % Version and 30 % mistakes, 31 mistakes ejected a healthy peer in 15 s.
func TestMistakesEjectNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(3)
		for _, f := range fakes {
			f.answer = func(_ context.Context, op client.Op, _ int) reply {
				if op == client.OpPin {
					return reply{err: serverError("pin.ExpireAt set before current time")}
				}
				return reply{}
			}
		}
		log := &changeLog{}
		c := newLB(t, &strategy.RoundRobin{}, fakes, 2, WithHooks(log))
		for i := range 1000 {
			if i%10 < 3 {
				_, err := c.Pin(t.Context(), testCid(i), api.PinOptions{})
				if e := (*client.Error)(nil); !errors.As(err, &e) || e.Status != http.StatusInternalServerError {
					t.Errorf("got %v", err)
				}
			} else if _, err := c.Version(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(15 * time.Millisecond)
		}
		if len(log.events) > 0 {
			t.Errorf("changes %v", log.events)
		}
	})
}
