package strategy

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// LeastLoaded draws two clients at random and asks the one with the lower
// load. Two choices are enough to keep the loads close together, and unlike the
// choice of the least loaded of all they do not send everybody to the client
// that looked best a moment ago (Mitzenmacher, "The Power of Two Choices in
// Randomized Load Balancing").
//
// The load of a client is that of Finagle's Peak EWMA, divided by its weight:
//
//	expected time × (attempts in flight + 1) / weight
//
// The expected time is an average in which an answer counts the less the longer
// ago it was, by 1/e in 10 s; a slower answer replaces it at once. It falls also
// while nothing is asked, so that a client that was slow is asked again.
//
//   - Slowness shows before the first slow answer is there: a client that has
//     attempts in flight and answers none is expected to take at least as long
//     as it has been quiet. (Prequal likewise trusts what is in flight now over
//     what was measured.) After 30 s of silence it is tried again.
//   - A failed attempt counts as max(its time, 5 s or the Retry-After), in the
//     expected time and as an attempt in flight, so that a client that fails
//     fast attracts nothing.
//   - An attempt that was given up, as the slower of two hedged ones is ("The
//     Tail at Scale"), took at least as long as it was let run.
//   - A client that is expected to take more than twice as long as is typical,
//     or has just failed, is a suspect. It gets one attempt at a time, which
//     keeps its measure up to date. While both that were drawn are suspects,
//     two more are drawn, up to twice: with 10 slow clients among 100, both are
//     slow in 0.9 % of the draws, and so would the 99th percentile be.
//   - A client that is new or comes back is asked at once; until its first
//     answer it is expected to take 1 s (Finagle has a penalty for that), so
//     that it is not flooded.
//
// Single reads, listings of the cluster and pin writes are measured apart, as
// their times do not compare. The load of an add is the bytes that the client
// has taken for adds under way; there, seconds without progress and failures
// count as bytes.
//
// What it knows the load balancer tells it through [Observer].
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type LeastLoaded struct {
	board atomic.Pointer[board]
	clock atomic.Int64 // when something was last reported, in ns since board.start
	// typical is what the clients that answer are expected to take.
	typical [client.NumOpKinds]mean

	mu sync.Mutex // held to replace board
}

// board is who is there. It is replaced as a whole.
type board struct {
	start   time.Time
	clients []client.Client // to choose from
	loads   []*load         // theirs
	known   map[client.Client]*load
}

// maxDraws is how often two clients are drawn as long as all are suspects.
const maxDraws = 3

// load is what is known of a client.
type load struct {
	weigher   Weigher
	listed    bool // it is to choose from; guarded by LeastLoaded.mu
	estimates [client.NumOpKinds]estimate
}

func newLoad(c client.Client) *load {
	l := &load{weigher: weigherOf(c)}
	for k := range l.estimates {
		l.estimates[k].kind = client.OpKind(k)
	}
	return l
}

// idle tells whether no attempt is in flight.
func (l *load) idle() bool {
	for k := range l.estimates {
		if l.estimates[k].inFlight.Load() > 0 {
			return false
		}
	}
	return true
}

// SetClients implements LBStrategy. Of a client that was off the list only the
// attempts in flight are remembered: what it was like before says nothing.
func (l *LeastLoaded) SetClients(clients []client.Client) {
	l.replace(func(old, b *board) {
		b.clients = clients
		b.loads = make([]*load, len(clients))
		for i, c := range clients {
			known := old.known[c]
			if known == nil {
				known = newLoad(c)
			} else if !known.listed {
				for k := range known.estimates {
					known.estimates[k].forget()
				}
			}
			b.loads[i], b.known[c] = known, known
		}
		for c, known := range old.known {
			_, listed := b.known[c]
			known.listed = listed
			if !listed && !known.idle() {
				b.known[c] = known
			}
		}
		for _, known := range b.loads {
			known.listed = true
		}
	})
}

// replace makes a new board of the old one.
func (l *LeastLoaded) replace(change func(old, b *board)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.board.Load()
	if old == nil {
		old = &board{start: time.Now()}
	}
	b := &board{start: old.start, known: map[client.Client]*load{}}
	change(old, b)
	l.board.Store(b)
}

