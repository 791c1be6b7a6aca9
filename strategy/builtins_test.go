package strategy

import (
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/client"
)

// U39: with no clients upstream's strategies divided by zero on first use.
func TestU39NoClients(t *testing.T) {
	for name, make := range builtins() {
		s := make()
		for _, state := range []string{"zero value", "nil", "empty"} {
			switch state {
			case "nil":
				s.SetClients(nil)
			case "empty":
				s.SetClients([]client.Client{})
			}
			for count := range 3 {
				if c := s.Next(count); c != nil {
					t.Errorf("%s, %s: Next(%d) = %v, want nil", name, state, count, c)
				}
				for _, key := range []string{"", testKey(count)} {
					if c := s.Pick(&Call{Key: key, Attempt: count, Tried: newPeers(count)}); c != nil {
						t.Errorf("%s, %s: Pick of attempt %d = %v, want nil", name, state, count, c)
					}
				}
			}
		}
	}
}

// After any sequence of results, a pick is on the list. It is an untried client if
// one is left, and otherwise the client that was tried least recently.
func TestPicks(t *testing.T) {
	ops := []client.Op{client.OpID, client.OpPeers, client.OpPin, client.OpAdd, client.OpRepoGC}
	for name, make := range builtins() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s, all := make(), newPeers(6)
				observer, _ := s.(Observer)
				for range rapid.IntRange(1, 5).Draw(t, "memberships") {
					listed := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 6, nameOf).Draw(t, "listed")
					s.SetClients(slices.Clone(listed))
					for _, c := range all {
						c.(*peer).weigh(rapid.Float64Range(0.001, 10).Draw(t, "weight"))
					}
					call := &Call{
						Op:  rapid.SampledFrom(ops).Draw(t, "op"),
						Key: rapid.SampledFrom([]string{"", "k", testKey(1)}).Draw(t, "key"),
					}
					for call.Attempt = range 9 {
						c := s.Pick(call)
						untried := slices.DeleteFunc(slices.Clone(listed), call.WasTried)
						switch {
						case !slices.Contains(listed, c):
							t.Fatalf("%s is not on the list", nameOf(c))
						case len(untried) > 0 && call.WasTried(c):
							t.Fatalf("%s again, with %d untried", nameOf(c), len(untried))
						case len(untried) == 0 && c != longestAgo(listed, call):
							t.Fatalf("%s is not the one asked the longest ago", nameOf(c))
						}
						if observer != nil {
							finish(observer, call.Op, c, Result{
								Duration:  time.Duration(rapid.Int64Range(-1, 1e10).Draw(t, "took")),
								Failed:    rapid.Bool().Draw(t, "failed"),
								Cancelled: rapid.Bool().Draw(t, "cancelled"),
							})
						}
						call.Tried = append(call.Tried, c)
					}
				}
			})
		})
	}
}

// Concurrent calls, reports and changes of membership, for the race detector.
// LeastLoaded once panicked in Begin: between adding an unlisted client and looking it
// up, SetClients had removed it. One of about 300 runs of this test met that.
func TestConcurrentUse(t *testing.T) {
	for name, make := range builtins() {
		t.Run(name, func(t *testing.T) {
			s, peers := make(), newPeers(6)
			observer, _ := s.(Observer)
			s.SetClients(peers)
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					for n := range 500 {
						if i == 0 {
							s.SetClients(peers[n%4:])
							peers[5].(*peer).weigh(float64(n%7) / 4)
							continue
						}
						call := &Call{Op: client.OpAdd, Key: testKey(n % 10)}
						if n%2 == 0 {
							call.Op = client.OpID
						}
						for range 3 {
							c := s.Pick(call)
							if c == nil || s.Next(n) == nil || call.WasTried(c) && len(call.Tried) < 2 {
								t.Errorf("picked %s after %d attempts", nameOf(c), len(call.Tried))
								return
							}
							if observer != nil {
								observer.Begin(call, c)
								observer.Sent(call, c, n)
								observer.End(call, c, Result{Duration: time.Millisecond, Failed: n%3 == 0, Sent: int64(n)})
							}
							call.Tried = append(call.Tried, c)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// The strategies accept clients that have neither a name nor a weight.
func TestBareClients(t *testing.T) {
	for name, make := range builtins() {
		s := make()
		bares := []client.Client{&bare{}, &bare{}, &bare{}}
		s.SetClients(bares)
		counts := [3]int{}
		for i := range 300 {
			call := &Call{Op: client.OpID, Key: testKey(i)}
			call.Tried = append(call.Tried, s.Pick(call))
			counts[slices.Index(bares, s.Pick(call))]++
		}
		for i, count := range counts {
			if name != "Failover" && count == 0 {
				t.Errorf("%s: no retry went to client %d", name, i)
			}
		}
	}
}
