package lbclient

import (
	"errors"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

// trouble lists parts of the errors with which ipfs-cluster v1.1.6 reports trouble of its
// own. A peer answers 500 both to such trouble and to most mistakes of callers, and only the
// text differs.
var trouble = []string{
	// its IPFS daemon
	"could not get pinset from IPFS",
	ipfsDownText,
	"dial tcp",
	"connection refused",
	"connection reset by peer",
	"broken pipe",
	"no such host",
	"no route to host",
	"network is unreachable",
	`": EOF`,

	// its consensus
	"timed out waiting for leader",
	"error waiting for leader",
	"error waiting for consensus updates",
	"node is not the leader",
	"leadership lost while committing log",
	"leadership transfer in progress",
	"timed out enqueuing operation",
	"raft is already shutdown",
	"a rollback may be necessary",
	"batching max_queue_size reached",
	"Pin could not be batched",

	// its end
	"consensus is shutdown",
	"cluster is shutdown",
	"datastore closed",
	"leveldb: closed",
	"pebble: closed",
	cutShortText,

	// its queue
	"pin/unpin operation queue is full",
}

// diskTrouble lists parts of errors about the disk. The IPFS daemon of a peer also reports
// them, in an answer.
var diskTrouble = []string{
	"no space left on device",
	"disk quota exceeded",
	"read-only file system",
	"input/output error",
	"too many open files",
	"cannot allocate memory",
}

const (
	// ipfsAnswered is the beginning of an error that the peer's IPFS daemon has
	// answered, for instance because a path does not exist.
	ipfsAnswered = "IPFS error ("
	// dialsFailed is part of an error about another member that a peer could not dial:
	// the one that PeerAdd names, or the leader.
	dialsFailed = "failed to dial"
)

// argued has the operations whose arguments can make a healthy peer answer 500.
var argued = map[client.Op]bool{
	client.OpPin:          true, // replication factors, an expiry in the past, another mode or type
	client.OpPinPath:      true, // and a path that does not exist
	client.OpUnpin:        true, // a shard
	client.OpUnpinPath:    true,
	client.OpPeerAdd:      true, // a peer that cannot be reached
	client.OpPeerRm:       true, // a cluster with CRDT consensus
	client.OpRecover:      true,
	client.OpAllocation:   true,
	client.OpStatus:       true,
	client.OpStatusCids:   true,
	client.OpMetrics:      true,
	client.OpAdd:          true, // a name that is not UTF-8, a chunker, a hash function
	client.OpAddMultiFile: true,
}

// isTroubled reports whether the text of a 500 speaks of trouble of the peer itself.
func isTroubled(text string) bool {
	contains := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case slices.ContainsFunc(diskTrouble, contains):
		return true
	case strings.HasPrefix(text, ipfsAnswered), contains(dialsFailed):
		return false
	}
	return slices.ContainsFunc(trouble, contains)
}

// outcomeOf returns the effect of an attempt that failed with err on its endpoint's
// health. It must not be called for an attempt that the caller cancelled.
func outcomeOf(err error, op client.Op) health.Outcome {
	switch kind := failureKindOf(err); kind {
	case unsent:
		if errors.Is(err, client.ErrClosed) {
			return health.Failure
		}
		return health.Unreachable
	case broken, unavailable, ipfsDown, redirected, mismatched:
		return health.Failure
	case failed, reported:
		var e *client.Error
		switch {
		case errors.As(err, &e) && (e.IsForeign() || isTroubled(e.Message)),
			!argued[op] && (kind == failed || op.ReplayClass() == client.ReplayRead):
			return health.Failure
		}
	case answered:
		return health.Success
	}
	return health.Neutral
}
