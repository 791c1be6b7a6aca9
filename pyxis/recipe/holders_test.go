package recipe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis/recipe"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// However clients are cut off, leaders change and sessions expire, two clients
// never believe at the same time that they hold the lock.
func TestNeverTwoHolders(t *testing.T) {
	for seed := range uint64(5) {
		inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
			random := rand.New(rand.NewPCG(seed, 1))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			var (
				mu      sync.Mutex
				holders []context.Context
				terms   int
				workers sync.WaitGroup
				all     []*process
			)
			for i := range 4 {
				p := newProcess(t, s)
				all = append(all, p)
				workers.Go(func() {
					lead := func(ctx context.Context) error {
						mu.Lock()
						for _, other := range holders {
							if other.Err() == nil {
								t.Errorf("seed %d: two holders", seed)
							}
						}
						holders = append(holders[:0], ctx)
						terms++
						mu.Unlock()
						sleepUntil(ctx, 3*time.Second)
						mu.Lock()
						defer mu.Unlock()
						for at, own := range holders {
							if own == ctx {
								holders = append(holders[:at], holders[at+1:]...)
								break
							}
						}
						return nil
					}
					for ctx.Err() == nil {
						_ = recipe.Elect(ctx, p.Client, lockPath, fmt.Append(nil, i), lead)
					}
				})
			}
			for ctx.Err() == nil {
				sleepUntil(ctx, time.Duration(random.Int64N(int64(4*time.Second))))
				p := all[random.IntN(len(all))]
				switch random.IntN(5) {
				case 0:
					p.cutOff()
				case 1, 2:
					p.reconnect()
				case 3:
					_ = s.MoveLeader(random.IntN(3))
				case 4:
					if sid, _ := p.Session(); sid != 0 && random.IntN(4) == 0 {
						soon, cancel := context.WithTimeout(ctx, time.Second)
						_ = p.WithContext(soon).Unregister()
						cancel()
					}
				}
			}
			for _, p := range all {
				p.reconnect()
			}
			workers.Wait()
			synctest.Wait()
			if terms < 40 {
				t.Errorf("seed %d: only %d terms", seed, terms)
			}
		})
	}
}
