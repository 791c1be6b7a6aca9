package lbclient

import (
	"errors"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

// symptom describes error texts with which a peer reports trouble of its own. An empty
// field matches every text.
type symptom struct {
	begins, contains, ends string
	// quoted is set if the text may also be an error with which the peer's IPFS daemon
	// has answered. Such an error quotes the arguments of the call in its middle.
	// Only its end can show trouble.
	quoted bool
	// except is an operation whose arguments can cause such an error.
	except client.Op
	// ending is set if the peer is shutting down. It then fails whatever it is asked to
	// do, and another peer may do it.
	ending bool
}

const (
	// ipfsAnswered is the beginning of an error with which the peer's IPFS daemon has
	// answered, for instance because a path does not exist.
	ipfsAnswered = "IPFS error ("
	// ipfsSilent is the beginning of the error of a request to the IPFS daemon that got
	// no answer. The URL in it is escaped, and so contains no text of the caller's.
	ipfsSilent = `Post "http`
)

// symptoms holds the texts with which ipfs-cluster v1.1.6 and its libraries report trouble
// of the peer: of its IPFS daemon, its disk, its consensus, its connections to the other
// members. A peer answers 500 both to such trouble and to most mistakes of callers, and
// only the text differs.
//
// That the IPFS daemon has not answered in time is not among them. It may have looked
// for a path that does not exist.
var symptoms = []symptom{
	// its IPFS daemon
	{contains: ipfsDownText},
	{begins: ipfsSilent, contains: `": dial `},
	{begins: ipfsSilent, ends: ": EOF"},
	{begins: ipfsSilent, ends: ": unexpected EOF"},
	{begins: ipfsSilent, ends: ": connection reset by peer"},
	{begins: ipfsSilent, ends: ": broken pipe"},
	{begins: ipfsSilent, ends: ": http: server closed idle connection"},
	{begins: "IPFS request failed (is it running?) (", contains: "). Code 5"},

	// its disk and other resources, or those of its IPFS daemon
	{ends: "no space left on device", quoted: true},
	{ends: "disk quota exceeded", quoted: true},
	{ends: "read-only file system", quoted: true},
	{ends: "input/output error", quoted: true},
	{ends: "too many open files", quoted: true},
	{ends: "cannot allocate memory", quoted: true},

	// its consensus, Raft
	{contains: "timed out waiting for leader"},
	{contains: "this actor is not the leader"},
	{contains: "node is not the leader"},
	{contains: "leadership lost while committing log"},
	{contains: "leadership transfer in progress"},
	{contains: "timed out enqueuing operation"},
	{contains: "snapshot restored while committing log"},
	{contains: "the state on this node is not consistent"},
	{contains: "a rollback may be necessary"},
	{contains: "cannot retrieve list of peers: "},

	// its consensus, CRDT, and its queue of pins
	{contains: "batching max_queue_size reached"},
	{contains: "pin/unpin operation queue is full"},

	// its connections to other members; the caller of PeerAdd names the member
	{contains: "failed to dial", except: client.OpPeerAdd},
	{contains: "stream reset", except: client.OpPeerAdd},

	// its end
	{contains: "Pin could not be batched", ending: true},
	{contains: "raft is already shutdown", ending: true},
	{contains: "consensus is shutdown", ending: true},
	{contains: "cluster is shutdown", ending: true},
	{contains: "swarm closed", ending: true},
	{contains: "datastore closed", ending: true},
	{contains: "leveldb: closed", ending: true},
	{contains: "pebble: closed", ending: true},
	{contains: "this Topic is closed", ending: true},
	// The context of a part of the peer, or of another member. It is not mistaken for the
	// caller's cancellation, because judge and settle check for that first.
	{ends: "context canceled", ending: true},
}

// matches reports whether text, an error of op, has the symptom.
func (s symptom) matches(op client.Op, text string) bool {
	return (s.except == "" || op != s.except) && (s.quoted || !strings.HasPrefix(text, ipfsAnswered)) &&
		strings.HasPrefix(text, s.begins) && strings.Contains(text, s.contains) && strings.HasSuffix(text, s.ends)
}

// isEnding reports whether e is an error with which a peer of the cluster reports that it is
// shutting down.
func isEnding(e *client.Error) bool {
	return !e.IsForeign() && slices.ContainsFunc(symptoms, func(s symptom) bool { return s.ending && s.matches(e.Op, e.Message) })
}

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
	client.OpAdd:          true, // a name that is not UTF-8, a chunker, a hash function
	client.OpAddMultiFile: true,
}

// isTroubled reports whether an error that a peer has reported is its own fault. One of an
// operation without arguments always is, and one that is not the API's.
func isTroubled(err error, op client.Op) bool {
	var e *client.Error
	if !argued[op] || !errors.As(err, &e) || e.IsForeign() {
		return true
	}
	return slices.ContainsFunc(symptoms, func(s symptom) bool { return s.matches(op, e.Message) })
}

// outcomeOf returns the effect of an attempt that failed with err on its endpoint's
// health. It must not be called for an attempt that the caller cancelled.
func outcomeOf(err error, op client.Op) health.Outcome {
	switch failureKindOf(err) {
	case unsent:
		if errors.Is(err, client.ErrClosed) {
			return health.Failure
		}
		return health.Unreachable
	case ending:
		return health.Unreachable
	case broken, unavailable, ipfsDown, redirected, mismatched:
		return health.Failure
	case failed, reported:
		if isTroubled(err, op) {
			return health.Failure
		}
	case answered:
		return health.Success
	}
	return health.Neutral
}
