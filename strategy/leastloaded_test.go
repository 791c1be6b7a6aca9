package strategy

import (
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/chisquare"
)

const ms = time.Millisecond

// measured returns a strategy over peers that have just answered a read in these
// times. With two clients, picks are deterministic, because both are drawn.
func measured(times ...time.Duration) (*LeastLoaded, []client.Client) {
	l, peers := &LeastLoaded{}, newPeers(len(times))
	l.SetClients(peers)
	for i, took := range times {
		finish(l, client.OpStatus, peers[i], Result{Duration: took})
	}
	return l, peers
}

// picks makes n picks and leaves their attempts in flight.
func picks(l *LeastLoaded, op client.Op, n int) (names string) {
	for range n {
		call := &Call{Op: op}
		c := l.Pick(call)
		l.Begin(call, c)
		names += nameOf(c)
	}
	return names
}

// expectedOf returns the current expected time of a client.
func expectedOf(l *LeastLoaded, k client.OpKind, c client.Client) time.Duration {
	b := l.board.Load()
	return time.Duration(math.Round(b.known[c].estimates[k].expected(int64(time.Since(b.start)))))
}

func TestLeastLoadedFormula(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The loads of the picked clients: 100·1, 170·1, 100·2, 100·3, 170·2, 100·4, 100·5, 170·3
		l, _ := measured(100*ms, 170*ms)
		check(t, "picks", picks(l, client.OpStatus, 8), "abaabaab")
		// With a's weight at 3: 100/3·1 … 100/3·5, 170·1
		l, peers := measured(100*ms, 170*ms)
		peers[0].(*peer).weigh(3)
		check(t, "picks by weight", picks(l, client.OpStatus, 7), "aaaaaba")
	})
}

// Each step makes an attempt, with no other attempt in flight, and checks the
// client's expected time after it.
func TestLeastLoadedExpectedTime(t *testing.T) {
	type step struct {
		wait time.Duration
		r    Result
		want time.Duration
	}
	ok := func(took time.Duration) Result { return Result{Duration: took} }
	e := func(x float64) float64 { return math.Exp(x) }
	in := func(seconds float64) time.Duration { return time.Duration(math.Round(seconds * 1e9)) }
	for name, steps := range map[string][]step{
		"first answer":      {{0, ok(300 * ms), 300 * ms}},
		"first is slow":     {{0, ok(3 * time.Second), 3 * time.Second}},
		"peak":              {{0, ok(100 * ms), 100 * ms}, {0, ok(900 * ms), 900 * ms}},
		"faster":            {{0, ok(time.Second), time.Second}, {10 * time.Second, ok(100 * ms), in(e(-1) + 0.1*(1-e(-1)))}},
		"faster at once":    {{0, ok(time.Second), time.Second}, {0, ok(100 * ms), time.Second}},
		"peak of what left": {{0, ok(time.Second), time.Second}, {20 * time.Second, ok(200 * ms), 200 * ms}},
		"fails fast":        {{0, ok(100 * ms), 100 * ms}, {0, Result{Duration: ms, Failed: true}, 5 * time.Second}},
		"fails slowly":      {{0, Result{Duration: 7 * time.Second, Failed: true}, 7 * time.Second}},
		"fails for long":    {{0, Result{Duration: ms, Failed: true, RetryAfter: 20 * time.Second}, 20 * time.Second}},
		"fails for a while": {{0, Result{Duration: ms, Failed: true, RetryAfter: time.Second}, time.Second}},
		"fails forever":     {{0, Result{Duration: ms, Failed: true, RetryAfter: 1 << 62}, maxRetryAfter}},
		"fails and slow before": {
			{0, ok(30 * time.Second), 30 * time.Second}, {0, Result{Failed: true}, 30 * time.Second},
		},
		"given up early": {{0, ok(100 * ms), 100 * ms}, {0, Result{Duration: 50 * ms, Cancelled: true}, 100 * ms}},
		"given up late":  {{0, ok(100 * ms), 100 * ms}, {0, Result{Duration: 500 * ms, Cancelled: true}, 500 * ms}},
		"given up first": {
			{0, Result{Duration: 50 * ms, Cancelled: true}, firstGuess},
			{0, ok(100 * ms), 100 * ms}, // the answer replaces the guess
		},
		"failed by time-out": {{0, Result{Duration: 500 * ms, Failed: true, Cancelled: true}, 5 * time.Second}},
		"negative":           {{0, ok(-1), time.Microsecond}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, peers := &LeastLoaded{}, newPeers(1)
				l.SetClients(peers)
				for i, s := range steps {
					time.Sleep(s.wait)
					finish(l, client.OpStatus, peers[0], s.r)
					if got := expectedOf(l, client.KindRead, peers[0]); got != s.want {
						t.Errorf("step %d: expected to take %v, want %v", i, got, s.want)
					}
				}
				last := steps[len(steps)-1].want
				time.Sleep(decay)
				want := time.Duration(math.Round(float64(last) * e(-1)))
				if got := expectedOf(l, client.KindRead, peers[0]); got != want {
					t.Errorf("10 s later expected to take %v, want %v", got, want)
				}
			})
		})
	}
}

