package clustertest

import (
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// CheckStored returns an error unless every block of the DAG of root is stored
// and has the hash that its CID names. Garbage collection removes blocks, and
// DiscardBlocks keeps none.
func (c *Cluster) CheckStored(root cid.Cid) error {
	return unixfs.Walk(c.blocks.get, root, func(ci cid.Cid) error {
		block, err := c.blocks.get(ci)
		if err != nil {
			return fmt.Errorf("block %s: %w", ci, err)
		}
		actual, err := ci.Prefix().Sum(block)
		if err != nil {
			return fmt.Errorf("block %s: %w", ci, err)
		}
		if !actual.Equals(ci) {
			return fmt.Errorf("block %s has other content, with the CID %s", ci, actual)
		}
		return nil
	})
}
