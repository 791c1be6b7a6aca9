package recipe_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis/recipe"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// The leader leads until it resigns or loses the lock. Then another process
// leads, and everyone can see which.
func TestElection(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster) {
		observer := newProcess(t, s)
		seen := make(chan string, 16)
		go func() {
			defer close(seen)
			for value, err := range recipe.Holders(t.Context(), observer.Client, lockPath) {
				if err != nil {
					return
				}
				seen <- string(value)
			}
		}()
		synctest.Wait()
		time.Sleep(time.Second)

		errResigned := errors.New("resigned")
		run := func(name string, p *process) (won, resign chan struct{}, done chan error) {
			won, resign, done = make(chan struct{}, 2), make(chan struct{}), make(chan error, 1)
			go func() {
				done <- recipe.Elect(t.Context(), p.Client, lockPath, []byte(name), func(ctx context.Context) error {
					won <- struct{}{}
					select {
					case <-ctx.Done():
						return context.Cause(ctx)
					case <-resign:
						return errResigned
					}
				})
			}()
			return won, resign, done
		}
		a, b := newProcess(t, s), newProcess(t, s)
		wonA, _, doneA := run("a", a)
		<-wonA
		wonB, resignB, doneB := run("b", b)
		a.cutOff()
		<-wonB
		a.reconnect()
		time.Sleep(time.Minute)
		close(resignB)
		if err := <-doneB; !errors.Is(err, errResigned) {
			t.Errorf("b ended with %v", err)
		}
		<-wonA // leads again
		time.Sleep(time.Second)
		must(t, observer.Close())
		var all []string
		for value := range seen {
			if len(all) == 0 || all[len(all)-1] != value {
				all = append(all, value)
			}
		}
		var holders []string
		for _, value := range all {
			if value != "" {
				holders = append(holders, value)
			}
		}
		if len(all) == 0 || all[0] != "" || len(holders) != 3 || holders[0] != "a" || holders[1] != "b" || holders[2] != "a" {
			t.Errorf("seen %q", all)
		}
		must(t, a.Unregister())
		must(t, a.Close())
		<-doneA
	})
}
