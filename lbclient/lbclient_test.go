package lbclient

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// All problems with the arguments are reported at once.
func TestNewFromConfigs(t *testing.T) {
	addr, err := multiaddr.NewMultiaddr("/ip4/127.0.0.1/tcp/1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewFromConfigs(&strategy.Failover{}, []*config.Config{{APIAddr: addr}, {APIAddr: addr}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if names := c.names(); len(names) != 2 || !strings.Contains(names[0], "127.0.0.1") {
		t.Errorf("endpoints %q", names)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}

	c, err = NewFromConfigs(nil, []*config.Config{nil, {Port: "x", Host: "h"}}, -1, WithReplayLimit(-1, 0))
	if c != nil {
		t.Errorf("a client besides the error: %v", c)
	}
	for _, want := range []string{"strategy", "-1 retries", "configuration 0", "configuration 1", "replay limit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not mention %q", err, want)
		}
	}
	if _, err := NewFromConfigs(&strategy.Failover{}, nil, 0); err == nil {
		t.Error("no configurations are no error")
	}
}

// The result can be assigned to a variable that holds a default client, and is
// nil, not a nil *Client, if there is an error.
func TestNewLBClient(t *testing.T) {
	cfgs := []*config.Config{{URL: "http://127.0.0.1:1"}}
	c, err := client.NewDefaultClient(cfgs[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	c, err = NewLBClient(&strategy.Failover{}, cfgs, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.(*Client); !ok {
		t.Errorf("a %T, want a *Client", c)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if c, err := NewLBClient(&strategy.Failover{}, nil, 3); err == nil || c != nil {
		t.Errorf("got %v, %v; want nil and an error", c, err)
	}
}

func TestNew(t *testing.T) {
	fakes := newFakes(2)
	for name, args := range map[string]struct {
		s       strategy.LBStrategy
		clients []client.Client
		retries int
	}{
		"no strategy":      {nil, clientsOf(fakes), 0},
		"no clients":       {&strategy.Failover{}, nil, 0},
		"nil client":       {&strategy.Failover{}, []client.Client{fakes[0], nil}, 0},
		"negative retries": {&strategy.Failover{}, clientsOf(fakes), -1},
	} {
		if c, err := New(args.s, args.clients, args.retries); err == nil || c != nil {
			t.Errorf("%s: got %v, %v", name, c, err)
		}
	}
	if fakes[0].closed != 0 {
		t.Error("New closed a client although it failed")
	}
}

// U35: when one configuration was bad, upstream left the clients of the ones
// before it open.
func TestU35ClosesWhatWasMade(t *testing.T) {
	fakes := newFakes(2)
	bad := errors.New("bad")
	n := 0
	open := func(*config.Config) (client.Client, error) {
		n++
		if n == 2 {
			return nil, bad
		}
		return fakes[n/2], nil
	}
	_, err := NewFromConfigs(&strategy.Failover{}, []*config.Config{{}, {}, {}}, 0, WithOpener(open))
	if !errors.Is(err, bad) || n != 3 {
		t.Fatalf("%d opened, %v", n, err)
	}
	if fakes[0].closed != 1 || fakes[1].closed != 1 {
		t.Error("not every client was closed")
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := realFakes(2)
		fakes[0].answer = hangs
		c := newLB(t, &strategy.Failover{}, fakes, 3)
		underWay := make(chan error, 2)
		go func() { _, err := c.ID(t.Context()); underWay <- err }()
		go func() {
			underWay <- c.Add(t.Context(), []string{"x"}, nil, make(chan *api.AddedOutput))
		}()
		synctest.Wait()
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			if err := <-underWay; !errors.Is(err, client.ErrClosed) {
				t.Errorf("a call under way: %v, want closed", err)
			}
		}
		checkCalls(t, "a2 b0", fakes...)
		for op, call := range methods(t.Context(), c) {
			err := call()
			var e *client.Error
			if !errors.Is(err, client.ErrClosed) || !errors.As(err, &e) || e.Op != op {
				t.Errorf("%s after Close: %v, want closed", op, err)
			}
		}
		out := make(chan *api.AddedOutput)
		if err := c.Add(t.Context(), []string{"x"}, nil, out); !errors.Is(err, client.ErrClosed) {
			t.Errorf("Add after Close: %v", err)
		}
		if _, open := <-out; open {
			t.Error("out is open")
		}
		checkCalls(t, "a2 b0", fakes...)
		if fakes[0].closed != 1 || fakes[1].closed != 1 {
			t.Error("the clients were not closed once each")
		}
	})
}

// Close also ends a call that waits before it tries an endpoint again.
func TestCloseDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(1)
		fakes[0].answer = fails(&client.Error{Status: 503, Err: errors.New("busy"), RetryAfter: 30 * time.Second})
		c := newLB(t, &strategy.Failover{}, fakes, 3)
		underWay := make(chan error, 1)
		start := time.Now()
		go func() { _, err := c.ID(t.Context()); underWay <- err }()
		synctest.Wait()
		c.Close()
		if err := <-underWay; !errors.Is(err, client.ErrClosed) || time.Since(start) != 0 {
			t.Errorf("got %v after %s, want closed at once", err, time.Since(start))
		}
	})
}

