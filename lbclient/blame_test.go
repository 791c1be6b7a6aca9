package lbclient

import (
	"context"
	"errors"
	"net/http"
	"slices"
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

// blame is the effect of an error's text on the health of the peer.
type blame struct {
	op   client.Op
	text string
	want health.Outcome
}

// blamed holds texts of 500s of ipfs-cluster v1.1.6, except those in endings.
var blamed = []blame{
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
	{client.OpPeerAdd, "routing: not found", health.Neutral},
	// A path can have the words of any trouble. These are the server's answers.
	{client.OpPinPath, `IPFS error (resolve?arg=%2Fipfs%2FQmPT2%2Fno+space+left+on+device). Code: 500. Message: no link named "no space left on device" under QmPT2`, health.Neutral},
	{client.OpPinPath, `IPFS error (resolve?arg=%2Fipfs%2FQmPT2%2Fdatastore+closed). Code: 500. Message: no link named "datastore closed" under QmPT2`, health.Neutral},
	{client.OpPinPath, `IPFS error (resolve?arg=%2Fipns%2Fx.example). Code: 500. Message: DNSLink lookup for "x.example." failed: could not resolve name: context canceled`, health.Neutral},
	{client.OpAdd, "bad CID Version: unknown CID version: 7", health.Neutral},
	{client.OpAdd, "hash function name not known", health.Neutral},
	{client.OpAddMultiFile, "unrecognized chunker option: size-x", health.Neutral},

	// the peer's IPFS daemon
	{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": dial tcp 127.0.0.1:5001: connect: connection refused`, health.Failure},
	{client.OpPinPath, `Post "http://ipfs:5001/api/v0/resolve?arg=x": dial tcp: lookup ipfs: no such host`, health.Failure},
	{client.OpPinPath, `Post "http+unix://ipfs/api/v0/resolve?arg=x": dial unix /run/ipfs.sock: connect: no such file or directory`, health.Failure},
	{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": EOF`, health.Failure},
	{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": net/http: HTTP/1.x transport connection broken: unexpected EOF`, health.Failure},
	{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": read tcp 127.0.0.1:1->127.0.0.1:5001: read: connection reset by peer`, health.Failure},
	{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": write tcp 127.0.0.1:1->127.0.0.1:5001: write: broken pipe`, health.Failure},
	{client.OpPinPath, `Post "http://127.0.0.1:5001/api/v0/resolve?arg=x": http: server closed idle connection`, health.Failure},
	{client.OpPinPath, "IPFS request failed (is it running?) (resolve?arg=x). Code 502: <html>Bad Gateway</html>", health.Failure},
	{client.OpAdd, "failed to put block on all destinations", health.Failure},

	// its disk, as the peer and as its IPFS daemon report it
	{client.OpPin, "write /data/raft.db: no space left on device", health.Failure},
	{client.OpPin, "write /data/raft.db: disk quota exceeded", health.Failure},
	{client.OpPin, "open /data/badger/000001.sst: read-only file system", health.Failure},
	{client.OpStatus, "read /data/badger/000001.sst: input/output error", health.Failure},
	{client.OpPin, "open /data/badger/000001.sst: too many open files", health.Failure},
	{client.OpPin, "mmap /data/badger/000001.vlog: cannot allocate memory", health.Failure},
	{client.OpPinPath, "IPFS error (resolve?arg=x). Code: 500. Message: open /data/ipfs/blocks/X/Y.data: too many open files", health.Failure},

	// its consensus
	{client.OpPin, "timed out waiting for leader: context deadline exceeded", health.Failure},
	{client.OpPin, "this actor is not the leader", health.Failure},
	{client.OpPeerRm, "node is not the leader", health.Failure},
	{client.OpUnpin, "leadership lost while committing log", health.Failure},
	{client.OpPin, "leadership transfer in progress", health.Failure},
	{client.OpPin, "timed out enqueuing operation", health.Failure},
	{client.OpPin, "snapshot restored while committing log", health.Failure},
	{client.OpAllocation, "the state on this node is not consistent", health.Failure},
	{client.OpPin, "a rollback may be necessary. Reason: x", health.Failure},
	{client.OpStatus, "cannot retrieve list of peers: x", health.Failure},
	{client.OpPin, "error batching item: batching max_queue_size reached. Too many operations are waiting to be batched. Try increasing the max_queue_size or adjusting the batching options", health.Failure},
	{client.OpRecover, "pin/unpin operation queue is full. Try increasing max_pin_queue_size", health.Failure},

	// its connections
	{client.OpPin, "failed to dial: failed to dial 12D3KooW: all dials failed\n  * [/ip4/127.0.0.1/tcp/9296] dial backoff", health.Failure},
	{client.OpPin, "stream reset (remote): code: 0x0", health.Failure},

	// calls without arguments
	{client.OpVersion, "x", health.Failure},
	{client.OpID, "x", health.Failure},
	{client.OpPeers, "x", health.Failure},
	{client.OpStatusAll, "x", health.Failure},
	{client.OpAllocations, "x", health.Failure},
	{client.OpMetrics, "x", health.Failure},
	{client.OpRecoverAll, "x", health.Failure},
	{client.OpStatusAll, "could not get pinset from IPFS: Post \"http://127.0.0.1:5001/api/v0/pin/ls\": context deadline exceeded", health.Failure},
}

// endings holds texts with which a peer of ipfs-cluster v1.1.6 that is shutting down answers
// what it is asked at that time.
var endings = []string{
	"shutting down. Pin could not be batched",
	"raft is already shutdown",
	"consensus is shutdown",
	"cluster is shutdown",
	"swarm closed",
	"error processing new block: error merging delta from QmPT2: datastore closed",
	"error listing heads: leveldb: closed",
	"error processing new block: pebble: closed",
	"error broadcasting [bafyreie]: this Topic is closed, try opening a new one",
	"context canceled",
	"timed out waiting for leader: context canceled",
	"full pinset listing aborted: context canceled",
	`Post "http://127.0.0.1:5001/api/v0/block/put?format=raw": context canceled`,
}

// C2: a cluster answers 500 to many mistakes of its callers. Five of them ejected a healthy
// peer.
func TestBlame(t *testing.T) {
	all := slices.Clone(blamed)
	for _, text := range endings {
		all = append(all, blame{client.OpPin, text, health.Unreachable})
	}
	for _, test := range all {
		if got := outcomeOf(serverError(test.text), test.op); got != test.want {
			t.Errorf("%s: %s: outcome %d, want %d", test.op, test.text, got, test.want)
		}
		trailer := &client.Error{Status: 200, Message: test.text, Err: api.Error{Code: 500, Message: test.text}, MayHaveExecuted: true}
		if got := outcomeOf(trailer, test.op); got != test.want {
			t.Errorf("%s, in the trailer: %s: outcome %d, want %d", test.op, test.text, got, test.want)
		}
	}
}

// Each symptom is needed by one of the texts: no other symptom matches it.
func TestEachSymptomIsNeeded(t *testing.T) {
	needed := map[symptom]bool{}
	need := func(op client.Op, text string, ending bool) {
		var found []symptom
		for _, s := range symptoms {
			if s.ending == ending && s.matches(op, text) {
				found = append(found, s)
			}
		}
		if len(found) == 1 {
			needed[found[0]] = true
		}
	}
	for _, test := range blamed {
		need(test.op, test.text, false)
	}
	for _, text := range endings {
		need(client.OpPin, text, true)
	}
	for _, s := range symptoms {
		if !needed[s] {
			t.Errorf("no text needs %+v", s)
		}
	}
	for op := range argued {
		if _, ok := methods(t.Context(), nil)[op]; !ok {
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
		if len(log.changes()) > 0 {
			t.Errorf("changes %v", log.changes())
		}
	})
}
