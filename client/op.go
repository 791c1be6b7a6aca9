package client

// Op names an operation of [Client] in errors, hooks and strategies. Its value
// is the method's name.
type Op string

// The operations.
const (
	OpID                  Op = "ID"
	OpPeers               Op = "Peers"
	OpPeerAdd             Op = "PeerAdd"
	OpPeerRm              Op = "PeerRm"
	OpAdd                 Op = "Add"
	OpAddMultiFile        Op = "AddMultiFile"
	OpPin                 Op = "Pin"
	OpUnpin               Op = "Unpin"
	OpPinPath             Op = "PinPath"
	OpUnpinPath           Op = "UnpinPath"
	OpAllocations         Op = "Allocations"
	OpAllocation          Op = "Allocation"
	OpStatus              Op = "Status"
	OpStatusCids          Op = "StatusCids"
	OpStatusAll           Op = "StatusAll"
	OpRecover             Op = "Recover"
	OpRecoverAll          Op = "RecoverAll"
	OpAlerts              Op = "Alerts"
	OpBandwidthByProtocol Op = "BandwidthByProtocol"
	OpVersion             Op = "Version"
	OpIPFS                Op = "IPFS"
	OpConnectGraph        Op = "ConnectGraph"
	OpMetrics             Op = "Metrics"
	OpMetricNames         Op = "MetricNames"
	OpRepoGC              Op = "RepoGC"
	OpHealth              Op = "Health"
	OpToken               Op = "Token"
)

// ReplayClass says after which failures at one peer an operation may be sent to
// another peer. The zero value is ReplayOnce, the most careful class.
type ReplayClass int

// The replay classes.
const (
	// ReplayOnce: only if the request was provably not executed.
	ReplayOnce ReplayClass = iota
	// ReplayRead: whenever no usable response was received.
	ReplayRead
	// ReplayWrite: after a transport failure at any stage, and after a status
	// that the API never sends ([Error.Unavailable]), because the operation is
	// idempotent. PinPath and UnpinPath of a mutable path (/ipns/…) are not, and
	// are repeated as ReplayOnce.
	ReplayWrite
	// ReplayAdd: as ReplayWrite, and after an error of the peer's own IPFS
	// daemon, provided that the body can be sent again. Blocks are
	// content-addressed, so a repeated add is harmless.
	ReplayAdd
)

// replayClasses has the replay class of every operation. An Op that is not in it
// is ReplayOnce.
var replayClasses = map[Op]ReplayClass{
	OpID:                  ReplayRead,
	OpVersion:             ReplayRead,
	OpHealth:              ReplayRead,
	OpPeers:               ReplayRead,
	OpAllocations:         ReplayRead,
	OpAllocation:          ReplayRead,
	OpStatus:              ReplayRead,
	OpStatusCids:          ReplayRead,
	OpStatusAll:           ReplayRead,
	OpAlerts:              ReplayRead,
	OpMetrics:             ReplayRead,
	OpMetricNames:         ReplayRead,
	OpConnectGraph:        ReplayRead,
	OpBandwidthByProtocol: ReplayRead,
	OpIPFS:                ReplayRead,
	OpToken:               ReplayRead,

	OpPin:        ReplayWrite,
	OpPinPath:    ReplayWrite,
	OpUnpin:      ReplayWrite,
	OpUnpinPath:  ReplayWrite,
	OpRecover:    ReplayWrite,
	OpRecoverAll: ReplayWrite,
	OpPeerAdd:    ReplayWrite,
	OpPeerRm:     ReplayWrite,

	OpAdd:          ReplayAdd,
	OpAddMultiFile: ReplayAdd,

	OpRepoGC: ReplayOnce,
}

// ReplayClass returns the operation's replay class. It is ReplayOnce for an
// unknown Op.
func (o Op) ReplayClass() ReplayClass { return replayClasses[o] }

// OpKind groups operations whose durations are comparable. The zero value is
// KindOther.
type OpKind int

// The kinds of operations.
const (
	// KindOther has the operations whose durations are not comparable: OpHealth is
	// too fast and does not involve IPFS daemons, OpIPFS sends no request, and
	// OpRepoGC takes hours.
	KindOther OpKind = iota
	// KindRead has the operations that read about one peer or one item.
	KindRead
	// KindListing has the operations on all peers or on many items.
	KindListing
	// KindWrite has the operations that change pins or the membership.
	KindWrite
	// KindAdd has the uploads. It is the last kind, so that KindAdd+1 is the number
	// of kinds.
	KindAdd
)

// String returns "read", "listing", "write", "add" or "other".
func (k OpKind) String() string {
	switch k {
	case KindRead:
		return "read"
	case KindListing:
		return "listing"
	case KindWrite:
		return "write"
	case KindAdd:
		return "add"
	}
	return "other"
}

// Short reports whether operations of this kind are quick and take about the same
// time at each call.
func (k OpKind) Short() bool { return k == KindRead || k == KindWrite }

// Kind returns the operation's kind. It is KindOther for an unknown Op.
func (o Op) Kind() OpKind {
	switch o {
	case OpID, OpVersion, OpAllocation, OpStatus, OpAlerts, OpBandwidthByProtocol, OpMetrics, OpMetricNames, OpToken:
		return KindRead
	case OpPeers, OpAllocations, OpStatusAll, OpStatusCids, OpRecoverAll, OpConnectGraph:
		return KindListing
	case OpPin, OpPinPath, OpUnpin, OpUnpinPath, OpRecover, OpPeerAdd, OpPeerRm:
		return KindWrite
	case OpAdd, OpAddMultiFile:
		return KindAdd
	}
	return KindOther
}