// A nested load balancer whose peers fail counts as one failing endpoint.
func TestNested(t *testing.T) {
	fakes := newFakes(4)
	a, b, c, d := fakes[0], fakes[1], fakes[2], fakes[3]
	near := newLB(t, &strategy.RoundRobin{}, []*fake{a, b}, 1)
	far := newLB(t, &strategy.RoundRobin{}, []*fake{c, d}, 1)
	both := newLB(t, &strategy.Failover{}, []*Client{near, far}, 1)

	if names := both.names(); !slices.Equal(names, []string{"a", "b", "c", "d"}) {
		t.Errorf("endpoints %q", names)
	}
	if both.Endpoint() != "[a b c d]" || near.Endpoint() != "[a b]" {
		t.Errorf("names %s, %s", both.Endpoint(), near.Endpoint())
	}

	a.answer, b.answer = fails(dialError()), fails(dialError())
	if id, err := both.ID(t.Context()); err != nil || id.Peername != "c" {
		t.Errorf("got %v, %v, want c", id, err)
	}
	checkCalls(t, "a1 b1 c1 d0", fakes...)
	// The region could not be dialled, so it is ejected.
	if id, err := both.ID(t.Context()); err != nil || id.Peername != "d" {
		t.Errorf("got %v, %v, want d", id, err)
	}
	checkCalls(t, "a1 b1 c1 d1", fakes...)

	for _, name := range []string{"a", "d", "[c d]"} {
		id, err := both.ID(WithEndpoint(t.Context(), name))
		if name == "a" {
			if err == nil {
				t.Error("failed over from the targeted peer")
			}
			continue
		}
		if err != nil || !strings.Contains(name, id.Peername) {
			t.Errorf("targeted at %s: %v, %v", name, id, err)
		}
	}
	if _, err := both.ID(WithEndpoint(t.Context(), "e")); !errors.Is(err, client.ErrInvalid) {
		t.Errorf("got %v, want invalid", err)
	}
}

// The failure of a nested load balancer is classified by its last attempt, but counts as
// possibly executed if any of its attempts may have been executed. So a write that must be
// sent only once is not retried.
func TestNestedIsCareful(t *testing.T) {
	fakes := newFakes(3)
	a, b, c := fakes[0], fakes[1], fakes[2]
	near := newLB(t, &strategy.Failover{}, []*fake{a, b}, 1)
	both := newLB(t, &strategy.Failover{}, []client.Client{near, c}, 1)

	a.answer, b.answer = fails(dialError()), fails(brokenError())
	_, err := both.RepoGC(t.Context(), false)
	var e *client.Error
	if !errors.As(err, &e) || !e.MayHaveExecuted {
		t.Errorf("got %v, want an error that may have been executed", err)
	}
	checkCalls(t, "a1 b1 c0", fakes...)

	// a is ejected, so the call is sent to b first.
	b.answer = fails(dialError())
	if _, err := both.RepoGC(t.Context(), false); err != nil {
		t.Errorf("nothing was sent, and yet: %v", err)
	}
	checkCalls(t, "a2 b2 c1", fakes...)
}

// The unpin was executed inside the region that failed.
func TestNestedUnpin(t *testing.T) {
	fakes := newFakes(3)
	near := newLB(t, &strategy.Failover{}, fakes[:2], 1)
	both := newLB(t, &strategy.Failover{}, []client.Client{near, fakes[2]}, 1)
	fakes[0].answer, fakes[1].answer, fakes[2].answer = fails(brokenError()), fails(dialError()), fails(statusError(404))
	if pin, err := both.Unpin(t.Context(), testCid(1)); err != nil || !pin.Cid.Defined() {
		t.Errorf("got %v, %v, want success", pin, err)
	}
	checkCalls(t, "a1 b1 c1", fakes...)
}

// The endpoint receives a context with the values of the caller's context.
func TestContextValues(t *testing.T) {
	type key struct{}
	fakes := newFakes(1)
	var got any
	fakes[0].answer = func(ctx context.Context, _ client.Op, _ int) reply {
		got = ctx.Value(key{})
		return reply{}
	}
	c := newLB(t, &strategy.Failover{}, fakes, 0)
	if _, err := c.ID(context.WithValue(t.Context(), key{}, "v")); err != nil || got != "v" {
		t.Errorf("got %v, %v", got, err)
	}
}
