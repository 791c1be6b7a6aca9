package main

import (
	"context"
	"errors"
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

// mode is the way in which a peer answers.
type mode int

const (
	good        mode = iota
	unavailable      // 503 to everything
	ipfsDown         // 503 to everything except /health, because the IPFS daemon is down
	swallowing       // packets are lost, so a dial ends after dialTimeout
	hanging          // connections are accepted, but nothing is ever sent
	timingOut        // as hanging, and the client's HeaderTimeout is headerWait
)

const (
	// dialTimeout is the time after which a client gives up a dial.
	dialTimeout = 2 * time.Second
	// headerWait is the time after which a client gives up waiting for a header.
	headerWait = 2 * time.Second
	// roundTrip is the time until a connection is refused, and until a healthy API
	// answers a probe.
	roundTrip = time.Millisecond
)

// answer is a peer's reaction to one request.
type answer struct {
	mode  mode
	after time.Duration
}

// span is an interval of the simulated time.
type span struct{ from, to time.Duration }

func (s span) contains(at time.Duration) bool { return s.from <= at && at < s.to }

// peer is an in-memory cluster peer, as the client sees it. The scenario
// determines its behaviour.
type peer struct {
	client.Client // methods that no scenario uses; they panic
	index         int
	w             *world

	mu   sync.Mutex
	rand *rand.Rand
}

// newPeer returns the peer with the given index. Its random numbers depend only
// on the seed and the index.
func newPeer(w *world, index int) *peer {
	return &peer{index: index, w: w, rand: rand.New(rand.NewPCG(w.seed, uint64(index)))}
}

// Endpoint returns the peer's name in errors and snapshots.
func (p *peer) Endpoint() string { return peerName(p.index) }

// Close does nothing.
func (p *peer) Close() error { return nil }

// Health answers a probe of the load balancer.
func (p *peer) Health(ctx context.Context) error {
	begun := p.w.now()
	a := p.answer()
	if a.mode == good || a.mode == ipfsDown {
		a = answer{after: roundTrip}
	}
	err := p.meet(ctx, client.OpHealth, a)
	p.w.probed(ctx, p.index, begun, err)
	return err
}

// Allocation is the only method with which scenarios read a single item.
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

// serve serves a request.
func (p *peer) serve(ctx context.Context, op client.Op) error {
	begun := p.w.now()
	err := p.meet(ctx, op, p.answerTo(op))
	p.w.attempted(ctx, p.index, begun, err)
	return err
}

// answerTo returns the peer's reaction to a request for an operation that arrives
// now.
func (p *peer) answerTo(op client.Op) answer {
	a := p.answer()
	if p.w.extra != nil {
		a.after += p.w.extra(p.index, op)
	}
	return a
}

// answer returns the peer's reaction to a request that arrives now.
func (p *peer) answer() answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w.answer(p.rand, p.index, p.w.now())
}

// meet reacts to a request. If the process dies, so do its requests.
func (p *peer) meet(ctx context.Context, op client.Op, a answer) error {
	up, change := p.w.process(p.index)
	if !up {
		a = answer{after: roundTrip}
	}
	switch a.mode {
	case swallowing:
		a.after = dialTimeout
	case timingOut:
		a.after = headerWait
	case hanging:
		a.after = change + 1 // later than the death of the process
	case good:
		a.after = p.w.stretch(p.index, a.after)
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
	case a.mode == timingOut:
		return p.fail(op, headerTimeoutError{}, true)
	case a.mode != good:
		return p.status(op, http.StatusServiceUnavailable, "the IPFS daemon is not there")
	}
	return nil
}

// wait waits for d. It returns an error if the request's context ends first.
func (p *peer) wait(ctx context.Context, op client.Op, d time.Duration) error {
	if err := sleep(ctx, d); err != nil {
		return p.fail(op, err, true)
	}
	return nil
}

// sleep waits for d, or returns the context's error if ctx is done before.
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

// fail returns the error of a request without an answer.
func (p *peer) fail(op client.Op, err error, mayHaveExecuted bool) error {
	return &client.Error{Op: op, Endpoint: p.Endpoint(), Err: err, MayHaveExecuted: mayHaveExecuted}
}

// status returns the error of an answer with an error status.
func (p *peer) status(op client.Op, status int, message string) error {
	return &client.Error{
		Op: op, Endpoint: p.Endpoint(), Status: status, Message: message,
		Err:             api.Error{Code: status, Message: message},
		MayHaveExecuted: status >= 500,
	}
}

// headerTimeoutError is like the error of net/http for a response whose header
// does not arrive in time.
type headerTimeoutError struct{}

func (headerTimeoutError) Error() string        { return "timeout awaiting response headers" }
func (headerTimeoutError) Timeout() bool        { return true }
func (headerTimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
