package unixfs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// Params says how to import. The zero value is what the server does when no
// query parameter is given: balanced layout, chunks of 262144 bytes, CIDv0 with
// sha2-256, no raw leaves, nothing wrapped, no progress.
type Params struct {
	// Format is "" or "unixfs" for files, "car" for one CARv1 archive.
	Format string
	// Layout is "" or "balanced", or "trickle".
	Layout string
	// Chunker is "" or "default", "size-N", "rabin", "rabin-AVG",
	// "rabin-MIN-AVG-MAX" or "buzhash"; sizes in bytes.
	Chunker string
	// Hash is a multihash name in any case; "" is sha2-256. Anything else than
	// sha2-256 needs CidVersion 1.
	Hash string
	// CidVersion is 0 or 1.
	CidVersion int
	// RawLeaves stores file chunks as raw blocks. The default of the server,
	// true with CidVersion 1, is the caller's to apply.
	RawLeaves bool
	// Wrap puts everything that is uploaded into one directory.
	Wrap bool
	// Progress asks for progress events while files are read.
	Progress bool
	// Shard spreads the blocks over shards of less than ShardSize bytes each,
	// and adds a cluster DAG that lists them.
	Shard     bool
	ShardSize uint64
	// Name is the name of the pin; the cluster DAG is reported under it.
	Name string
}

// Errors of unusable parameters. As with the server, they surface when the
// import starts, before any event; a bad chunker when the first file is read.
var (
	errUnknownHash = errors.New("hash function name not known")
	errBadFormat   = errors.New("bad dag formatter option")
)

// prefix returns the CID prefix of dag-pb nodes. It does not check that the
// hash function can be used with the CID version: the server finds that out at
// the first block.
func (p Params) prefix() (cid.Prefix, error) {
	if p.CidVersion != 0 && p.CidVersion != 1 {
		return cid.Prefix{}, fmt.Errorf("bad CID Version: unknown CID version: %d", p.CidVersion)
	}
	name := strings.ToLower(p.Hash)
	if name == "" {
		name = "sha2-256"
	}
	code, ok := multihash.Names[name]
	if !ok {
		return cid.Prefix{}, errUnknownHash
	}
	return cid.Prefix{
		Version:  uint64(p.CidVersion),
		Codec:    cid.DagProtobuf,
		MhType:   code,
		MhLength: -1,
	}, nil
}
