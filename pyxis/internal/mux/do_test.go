package mux

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

func TestSettleRunsInTheOrderOfTheAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		var mu sync.Mutex
		var order strings.Builder
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				c.Do(t.Context(), stat("/p"), func(r *pyxiswire.Response, _ bool) {
					mu.Lock()
					defer mu.Unlock()
					order.Write(r.Data)
				})
			})
		}
		for range 3 {
			p.receive()
		}
		p.send(answer(2, "2"), answer(0, "0"), answer(1, "1"))
		wg.Wait()
		if order.String() != "201" {
			t.Errorf("settled in the order %s", order.String())
		}
	})
}

func TestSettleRunsOnceWhateverBecomesOfTheCall(t *testing.T) {
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		settled := make(chan string, 4)
		call := func(ctx context.Context, path string) {
			go c.Do(ctx, stat(path), func(r *pyxiswire.Response, awaited bool) {
				settled <- fmt.Sprint(path, " ", string(r.GetData()), " ", awaited)
			})
			synctest.Wait()
		}
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			if len(settled) != 1 {
				t.Fatalf("%d calls settled, want %s", len(settled), want)
			}
			if got := <-settled; got != want {
				t.Errorf("settled %q, want %q", got, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		call(ctx, "/left")
		left := p.receive()
		call(t.Context(), "/lost")
		p.receive()
		call(t.Context(), "/taken")  // the writer holds it, so it may have been sent
		call(t.Context(), "/unsent") // it is queued behind that
		cancel()
		synctest.Wait()
		if len(settled) != 0 {
			t.Fatal("settled without an answer")
		}
		p.send(answer(left.GetXid(), "late"))
		expect("/left late false")
		p.nc.Close()
		synctest.Wait()
		if len(settled) != 2 {
			t.Fatalf("%d calls settled at the end", len(settled))
		}
		if lost, taken := <-settled, <-settled; lost != "/lost  true" || taken != "/taken  true" {
			t.Errorf("settled %q and %q", lost, taken)
		}
	})
}
