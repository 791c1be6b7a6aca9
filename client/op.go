package client

// Op names an operation of [Client] in errors, hooks and strategies. Its text
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

// ReplayClass says when an operation that failed at one peer may be sent to
// another. The zero value is the careful one.
type ReplayClass int

// The replay classes.
const (
	// ReplayOnce: only when the request was provably not sent.
	ReplayOnce ReplayClass = iota
	// ReplayRead: whenever nothing usable was received.
	ReplayRead
	// ReplayWrite: the operation is idempotent; after a transport failure at
	// any stage, and after 429, 502, 503 and 504.
	ReplayWrite
	// ReplayAdd: as ReplayWrite if the body can be sent again, and after an
	// error of the peer's own IPFS daemon: blocks are content-addressed, so
	// a repeated add is harmless.
	ReplayAdd
)

// replayClasses is the one table of replay classes. What is not in it is
// ReplayOnce.
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

// ReplayClass returns when the operation may be sent again.
func (o Op) ReplayClass() ReplayClass { return replayClasses[o] }

// OpKind is what operations are alike in: how long they take, and so which of
// them can be compared. The zero value compares with nothing.
type OpKind int

// The kinds of operations.
const (
	// KindOther compares with nothing: Health is too fast and says nothing of
	// IPFS, IPFS asks nobody, RepoGC takes hours.
	KindOther OpKind = iota
	// KindRead asks one peer for one thing.
	KindRead
	// KindListing asks every peer, or lists the pinset.
	KindListing
	// KindWrite changes pins or membership.
	KindWrite
	// KindAdd uploads. It is the last kind.
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

// Short tells whether such operations take about as long each time, and not
// long.
func (k OpKind) Short() bool { return k == KindRead || k == KindWrite }

// Kind returns what the operation is alike to.
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
