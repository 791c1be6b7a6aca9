package strategy

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// LeastLoaded draws two clients at random and picks the one with the lower load.
// Two choices suffice to keep the loads close together. Picking the least loaded of
// all clients instead would send every caller to the client that looked best a
// moment ago (Mitzenmacher, "The Power of Two Choices in Randomized Load
// Balancing").
//
// The load of a client is that of Finagle's Peak EWMA, divided by its weight:
//
//	expected time × (attempts in flight + 1) / weight
//
// The expected time is a moving average of the durations of answers. The influence of
// an answer falls to 1/e in 10 s. A slower answer replaces the average at once. The
// expected time also falls while the client gets no attempts, so a client that was
// slow is tried again.
//
//   - Slowness counts before the first slow answer arrives: the expected time of
//     a client that has attempts in flight and answers none is at least the time
//     that it has been silent. (Prequal likewise prefers the current attempts in
//     flight to past measurements.) After 30 s of silence the client is tried
//     again.
//   - A failed attempt counts as if it had taken at least 5 s or, if the peer sent
//     a Retry-After, at least that time (up to 1 min). It also counts as in flight
//     for this time. Hence a client that fails fast does not attract calls.
//   - An abandoned attempt, such as the slower of two hedged ones ("The Tail at
//     Scale"), raises the expected time to at least the time until it was
//     abandoned.
//   - A client is a suspect if it has just failed, or if its expected time is more
//     than twice the typical one. It gets one attempt at a time, with pauses of
//     twice its expected time, which keeps its expected time current. While the best
//     of the drawn clients is a suspect, two more are drawn, up to twice. If only two
//     were ever drawn and 10 of 100 clients were slow, nearly 1 % of the calls would
//     be slow, because both drawn clients would be slow in 0.9 % of the draws.
//   - A client that is new or has returned gets an attempt as soon as it is drawn.
//     Its expected time is 1 s until its first answer, so that it is not flooded
//     (Finagle has a penalty for this).
//
// Single reads, cluster-wide listings and pin writes are measured separately, because
// their durations are not comparable. The load of adds is the following
// sum, divided by the weight:
//
//   - the number of bytes that the client has accepted for adds in flight,
//   - 1 MiB for each add in flight,
//   - 128 MiB for each second since one of these adds last made progress,
//   - 640 MiB for each recent failure.
//
// The measurements come from the load balancer, through [Observer].
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type LeastLoaded struct {
	exclusive

	board atomic.Pointer[board]
	clock atomic.Int64 // time of the last report, in ns since board.start
	// typical is the mean expected time of the clients that answer, per OpKind.
	typical [opKinds]mean

	mu sync.Mutex // held to replace board
}

// board holds the clients and their loads. It is replaced as a whole.
type board struct {
	start   time.Time
	clients []client.Client // to choose from
	loads   []*load         // the loads of clients, by index
	known   map[client.Client]*load
}

// opKinds is the number of kinds of operations; client.KindAdd is the last.
const opKinds = client.KindAdd + 1

// maxDraws bounds how often a pick draws two clients while the best is a suspect.
const maxDraws = 3

// load holds the measurements of one client.
type load struct {
	weigher   Weigher
	listed    bool // the client is in board.clients; guarded by LeastLoaded.mu
	estimates [opKinds]estimate
}

func newLoad(c client.Client) *load {
	l := &load{weigher: weigherOf(c)}
	for k := range l.estimates {
		l.estimates[k].kind = client.OpKind(k)
	}
	return l
}

// idle reports whether no attempt is in flight.
func (l *load) idle() bool {
	for k := range l.estimates {
		if l.estimates[k].inFlight.Load() > 0 {
			return false
		}
	}
	return true
}

// SetClients implements LBStrategy. A client that returns to the list starts with
// the measurements of a new one, except for its attempts in flight: its earlier
// measurements are out of date.
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

// replace stores a new board that change fills from the old one.
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

// Next implements LBStrategy. Because it does not know the call, it picks as for the
// first attempt of a single read.
func (l *LeastLoaded) Next(int) client.Client {
	return l.Pick(&Call{Op: client.OpID})
}

// Pick implements Picker. A retry goes to an untried client, and when all were tried,
// to the one that was tried least recently.
func (l *LeastLoaded) Pick(call *Call) client.Client {
	b := l.board.Load()
	if b == nil || len(b.clients) == 0 {
		return nil // no clients: upstream divided by zero (U39)
	}
	k := call.Op.Kind()
	// Reading the time would double the cost of a pick. The loads at the last
	// report are good enough, because nothing was reported since.
	now, typical := l.clock.Load(), l.typical[k].load()
	best, least := -1, burden{}
	for range maxDraws {
		first, second := draw(len(b.clients))
		if len(call.Tried) > 0 {
			if first, second = untriedPair(b.clients, first, second, call); first < 0 {
				return longestAgo(b.clients, call)
			}
		}
		if first == second { // the only untried client
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

// draw returns the indices of two random clients of n, the same one twice if n is 1.
func draw(n int) (first, second int) {
	r := rand.Uint64()
	first = int(r >> 32 * uint64(n) >> 32)
	second = int(r & (1<<32 - 1) * uint64(n-1) >> 32)
	if second >= first && n > 1 {
		second++
	}
	return first, second
}

// untriedPair moves the drawn indices forward to untried clients. It returns the
// same index twice if only one is left, and -1 if none is.
func untriedPair(clients []client.Client, first, second int, call *Call) (int, int) {
	first = untriedFrom(clients, first, call)
	second = untriedFrom(clients, second, call)
	if first == second && first >= 0 {
		second = untriedFrom(clients, first+1, call)
	}
	return first, second
}

// burden returns the burden of the client, with the load divided by its weight.
func (l *load) burden(k client.OpKind, now int64, typical float64) burden {
	b := l.estimates[k].burden(now, typical)
	if w := weightOf(l.weigher); w != 1 { // saves a slow division
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

// find returns the load of c, or nil if c is unknown.
func (l *LeastLoaded) find(c client.Client) (*board, *load) {
	b := l.board.Load()
	if b == nil {
		return nil, nil
	}
	return b, b.known[c]
}

// know adds a client that is not listed, but that the load balancer chose itself.
// It returns the load that it has added, because a concurrent SetClients may remove
// an idle client again at once.
func (l *LeastLoaded) know(c client.Client) (added *board, known *load) {
	l.replace(func(old, b *board) {
		b.clients, b.loads = old.clients, old.loads
		for other, known := range old.known {
			b.known[other] = known
		}
		if b.known[c] == nil {
			b.known[c] = newLoad(c)
		}
		added, known = b, b.known[c]
	})
	return added, known
}

// tick sets the clock to the current time and returns it.
func (l *LeastLoaded) tick(b *board) int64 {
	now := int64(time.Since(b.start))
	l.clock.Store(now)
	return now
}

// mean is a running mean of about the last 64 values, or 0 before the first. One of
// two values that are added concurrently may be lost.
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
