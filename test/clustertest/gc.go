package clustertest

import (
	"net/http"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

const repoGCCall = "repo/gc?stream-errors=true"

func (p *Peer) handleRepoGC(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	p.c.mu.Lock()
	peers := []*Peer{p}
	if !isLocal(r) {
		peers = p.c.members()
	}
	p.c.mu.Unlock()
	result := api.GlobalRepoGC{PeerMap: make(map[string]api.RepoGC)}
	for _, target := range peers {
		gc := target.repoGC()
		if gc.Error != "" && isLocal(r) {
			p.sendCode(w, http.StatusInternalServerError, gc.Error)
			return
		}
		result.PeerMap[target.idText] = gc
	}
	p.sendJSON(w, http.StatusOK, result)
}

// repoGC collects the garbage of the peer's IPFS daemon: the blocks that belong
// to none of the pins that are allocated to the peer.
func (p *Peer) repoGC() api.RepoGC {
	gc := api.RepoGC{Peer: p.id, Peername: p.name}
	p.c.mu.Lock()
	switch {
	case !p.up:
		gc.Error = p.rpcError()
	case !p.ipfsUp:
		gc.Error = p.ipfsError(repoGCCall)
	}
	p.c.mu.Unlock()
	if gc.Error != "" {
		return gc
	}
	keep := make(map[string]bool)
	for _, rec := range p.c.snapshot() {
		if !rec.pin.IsRemotePin(p.id) {
			p.c.keep(rec.pin, keep)
		}
	}
	gc.Keys = []api.IPFSRepoGC{}
	for _, c := range p.c.blocks.collect(p.index, keep) {
		gc.Keys = append(gc.Keys, api.IPFSRepoGC{Key: api.NewCid(c)})
	}
	return gc
}

// keep adds the multihashes of a pin's blocks to keep. For a direct pin, or if
// the root's block is missing, it adds only the root.
func (c *Cluster) keep(pin api.Pin, keep map[string]bool) {
	if pin.Type != api.MetaType && pin.Mode == api.PinModeDirect {
		keep[string(pin.Cid.Hash())] = true
		return
	}
	// The walk ends at the first missing block.
	_ = unixfs.Walk(c.blocks.get, pin.Cid.Cid, func(ci cid.Cid) error {
		keep[string(ci.Hash())] = true
		return nil
	})
}
