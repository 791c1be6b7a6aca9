package oracle

import (
	"bytes"
	"context"
	"fmt"
	"path"

	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	"github.com/ipfs/boxo/ipld/unixfs/importer/trickle"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// output is what an importer reports for a file, a symlink or a directory.
type output struct {
	cid  cid.Cid
	size uint64
}

// reference imports trees with boxo.
type reference struct {
	blocks    dagService
	builder   cid.Builder
	chunker   string
	trickle   bool
	rawLeaves bool
	// sharding configures each directory.
	sharding func(uio.Directory)
	// outputs has the outputs by their paths.
	outputs map[string]output
}

func (r *reference) add(name string, t tree) (ipld.Node, error) {
	var n ipld.Node
	var err error
	switch t.kind {
	case aFile:
		n, err = r.file(t)
	case aSymlink:
		n, err = r.symlink(t)
	default:
		n, err = r.directory(name, t)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	size, err := n.Size()
	r.outputs[name] = output{n.Cid(), size}
	return n, err
}

func (r *reference) file(t tree) (ipld.Node, error) {
	splitter, err := chunk.FromString(bytes.NewReader(t.bytes()), r.chunker)
	if err != nil {
		return nil, err
	}
	params := helpers.DagBuilderParams{
		Maxlinks:   helpers.DefaultLinksPerBlock,
		RawLeaves:  r.rawLeaves,
		CidBuilder: r.builder,
		Dagserv:    r.blocks,
	}
	db, err := params.New(splitter)
	if err != nil {
		return nil, err
	}
	if r.trickle {
		return trickle.Layout(db)
	}
	return balanced.Layout(db)
}

func (r *reference) symlink(t tree) (ipld.Node, error) {
	data, err := unixfs.SymlinkData(t.target)
	if err != nil {
		return nil, err
	}
	n := merkledag.NodeWithData(data)
	if err := n.SetCidBuilder(r.builder); err != nil {
		return nil, err
	}
	return n, r.blocks.Add(context.Background(), n)
}

func (r *reference) directory(name string, t tree) (ipld.Node, error) {
	d, err := uio.NewDirectory(r.blocks, uio.WithCidBuilder(r.builder))
	if err != nil {
		return nil, err
	}
	r.sharding(d)
	for i, child := range t.children {
		n, err := r.add(path.Join(name, t.names[i]), child)
		if err != nil {
			return nil, err
		}
		if err := d.AddChild(context.Background(), t.names[i], n); err != nil {
			return nil, err
		}
	}
	n, err := d.GetNode()
	if err != nil {
		return nil, err
	}
	return n, r.blocks.Add(context.Background(), n)
}

// dagService keeps nodes in memory.
type dagService map[cid.Cid]ipld.Node

func (d dagService) Get(_ context.Context, c cid.Cid) (ipld.Node, error) {
	n, ok := d[c]
	if !ok {
		return nil, ipld.ErrNotFound{Cid: c}
	}
	return n, nil
}

func (d dagService) GetMany(ctx context.Context, cids []cid.Cid) <-chan *ipld.NodeOption {
	out := make(chan *ipld.NodeOption, len(cids))
	for _, c := range cids {
		n, err := d.Get(ctx, c)
		out <- &ipld.NodeOption{Node: n, Err: err}
	}
	close(out)
	return out
}

func (d dagService) Add(_ context.Context, n ipld.Node) error {
	d[n.Cid()] = n
	return nil
}

func (d dagService) AddMany(ctx context.Context, nodes []ipld.Node) error {
	for _, n := range nodes {
		if err := d.Add(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (d dagService) Remove(_ context.Context, c cid.Cid) error {
	delete(d, c)
	return nil
}

func (d dagService) RemoveMany(ctx context.Context, cids []cid.Cid) error {
	for _, c := range cids {
		if err := d.Remove(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
