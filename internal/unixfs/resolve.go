package unixfs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
)

// Getter returns a stored block, or an error if there is none.
type Getter func(cid.Cid) ([]byte, error)

// NoLinkError reports a path that does not exist. Its text is that of the IPFS
// daemon.
type NoLinkError struct {
	// Name is the missing path segment, and Under is the node that lacks it.
	Name  string
	Under cid.Cid
}

func (e *NoLinkError) Error() string {
	return fmt.Sprintf("no link named %q under %s", e.Name, e.Under)
}

// Resolve returns the CID at the path below root. Path segments are names in
// directories, sharded or not. Without segments it returns root without reading
// it. If the path does not exist, the error is a *NoLinkError. Errors of get
// are wrapped.
func Resolve(get Getter, root cid.Cid, path []string) (cid.Cid, error) {
	for _, name := range path {
		next, err := findEntry(get, root, name)
		if err != nil {
			return cid.Undef, err
		}
		if !next.Defined() {
			return cid.Undef, &NoLinkError{Name: name, Under: root}
		}
		root = next
	}
	return root, nil
}

// findEntry returns the CID of a name in directory c, or Undef if there is no
// such name or c is not a directory.
func findEntry(get Getter, c cid.Cid, name string) (cid.Cid, error) {
	hash := hashName(name)
	for depth := 0; c.Type() == cid.DagProtobuf; depth++ {
		block, err := get(c)
		if err != nil {
			return cid.Undef, fmt.Errorf("block %s: %w", c, err)
		}
		links, fs, err := decodeNode(block)
		if err != nil {
			return cid.Undef, fmt.Errorf("block %s: %w", c, err)
		}
		d, err := decodeFS(fs)
		if err != nil {
			return cid.Undef, fmt.Errorf("block %s: %w", c, err)
		}
		label := name
		switch {
		case d.GetType() == pb.Data_Directory:
		case d.GetType() != pb.Data_HAMTShard:
			return cid.Undef, nil
		case d.GetFanout() != hamtFanout || d.GetHashType() != hamtMurmur3:
			return cid.Undef, fmt.Errorf("block %s: only HAMTs of width %d over murmur3 are supported", c, hamtFanout)
		case depth == len(hash):
			return cid.Undef, fmt.Errorf("block %s: %w", c, errHAMTDepth)
		default:
			label = hamtSlot(hash[depth])
			if deeper := findLink(links, label); deeper.Defined() {
				c = deeper
				continue
			}
			label += name
		}
		return findLink(links, label), nil
	}
	return cid.Undef, nil
}

func findLink(links []link, name string) cid.Cid {
	i := slices.IndexFunc(links, func(l link) bool { return l.name == name })
	if i < 0 {
		return cid.Undef
	}
	return links[i].cid
}

// Walk calls visit for root and everything below it, once per CID, parents
// before children. It stops at the first error. It supports dag-pb, dag-cbor
// and raw blocks.
func Walk(get Getter, root cid.Cid, visit func(cid.Cid) error) error {
	seen := cid.NewSet()
	todo := []cid.Cid{root}
	for len(todo) > 0 {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen.Visit(c) {
			continue
		}
		if err := visit(c); err != nil {
			return err
		}
		if c.Type() == cid.Raw {
			continue
		}
		block, err := get(c)
		if err != nil {
			return fmt.Errorf("block %s: %w", c, err)
		}
		links, err := blockLinks(c, block)
		if err != nil {
			return fmt.Errorf("block %s: %w", c, err)
		}
		slices.Reverse(links)
		todo = append(todo, links...)
	}
	return nil
}

var errCodec = errors.New("only dag-pb, dag-cbor and raw blocks are supported")

// blockLinks returns the CIDs that a block links to, in their order.
func blockLinks(c cid.Cid, block []byte) ([]cid.Cid, error) {
	switch c.Type() {
	case cid.Raw:
		return nil, nil
	case cid.DagProtobuf:
		links, _, err := decodeNode(block)
		cids := make([]cid.Cid, len(links))
		for i, l := range links {
			cids[i] = l.cid
		}
		return cids, err
	case cid.DagCBOR:
		return cborLinks(block)
	default:
		return nil, errCodec
	}
}
