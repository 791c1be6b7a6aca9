package api

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/ipfs/boxo/verifcid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
)

// DefaultShardSize is the shard size of DefaultAddParams: 100 MiB. The server
// itself has no default.
const DefaultShardSize uint64 = 100 << 20

// Values of AddParams that the server accepts.
const (
	formatUnixFS   = "unixfs"
	formatCAR      = "car"
	layoutBalanced = "balanced"
	layoutTrickle  = "trickle"
	defaultChunker = "size-262144"
	defaultHash    = "sha2-256"
)

// AddedOutput is one event of an add: an added node or, if Cid is undefined,
// progress.
type AddedOutput struct {
	// Name is the path of the node within the upload. It is empty for a wrapping
	// directory.
	Name string `json:"name"`
	Cid  Cid    `json:"cid"`
	// Bytes is the number of bytes of this file that have been read so far. Only
	// progress events have it.
	Bytes uint64 `json:"bytes,omitempty"`
	// Size is the size of the node's whole DAG in bytes.
	Size        uint64    `json:"size,omitempty"`
	Allocations []peer.ID `json:"allocations,omitempty"`
}

// UnmarshalJSON decodes as the package comment describes.
func (o *AddedOutput) UnmarshalJSON(b []byte) error {
	type plain AddedOutput
	var wire struct {
		plain
		Allocations peerIDs `json:"allocations"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*o = AddedOutput(wire.plain)
	o.Allocations = wire.Allocations.peers()
	return nil
}

// IPFSAddParams determine how content is turned into a DAG.
type IPFSAddParams struct {
	Layout  string // "balanced", "trickle", or empty for balanced
	Chunker string // such as "size-262144", "rabin-16384-32768-65536", "buzhash"
	// RawLeaves stores the leaves of files as raw blocks, and NoRawLeaves does
	// not. If neither is set, the server uses raw blocks only with CID version
	// 1. Setting both is invalid.
	RawLeaves   bool
	NoRawLeaves bool
	Progress    bool   // report the bytes read of each file
	CidVersion  int    // 0 or 1
	HashFun     string // multihash name, empty for sha2-256; all others need CidVersion 1
	NoCopy      bool   // keep references to URLs instead of blocks; not verified
}

// AddParams determine how content is added and pinned. [DefaultAddParams] returns
// parameters to start from. The server ignores PinUpdate and Mode.
//
// The client verifies every output of an add against what it has sent, except with
// Shard and with NoCopy. Then it only checks that the upload and the report are
// complete.
type AddParams struct {
	PinOptions
	IPFSAddParams
	Local          bool   // put blocks only on the contacted peer's IPFS; pin as usual
	Recursive      bool   // permit adding directories; applied by the client
	Hidden         bool   // include dot files found in directories; applied by the client
	Wrap           bool   // wrap everything in one directory
	Shard          bool   // experimental: spread the DAG over peers in shards of ShardSize; not verified
	StreamChannels bool   // report while adding, instead of in one array at the end (buffered)
	Format         string // "unixfs", "car", or empty for unixfs
	NoPin          bool   // only put blocks; without effect when sharding
}

// DefaultAddParams returns new parameters with default values: UnixFS, chunks of
// 256 KiB, sha2-256, CID version 0, streamed, shards of DefaultShardSize. They are
// upstream's defaults, except that Recursive is set.
func DefaultAddParams() *AddParams {
	return &AddParams{
		PinOptions: PinOptions{
			ShardSize: DefaultShardSize,
			Metadata:  make(map[string]string),
		},
		IPFSAddParams: IPFSAddParams{
			Chunker: defaultChunker,
			HashFun: defaultHash,
		},
		Recursive:      true,
		StreamChannels: true,
		Format:         formatUnixFS,
	}
}

// Equals reports whether p and other have equal parameters. It ignores PinUpdate
// and compares the pin options with PinOptions.Equals.
func (p AddParams) Equals(other AddParams) bool {
	return p.PinOptions.Equals(other.PinOptions) &&
		p.IPFSAddParams == other.IPFSAddParams &&
		p.Local == other.Local &&
		p.Recursive == other.Recursive &&
		p.Hidden == other.Hidden &&
		p.Wrap == other.Wrap &&
		p.Shard == other.Shard &&
		p.StreamChannels == other.StreamChannels &&
		p.Format == other.Format &&
		p.NoPin == other.NoPin
}

// Validate reports all parameters that contradict each other or that the server
// would refuse before or during the add.
func (p AddParams) Validate() error {
	wrong := problems{p.PinOptions.Validate()}
	if !validLayout(p.Layout) {
		wrong.addf("unknown layout %q: use balanced or trickle", p.Layout)
	}
	if !validFormat(p.Format) {
		wrong.addf("unknown format %q: use unixfs or car", p.Format)
	}
	if p.CidVersion != 0 && p.CidVersion != 1 {
		wrong.addf("unknown CID version %d: use 0 or 1", p.CidVersion)
	}
	if !validHash(p.HashFun) {
		wrong.addf("hash function %q is unknown, or IPFS accepts no blocks with it: use sha2-256, blake2b-256, blake3 or the like", p.HashFun)
	} else if p.CidVersion == 0 && p.HashFun != "" && !strings.EqualFold(p.HashFun, defaultHash) {
		wrong.addf("hash function %q needs CID version 1", p.HashFun)
	}
	if p.RawLeaves && p.NoRawLeaves {
		wrong.addf("raw leaves are both asked for and refused: set only one of RawLeaves and NoRawLeaves")
	}
	if p.Shard && p.ShardSize == 0 {
		wrong.addf("sharding needs a shard size: set ShardSize, for example to DefaultShardSize")
	}
	if p.Wrap && p.Format == formatCAR {
		wrong.addf("a CAR file cannot be wrapped with a directory: unset Wrap")
	}
	return errors.Join(wrong...)
}

func validLayout(layout string) bool {
	return layout == "" || layout == layoutBalanced || layout == layoutTrickle
}

// validHash reports whether a peer can hash with the function, and its IPFS daemon
// accepts the blocks. A daemon refuses functions that are not secure. The peer passes
// these on, and reports each refusal as a broken daemon (B6). With identity, a daemon
// accepts only blocks of at most 128 bytes.
func validHash(name string) bool {
	if name == "" {
		return true
	}
	code, known := multihash.Names[strings.ToLower(name)]
	if !known || !verifcid.DefaultAllowlist.IsAllowed(code) {
		return false
	}
	_, err := multihash.GetHasher(code)
	return err == nil
}

func validFormat(format string) bool {
	return format == "" || format == formatUnixFS || format == formatCAR
}
