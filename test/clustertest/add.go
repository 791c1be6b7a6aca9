package clustertest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// blockQueue is the length of the daemon's queue of blocks to send.
const blockQueue = 256

// uploadBuffer is the size of the buffer for reading uploads, in bytes. Without
// this buffer, the multipart reader would get at most 4 KiB per system call.
const uploadBuffer = 64 << 10

var errNoDestination = errors.New("failed to put block on all destinations")

// added is the result of an import, to be pinned.
type added struct {
	root       cid.Cid
	shards     []unixfs.Shard
	clusterDAG cid.Cid
}

func (p *Peer) handleAdd(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	r.Body = struct {
		io.Reader
		io.Closer
	}{bufio.NewReaderSize(r.Body, uploadBuffer), r.Body}
	reader, err := r.MultipartReader()
	if err != nil {
		p.sendCode(w, http.StatusBadRequest, err.Error())
		return
	}
	query := r.URL.Query()
	params, err := api.AddParamsFromQuery(query)
	if err != nil {
		p.sendCode(w, http.StatusBadRequest, err.Error())
		return
	}
	p.c.expireIn(&params.PinOptions, query)
	upload, err := files.NewFileFromPartReader(reader, "multipart/form-data")
	if err != nil {
		p.sendCode(w, http.StatusInternalServerError, err.Error())
		return
	}
	p.setHeaders(w)
	w.Header().Set("Cache-Control", "no-cache")
	// Without this field, the first flush would lose the unread rest of the upload.
	w.Header().Set("Connection", "close")
	if params.StreamChannels {
		p.addStreamed(w, r, upload, params)
	} else {
		p.addBuffered(w, r, upload, params)
	}
}

// addStreamed sends outputs while it adds. The status is always 200, and the
// trailer is sent only after an error.
func (p *Peer) addStreamed(w http.ResponseWriter, r *http.Request, upload files.Directory, params *api.AddParams) {
	w.Header().Set("X-Chunked-Output", "1")
	w.Header().Set("Trailer", streamErrorTrailer)
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w).Flush
	enc := json.NewEncoder(w)
	err := p.add(r.Context(), upload, params, func(o api.AddedOutput) error {
		if err := enc.Encode(p.c.opts.Legacy.convert(o)); err != nil {
			return err
		}
		return flush()
	})
	if err != nil {
		w.Header().Set(streamErrorTrailer, err.Error())
	}
}

// addBuffered sends all outputs at the end (Q7).
func (p *Peer) addBuffered(w http.ResponseWriter, r *http.Request, upload files.Directory, params *api.AddParams) {
	var outputs []api.AddedOutput
	err := p.add(r.Context(), upload, params, func(o api.AddedOutput) error {
		outputs = append(outputs, o)
		return nil
	})
	send(p, w, outputs, err)
}

// add imports an upload and pins the result.
func (p *Peer) add(ctx context.Context, upload files.Directory, params *api.AddParams, emit func(api.AddedOutput) error) error {
	if p.c.opts.Follower {
		return errFollower
	}
	sink := &addSink{peer: p, params: params, emit: emit}
	result, err := unixfs.Import(ctx, upload, importParams(params), sink)
	if errors.Is(err, unixfs.ErrEmpty) {
		// The daemon panics (Q3).
		panic(http.ErrAbortHandler)
	}
	if err == nil && sink.lost > 0 {
		err = errNoDestination
	}
	if err != nil {
		return err
	}
	if params.NoPin && !params.Shard {
		return nil
	}
	return p.c.pinAdded(params.PinOptions, sink.allocations, added{result.Root, result.Shards, result.ClusterDAG})
}

func importParams(params *api.AddParams) unixfs.Params {
	return unixfs.Params{
		Format:     params.Format,
		Layout:     params.Layout,
		Chunker:    params.Chunker,
		Hash:       params.HashFun,
		CidVersion: params.CidVersion,
		RawLeaves:  params.RawLeaves,
		Wrap:       params.Wrap,
		Progress:   params.Progress,
		Shard:      params.Shard,
		ShardSize:  params.ShardSize,
		Name:       params.Name,
	}
}

// addSink sends the blocks of an import to the peers that they are allocated to.
type addSink struct {
	peer   *Peer
	params *api.AddParams
	emit   func(api.AddedOutput) error
	// allocations is chosen at the first block.
	allocations []peer.ID
	// lost counts the blocks that no IPFS daemon took.
	lost int
}

func (s *addSink) Put(c cid.Cid, block []byte) error {
	if s.allocations == nil {
		if err := s.allocate(); err != nil {
			return err
		}
	}
	if destinations := s.destinations(); destinations != 0 {
		s.peer.c.blocks.put(c, block, destinations)
		return nil
	}
	// The daemon sends blocks in the background, so the failure is reported later:
	// at the end, or when the queue is full.
	if s.lost++; s.lost > blockQueue {
		return errNoDestination
	}
	return nil
}

func (s *addSink) allocate() error {
	pin := api.PinWithOpts(api.CidUndef, s.params.PinOptions)
	allocations, err := s.peer.c.blockAllocations(pin)
	if err != nil {
		return err
	}
	self := s.peer.id
	if s.params.Local && len(s.params.UserAllocations) == 0 && !slices.Contains(allocations, self) {
		allocations[0] = self
	}
	s.allocations = allocations
	return nil
}

// destinations returns the mask of the peers that should get a block and whose
// IPFS daemons are up.
func (s *addSink) destinations() uint64 {
	c := s.peer.c
	c.mu.Lock()
	defer c.mu.Unlock()
	var mask uint64
	for _, p := range c.peers {
		wanted := slices.Contains(s.allocations, p.id)
		if s.params.Local {
			wanted = p == s.peer
		}
		if wanted && p.up && p.ipfsUp {
			mask |= 1 << p.index
		}
	}
	return mask
}

func (s *addSink) Emit(e unixfs.Event) error {
	o := api.AddedOutput{Name: e.Name, Cid: api.NewCid(e.Cid), Bytes: e.Bytes, Size: e.Size}
	if e.Kind == unixfs.Added || e.Kind == unixfs.ShardDone {
		o.Allocations = s.allocations
	}
	return s.emit(o)
}
