package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
)

// distinct is the number of different items in a listing. They are sent
// repeatedly. A sink that held the whole of a long listing would make the heap
// large, and thus garbage collections rare.
const distinct = 1000

// documents creates the documents that servers send. They are the same in every run.
type documents struct {
	rand    *rand.ChaCha8
	cluster []peer.ID
	ipfs    []peer.ID
	at      time.Time
}

func newDocuments() (*documents, error) {
	d := &documents{rand: rand.NewChaCha8([32]byte{1}), at: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)}
	for range 3 {
		for _, to := range []*[]peer.ID{&d.cluster, &d.ipfs} {
			_, key, err := crypto.GenerateEd25519Key(d.rand)
			if err != nil {
				return nil, err
			}
			id, err := peer.IDFromPublicKey(key)
			if err != nil {
				return nil, err
			}
			*to = append(*to, id)
		}
	}
	return d, nil
}

// cid returns a different CID for each i, alternately of the default kind of
// adds and of version 1.
func (d *documents) cid(i int) (api.Cid, error) {
	hash, err := multihash.Sum(binary.BigEndian.AppendUint64(nil, uint64(i)), multihash.SHA2_256, -1)
	if err != nil {
		return api.CidUndef, err
	}
	if i%2 == 0 {
		return api.NewCid(cid.NewCidV0(hash)), nil
	}
	return api.NewCid(cid.NewCidV1(cid.DagProtobuf, hash)), nil
}

// addresses returns the addresses that an IPFS daemon usually announces.
func addresses(i int, id peer.ID) []api.Multiaddr {
	var all []api.Multiaddr
	for _, at := range []string{
		"/ip4/127.0.0.1/tcp/4001", "/ip4/10.1.2.%d/tcp/4001", "/ip4/10.1.2.%d/udp/4001/quic-v1",
		"/ip6/2001:db8::%d/tcp/4001", "/dns4/node%d.example.com/tcp/4001",
	} {
		if bytes.ContainsRune([]byte(at), '%') {
			at = fmt.Sprintf(at, i+1)
		}
		all = append(all, api.Multiaddr(at+"/p2p/"+id.String()))
	}
	return all
}

// status returns the lines of a listing of statuses.
func (d *documents) status() ([]byte, error) {
	return lines(func(i int) (any, error) {
		c, err := d.cid(i)
		if err != nil {
			return nil, err
		}
		info := api.GlobalPinInfo{
			Cid: c, Name: fmt.Sprintf("backup-%d.tar", i), Allocations: d.cluster, Origins: []api.Multiaddr{},
			Created: d.at.Add(time.Duration(i) * time.Minute), PeerMap: map[string]api.PinInfoShort{},
		}
		for p, id := range d.cluster {
			info.PeerMap[id.String()] = api.PinInfoShort{
				PeerName: fmt.Sprintf("peer%d", p), IPFS: d.ipfs[p], IPFSAddresses: addresses(p, d.ipfs[p]),
				Status: api.TrackerStatusPinned, TS: info.Created.Add(time.Duration(p) * time.Second),
			}
		}
		return info, nil
	})
}

// pins returns the lines of a listing of the pinset.
func (d *documents) pins() ([]byte, error) {
	return lines(func(i int) (any, error) {
		c, err := d.cid(i)
		if err != nil {
			return nil, err
		}
		pin := api.PinCid(c)
		pin.Name = fmt.Sprintf("backup-%d.tar", i)
		pin.ReplicationFactorMin, pin.ReplicationFactorMax = 2, 2
		pin.Allocations = d.cluster[:2]
		pin.Origins = []api.Multiaddr{}
		pin.Metadata = map[string]string{"owner": fmt.Sprintf("team-%d", i%7)}
		pin.Timestamp = d.at.Add(time.Duration(i) * time.Minute)
		return pin, nil
	})
}

// id returns a peer's description of itself.
func (d *documents) id() ([]byte, error) {
	return json.Marshal(api.ID{
		ID: d.cluster[0], Addresses: addresses(0, d.cluster[0]), ClusterPeers: d.cluster,
		ClusterPeersAddresses: append(addresses(1, d.cluster[1]), addresses(2, d.cluster[2])...),
		Version:               "1.1.6", RPCProtocolVersion: "/ipfscluster/1.0/rpc", Peername: "peer0",
		IPFS: api.IPFSID{ID: d.ipfs[0], Addresses: addresses(0, d.ipfs[0])},
	})
}

func lines(item func(i int) (any, error)) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	for i := range distinct {
		v, err := item(i)
		if err != nil {
			return nil, err
		}
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), nil
}
