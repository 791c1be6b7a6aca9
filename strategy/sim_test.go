package strategy

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// simulation sends calls to simulated peers through a strategy, without health,
// budgets or hedging. It runs in a synctest bubble, so its minutes take no time.
type simulation struct {
	strategy builtin
	clients  []client.Client
	rate     float64 // calls per second, at random times
	length   time.Duration
	retries  int
	// change, if set, returns how many of the clients are on the list.
	change func(now time.Duration) int
	// answer returns the result of an attempt that begins now at the peer with
	// this index.
	answer func(r *rand.Rand, peer int, now time.Duration) Result
}

// simCall records a call and its attempts.
type simCall struct {
	call     Call
	began    time.Duration
	took     time.Duration
	attempts []simAttempt
	failed   bool
}

type simAttempt struct {
	peer   int
	began  time.Duration
	result Result
}

// simEvent is the end of an attempt.
type simEvent struct {
	at   time.Duration
	call *simCall
}

type simEvents []simEvent

func (e simEvents) Len() int           { return len(e) }
func (e simEvents) Less(i, j int) bool { return e[i].at < e[j].at }
func (e simEvents) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *simEvents) Push(x any)        { *e = append(*e, x.(simEvent)) }
func (e *simEvents) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// run runs the simulation and returns the calls in the order in which they began.
func (s *simulation) run(t *testing.T) (calls []*simCall) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		observer, _ := s.strategy.(Observer)
		listed := len(s.clients)
		s.strategy.SetClients(s.clients)
		start := time.Now()
		var events simEvents
		attempt := func(c *simCall) {
			now := time.Since(start)
			c.call.Attempt = len(c.attempts)
			picked := s.strategy.Pick(&c.call)
			peer := slices.Index(s.clients, picked)
			if observer != nil {
				observer.Begin(&c.call, picked)
			}
			result := s.answer(r, peer, now)
			c.attempts = append(c.attempts, simAttempt{peer, now, result})
			heap.Push(&events, simEvent{now + result.Duration, c})
		}
		next := time.Duration(0)
		for next < s.length || len(events) > 0 {
			if next < s.length && (len(events) == 0 || next < events[0].at) {
				time.Sleep(next - time.Since(start))
				if s.change != nil && s.change(next) != listed {
					listed = s.change(next)
					s.strategy.SetClients(s.clients[:listed])
				}
				c := &simCall{began: next, call: Call{Op: client.OpID}}
				calls = append(calls, c)
				attempt(c)
				next += time.Duration(r.ExpFloat64() / s.rate * 1e9)
				continue
			}
			e := heap.Pop(&events).(simEvent)
			time.Sleep(e.at - time.Since(start))
			c := e.call
			last := c.attempts[len(c.attempts)-1]
			if observer != nil {
				observer.End(&c.call, s.clients[last.peer], last.result)
			}
			if last.result.Failed && len(c.attempts) <= s.retries {
				c.call.Tried = append(c.call.Tried, s.clients[last.peer])
				attempt(c)
				continue
			}
			c.took, c.failed = e.at-c.began, last.result.Failed
		}
	})
	return calls
}

// around returns a random latency within ±20 % of median.
func around(r *rand.Rand, median time.Duration) time.Duration {
	return time.Duration(float64(median) * (0.8 + 0.4*r.Float64()))
}

// logNormal returns a random latency that in two of three cases is within ±20 % of
// median, and sometimes far above it.
func logNormal(r *rand.Rand, median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(0.2*r.NormFloat64()))
}
