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
	OpConnectGraph        Op = "GetConnectGraph"
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
