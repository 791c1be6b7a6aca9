package unixfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/boxo/verifcid"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// ErrEmpty is returned by [Import] for an upload without entries, or a CAR
// without blocks. The real server panics in these cases and drops the
// connection (Q3 in docs/upstream-faults.md).
var ErrEmpty = errors.New("nothing to import")

// Kind is the kind of an event.
type Kind int

const (
	// Added means that a file, symlink, directory or CAR was added.
	Added Kind = iota
	// Progress means that a further part of a file was read.
	Progress
	// ShardDone means that a shard is complete and stored.
	ShardDone
	// ClusterDAG means that the node that lists all shards is stored. It comes last.
	ClusterDAG
)

// Event is one object of the server's response to an add.
type Event struct {
	Kind Kind
	Name string
	// Cid is undefined in progress events.
	Cid cid.Cid
	// Bytes, in progress events, is the number of bytes of the file read so far.
	// For a CAR it is the sum of its block sizes. Otherwise it is 0.
	Bytes uint64
	// Size is the cumulative size of the DAG, in bytes. For a CAR it is the size
	// of the file if the root is a file, and otherwise 0. For a shard it is the
	// size of its blocks, and for the cluster DAG the sum over all shards. In
	// progress events it is 0.
	Size uint64
	// Directory is set in the event of a directory, and nil in all others.
	Directory *Directory
}

// A Sink receives the blocks and events of an import, in order, one call at a
// time. An error ends the import, which returns it unchanged.
type Sink interface {
	// Put stores a block and takes ownership of it. The same block can be put more
	// than once.
	Put(c cid.Cid, block []byte) error
	// Emit reports an event. All blocks that it refers to have been put.
	Emit(Event) error
}

// withoutBlocks is a Sink that passes on only events.
type withoutBlocks struct{ Sink }

func (withoutBlocks) Put(cid.Cid, []byte) error { return nil }

// Shard is one shard of a sharded import.
type Shard struct {
	Cid cid.Cid
	// Size is the sum of the sizes of the blocks in the shard, in bytes.
	Size uint64
}

// Result contains the CIDs to pin after an import.
type Result struct {
	// Root is the root added last.
	Root cid.Cid
	// Shards and ClusterDAG are set by sharded imports only.
	Shards     []Shard
	ClusterDAG cid.Cid
}

// Import adds the entries of upload, for example from
// files.NewFileFromPartReader over a multipart body. The directory passed as
// upload is not itself an entry. Import reads the entries once, in order, and
// closes each; if p.Format is "car", it reads only the first. Its errors have
// the server's wording, because they are sent to clients. It returns the
// context's error when the context is done.
func Import(ctx context.Context, upload files.Directory, p Params, sink Sink) (Result, error) {
	if p.HashOnly {
		sink = withoutBlocks{sink}
	}
	out := output{ctx: ctx, sink: sink, put: sink.Put}
	var sharding *sharder
	if p.Shard {
		sharding = newSharder(p, sink)
		out.put = sharding.put
	}
	add, err := newFormat(p, &out)
	if err != nil {
		return Result{}, err
	}
	if out.end != nil {
		defer out.end()
	}
	if p.Wrap {
		upload = files.NewSliceDirectory([]files.DirEntry{files.FileEntry("", upload)})
	}
	var result Result
	entries := upload.Entries()
	for entries.Next() {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if result.Root, err = add(entries.Name(), entries.Node()); err != nil {
			return Result{}, err
		}
		if p.Format == "car" {
			break
		}
	}
	if err := entries.Err(); err != nil {
		return Result{}, err
	}
	if p.Shard {
		result.Shards, result.ClusterDAG, err = sharding.finish()
		return result, err
	}
	if !out.stored {
		return Result{}, ErrEmpty
	}
	return result, nil
}

// newFormat returns the function that adds one top-level entry.
func newFormat(p Params, out *output) (func(name string, n files.Node) (cid.Cid, error), error) {
	switch p.Format {
	case "", "unixfs":
		prefix, err := p.prefix()
		if err != nil {
			return nil, err
		}
		a := &adder{output: out, params: p, prefix: prefix}
		a.builder.hasher.sum, a.builder.hasher.put = a.sum, a.put
		if p.Buffer != nil {
			a.builder.pool.put(p.Buffer.buf)
			p.Buffer.buf = nil
			out.end = func() { a.builder.pool.keep(p.Buffer) }
		}
		return a.addTop, nil
	case "car":
		c := &carAdder{output: out, params: p}
		return c.addTop, nil
	default:
		return nil, errBadFormat
	}
}

// output is the destination of an import's blocks and events.
type output struct {
	ctx  context.Context // of the one Import call that owns the output
	sink Sink
	put  func(cid.Cid, []byte) error
	// stored is set once a block is complete.
	stored bool
	// end, if not nil, is called at the end of the import.
	end func()
}

func (o *output) putBlock(c cid.Cid, block []byte) error {
	if err := o.ctx.Err(); err != nil {
		return err
	}
	o.stored = true
	return o.put(c, block)
}

// adder adds files, symlinks and directories. All of them go into one scratch
// directory, which the server never empties: each top-level directory also
// holds the entries of the ones before it.
type adder struct {
	*output
	params Params
	prefix cid.Prefix
	// scratch is nil until something is added to it.
	scratch *dir
	// top is the name of the current top-level entry.
	top     string
	builder fileBuilder
}

