package strategy

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pinfleet/pinfleet/client"
)

// BenchmarkPick measures a call's first pick. The limit is 100 ns and no allocations.
func BenchmarkPick(b *testing.B) {
	keys := make([]string, 256)
	for i := range keys {
		keys[i] = testKey(i)
	}
	for _, name := range []string{"Failover", "RoundRobin", "LeastLoaded", "Sticky", "Weighted"} {
		for _, n := range []int{3, 10, 100} {
			for _, goroutines := range []int{1, 8} {
				b.Run(fmt.Sprintf("%s/clients=%d/goroutines=%d", name, n, goroutines), func(b *testing.B) {
					s := inUse(builtins()[name], newPeers(n))
					b.ReportAllocs()
					b.ResetTimer()
					var wg sync.WaitGroup
					for g := range goroutines {
						wg.Go(func() {
							call := &Call{Op: client.OpStatus}
							for i := g; i < b.N; i += goroutines {
								call.Key = keys[i%len(keys)]
								if s.Pick(call) == nil {
									b.Error("nobody picked")
									return
								}
							}
						})
					}
					wg.Wait()
				})
			}
		}
	}
}

// BenchmarkRetry measures the pick for a call's third attempt.
func BenchmarkRetry(b *testing.B) {
	for name, make := range builtins() {
		for _, n := range []int{3, 10, 100} {
			b.Run(fmt.Sprintf("%s/clients=%d", name, n), func(b *testing.B) {
				peers := newPeers(n)
				s := inUse(make, peers)
				call := &Call{Op: client.OpStatus, Key: testKey(1), Attempt: 2, Tried: peers[1:3]}
				b.ReportAllocs()
				for b.Loop() {
					s.Pick(call)
				}
			})
		}
	}
}

// BenchmarkReport measures the cost of Observer per attempt.
func BenchmarkReport(b *testing.B) {
	l, peers := &LeastLoaded{}, newPeers(10)
	l.SetClients(peers)
	call := &Call{Op: client.OpStatus}
	b.ReportAllocs()
	for b.Loop() {
		l.Begin(call, peers[3])
		l.End(call, peers[3], Result{Duration: 1e6})
	}
}
