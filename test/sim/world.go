package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// world is the simulation of one strategy in one scenario: its peers, its load
// and its record. It runs in a synctest bubble.
type world struct {
	*scenario
	seed   uint64
	start  time.Time
	peers  []*peer
	make   maker
	client client.Client // the client under test
	pins   *pinset       // nil if the scenario has none
	rand   *rand.Rand    // random numbers of the load
	load   sync.WaitGroup

	mu     sync.Mutex
	record record
}

// simulate runs a scenario with a strategy and returns the record.
func simulate(t *testing.T, s *scenario, seed uint64, make maker) *record {
	w := &world{scenario: s, seed: seed, make: make}
	synctest.Test(t, func(t *testing.T) {
		w.start = time.Now()
		w.rand = rand.New(rand.NewPCG(seed, 1<<32))
		for i := range s.peers {
			w.peers = append(w.peers, newPeer(w, i))
		}
		if s.prepare != nil {
			s.prepare(w)
		}
		w.open(w.peers, s.retries)
		s.drive(w)
		w.load.Wait()
		w.close()
	})
	return &w.record
}

// open creates the client under test.
func (w *world) open(peers []*peer, retries int) {
	var clients []client.Client
	for _, p := range peers {
		clients = append(clients, p)
	}
	c, err := w.make(w, clients, retries)
	if err != nil {
		panic(err) // our own settings are valid
	}
	w.client = c
}

func (w *world) close() {
	if err := w.client.Close(); err != nil {
		panic(err) // peers close without an error
	}
}

// now returns the time since the start of the simulation.
func (w *world) now() time.Duration { return time.Since(w.start) }

// process reports whether a peer's process is up, and when that changes.
func (w *world) process(peer int) (up bool, change time.Duration) {
	const never = 24 * time.Hour
	if w.down == nil {
		return true, never
	}
	now := w.now()
	for _, s := range w.down(peer) {
		switch {
		case s.contains(now):
			return false, s.to - now
		case now < s.from:
			return true, s.from - now
		}
	}
	return true, never
}

// stretch returns how long a peer takes for work of length d that it begins now,
// if it is silent at times.
func (w *world) stretch(peer int, d time.Duration) time.Duration {
	if w.silent == nil {
		return d
	}
	now := w.now()
	end := now + d
	for _, s := range w.silent(peer) {
		if s.contains(now) || now < s.from && s.from < end {
			end += s.to - max(s.from, now)
		}
	}
	return end - now
}

// attempted records an attempt that ends now. ctx is its context.
func (w *world) attempted(ctx context.Context, peer int, begun time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.attempts = append(w.record.attempts, w.attempt(ctx, peer, begun, err))
}

// probed records a probe that ends now. ctx is its context.
func (w *world) probed(ctx context.Context, peer int, begun time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.probes = append(w.record.probes, w.attempt(ctx, peer, begun, err))
}

func (w *world) attempt(ctx context.Context, peer int, begun time.Duration, err error) attempt {
	return attempt{peer: peer, begun: begun, took: w.now() - begun, failed: err != nil, givenUp: err != nil && ctx.Err() != nil}
}

// EndpointEjected implements [lbclient.HealthHook].
func (w *world) EndpointEjected(e lbclient.HealthEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.ejections = append(w.record.ejections, ejection{at: w.now(), peer: e.Endpoint, length: e.For})
}

// EndpointReadmitted implements [lbclient.HealthHook].
func (w *world) EndpointReadmitted(lbclient.HealthEvent) {}

// called records a call that ends now.
func (w *world) called(begun time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.calls = append(w.record.calls, call{begun: begun, took: w.now() - begun, failed: err != nil})
	if err != nil && w.record.sample == nil {
		w.record.sample = err
	}
}

// call makes a call and records it.
func (w *world) call(do func(context.Context) error) {
	ctx := context.Background()
	if w.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.deadline)
		defer cancel()
	}
	begun := w.now()
	w.called(begun, do(ctx))
}

// poisson starts calls at random times until the end of the scenario, rate of
// them per second on average. next returns the next call.
func (w *world) poisson(rate float64, next func(r *rand.Rand) func(context.Context) error) {
	for {
		time.Sleep(time.Duration(w.rand.ExpFloat64() / rate * float64(time.Second)))
		if w.now() >= w.length {
			return
		}
		do := next(w.rand)
		w.load.Go(func() { w.call(do) })
	}
}

// reads returns the load of most scenarios: single reads of random CIDs.
func reads(rate float64) func(w *world) {
	return func(w *world) { w.poisson(rate, w.read) }
}

func (w *world) read(r *rand.Rand) func(context.Context) error {
	ci := cids[r.IntN(len(cids))]
	return func(ctx context.Context) error {
		_, err := w.client.Allocation(ctx, ci)
		return err
	}
}

// cids are the CIDs of reads.
var cids = makeCids("read", 2000)

func makeCids(kind string, n int) []cid.Cid {
	made := make([]cid.Cid, n)
	for i := range made {
		made[i] = makeCid(kind, i)
	}
	return made
}

// makeCid returns a different CID for each kind and i.
func makeCid(kind string, i int) cid.Cid {
	name := []byte(kind)
	for ; i > 0; i >>= 8 {
		name = append(name, byte(i))
	}
	hash, err := multihash.Sum(append(name, 0), multihash.SHA2_256, -1)
	if err != nil {
		panic(err) // SHA-256 is linked
	}
	return cid.NewCidV1(cid.Raw, hash)
}

// around returns a random time that differs from the median by at most 20 %.
func around(r *rand.Rand, median time.Duration) time.Duration {
	return time.Duration(float64(median) * (0.8 + 0.4*r.Float64()))
}

// around50 is the answer field of a scenario whose peers always take about 50 ms.
func around50(r *rand.Rand, _ int, _ time.Duration) answer {
	return answer{after: around(r, 50*time.Millisecond)}
}