func TestFade(t *testing.T) {
	last := 1.0
	for age := time.Duration(-1); age < 5*time.Minute; age += 7 * ms {
		got, want := fade(int64(age)), math.Exp(-max(age, 0).Seconds()/decay.Seconds())
		if got > last || math.Abs(got-want) > 0.01*want {
			t.Fatalf("after %v %g is left, want %g (before: %g)", age, got, want, last)
		}
		last = got
	}
	if got := fade(math.MaxInt64); got < 0 || got > 1e-300 {
		t.Errorf("%g is left in the end", got)
	}
}

// A client that was slow is picked again once its expected time has fallen to that
// of the others, although nothing was measured.
func TestLeastLoadedAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(100*ms, 2*time.Second)
		start := time.Now()
		call := &Call{Op: client.OpStatus}
		for l.Pick(call) == peers[0] {
			finish(l, client.OpStatus, peers[0], Result{Duration: 100 * ms})
			time.Sleep(100 * ms)
		}
		// b is picked when 2 s · e^(-t/10 s) = 100 ms.
		if after := time.Since(start).Seconds(); math.Abs(after-10*math.Log(20)) > 0.3 {
			t.Errorf("asked again after %.1f s, want about 30 s", after)
		}
	})
}

// Slowness counts before the first slow answer: the expected time of a client with
// an unanswered attempt is at least the time that it has been silent.
func TestLeastLoadedQuietClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(100*ms, 300*ms)
		time.Sleep(700 * ms)                                      // b is a suspect, and rests after its answer
		finish(l, client.OpPin, peers[1], Result{})               // sets the clock
		check(t, "first pick", picks(l, client.OpStatus, 1), "a") // the load of a is now 100·2
		time.Sleep(100 * ms)
		finish(l, client.OpPin, peers[1], Result{})
		check(t, "as quiet as expected", nameOf(l.Pick(&Call{Op: client.OpStatus})), "a")
		time.Sleep(100 * ms)
		finish(l, client.OpPin, peers[1], Result{})
		check(t, "quiet for twice as long", nameOf(l.Pick(&Call{Op: client.OpStatus})), "b")
		// Abandoning the attempt adds no information.
		l.End(&Call{Op: client.OpStatus}, peers[0], Result{Duration: ms, Cancelled: true})
		if got := expectedOf(l, client.KindRead, peers[0]); got != 200*ms {
			t.Errorf("a is expected to take %v, want 200ms", got)
		}
	})
}

// An attempt that never ends, because it has no timeout, must not exclude its client
// forever: the client is tried again every 30 s.
func TestLeastLoadedLostAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(100*ms, 100*ms)
		call := &Call{Op: client.OpStatus}
		l.Begin(call, peers[0])
		asked := 0
		for range 3000 {
			if l.Pick(call) == peers[0] {
				l.Begin(call, peers[0])
				asked++
			}
			finish(l, client.OpStatus, peers[1], Result{Duration: 100 * ms})
			time.Sleep(100 * ms)
		}
		if asked < 5 || asked > 10 {
			t.Errorf("a client that hangs was asked %d times in 300 s, want 5 to 10", asked)
		}
	})
}

func TestLeastLoadedKindsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(10*ms, 20*ms)
		finish(l, client.OpPin, peers[0], Result{Duration: 200 * ms})
		finish(l, client.OpPin, peers[1], Result{Duration: 100 * ms})
		finish(l, client.OpStatusAll, peers[0], Result{Duration: ms, Failed: true})
		finish(l, client.OpStatusAll, peers[1], Result{Duration: 5 * time.Second})
		for op, want := range map[client.Op]string{
			client.OpStatus: "a", client.OpID: "a",
			client.OpUnpin: "b", client.OpRecover: "b",
			client.OpPeers: "b", client.OpAllocations: "b",
		} {
			for range 20 {
				check(t, string(op), nameOf(l.Pick(&Call{Op: op})), want)
			}
		}
	})
}

// Adds go to the client with the fewest bytes in flight, regardless of durations.
func TestLeastLoadedAdds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(ms, ms)
		add := &Call{Op: client.OpAdd}
		picked := func(what, want string) {
			t.Helper()
			for range 20 {
				check(t, what, nameOf(l.Pick(add)), want)
			}
		}
		l.Begin(add, peers[0])
		picked("after a got an add", "b")
		l.Begin(add, peers[1])
		l.Sent(add, peers[0], 1000)
		l.Sent(add, peers[1], 2000)
		picked("b took more", "a")
		l.Begin(add, peers[0])
		picked("a has two", "b")
		l.Sent(add, peers[1], 2*uploadSize)
		picked("b has the more bytes", "a")
		l.End(add, peers[1], Result{Duration: time.Minute, Sent: 2*uploadSize + 2000})
		picked("b is idle", "b")
		finish(l, client.OpAdd, peers[1], Result{Duration: ms, Failed: true})
		picked("b fails", "a")
		time.Sleep(failureTime)
		finish(l, client.OpAddMultiFile, peers[1], Result{Duration: time.Hour})
		picked("b failed long ago", "b")
		l.Begin(add, peers[1])
		l.Begin(add, peers[1])
		l.Sent(add, peers[0], 1000)
		time.Sleep(time.Second)
		l.Sent(add, peers[0], 1000)
		picked("b takes nothing", "a")
	})
}

func TestLeastLoadedDistribution(t *testing.T) {
	const calls = 20_000
	for _, n := range []int{2, 3, 10, 100} {
		l, peers := &LeastLoaded{}, newPeers(n)
		l.SetClients(peers)
		counts, retries := make([]int, n), make([]int, n)
		for range calls {
			c := l.Pick(&Call{Op: client.OpID})
			counts[slices.Index(peers, c)]++
			retries[slices.Index(peers, l.Pick(&Call{Op: client.OpID, Tried: []client.Client{c}}))]++
		}
		chisquare.Check(t, "picks of idle clients", counts, chisquare.Even(n))
		chisquare.Check(t, "retries", retries, chisquare.Even(n))
	}
}

// With 10 slow peers among 100, both drawn peers are slow in 0.9 % of the draws.
// Without drawing again, nearly 1 % of the picks would be slow peers.
func TestLeastLoadedDrawsAgain(t *testing.T) {
	times := make([]time.Duration, 100)
	for i := range times {
		times[i] = 100 * ms
		if i%10 == 0 {
			times[i] = time.Second
		}
	}
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(times...)
		slow := 0
		for range 10_000 {
			if i := slices.Index(peers, l.Pick(&Call{Op: client.OpStatus})); i%10 == 0 {
				slow++
			}
		}
		// Three draws of two slow peers each: once in a million picks.
		if slow > 4 {
			t.Errorf("%d of 10000 picks went to slow clients", slow)
		}
	})
}

