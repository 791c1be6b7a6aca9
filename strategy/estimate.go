package strategy

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

const (
	// decay is the time in which an expected time falls to 1/e, as in Finagle.
	decay = 10 * time.Second
	// firstGuess is the expected time of a client before its first answer.
	firstGuess = time.Second
	// failureTime is the minimum duration that a failed attempt counts as. If
	// the peer sent Retry-After, that value, up to maxRetryAfter, is the minimum
	// instead.
	failureTime   = 5 * time.Second
	maxRetryAfter = time.Minute
	// patience is how long a client with attempts in flight may be silent before
	// it is tried again.
	patience = 30 * time.Second
	// A client is a suspect if its expected time is more than suspectFactor
	// times the typical one.
	suspectFactor = 2
	// After an answer or a failure, a suspect gets no attempt for restFactor times
	// its expected time, but at most for maxRest. So it usually has an attempt in
	// flight for a third of the time, and few callers wait for a slow answer.
	restFactor = 2
	maxRest    = decay
	// uploadSize is the number of bytes that each add in flight counts as, in
	// addition to the bytes accepted. uploadRate is the number of bytes that a
	// second without progress counts as.
	uploadSize = 1 << 20
	uploadRate = 128 << 20
)

// estimate holds the measurements of one client for one kind of operations. Points
// in time are in nanoseconds since board.start.
//
// Updates hold mu, but picks read without it. A pick during an update may see only a
// part of the update: its load is then off by at most one attempt.
type estimate struct {
	kind client.OpKind

	inFlight   atomic.Int64
	bytes      atomic.Int64  // number of bytes accepted for uploads in flight
	quietSince atomic.Int64  // time of the last answer or progress, or of the first attempt in flight
	cost       atomic.Uint64 // expected time at costAt in ns, as float64 bits; 0 if unknown
	costAt     atomic.Int64
	failed     atomic.Int64 // failed attempts that count as in flight until failedTo
	failedTo   atomic.Int64

	mu      sync.Mutex
	guessed bool // cost is a guess
}

// burden is the measure by which a pick compares clients.
type burden struct {
	load float64
	// suspect is set if the client has just failed or takes much longer than
	// others.
	suspect bool
	// probed is set if a suspect has an attempt in flight, or a failed attempt
	// that counts as one in flight, or if it has just had one.
	probed bool
}

// less reports whether a client with burden b is preferable to one with burden o.
func (b burden) less(o burden) bool {
	if b.probed != o.probed {
		return o.probed
	}
	return b.load < o.load
}

// burden returns the burden of a client with weight 1. The load is in nanoseconds,
// or in bytes for adds. typical is the mean expected time of all clients, or 0 if
// unknown.
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
		// A listing stays in flight until its consumer has read it, so only
		// short operations in flight are known to be unanswered.
		if !waiting || !e.kind.Short() {
			cost *= fade(now - e.costAt.Load())
		} else if cost < float64(quiet) {
			cost = float64(quiet)
		}
		b.load = cost * float64(n+failed+1)
		b.suspect = failed > 0 || typical > 0 && cost > suspectFactor*typical
	}
	b.probed = b.suspect && (waiting || failed > 0 || e.rests(now))
	return b
}

// rests reports whether a suspect is left alone, because its last answer or failure is
// not long enough ago.
func (e *estimate) rests(now int64) bool {
	cost := math.Float64frombits(e.cost.Load())
	return float64(now-e.quietSince.Load()) < min(restFactor*cost, float64(maxRest))
}

// fade returns e^(-age/decay), within 1 %. It takes a third of the time of math.Exp,
// and a pick calls it twice.
func fade(age int64) float64 {
	halvings := min(float64(max(age, 0))*(math.Log2E/float64(decay)), 1000)
	whole := uint64(halvings)
	part := halvings - float64(whole)
	// 2^-whole from its exponent bits, times 2^-part approximated by a parabola.
	return math.Float64frombits((1023-whole)<<52) * (1 - part*(0.6563-part*0.1563))
}

// expected returns the expected time at now in nanoseconds, or 0 if unknown.
func (e *estimate) expected(now int64) float64 {
	return math.Float64frombits(e.cost.Load()) * e.kept(now)
}

// kept returns the fraction of the stored expected time that is left at now.
func (e *estimate) kept(now int64) float64 {
	return math.Exp(-float64(max(now-e.costAt.Load(), 0)) / float64(decay))
}

func (e *estimate) expect(cost float64, now int64, guessed bool) {
	e.costAt.Store(now)
	e.cost.Store(math.Float64bits(cost))
	e.guessed = guessed
}

// forget resets the measurements to those of a new client, except for the attempts
// in flight.
func (e *estimate) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expect(0, 0, true)
	e.failed.Store(0)
}

// begin records that an attempt was sent.
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

// sent records that n bytes of an upload were accepted.
func (e *estimate) sent(n int, now int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inFlight.Load() > 0 {
		e.bytes.Add(int64(n))
		e.quietSince.Store(now)
	}
}

// end records the result of an attempt. It returns the new expected time if the
// attempt was answered, and 0 otherwise.
func (e *estimate) end(r Result, now int64) float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.inFlight.Load()
	if n == 0 {
		return 0 // the attempt's Begin was not recorded
	}
	e.inFlight.Store(n - 1)
	e.bytes.Store(max(e.bytes.Load()-r.Sent, 0))
	took := max(r.Duration, time.Microsecond)
	if r.Failed {
		e.fail(took, r.RetryAfter, now)
	} else if r.Cancelled {
		// If another attempt was in flight before this one, the client may
		// have been silent for longer than r.Duration.
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

// answered records an answer and returns the new expected time.
func (e *estimate) answered(took float64, now int64) float64 {
	if expected := e.expected(now); took < expected && !e.guessed {
		took = expected + took*(1-e.kept(now))
	}
	e.expect(took, now, false)
	return took
}

// fail records a failure after took.
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
