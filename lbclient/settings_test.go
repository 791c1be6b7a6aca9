package lbclient

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
)

// C11: no limit of the endpoints' health could be set.
func TestWithHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = fails(brokenError())
		c := newLB(t, &strategy.Failover{}, fakes, 1, WithHealth(Health{Failures: 2, Ejection: time.Hour}))
		for range 5 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		checkCalls(t, "a2 b5", fakes...)
		info := c.Endpoints()[0]
		if d := info.NextProbe.Sub(info.Since); info.State != Ejected || d < time.Hour/2 || d > 3*time.Hour/2 {
			t.Errorf("%s for %s", info.State, d)
		}
	})
	set := newLB(t, &strategy.Failover{}, newFakes(1), 0, WithHealth(Health{}))
	if got, want := set.pool.settings, health.Defaults(); got != want {
		t.Errorf("the zero value means %+v, want %+v", got, want)
	}
	many := Health{Failures: -1, SuccessRate: math.NaN(), MinAttempts: -1, Window: 1500 * time.Millisecond, Ejection: -1, MaxEjection: -2}
	_, err := New(&strategy.Failover{}, clientsOf(newFakes(1)), -1, WithHealth(many))
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"Failures", "SuccessRate", "MinAttempts", "Window", " Ejection", "MaxEjection", "retries"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
	for _, h := range []Health{{SuccessRate: 1.1}, {Window: time.Hour}, {Ejection: 2 * time.Second, MaxEjection: time.Second}} {
		if _, err := New(&strategy.Failover{}, clientsOf(newFakes(1)), 0, WithHealth(h)); err == nil {
			t.Errorf("%+v is no error", h)
		}
	}
}

// C11: one strategy in two load balancers was accepted, and each call of SetClients replaced
// the clients of the other.
func TestStrategyServesOneLoadBalancer(t *testing.T) {
	for _, s := range allStrategies() {
		first, err := New(s, clientsOf(newFakes(1)), 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(s, clientsOf(newFakes(1)), 0); err == nil || !strings.Contains(err.Error(), "another load balancer") {
			t.Errorf("%T: got %v", s, err)
		}
		if _, err := first.ID(t.Context()); err != nil {
			t.Errorf("%T: the first load balancer: %v", s, err)
		}
		first.Close()
		second, err := New(s, clientsOf(newFakes(1)), 0)
		if err != nil {
			t.Errorf("%T, after Close: %v", s, err)
			continue
		}
		first.Close() // again, which must not free the strategy
		if _, err := New(s, clientsOf(newFakes(1)), 0); err == nil {
			t.Errorf("%T: the second load balancer has lost it", s)
		}
		second.Close()
		if _, err := New(s, nil, 0); err == nil {
			t.Error("no clients is no error")
		}
		if _, err := NewFromConfigs(s, nil, 0); err == nil {
			t.Error("no configurations is no error")
		}
		if _, err := NewFromSource(t.Context(), s, nil, 0); err == nil {
			t.Error("no source is no error")
		}
		third, err := New(s, clientsOf(newFakes(1)), 0)
		if err != nil {
			t.Errorf("%T, after constructors that failed: %v", s, err)
			continue
		}
		third.Close()
	}
}

func TestRetriesLeft(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].answer = fails(brokenError())
	c := newLB(t, &strategy.Failover{}, fakes, 1, WithRetryBudget(0, 0.3))
	for _, want := range []int{3, 2, 1, 0, 0} {
		if n := c.RetriesLeft(); n != want {
			t.Errorf("%d retries left, want %d", n, want)
		}
		_, _ = c.ID(t.Context())
	}
	unlimited := newLB(t, &strategy.Failover{}, newFakes(1), 1, WithRetryBudget(math.Inf(1), math.Inf(1)))
	_, _ = unlimited.ID(t.Context())
	if n := unlimited.RetriesLeft(); n != math.MaxInt32 {
		t.Errorf("%d retries left of an unlimited budget", n)
	}
}

// C11: hooks did not report what a call is about.
func TestHooksReportTheKey(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].answer = fails(dialError())
	hook := &keyHook{}
	c := newLB(t, &strategy.Failover{}, fakes, 1, WithHooks(hook))
	if _, err := c.Status(t.Context(), testCid(1), true); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PinPath(t.Context(), "/ipfs/x", api.PinOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ID(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := testCid(1).KeyString()
	want := []string{key, key, key, key, key, key, "/ipfs/x", "/ipfs/x", "/ipfs/x", "", "", ""}
	if !slices.Equal(hook.keys, want) {
		t.Errorf("got %q, want %q", hook.keys, want)
	}
}

// keyHook records the key of each event.
type keyHook struct{ keys []string }

func (h *keyHook) note(key string)                                              { h.keys = append(h.keys, key) }
func (h *keyHook) CallStarted(ctx context.Context, _ client.Op) context.Context { return ctx }
func (h *keyHook) CallEnded(_ context.Context, e CallEvent)                     { h.note(e.Key) }
func (h *keyHook) CallRetried(_ context.Context, e AttemptEvent)                { h.note(e.Key) }
func (h *keyHook) BudgetExhausted(_ context.Context, e AttemptEvent)            { h.note(e.Key) }
func (h *keyHook) AttemptEnded(_ context.Context, e AttemptEvent)               { h.note(e.Key) }
func (h *keyHook) AttemptStarted(ctx context.Context, e AttemptEvent) context.Context {
	h.note(e.Key)
	return ctx
}