// A client that takes much longer than the others gets one call at a time, even if
// its load is the lowest, and none for twice that time after its answer. Without this
// pause, 32 to 35 of 60,000 calls were slow in the simulation slow-one, where 30 are
// allowed.
func TestLeastLoadedOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(100*ms, 100*ms, 300*ms)
		for range 200 { // the typical time is a mean of about 64 values
			finish(l, client.OpStatus, peers[0], Result{Duration: 100 * ms})
		}
		finish(l, client.OpStatus, peers[2], Result{Duration: 300 * ms})
		// The others are busy, but answer.
		call := &Call{Op: client.OpStatus}
		for range 5 {
			l.Begin(call, peers[0])
			l.Begin(call, peers[1])
		}
		picked := func(pause time.Duration) (slow int) {
			time.Sleep(pause)
			finish(l, client.OpStatus, peers[0], Result{Duration: 100 * ms})
			finish(l, client.OpStatus, peers[1], Result{Duration: 100 * ms})
			return strings.Count(picks(l, client.OpStatus, 20), "c")
		}
		for _, c := range []struct {
			pause time.Duration
			want  int
		}{{0, 0}, {550 * ms, 0}, {100 * ms, 1}} {
			if got := picked(c.pause); got != c.want {
				t.Errorf("after %v more, the slow client got %d calls, want %d", c.pause, got, c.want)
			}
		}
	})
}

// A client that is new or has returned is picked at once, but only once until it has
// answered. Its earlier measurements do not count.
func TestLeastLoadedNewClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := measured(100*ms, 100*ms)
		finish(l, client.OpStatus, peers[1], Result{Duration: ms, Failed: true})
		check(t, "while b fails", picks(l, client.OpStatus, 3), "aaa")
		l.SetClients(peers[:1])
		l.SetClients(peers)
		check(t, "after b came back", picks(l, client.OpStatus, 5), "baaaa")
		l.End(&Call{Op: client.OpStatus}, peers[1], Result{Duration: 100 * ms})
		check(t, "after b answered", picks(l, client.OpStatus, 7), "bbbbbbb")
	})
}

// Attempts in flight are counted correctly while clients join and leave, and when
// the load balancer chooses a client that is not on the list.
func TestLeastLoadedMembership(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, peers := &LeastLoaded{}, newPeers(3)
		call := &Call{Op: client.OpStatus}
		inFlight := func(c client.Client) int64 {
			known := l.board.Load().known[c]
			if known == nil {
				return -1
			}
			return known.estimates[client.KindRead].inFlight.Load()
		}
		want := func(what string, a, b, c int64) {
			t.Helper()
			if got, want := [3]int64{inFlight(peers[0]), inFlight(peers[1]), inFlight(peers[2])}, [3]int64{a, b, c}; got != want {
				t.Errorf("%s: in flight %v, want %v", what, got, want)
			}
		}
		l.Begin(call, peers[2]) // before the first SetClients
		l.SetClients(peers[:2])
		want("c is not on the list", 0, 0, 1)
		l.Begin(call, peers[1])
		l.SetClients(peers[:1])
		l.Begin(call, peers[1])
		want("b left", 0, 2, 1)
		l.SetClients(peers)
		l.End(call, peers[1], Result{Duration: ms})
		l.End(call, peers[2], Result{Duration: ms})
		want("all there", 0, 1, 0)
		l.SetClients(peers[:1])
		want("b and c left", 0, 1, -1)
		l.Begin(call, peers[2])
		want("c is used although it left", 0, 1, 1)
		l.End(call, peers[2], Result{Duration: ms})
		l.SetClients(peers[:1])
		want("c has no attempts", 0, 1, -1)
		l.End(call, peers[1], Result{Duration: ms})
		l.End(call, peers[2], Result{Duration: ms}) // c is unknown
		l.Sent(call, peers[2], 100)
		l.SetClients(peers)
		want("all back", 0, 0, 0)
		l.End(call, peers[2], Result{Duration: ms})
		want("once more than begun", 0, 0, 0)
	})
}
