package lbclient

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// A panic in a hedged attempt, such as that of a TokenFunc, ended the process, because it was on
// a goroutine of the load balancer (E13). The caller gets it, with the stack of the attempt. If
// the call has its answer already, the panic is logged. The same goes for the end of the
// goroutine, as by t.FailNow.
func TestPanicInHedgedAttempt(t *testing.T) {
	for name, explode := range map[string]func(){"panic": func() { panic(errBoom) }, "Goexit": runtime.Goexit} {
		for _, late := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { hedgedPanic(t, explode, late) })
			})
		}
	}
}

func hedgedPanic(t *testing.T, explode func(), late bool) {
	fakes := newFakes(2)
	log := &recordLog{Handler: slog.DiscardHandler}
	c := newLB(t, &strategy.Failover{}, fakes, 0, WithHedging(), WithLogger(slog.New(log)))
	armed := false
	fakes[0].answer = func(ctx context.Context, _ client.Op, _ int) reply {
		switch {
		case armed && late:
			<-ctx.Done()
			time.Sleep(time.Second)
			explode()
		case armed:
			explode()
		}
		return reply{err: wait(ctx, time.Millisecond)}
	}
	for range 2 * minSamples {
		if _, err := c.ID(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	armed = true
	done := make(chan any, 1)
	go func() {
		returned := false
		defer func() { v := recover(); done <- map[bool]any{true: "returned", false: v}[returned] }()
		_, _ = c.ID(t.Context())
		returned = true
	}()
	v := <-done
	time.Sleep(time.Minute)
	if late {
		if v != "returned" || log.errors.Load() != 1 {
			t.Errorf("got %v, want a return and a record of the panic", v)
		}
	} else if err, ok := v.(error); v != nil && (!ok || !errors.Is(err, errBoom)) {
		t.Errorf("got %v, want the panic", v)
	}
	armed = false
	if _, err := c.ID(t.Context()); err != nil {
		t.Error(err)
	}
	if n := c.Endpoints()[0].InFlight; n != 0 {
		t.Errorf("%d attempts in flight", n)
	}
}

// recordLog is a log handler that counts the records at level Error.
type recordLog struct {
	slog.Handler
	errors atomic.Int32
}

func (h *recordLog) Enabled(context.Context, slog.Level) bool { return true }
func (h *recordLog) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelError {
		h.errors.Add(1)
	}
	return nil
}
func (h *recordLog) WithAttrs([]slog.Attr) slog.Handler { return h }

// A panic in the background has no caller: it ended the process (E13). It is logged, and counts as
// a failed probe.
func TestPanicInProbe(t *testing.T) {
	for name, explode := range map[string]func(){"panic": func() { panic(errBoom) }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &recordLog{Handler: slog.DiscardHandler}
				fakes := newFakes(2)
				fakes[0].answer = failsOnce(dialError())
				fakes[0].health = func(context.Context) error {
					if log.errors.Load() < 3 {
						explode()
					}
					return nil
				}
				c := newLB(t, &strategy.Failover{}, fakes, 1, WithLogger(slog.New(log)))
				for range 2 {
					if _, err := c.ID(t.Context()); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Hour)
				}
				if n := log.errors.Load(); n != 3 || fakes[0].probes != 4 {
					t.Errorf("%d panics were logged in %d probes, want 3 in 4", n, fakes[0].probes)
				}
				if state := c.Endpoints()[0].State; state != Admitted {
					t.Errorf("the endpoint is %s", state)
				}
			})
		})
	}
}

// A panic of the strategy or the logger at the end of a probe is logged or ignored. The endpoint
// is probed nevertheless.
func TestPanicAfterProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := &fusedStrategy{}, &fusedLog{Handler: slog.DiscardHandler}
		fakes := newFakes(2)
		fakes[0].answer, fakes[1].answer = failsOnce(dialError()), failsOnce(dialError())
		fakes[0].health = func(context.Context) error { log.log.lit.Store(true); return nil }
		c := newLB(t, s, fakes, 1, WithLogger(slog.New(log)))
		_, _ = c.ID(t.Context())
		s.set.lit.Store(true)
		time.Sleep(time.Minute)
		_ = recovered(t, func() { _, _ = c.ID(t.Context()) })
		for range 4 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if got := names(c.Endpoints()); got != "a:admitted b:admitted" {
			t.Errorf("endpoints %s", got)
		}
	})
}

// fusedSource is a source that panics, or whose updates are applied by code that panics.
type fusedSource struct {
	watch   fuse
	updates chan []*config.Config
}

func (s *fusedSource) Watch(ctx context.Context, update func([]*config.Config)) error {
	s.watch.use()
	for {
		select {
		case cfgs := <-s.updates:
			update(cfgs)
			s.watch.use()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A panic of a source, and of the opener, the strategy or a hook during its update, ended the
// process. It is logged, and later updates are applied.
func TestPanicInSource(t *testing.T) {
	for _, seam := range []string{"source", "opener", "strategy", "hook", "logger"} {
		t.Run(seam, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, hook, open, town := &fusedStrategy{}, &fusedHook{}, &fuse{}, &town{}
				log, bad := &recordLog{Handler: slog.DiscardHandler}, &fusedLog{Handler: slog.DiscardHandler}
				logger := slog.New(log)
				if seam == "logger" {
					logger = slog.New(bad)
				}
				src := &fusedSource{updates: make(chan []*config.Config, 1)}
				src.updates <- hosts("a")
				c, err := NewFromSource(t.Context(), s, src, 0, WithHooks(hook), WithLogger(logger), WithOpener(func(cfg *config.Config) (client.Client, error) {
					open.use()
					return town.open(cfg)
				}))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				map[string]*fuse{"source": &src.watch, "opener": open, "strategy": &s.set, "hook": &hook.changed, "logger": &bad.log}[seam].lit.Store(true)
				for _, list := range []string{"b", "c"} {
					src.updates <- hosts(list)
					time.Sleep(time.Hour)
				}
				if got := names(c.Endpoints()); got != "c:admitted" {
					t.Errorf("endpoints %s, want c", got)
				}
				if n := log.errors.Load(); seam != "logger" && n != 1 {
					t.Errorf("%d panics were logged, want 1", n)
				}
				if _, err := c.ID(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// An endpoint's client that panics during an add must not leave the add waiting for a consumer
// that receives nothing.
func TestPanicWhileAnOutputWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &panickingAdder{fake: newFakes(1)[0]}
		c := newLB(t, &strategy.Failover{}, []*panickingAdder{f}, 0)
		out := make(chan *api.AddedOutput)
		if !recovered(t, func() { _ = c.Add(t.Context(), []string{"x"}, nil, out) }) {
			t.Error("the caller got no panic")
		}
		if _, open := <-out; open {
			t.Error("out is open")
		}
	})
}

// panickingAdder reports an output and then panics.
type panickingAdder struct{ *fake }

func (*panickingAdder) Add(_ context.Context, _ []string, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	out <- &api.AddedOutput{Cid: api.NewCid(testCid(0))}
	panic(errBoom)
}
