package main

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

const (
	// A listing takes pageTime for each pageSize items. An add takes nodeTime for
	// each of its addNodes nodes.
	pageTime = 20 * time.Millisecond
	pageSize = 50
	nodeTime = 30 * time.Millisecond
	addNodes = 5
)

// pinset is the state that all peers of a cluster share.
type pinset struct {
	mu   sync.Mutex
	cids []cid.Cid // in the order in which they were pinned
	has  map[cid.Cid]bool
}

func newPinset(n int) *pinset {
	s := &pinset{has: map[cid.Cid]bool{}}
	for _, ci := range makeCids("pinned", n) {
		s.pin(ci)
	}
	return s
}

func (s *pinset) pin(ci cid.Cid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.has[ci] {
		s.has[ci] = true
		s.cids = append(s.cids, ci)
	}
}

func (s *pinset) get(p *peer, ci cid.Cid) (*api.Pin, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.has[ci] {
		return nil, p.status(client.OpAllocation, http.StatusNotFound, "not part of the pinset")
	}
	return &api.Pin{Cid: api.NewCid(ci)}, nil
}

func (s *pinset) list() []cid.Cid {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.cids)
}

// Pin takes effect half-way, so a process that dies may or may not have pinned.
func (p *peer) Pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) (*api.Pin, error) {
	begun := p.w.now()
	err := p.pin(ctx, ci, opts)
	p.w.attempted(ctx, p.index, begun, err)
	if err != nil {
		return nil, err
	}
	return &api.Pin{Cid: api.NewCid(ci)}, nil
}

func (p *peer) pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) error {
	a := p.answerTo(client.OpPin)
	a.after /= 2
	if err := p.meet(ctx, client.OpPin, a); err != nil {
		return err
	}
	if text := p.refusal(opts); text != "" {
		return p.status(client.OpPin, http.StatusInternalServerError, text)
	}
	p.w.pins.pin(ci)
	return p.step(ctx, client.OpPin, a.after)
}

// step waits for a further part of an answer that has begun.
func (p *peer) step(ctx context.Context, op client.Op, d time.Duration) error {
	return p.meet(ctx, op, answer{after: d})
}

// Allocations lists the pinset as of the start of the listing, in random order,
// because the server iterates over a map.
func (p *peer) Allocations(ctx context.Context, _ api.PinType) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		begun := p.w.now()
		err := p.meet(ctx, client.OpAllocations, p.answerTo(client.OpAllocations))
		defer func() { p.w.attempted(ctx, p.index, begun, err) }()
		if err != nil {
			yield(nil, err)
			return
		}
		all := p.w.pins.list()
		p.mu.Lock()
		p.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		p.mu.Unlock()
		for i, ci := range all {
			if !yield(&api.Pin{Cid: api.NewCid(ci)}, nil) {
				return
			}
			if (i+1)%pageSize == 0 {
				if err = p.step(ctx, client.OpAllocations, pageTime); err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}

// Add reports the nodes of paths[0], which depend only on paths[0], and pins
// the last one.
func (p *peer) Add(ctx context.Context, paths []string, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	defer close(out)
	begun := p.w.now()
	err := p.add(ctx, paths[0], out)
	p.w.attempted(ctx, p.index, begun, err)
	return err
}

func (p *peer) add(ctx context.Context, path string, out chan<- *api.AddedOutput) error {
	if err := p.meet(ctx, client.OpAdd, p.answerTo(client.OpAdd)); err != nil {
		return err
	}
	for _, ci := range makeCids(path, addNodes) {
		if err := p.step(ctx, client.OpAdd, nodeTime); err != nil {
			return err
		}
		select {
		case out <- &api.AddedOutput{Name: path, Cid: api.NewCid(ci), Size: 1}:
		case <-ctx.Done():
			return p.fail(client.OpAdd, context.Cause(ctx), true)
		}
	}
	p.w.pins.pin(makeCid(path, addNodes-1))
	return p.step(ctx, client.OpAdd, nodeTime)
}
