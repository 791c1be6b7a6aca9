package clustertest

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

const rpcProtocol = "/ipfscluster/1.0/rpc"

var (
	errCannotRemove = errors.New("crdt consensus component cannot remove peers")
	errUnknownPeer  = errors.New("routing: not found")
)

// identity returns the peer's own description. c.mu must be held.
func (p *Peer) identity() api.ID {
	id := api.ID{
		ID:                    p.id,
		Addresses:             []api.Multiaddr{p.clusterAddr()},
		ClusterPeers:          []peer.ID{},
		ClusterPeersAddresses: []api.Multiaddr{},
		Version:               p.c.opts.Version,
		RPCProtocolVersion:    rpcProtocol,
		Peername:              p.name,
	}
	for _, member := range p.c.members() {
		id.ClusterPeers = append(id.ClusterPeers, member.id)
		if member != p {
			id.ClusterPeersAddresses = append(id.ClusterPeersAddresses, member.clusterAddr())
		}
	}
	if p.ipfsUp {
		id.IPFS.ID = p.ipfsID
		id.IPFS.Addresses = []api.Multiaddr{peerAddr(p.host, p.ipfsPort(), p.ipfsID)}
	} else {
		id.IPFS.Error = p.ipfsError("id")
	}
	return id
}

// clusterAddr returns the address that the peer announces for the cluster's protocol.
func (p *Peer) clusterAddr() api.Multiaddr {
	return peerAddr(p.host, p.clusterPort(), p.id)
}

func peerAddr(host string, port int, id peer.ID) api.Multiaddr {
	return api.Multiaddr(tcpAddr(host, port) + "/p2p/" + id.String())
}

func (p *Peer) handleID(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	p.c.mu.Lock()
	id := p.identity()
	p.c.mu.Unlock()
	p.sendJSON(w, http.StatusOK, id)
}

func (p *Peer) handleVersion(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	p.sendJSON(w, http.StatusOK, api.Version{Version: p.c.opts.Version})
}

func (p *Peer) handleHealth(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	p.sendEmpty(w)
}

func (p *Peer) handlePeers(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	p.stream(w, r, func(_ context.Context, emit func(any) error) error {
		for _, id := range p.c.identities() {
			if err := emit(id); err != nil {
				return nil //nolint:nilerr // the trailer has it already
			}
		}
		return nil
	})
}

// identities returns the descriptions of the members, with an error for those
// that are down. The order is random, because a real peer lists the others in
// the order in which their answers arrive.
func (c *Cluster) identities() []api.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []api.ID
	for _, p := range c.members() {
		if p.up {
			ids = append(ids, p.identity())
		} else {
			ids = append(ids, api.ID{ID: p.id, Error: p.rpcError()})
		}
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids
}

func (p *Peer) handlePeerAdd(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	var body api.PeerAddBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		p.sendCode(w, http.StatusBadRequest, "error decoding request body")
		return
	}
	pid, err := peer.Decode(body.PeerID)
	if err != nil {
		p.sendCode(w, http.StatusBadRequest, "error decoding peer_id")
		return
	}
	id, err := p.c.addMember(pid)
	send(p, w, id, err)
}

// addMember makes a running peer a member and returns its description.
func (c *Cluster) addMember(pid peer.ID) (api.ID, error) {
	if c.opts.Follower {
		return api.ID{}, errFollower
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.peers {
		if p.id != pid {
			continue
		}
		if !p.up {
			return api.ID{}, errors.New(p.rpcError())
		}
		p.member = true
		return p.identity(), nil
	}
	return api.ID{}, errUnknownPeer
}

func (p *Peer) handlePeerRm(w http.ResponseWriter, _ *http.Request, vars map[string]string) {
	pid, err := peer.Decode(vars["peer"])
	if err != nil {
		p.sendCode(w, http.StatusBadRequest, "error decoding Peer ID: "+err.Error())
		return
	}
	if err := p.c.removeMember(pid); err != nil {
		p.sendError(w, err)
		return
	}
	p.sendEmpty(w)
}

// removeMember removes a peer from the cluster. The peer continues to serve.
// Removing a peer that is not a member succeeds.
func (c *Cluster) removeMember(pid peer.ID) error {
	switch {
	case c.opts.Follower:
		return errFollower
	case c.opts.Consensus == CRDT:
		return errCannotRemove
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.peers {
		if p.id == pid {
			p.member = false
		}
	}
	return nil
}
