package clustertest

import (
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

var (
	errFollower  = errors.New("this peer is configured to be in follower mode. Write operations are disabled")
	errExpired   = errors.New("pin.ExpireAt set before current time")
	errUpdate    = errors.New("this pin type cannot be updated")
	errShardPin  = errors.New("cannot unpin a shard directly. Unpin content root CID instead")
	errDAGPin    = errors.New("cannot unpin a Cluster DAG directly. Unpin content root CID instead")
	errNoPinType = errors.New("unrecognized pin type")
)

// pin submits a pin and returns it as submitted. done means that the peers have
// the content, because it was just added, so that the pin completes at once.
func (c *Cluster) pin(pin api.Pin, done bool, parts ...api.Cid) (api.Pin, error) {
	if c.opts.Follower {
		return api.Pin{}, errFollower
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.refresh()
	if from := pin.PinUpdate; from.Defined() && !from.Equals(pin.Cid) {
		return c.pinUpdate(from, pin)
	}
	existing := c.pins.get(pin.Cid)
	if err := c.checkPin(&pin, existing); err != nil {
		return api.Pin{}, err
	}
	pin.Timestamp = now
	if pin.ReplicationFactorMin < 0 {
		pin.Allocations = nil
	}
	if len(pin.Allocations) == 0 {
		var err error
		if pin.Allocations, err = c.allocate(pin, existing); err != nil {
			return api.Pin{}, err
		}
	}
	c.track(pin, done, parts)
	return pin, nil
}

// pinUpdate pins with the options of another pin.
func (c *Cluster) pinUpdate(from api.Cid, pin api.Pin) (api.Pin, error) {
	existing := c.pins.get(from)
	if existing == nil {
		return api.Pin{}, errNotFound
	}
	updated := existing.pin
	if updated.Type != api.DataType {
		return api.Pin{}, errUpdate
	}
	now := c.now()
	updated.Cid, updated.PinUpdate, updated.Timestamp = pin.Cid, from, now
	if pin.Name != "" {
		updated.Name = pin.Name
	}
	if pin.ExpireAt.After(now) {
		updated.ExpireAt = pin.ExpireAt
	}
	c.track(updated, false, nil)
	return updated, nil
}

// checkPin fills in the default options of a pin and checks it.
func (c *Cluster) checkPin(pin *api.Pin, existing *record) error {
	if err := c.setReplication(pin); err != nil {
		return err
	}
	if pin.ExpiredAt(c.now()) {
		return errExpired
	}
	if existing == nil {
		return nil
	}
	if was := existing.pin.Type; was != pin.Type {
		return fmt.Errorf("cannot repin CID with different tracking method, clear state with pin rm to proceed. New: %s. Was: %s", pin.Type, was)
	}
	if existing.pin.Mode == api.PinModeRecursive && pin.Mode != api.PinModeRecursive {
		//nolint:staticcheck // the daemon's text
		return fmt.Errorf("cannot repin a CID which is already pinned in recursive mode (new pin is pinned as %s). Unpin it first.", pin.Mode)
	}
	return nil
}

// track stores a pin and starts to pin it at every peer.
func (c *Cluster) track(pin api.Pin, done bool, parts []api.Cid) {
	if c.opts.Consensus == Raft {
		pin = c.log.decode(pin)
	}
	c.synced = true
	rec := &record{pin: storedPin(pin), parts: parts}
	if existing := c.pins.get(pin.Cid); !done && (existing == nil || c.busy(existing, c.now())) {
		rec.started = c.now()
	}
	c.pins.put(rec)
	delete(c.unpins, rec.key)
	for _, p := range c.peers {
		if p.up && !p.ipfsUp && rec.pinnedBy(p) {
			rec.track(p.index, tracked{
				status:   api.TrackerStatusPinError,
				since:    c.now(),
				err:      p.ipfsError(pinAddCall(rec.pin)),
				attempts: 1,
			})
		}
	}
}

// pinnedBy reports whether the peer must pin the item in IPFS.
func (rec *record) pinnedBy(p *Peer) bool {
	return p.member && rec.pin.Type != api.MetaType && !rec.pin.IsRemotePin(p.id)
}

// unpin removes a pin and returns it.
func (c *Cluster) unpin(ci api.Cid) (api.Pin, error) {
	if c.opts.Follower {
		return api.Pin{}, errFollower
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
	rec := c.pins.get(ci)
	if rec == nil {
		return api.Pin{}, errNotFound
	}
	switch rec.pin.Type {
	case api.DataType, api.MetaType:
		for _, part := range rec.parts {
			if shard := c.pins.get(part); shard != nil {
				c.untrack(shard)
			}
		}
		c.untrack(rec)
		return rec.pin, nil
	case api.ShardType:
		return api.Pin{}, errShardPin
	case api.ClusterDAGType:
		return api.Pin{}, errDAGPin
	default:
		return api.Pin{}, errNoPinType
	}
}

// untrack removes a pin and starts to unpin it at the peers that pinned it.
func (c *Cluster) untrack(rec *record) {
	if c.opts.Consensus == Raft {
		c.log.decode(rec.pin)
	}
	c.pins.remove(rec.pin.Cid)
	removal := &record{pin: rec.pin, key: rec.key}
	for _, p := range c.peers {
		if !p.up || !rec.pinnedBy(p) {
			continue
		}
		t := tracked{status: api.TrackerStatusUnpinQueued, since: c.now()}
		if !p.ipfsUp {
			t.status, t.attempts = api.TrackerStatusUnpinError, 1
			t.err = p.ipfsError("pin/rm?arg=" + rec.pin.Cid.String())
		}
		removal.track(p.index, t)
	}
	if c.busy(removal, c.now()) {
		c.unpins[rec.key] = removal
	}
}

// recover retries a failed operation at a peer. It reports whether there was one.
func (c *Cluster) recover(rec *record, p *Peer, status api.TrackerStatus) bool {
	switch status {
	case api.TrackerStatusPinError, api.TrackerStatusUnexpectedlyUnpinned:
		rec.track(p.index, tracked{status: api.TrackerStatusPinQueued, since: c.now(), priority: true})
		if !p.ipfsUp {
			rec.track(p.index, tracked{
				status: api.TrackerStatusPinError, since: c.now(), attempts: rec.tracked[p.index].attempts + 1,
				err: p.ipfsError(pinAddCall(rec.pin)),
			})
		}
	case api.TrackerStatusUnpinError:
		rec.track(p.index, tracked{status: api.TrackerStatusUnpinQueued, since: c.now()})
	default:
		return false
	}
	return true
}

// pinAdded pins the result of an add. For a sharded add, it pins the shards first.
func (c *Cluster) pinAdded(opts api.PinOptions, allocations []peer.ID, result added) error {
	root := api.PinWithOpts(api.NewCid(result.root), opts)
	root.Allocations = allocations
	if !result.clusterDAG.Defined() {
		_, err := c.pin(root, true)
		return err
	}
	var parts []api.Cid
	var previous *api.Cid
	for i, shard := range result.shards {
		pin := root
		pin.Cid, pin.Type, pin.MaxDepth = api.NewCid(shard.Cid), api.ShardType, 1
		pin.Name = fmt.Sprintf("%s-shard-%d", opts.Name, i)
		pin.ShardSize, pin.Reference = shard.Size, previous
		if _, err := c.pin(pin, true); err != nil {
			return err
		}
		parts, previous = append(parts, pin.Cid), &pin.Cid
	}
	dag := root
	dag.Cid, dag.Type, dag.MaxDepth = api.NewCid(result.clusterDAG), api.ClusterDAGType, 0
	dag.Name, dag.Reference = opts.Name+"-clusterDAG", reference(result.root)
	if _, err := c.pin(dag, true); err != nil {
		return err
	}
	root.Type, root.MaxDepth, root.Reference = api.MetaType, 0, reference(result.clusterDAG)
	_, err := c.pin(root, true, append(parts, dag.Cid)...)
	return err
}

func reference(c cid.Cid) *api.Cid {
	ref := api.NewCid(c)
	return &ref
}
