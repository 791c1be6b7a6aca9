package lbclient

import "github.com/pinfleet/pinfleet/client"

// class is what operations are alike in: how long they take, and so what may
// be done with them.
type class int

const (
	// reads ask one peer for one thing.
	reads class = iota
	// listings ask every peer, or list the pinset.
	listings
	// writes are pins and membership.
	writes
	// adds are uploads.
	adds
	// others compare with nothing: Health is too fast and says nothing about
	// IPFS, IPFS asks nobody, RepoGC takes hours.
	others
	classes
)

// classNames are the names in snapshots.
var classNames = [classes]string{"read", "listing", "write", "add", "other"}

func classOf(op client.Op) class {
	switch op {
	case client.OpID, client.OpVersion, client.OpAllocation, client.OpStatus, client.OpAlerts,
		client.OpBandwidthByProtocol, client.OpMetrics, client.OpMetricNames, client.OpToken:
		return reads
	case client.OpPeers, client.OpAllocations, client.OpStatusAll, client.OpStatusCids,
		client.OpRecoverAll, client.OpConnectGraph:
		return listings
	case client.OpPin, client.OpPinPath, client.OpUnpin, client.OpUnpinPath, client.OpRecover,
		client.OpPeerAdd, client.OpPeerRm:
		return writes
	case client.OpAdd, client.OpAddMultiFile:
		return adds
	}
	return others
}

// long tells whether a call can take so long that it should not decide about
// an endpoint that is on trial.
func (c class) long() bool { return c != reads && c != writes }
