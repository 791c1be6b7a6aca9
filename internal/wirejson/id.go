package wirejson

import "github.com/pinfleet/pinfleet/api"

var idKeys = []string{
	"id", "addresses", "cluster_peers", "cluster_peers_addresses", "version", "commit", "rpc_protocol_version",
	"error", "ipfs", "peername",
}

func (d *Decoder) id(id *api.ID) {
	*id = api.ID{}
	for o := d.object(idKeys); o.next(); {
		switch o.key {
		case "id":
			id.ID = d.peerID()
		case "addresses":
			id.Addresses = d.multiaddrs()
		case "cluster_peers":
			id.ClusterPeers = d.peerIDs()
		case "cluster_peers_addresses":
			id.ClusterPeersAddresses = d.multiaddrs()
		case "version":
			id.Version = d.shared()
		case "commit":
			id.Commit = d.shared()
		case "rpc_protocol_version":
			id.RPCProtocolVersion = d.shared()
		case "error":
			id.Error = d.text()
		case "ipfs":
			id.IPFS = d.ipfsID()
		case "peername":
			id.Peername = d.shared()
		}
	}
}

var ipfsIDKeys = []string{"id", "addresses", "error"}

func (d *Decoder) ipfsID() (id api.IPFSID) {
	if d.null() {
		return id
	}
	for o := d.object(ipfsIDKeys); o.next(); {
		switch o.key {
		case "id":
			id.ID = d.peerID()
		case "addresses":
			id.Addresses = d.multiaddrs()
		case "error":
			id.Error = d.text()
		}
	}
	return id
}
