package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// mode is how a peer answers.
type mode int

const (
	good        mode = iota
	unavailable      // 503 to everything
	ipfsDown         // 503 to everything but /health: its IPFS daemon is down
	swallowing       // packets vanish: a dial ends after dialTimeout
	hanging          // connections are accepted, and nothing ever comes
)

const (
	// dialTimeout is how long a client waits for packets that vanish.
	dialTimeout = 2 * time.Second
	// roundTrip is how long it takes to be refused a connection, and to be
	// told by an API that it is there.
	roundTrip = time.Millisecond
)

// answer is how a peer meets one request.
type answer struct {
	mode  mode
	after time.Duration
}

// span is a part of the simulated time.
type span struct{ from, to time.Duration }

func (s span) contains(at time.Duration) bool { return s.from <= at && at < s.to }

// peer is a cluster peer in memory, as the client sees it. What it does is
// told by its scenario.
type peer struct {
	client.Client // what no scenario asks for; asking for it panics
	index         int
	w             *world

	mu   sync.Mutex
	rand *rand.Rand
}

// newPeer makes the peer of that index. Its randomness depends on the seed
// and the index alone.
func newPeer(w *world, index int) *peer {
	return &peer{index: index, w: w, rand: rand.New(rand.NewPCG(w.seed, uint64(index)))}
}

// Endpoint names the peer in errors and snapshots.
func (p *peer) Endpoint() string { return fmt.Sprintf("peer-%d", p.index+1) }

// Close has nothing to close.
func (p *peer) Close() error { return nil }

// Health is what the load balancer probes.
func (p *peer) Health(ctx context.Context) error {
	begun := p.w.now()
	a := p.answer()
	if a.mode == good || a.mode == ipfsDown {
		a = answer{after: roundTrip}
	}
	err := p.meet(ctx, client.OpHealth, a)
	p.w.probed(p.index, begun, err)
	return err
}

// Allocation is the single read of all scenarios.
func (p *peer) Allocation(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	err := p.serve(ctx, client.OpAllocation)
	if err != nil {
		return nil, err
	}
	if p.w.pins != nil {
		return p.w.pins.get(p, ci)
	}
	return &api.Pin{Cid: api.NewCid(ci)}, nil
}

// serve is a request from its begin to its end.
func (p *peer) serve(ctx context.Context, op client.Op) error {
	begun := p.w.now()
	err := p.meet(ctx, op, p.answer())
	p.w.attempted(p.index, begun, err)
	return err
}

// answer tells how the peer meets a request that comes now.
func (p *peer) answer() answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w.answer(p.rand, p.index, p.w.now())
}

// meet meets a request. The process dies with all that is under way.
func (p *peer) meet(ctx context.Context, op client.Op, a answer) error {
	up, change := p.w.process(p.index)
	if !up {
		a = answer{after: roundTrip}
	}
	switch a.mode {
	case swallowing:
		a.after = dialTimeout
	case hanging:
		a.after = change + 1 // until it dies
	}
	if err := p.wait(ctx, op, min(a.after, change)); err != nil {
		return err
	}
	switch {
	case !up:
		return p.fail(op, syscall.ECONNREFUSED, false)
	case a.after > change:
		return p.fail(op, io.ErrUnexpectedEOF, true)
	case a.mode == swallowing:
		return p.fail(op, syscall.ETIMEDOUT, false)
	case a.mode != good:
		return p.status(op, http.StatusServiceUnavailable, "the IPFS daemon is not there")
	}
	return nil
}

// wait lets time pass, unless the request is given up before.
func (p *peer) wait(ctx context.Context, op client.Op, d time.Duration) error {
	if err := sleep(ctx, d); err != nil {
		return p.fail(op, err, true)
	}
	return nil
}

// sleep returns after d, or with the reason why ctx ended before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), context.Cause(ctx))
	}
}

// fail is a failure without an answer.
func (p *peer) fail(op client.Op, err error, mayHaveExecuted bool) error {
	return &client.Error{Op: op, Endpoint: p.Endpoint(), Err: err, MayHaveExecuted: mayHaveExecuted}
}

// status is a failure that the peer reports.
func (p *peer) status(op client.Op, status int, message string) error {
	return &client.Error{
		Op: op, Endpoint: p.Endpoint(), Status: status, Message: message,
		Err:             api.Error{Code: status, Message: message},
		MayHaveExecuted: status >= 500,
	}
}