// Next implements LBStrategy. It knows nothing of the call, so it takes it for
// the first attempt of a single read.
func (l *LeastLoaded) Next(int) client.Client {
	return l.Pick(&Call{Op: client.OpID})
}

// Pick implements Picker. A retry goes to a client that the call was not sent
// to, and when there is none left, to the one asked the longest ago.
func (l *LeastLoaded) Pick(call *Call) client.Client {
	b := l.board.Load()
	if b == nil || len(b.clients) == 0 {
		return nil // U39
	}
	k := call.Op.Kind()
	// Reading the time would double the cost of a pick. As nothing was reported
	// since the clock was set, the loads of then will do.
	now, typical := l.clock.Load(), l.typical[k].load()
	best, least := -1, burden{}
	for range maxDraws {
		first, second := draw(len(b.clients))
		if len(call.Tried) > 0 {
			if first, second = untriedPair(b.clients, first, second, call); first < 0 {
				return longestAgo(b.clients, call)
			}
		}
		if first == second { // there is no other
			return b.clients[first]
		}
		for _, i := range [...]int{first, second} {
			if x := b.loads[i].burden(k, now, typical); best < 0 || x.less(least) {
				best, least = i, x
			}
		}
		if !least.suspect || len(b.clients) < 3 {
			break
		}
	}
	return b.clients[best]
}

// draw returns the indices of two of n clients at random, the same one twice
// if there is only one.
func draw(n int) (first, second int) {
	r := rand.Uint64()
	first = int(r >> 32 * uint64(n) >> 32)
	second = int(r & (1<<32 - 1) * uint64(n-1) >> 32)
	if second >= first && n > 1 {
		second++
	}
	return first, second
}

// untriedPair moves the drawn ones on to clients that the call was not sent
// to, -1 if there are none.
func untriedPair(clients []client.Client, first, second int, call *Call) (int, int) {
	first = untriedFrom(clients, first, call)
	second = untriedFrom(clients, second, call)
	if first == second && first >= 0 {
		second = untriedFrom(clients, first+1, call)
	}
	return first, second
}

// burden returns what speaks against asking the client.
func (l *load) burden(k client.OpKind, now int64, typical float64) burden {
	b := l.estimates[k].burden(now, typical)
	if w := weightOf(l.weigher); w != 1 { // a division takes its time
		b.load /= w
	}
	return b
}

// Begin implements Observer.
func (l *LeastLoaded) Begin(call *Call, c client.Client) {
	b, known := l.find(c)
	if known == nil {
		b, known = l.know(c)
	}
	known.estimates[call.Op.Kind()].begin(l.tick(b))
}

// Sent implements Observer.
func (l *LeastLoaded) Sent(call *Call, c client.Client, n int) {
	if b, known := l.find(c); known != nil {
		known.estimates[call.Op.Kind()].sent(n, l.tick(b))
	}
}

// End implements Observer.
func (l *LeastLoaded) End(call *Call, c client.Client, r Result) {
	if b, known := l.find(c); known != nil {
		k := call.Op.Kind()
		if expected := known.estimates[k].end(r, l.tick(b)); expected > 0 {
			l.typical[k].add(expected)
		}
	}
}

// find returns what is known of c, nil if that is nothing.
func (l *LeastLoaded) find(c client.Client) (*board, *load) {
	b := l.board.Load()
	if b == nil {
		return nil, nil
	}
	return b, b.known[c]
}

// know makes the client known that the load balancer chose by itself.
func (l *LeastLoaded) know(c client.Client) (*board, *load) {
	l.replace(func(old, b *board) {
		b.clients, b.loads = old.clients, old.loads
		for other, known := range old.known {
			b.known[other] = known
		}
		if b.known[c] == nil {
			b.known[c] = newLoad(c)
		}
	})
	return l.find(c)
}

// tick sets the clock and returns the time.
func (l *LeastLoaded) tick(b *board) int64 {
	now := int64(time.Since(b.start))
	l.clock.Store(now)
	return now
}

// mean is a running mean of about the last 64 values, 0 before the first. Of
// two that are added at the same moment one may be lost.
type mean struct {
	bits atomic.Uint64
}

func (m *mean) load() float64 { return math.Float64frombits(m.bits.Load()) }

func (m *mean) add(x float64) {
	if old := m.load(); old > 0 {
		x = old + (x-old)/64
	}
	m.bits.Store(math.Float64bits(x))
}
