package clustertest

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

const unexpectedlyUnpinned = "the item should be pinned but it is not"

// Sets of statuses. To answer a filter with a status in stateFilter, a peer
// reads the pinset in addition to its current operations. For a status in
// ipfsFilter, it also asks its IPFS daemon.
const (
	stateFilter = api.TrackerStatusPinned | api.TrackerStatusUnexpectedlyUnpinned | api.TrackerStatusSharded | api.TrackerStatusRemote
	ipfsFilter  = api.TrackerStatusPinned | api.TrackerStatusUnexpectedlyUnpinned
)

// operation returns a peer's current operation on a record, and whether there
// is one. c.mu must be held, also for the functions below.
func (c *Cluster) operation(rec *record, p *Peer, now time.Time) (api.PinInfoShort, bool) {
	info := p.infoShort()
	if rec.pin.Type == api.MetaType || rec.pin.IsRemotePin(p.id) {
		return info, false
	}
	t, ok := rec.tracked[p.index]
	if !ok {
		t = tracked{status: api.TrackerStatusPinQueued, since: rec.started}
		if rec.started.IsZero() {
			return info, false
		}
	}
	info.Status, info.TS, info.Error = t.status, t.since, t.err
	info.AttemptCount, info.PriorityPin = t.attempts, t.priority
	var queue, work time.Duration
	switch t.status {
	case api.TrackerStatusPinQueued:
		queue, work = c.opts.QueueDelay, c.opts.PinDelay
		info.Status = api.TrackerStatusPinning
	case api.TrackerStatusUnpinQueued:
		work = c.opts.UnpinDelay
		info.Status = api.TrackerStatusUnpinning
	default:
		return info, true
	}
	switch age := now.Sub(t.since); {
	case age < queue:
		info.Status = t.status
	case age < queue+work:
		info.TS = t.since.Add(queue)
		info.AttemptCount++
	default:
		return p.infoShort(), false
	}
	return info, true
}

// pinning returns the peer's operation on a record if the operation is a pin
// that is not complete at the given time. A pin that starts later counts, too.
func (c *Cluster) pinning(rec *record, p *Peer, at time.Time) (api.PinInfoShort, bool) {
	op, busy := c.operation(rec, p, at)
	return op, busy && (op.Status == api.TrackerStatusPinQueued || op.Status == api.TrackerStatusPinning)
}

// listed returns the status of a record in a peer's listing, and whether it
// passes the filter.
func (c *Cluster) listed(rec *record, p *Peer, filter api.TrackerStatus, now time.Time) (api.PinInfoShort, bool) {
	info, busy := c.operation(rec, p, now)
	if !busy {
		info.TS = rec.pin.Timestamp
		switch {
		case filter != 0 && filter&stateFilter == 0:
			return info, false
		case rec.pin.Type == api.MetaType:
			info.Status = api.TrackerStatusSharded
		case rec.pin.IsRemotePin(p.id):
			info.Status = api.TrackerStatusRemote
		case rec.pin.Mode == api.PinModeDirect:
			// The daemon lists only the recursive pins of IPFS.
			info.Status, info.Error = api.TrackerStatusUnexpectedlyUnpinned, unexpectedlyUnpinned
		default:
			info.Status = api.TrackerStatusPinned
		}
	}
	return info, info.Status.Match(filter)
}

// status returns the status of a record at a peer when a single CID is requested.
func (c *Cluster) status(rec *record, p *Peer, now time.Time) api.PinInfoShort {
	info, busy := c.operation(rec, p, now)
	if busy {
		return info
	}
	info.TS = rec.pin.Timestamp
	switch {
	case rec.pin.Type == api.MetaType:
		info.Status = api.TrackerStatusSharded
	case rec.pin.IsRemotePin(p.id):
		info.Status = api.TrackerStatusRemote
	case !p.ipfsUp:
		info.Status, info.Error = api.TrackerStatusClusterError, p.ipfsError(pinLsCall(rec.pin))
	default:
		info.Status = api.TrackerStatusPinned
	}
	return info
}

// listingError returns the error of a peer's listing, or "".
func (p *Peer) listingError(filter api.TrackerStatus) string {
	switch {
	case !p.up:
		return p.rpcError()
	case !p.ipfsUp && (filter == 0 || filter&ipfsFilter != 0):
		return "could not get pinset from IPFS: " + p.ipfsError("pin/ls?stream=true&type=recursive")
	}
	return ""
}

// busy reports whether any peer has an unfinished operation on a record.
func (c *Cluster) busy(rec *record, now time.Time) bool {
	for _, p := range c.peers {
		if _, busy := c.operation(rec, p, now); busy {
			return true
		}
	}
	return false
}

// newGlobal returns the status of a pin without any peers.
func newGlobal(pin api.Pin) api.GlobalPinInfo {
	return api.GlobalPinInfo{
		Cid:         pin.Cid,
		Name:        pin.Name,
		Allocations: pin.Allocations,
		Origins:     pin.Origins,
		Created:     pin.Timestamp,
		Metadata:    pin.Metadata,
		PeerMap:     make(map[string]api.PinInfoShort),
	}
}

// globalStatus returns the status of a CID at all members. It calls ask for the
// peers that it is allocated to.
func (c *Cluster) globalStatus(ci api.Cid, ask func(*record, *Peer, time.Time) api.PinInfoShort) api.GlobalPinInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.refresh()
	rec := c.pins.get(ci)
	if rec == nil {
		global := api.GlobalPinInfo{Cid: ci, Allocations: []peer.ID{}, Created: now, PeerMap: make(map[string]api.PinInfoShort)}
		for _, p := range c.members() {
			info := p.infoShort()
			info.Status, info.TS = api.TrackerStatusUnpinned, now
			global.PeerMap[p.idText] = info
		}
		return global
	}
	global := newGlobal(rec.pin)
	for _, p := range c.members() {
		info := p.infoShort()
		switch {
		case rec.pin.IsRemotePin(p.id):
			info.Status, info.TS = api.TrackerStatusRemote, now
		case !p.up:
			info.Status, info.TS, info.Error = api.TrackerStatusClusterError, now, p.rpcError()
		default:
			info = ask(rec, p, now)
		}
		global.PeerMap[p.idText] = info
	}
	return global
}

// localStatus returns the status of a CID at one peer.
func (c *Cluster) localStatus(ci api.Cid, p *Peer) api.GlobalPinInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.refresh()
	var global api.GlobalPinInfo
	var info api.PinInfoShort
	if rec := c.pins.get(ci); rec != nil {
		global = newGlobal(rec.pin)
		info = c.status(rec, p, now)
	} else {
		global = api.GlobalPinInfo{Cid: ci, PeerMap: make(map[string]api.PinInfoShort)}
		info = p.infoShort()
		info.Status, info.TS = api.TrackerStatusUnpinned, now
		if removal := c.unpins[datastoreKey(ci)]; removal != nil {
			if op, busy := c.operation(removal, p, now); busy {
				global, info = newGlobal(removal.pin), op
			}
		}
	}
	global.PeerMap[p.idText] = info
	return global
}
