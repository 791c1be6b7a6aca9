package unixfs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// Params are the options of an import. The zero value is the server's behaviour
// without query parameters: balanced layout, chunks of 262144 bytes, CIDv0 with
// sha2-256, no raw leaves, no wrapping directory, no progress.
type Params struct {
	// Format is "" or "unixfs" for files, "car" for one CARv1 archive.
	Format string
	// Layout is "" or "balanced", or "trickle".
	Layout string
	// Chunker is "" or "default", "size-N", "rabin", "rabin-AVG",
	// "rabin-MIN-AVG-MAX" or "buzhash"; sizes in bytes.
	Chunker string
	// Hash is a multihash name in any case; "" means sha2-256. Others require
	// CidVersion 1.
	Hash string
	// CidVersion is 0 or 1.
	CidVersion int
	// RawLeaves stores file chunks as raw blocks. With CidVersion 1 the server's
	// default is true; the caller must set it.
	RawLeaves bool
	// Wrap puts the whole upload into one directory.
	Wrap bool
	// Progress enables progress events while files are read.
	Progress bool
	// Shard distributes the blocks over shards of less than ShardSize bytes each,
	// and adds a cluster DAG that lists the shards.
	Shard     bool
	ShardSize uint64
	// HashOnly computes the CIDs and events without storing anything: the sink's Put
	// is not called, and the buffers of blocks are reused.
	HashOnly bool
	// Buffer, if not nil, is where an import with HashOnly takes a small buffer from,
	// and leaves one for the next import.
	Buffer *Buffer
	// RequireRoot makes it an error if the root of a CAR is not among its blocks.
	// The server does not check that.
	RequireRoot bool
	// RequireEntries makes it an error, a *ReplacedError, if an entry replaces an
	// earlier one of the same name. The server reports both and keeps only the last
	// one.
	RequireEntries bool
	// Name is the name of the pin, under which the cluster DAG is reported.
	Name string
}

// The errors of invalid parameters. As with the server, Import returns them at
// the start, before any event. The error of an invalid chunker is returned only
// at the first file.
var (
	errUnknownHash = errors.New("hash function name not known")
	errBadFormat   = errors.New("bad dag formatter option")
)

// prefix returns the CID prefix of dag-pb nodes. It does not check that the
// hash function is allowed with the CID version: the server checks that at the
// first block.
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
