package lbclient

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// sourceFunc is a function that implements Source.
type sourceFunc func(ctx context.Context, update func([]*config.Config)) error

func (f sourceFunc) Watch(ctx context.Context, update func([]*config.Config)) error {
	return f(ctx, update)
}

func TestNewFromSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		updates := make(chan []*config.Config)
		src := sourceFunc(func(ctx context.Context, update func([]*config.Config)) error {
			for {
				select {
				case cfgs := <-updates:
					if cfgs == nil {
						return errors.New("lost")
					}
					update(cfgs)
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		town, w := &town{}, &watched{}
		go func() {
			updates <- []*config.Config{}
			updates <- hosts("bad")
			time.Sleep(time.Second)
			updates <- hosts("a", "bad", "b")
		}()
		start := time.Now()
		c, err := NewFromSource(t.Context(), w, src, 1, WithOpener(town.open))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if time.Since(start) != time.Second {
			t.Errorf("ready after %s", time.Since(start))
		}
		checkSets(t, w, "ab")
		for _, none := range [][]*config.Config{{}, hosts("bad"), nil} {
			updates <- none
			synctest.Wait()
			checkSets(t, w, "ab")
		}
		// The source is watched again after it failed.
		updates <- hosts("b", "c")
		synctest.Wait()
		checkSets(t, w, "ab", "bc")
		if d := time.Since(start) - time.Second; d < time.Second/2 || d > time.Second {
			t.Errorf("watched again after %s", d)
		}
	})
}

func TestNewFromSourceGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := errors.New("lost")
		watched := 0
		src := sourceFunc(func(context.Context, func([]*config.Config)) error { watched++; return lost })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c, err := NewFromSource(ctx, &strategy.Failover{}, src, 1)
		if c != nil || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, lost) {
			t.Errorf("got %v, %v", c, err)
		}
		if watched < 5 || watched > 9 {
			t.Errorf("watched %d times in a minute", watched)
		}
		if _, err := NewFromSource(ctx, nil, nil, -1); err == nil || !strings.Contains(err.Error(), "source") || !strings.Contains(err.Error(), "strategy") {
			t.Errorf("got %v", err)
		}
	})
}