func (a *adder) addTop(name string, n files.Node) (cid.Cid, error) {
	a.top = name
	last, err := a.addNode("", n, true)
	if err != nil {
		return cid.Undef, err
	}
	_, isDir := n.(files.Directory)
	if !isDir && !a.params.Shard {
		return last.cid, nil
	}
	// For a single file, the scratch directory is visible only in the content of a
	// shard.
	root, err := a.root()
	if err != nil {
		return cid.Undef, err
	}
	if err := a.storeDir(root); err != nil {
		return cid.Undef, err
	}
	if !isDir {
		return last.cid, nil
	}
	return root.stored.link.cid, a.report(root, "")
}

// root returns the scratch directory. Like the server, it stores an empty
// directory when the scratch directory is first used.
func (a *adder) root() (*dir, error) {
	if a.scratch == nil {
		block, _ := encodeNode(nil, encodeDirectory())
		if _, err := a.store(node{block: block}); err != nil {
			return nil, err
		}
		a.scratch = newDir()
	}
	return a.scratch, nil
}

// addNode adds the node at the path below the top-level entry. It returns the
// node's link, unless it is a directory.
func (a *adder) addNode(name string, n files.Node, top bool) (link, error) {
	defer n.Close()
	var l link
	var err error
	switch n := n.(type) {
	case files.Directory:
		return link{}, a.addDir(name, n, top)
	case *files.Symlink:
		block, _ := encodeNode(nil, encodeSymlink(n.Target))
		l, err = a.store(node{block: block})
	case files.File:
		l, err = a.addFile(name, n)
	default:
		return link{}, errors.New("unknown file type")
	}
	if err != nil {
		return link{}, err
	}
	return l, a.enter(name, l)
}

func (a *adder) addDir(name string, n files.Directory, top bool) error {
	if !top {
		if name == "" {
			return errNoDirName
		}
		root, err := a.root()
		if err != nil {
			return err
		}
		if a.params.RequireEntries && root.loses(name, cid.Undef) {
			return &ReplacedError{path.Join(a.top, name)}
		}
		root.child(name)
	}
	entries := n.Entries()
	for entries.Next() {
		if _, err := a.addNode(path.Join(name, entries.Name()), entries.Node(), false); err != nil {
			return err
		}
	}
	return entries.Err()
}

func (a *adder) addFile(name string, r io.Reader) (link, error) {
	b := &a.builder
	defer b.hasher.wait()
	if a.params.Progress {
		r = &progressReader{r: r, emit: func(read uint64) error {
			if err := b.hasher.settle(); err != nil {
				return err
			}
			return a.sink.Emit(Event{Kind: Progress, Name: name, Bytes: read})
		}}
	}
	source, err := newChunkSource(r, a.params.Chunker, &b.pool)
	if err != nil {
		return link{}, err
	}
	typ, layout := layoutOf(a.params.Layout == "trickle")
	b.begin(source, leafFormat{raw: a.params.RawLeaves, typ: typ})
	n, err := layout(b)
	if err != nil {
		return link{}, err
	}
	return a.store(n)
}

// enter adds a file to the scratch directory and reports it. A top-level file
// has no path there, so the server uses its CID.
func (a *adder) enter(name string, l link) error {
	root, err := a.root()
	if err != nil {
		return err
	}
	base := name
	if base == "" {
		base = l.cid.String()
	}
	if a.params.RequireEntries && root.loses(base, l.cid) {
		return &ReplacedError{path.Join(a.top, name)}
	}
	if err := root.put(base, l); err != nil {
		return err
	}
	return a.sink.Emit(a.event(name, l))
}

func (a *adder) event(name string, l link) Event {
	return Event{Name: path.Join(a.top, name), Cid: l.cid, Size: l.size}
}

// storeFunc stores a node and returns a link to it without a name.
type storeFunc func(node) (link, error)

// store puts the node and returns a link to it without a name.
func (a *adder) store(n node) (link, error) {
	c, err := a.sum(n)
	if err != nil {
		return link{}, err
	}
	return a.put(n, c)
}

// ErrLongIdentity is the error of a block that no IPFS daemon stores: its CID would
// contain all of it.
var ErrLongIdentity = fmt.Errorf("the hash function identity is only for blocks of at most %d bytes", verifcid.DefaultMaxIdentityDigestSize)

// sum returns the CID of the node. Raw blocks have CIDs of version 1 even in a
// tree of version 0.
func (a *adder) sum(n node) (cid.Cid, error) {
	prefix := a.prefix
	if n.raw {
		prefix.Version, prefix.Codec = 1, cid.Raw
	}
	if a.params.HashOnly && prefix.MhType == multihash.IDENTITY && len(n.block) > verifcid.DefaultMaxIdentityDigestSize {
		return cid.Undef, ErrLongIdentity
	}
	return prefix.Sum(n.block)
}

func (a *adder) put(n node, c cid.Cid) (link, error) {
	l := link{cid: c, size: n.size()}
	block := n.block
	switch {
	case a.params.HashOnly:
		a.builder.pool.put(n.buf)
	case len(block) < 4*(cap(n.buf)-len(block)):
		// The sink keeps the block, but not a buffer that is much larger.
		block = bytes.Clone(block)
		a.builder.pool.put(n.buf)
	}
	return l, a.putBlock(c, block)
}
