package client

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
	// KindAdd uploads.
	KindAdd
	// NumOpKinds is how many kinds there are, for arrays.
	NumOpKinds
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
