package unixfs

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// maxShardLinks is the maximum number of links in a node of a shard or cluster
// DAG. More links are split over several nodes below another one.
const maxShardLinks = 5984

var (
	errShardTooSmall = errors.New("block doesn't fit in empty shard: shard size too small?")
	errNoShard       = errors.New("cannot flush a nil shard")
)

// sharder stores blocks in shards, each block only in the first shard that
// needs it.
type sharder struct {
	sink  Sink
	limit uint64
	name  string
	seen  *cid.Set
	// blocks are the blocks of the current shard, which is open if there are any.
	blocks []cid.Cid
	size   uint64
	shards []Shard
}

func newSharder(p Params, sink Sink) *sharder {
	return &sharder{sink: sink, limit: p.ShardSize, name: p.Name, seen: cid.NewSet()}
}

func (s *sharder) put(c cid.Cid, block []byte) error {
	if !s.seen.Visit(c) {
		return nil
	}
	size := uint64(len(block))
	if s.size+size >= s.limit && s.size > 0 {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if s.size+size >= s.limit {
		return errShardTooSmall
	}
	s.blocks = append(s.blocks, c)
	s.size += size
	return s.sink.Put(c, block)
}

// flush stores the node of the current shard and emits its event.
func (s *sharder) flush() error {
	if len(s.blocks) == 0 {
		return errNoShard
	}
	c, err := storeLinks(s.sink, s.blocks)
	if err != nil {
		return err
	}
	name := "shard-" + strconv.Itoa(len(s.shards))
	shard := Shard{Cid: c, Size: s.size}
	s.shards = append(s.shards, shard)
	s.blocks, s.size = nil, 0
	return s.sink.Emit(Event{Kind: ShardDone, Name: name, Cid: c, Size: shard.Size})
}

// finish stores the last shard and the cluster DAG.
func (s *sharder) finish() ([]Shard, cid.Cid, error) {
	if err := s.flush(); err != nil {
		return nil, cid.Undef, err
	}
	var total uint64
	cids := make([]cid.Cid, len(s.shards))
	for i, shard := range s.shards {
		cids[i] = shard.Cid
		total += shard.Size
	}
	c, err := storeLinks(s.sink, cids)
	if err != nil {
		return nil, cid.Undef, err
	}
	err = s.sink.Emit(Event{Kind: ClusterDAG, Name: s.name + "-clusterDAG", Cid: c, Size: total})
	return s.shards, c, err
}

// storeLinks stores a list of links and returns the CID of its root.
func storeLinks(sink Sink, links []cid.Cid) (cid.Cid, error) {
	if len(links) <= maxShardLinks {
		return storeLinkMap(sink, links)
	}
	// If the last node is full, the server adds an empty one.
	var parts []cid.Cid
	for n := len(links)/maxShardLinks + 1; n > 0; n-- {
		k := min(maxShardLinks, len(links))
		part, err := storeLinkMap(sink, links[:k])
		if err != nil {
			return cid.Undef, err
		}
		parts, links = append(parts, part), links[k:]
	}
	return storeLinkMap(sink, parts)
}

// storeLinkMap stores a dag-cbor map from "0", "1", … to the links. DAG-CBOR
// sorts shorter keys first, which is the order of the numbers.
func storeLinkMap(sink Sink, links []cid.Cid) (cid.Cid, error) {
	block := appendCBORHead(nil, cborMap, uint64(len(links)))
	for i, c := range links {
		block = appendCBORText(block, strconv.Itoa(i))
		block = appendCBORLink(block, c)
	}
	c, err := cid.NewPrefixV1(cid.DagCBOR, multihash.SHA2_256).Sum(block)
	if err != nil {
		return cid.Undef, fmt.Errorf("shard node: %w", err)
	}
	return c, sink.Put(c, block)
}
