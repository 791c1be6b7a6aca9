package strategy

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

const (
	// decay is how long it takes an expected time to fall to 1/e, as in Finagle.
	decay = 10 * time.Second
	// firstGuess is the expected time of a client that has not answered yet.
	firstGuess = time.Second
	// failureTime is the least that a failed attempt counts as if the peer did
	// not say when to come back, and maxRetryAfter the most if it did.
	failureTime   = 5 * time.Second
	maxRetryAfter = time.Minute
	// patience is for how long a client that does not answer is not asked again.
	patience = 30 * time.Second
	// suspectFactor is how many times as long as usual a client is expected to
	// take to be a suspect.
	suspectFactor = 2
	// uploadSize is what an add counts as before anything of it is taken, and
	// uploadRate what a second without progress counts as, in bytes.
	uploadSize = 1 << 20
	uploadRate = 128 << 20
)

// estimate is what is known of one client and one kind of operations. Points in
// time are in nanoseconds since board.start.
//
// Changes are made under mu. Picks read without it: one that reads while an
// attempt begins or ends may see half of the change, and is off by no more than
// that attempt.
type estimate struct {
	kind client.OpKind

	inFlight   atomic.Int64
	bytes      atomic.Int64  // taken of the uploads in flight
	quietSince atomic.Int64  // last answer or progress, or when the client was next asked
	cost       atomic.Uint64 // expected time at costAt in ns, as float64 bits; 0 if not known
	costAt     atomic.Int64
	failed     atomic.Int64 // failed attempts that count as in flight until failedTo
	failedTo   atomic.Int64

	mu      sync.Mutex
	guessed bool // cost is a guess
}

// burden is what speaks against asking a client.
type burden struct {
	load float64
	// suspect tells that the client fails or takes much longer than others.
	suspect bool
	// probed tells that a suspect has an attempt in flight, or a failed one that
	// counts as such.
	probed bool
}

// less tells whether a client with burden b is to be preferred to one with o.
func (b burden) less(o burden) bool {
	if b.probed != o.probed {
		return o.probed
	}
	return b.load < o.load
}

// burden returns the burden of a client with weight 1; the load in nanoseconds,
// of uploads in bytes. typical is what clients are expected to take, 0 if it is
// not known.
func (e *estimate) burden(now int64, typical float64) burden {
	n, quiet := e.inFlight.Load(), int64(0)
	waiting := n > 0
	if waiting {
		quiet = now - e.quietSince.Load()
		if quiet > int64(patience) {
			waiting, quiet = false, 0
		}
	}
	failed := int64(0)
	if now < e.failedTo.Load() {
		failed = e.failed.Load()
	}
	var b burden
	if e.kind == client.KindAdd {
		idle := time.Duration(quiet) + time.Duration(failed)*failureTime
		b.load = float64(e.bytes.Load()) + uploadSize*float64(n+1) + uploadRate*idle.Seconds()
		b.suspect = failed > 0
	} else {
		cost := math.Float64frombits(e.cost.Load())
		// A listing is in flight for as long as its consumer takes to read it,
		// so that only short operations in flight are ones without an answer.
		if !waiting || !e.kind.Short() {
			cost *= fade(now - e.costAt.Load())
		} else if cost < float64(quiet) {
			cost = float64(quiet)
		}
		b.load = cost * float64(n+failed+1)
		b.suspect = failed > 0 || typical > 0 && cost > suspectFactor*typical
	}
	b.probed = b.suspect && (waiting || failed > 0)
	return b
}

// fade is e^(-age/decay), within 1 %. It takes a third of the time of math.Exp,
// of which a pick needs two.
func fade(age int64) float64 {
	halvings := min(float64(max(age, 0))*(math.Log2E/float64(decay)), 1000)
	whole := uint64(halvings)
	part := halvings - float64(whole)
	// 2^-whole, made of its exponent, times 2^-part by a parabola.
	return math.Float64frombits((1023-whole)<<52) * (1 - part*(0.6563-part*0.1563))
}

// expected returns the expected time, in nanoseconds; 0 if it is not known.
func (e *estimate) expected(now int64) float64 {
	return math.Float64frombits(e.cost.Load()) * e.kept(now)
}

// kept is how much of the expected time is left.
func (e *estimate) kept(now int64) float64 {
	return math.Exp(-float64(max(now-e.costAt.Load(), 0)) / float64(decay))
}

func (e *estimate) expect(cost float64, now int64, guessed bool) {
	e.costAt.Store(now)
	e.cost.Store(math.Float64bits(cost))
	e.guessed = guessed
}

// forget makes the client a new one, but for what is in flight.
func (e *estimate) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expect(0, 0, true)
	e.failed.Store(0)
}

// begin takes note of an attempt that was sent.
func (e *estimate) begin(now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := e.inFlight.Add(1); n == 1 || now-e.quietSince.Load() > int64(patience) {
		e.quietSince.Store(now)
	}
	if e.cost.Load() == 0 {
		e.expect(float64(firstGuess), now, true)
	}
}

// sent takes note of n bytes of an upload that were taken.
func (e *estimate) sent(n int, now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inFlight.Load() > 0 {
		e.bytes.Add(int64(n))
		e.quietSince.Store(now)
	}
}

// end takes note of how an attempt ended. It returns the time that is expected
// now if it was an answer, 0 if not.
func (e *estimate) end(r Result, now int64) float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.inFlight.Load()
	if n == 0 {
		return 0 // it began when the client was not known
	}
	e.inFlight.Store(n - 1)
	e.bytes.Store(max(e.bytes.Load()-r.Sent, 0))
	took := max(r.Duration, time.Microsecond)
	if r.Failed {
		e.fail(took, r.RetryAfter, now)
	} else if r.Cancelled {
		// The attempt took at least as long as the client has been quiet.
		if e.kind.Short() {
			took = max(took, time.Duration(now-e.quietSince.Load()))
		}
		e.expect(max(e.expected(now), float64(took)), now, e.guessed)
		return 0
	}
	e.quietSince.Store(now)
	if r.Failed {
		return 0
	}
	return e.answered(float64(took), now)
}

// answered takes note of an answer and returns the time that is expected now.
func (e *estimate) answered(took float64, now int64) float64 {
	if expected := e.expected(now); took < expected && !e.guessed {
		took = expected + took*(1-e.kept(now))
	}
	e.expect(took, now, false)
	return took
}

// fail takes note of a failure after took.
func (e *estimate) fail(took, retryAfter time.Duration, now int64) {
	counts := failureTime
	if retryAfter > 0 {
		counts = min(retryAfter, maxRetryAfter)
	}
	counts = max(counts, took)
	e.expect(max(e.expected(now), float64(counts)), now, false)
	if now >= e.failedTo.Load() {
		e.failed.Store(0)
	}
	e.failed.Add(1)
	e.failedTo.Store(max(e.failedTo.Load(), now+int64(counts-took)))
}
