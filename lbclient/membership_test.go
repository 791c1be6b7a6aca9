package lbclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multiformats/go-multiaddr"
	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// town is an opener of fakes. The name of a fake is the Host of its configuration.
type town struct {
	mu     sync.Mutex
	fakes  map[string][]*fake
	answer func(ctx context.Context, op client.Op, n int) reply
}

func (o *town) open(cfg *config.Config) (client.Client, error) {
	if cfg.Host == "bad" {
		return nil, errors.New("bad host")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	f := &fake{name: cfg.Host, cids: testCids(20), answer: o.answer}
	if o.fakes == nil {
		o.fakes = map[string][]*fake{}
	}
	o.fakes[cfg.Host] = append(o.fakes[cfg.Host], f)
	return f, nil
}

// at returns the fakes that were opened for a host.
func (o *town) at(host string) []*fake {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.fakes[host])
}

func hosts(names ...string) []*config.Config {
	var cfgs []*config.Config
	for _, name := range names {
		cfgs = append(cfgs, &config.Config{Host: name})
	}
	return cfgs
}

func newTown(t testing.TB, s strategy.LBStrategy, cfgs []*config.Config, retries int, opts ...Option) (*town, *Client) {
	t.Helper()
	o := &town{}
	c, err := NewFromConfigs(s, cfgs, retries, append(opts, WithOpener(o.open))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return o, c
}

type memberLog struct{ events []MembershipEvent }

func (l *memberLog) MembershipChanged(e MembershipEvent) { l.events = append(l.events, e) }

func names(infos []EndpointInfo) string {
	var all []string
	for _, info := range infos {
		all = append(all, info.Endpoint+":"+string(info.State))
	}
	return strings.Join(all, " ")
}

func TestSetConfigs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, log := &watched{}, &memberLog{}
		town, c := newTown(t, w, hosts("a", "b"), 1, WithHooks(log))
		b := c.pool.list()[1]
		if err := c.SetConfigs(hosts("b", "c")); err != nil {
			t.Fatal(err)
		}
		checkSets(t, w, "ab", "bc")
		if len(log.events) != 1 || fmt.Sprint(log.events[0]) != "{[c] [a]}" {
			t.Errorf("reported %v", log.events)
		}
		if c.pool.list()[0] != b {
			t.Error("the endpoint that stayed is a new one")
		}
		if w := c.Endpoints()[0].Weight; w != 1 {
			t.Errorf("what stayed weighs %v", w)
		}
		if w := c.Endpoints()[1].Weight; w != 0.1 {
			t.Errorf("what is new weighs %v", w)
		}
		if a := town.at("a")[0]; a.closed != 1 {
			t.Errorf("what was removed was closed %d times", a.closed)
		}
		// The same list again changes nothing.
		if err := c.SetConfigs(hosts("b", "c")); err != nil {
			t.Fatal(err)
		}
		if len(town.at("b")) != 1 || len(town.at("c")) != 1 || len(log.events) != 1 {
			t.Error("equal configurations were opened again")
		}
		checkSets(t, w, "ab", "bc")
		// The order counts, and two equal configurations make two endpoints.
		if err := c.SetConfigs(hosts("c", "b", "b")); err != nil {
			t.Fatal(err)
		}
		checkSets(t, w, "ab", "bc", "cbb")
		c.Close()
		for _, name := range []string{"a", "b", "c"} {
			for _, f := range town.at(name) {
				if f.closed != 1 {
					t.Errorf("%s was closed %d times", name, f.closed)
				}
			}
		}
		if err := c.SetConfigs(hosts("d")); !errors.Is(err, client.ErrClosed) || town.at("d")[0].closed != 1 {
			t.Errorf("after Close: %v", err)
		}
	})
}

// An empty or invalid list is an error and changes nothing.
func TestSetConfigsRefuses(t *testing.T) {
	w := &watched{}
	town, c := newTown(t, w, hosts("a"), 1)
	for _, cfgs := range [][]*config.Config{nil, {}, {nil}, hosts("b", "bad", "bad"), append(hosts("b"), nil)} {
		if err := c.SetConfigs(cfgs); err == nil {
			t.Errorf("%v: no error", cfgs)
		}
	}
	for _, f := range town.at("b") {
		if f.closed != 1 {
			t.Error("what was opened for a refused list is open")
		}
	}
	checkSets(t, w, "a")
	if _, err := c.ID(t.Context()); err != nil {
		t.Error(err)
	}
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A changed configuration makes a new endpoint. Objects that a configuration refers to are
// compared by identity. Functions cannot be compared, so a configuration that has one is the
// same only if the pointer is the same.
func TestSameConfig(t *testing.T) {
	token := func(context.Context) (string, error) { return "", nil }
	rt := roundTripperFunc(http.DefaultTransport.RoundTrip)
	addr, err := multiaddr.NewMultiaddr("/ip4/127.0.0.1/tcp/9094")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		old     config.Config
		change  func(*config.Config)
		copied  bool // a copy counts as the same
		changed bool // the same pointer counts as the same after a change
	}{
		"plain":        {config.Config{Headers: http.Header{"A": {"b"}}}, func(*config.Config) {}, true, true},
		"address":      {config.Config{APIAddr: addr}, func(c *config.Config) { c.APIAddr = addr.Encapsulate(addr) }, true, false},
		"weight":       {config.Config{}, func(c *config.Config) { c.Weight = 2 }, true, false},
		"headers":      {config.Config{Headers: http.Header{"A": {"b"}}}, func(c *config.Config) { c.Headers["A"][0] = "c" }, true, false},
		"token":        {config.Config{TokenFunc: token}, func(c *config.Config) { c.TokenFunc = nil }, false, false},
		"transport":    {config.Config{RoundTripper: &http.Transport{}}, func(c *config.Config) { c.RoundTripper = &http.Transport{} }, true, false},
		"round trips":  {config.Config{RoundTripper: rt}, func(c *config.Config) { c.RoundTripper = nil }, false, false},
		"logger":       {config.Config{Logger: slog.New(slog.DiscardHandler)}, func(c *config.Config) { c.Logger = slog.New(slog.DiscardHandler) }, true, false},
		"other logger": {config.Config{}, func(c *config.Config) { c.Logger = slog.New(slog.DiscardHandler) }, true, false},
	} {
		given := &test.old
		e := &endpoint{given: given, config: given.Clone()}
		if !e.isMadeOf(given) {
			t.Errorf("%s: the same pointer is not the same", name)
		}
		if got := e.isMadeOf(given.Clone()); got != test.copied {
			t.Errorf("%s: a copy is the same: %v", name, got)
		}
		test.change(given)
		if got := e.isMadeOf(given); got != test.changed {
			t.Errorf("%s: changed, it is the same: %v", name, got)
		}
	}
	if (&endpoint{}).isMadeOf(&config.Config{}) {
		t.Error("a ready client was made of a configuration")
	}
}

// The calls in flight at a removed endpoint succeed, and then the endpoint is closed.
func TestRemovedEndpointDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		town, c := newTown(t, &strategy.Failover{}, hosts("a"), 0)
		a := town.at("a")[0]
		next, stop := iter.Pull2(c.Allocations(t.Context(), api.AllType))
		defer stop()
		next()
		if err := c.SetConfigs(hosts("b")); err != nil {
			t.Fatal(err)
		}
		if got := names(c.Endpoints()); got != "b:admitted a:draining" || a.closed != 0 {
			t.Errorf("endpoints %s, closed %d times", got, a.closed)
		}
		if id, err := c.ID(t.Context()); err != nil || id.Peername != "b" {
			t.Errorf("got %v, %v", id, err)
		}
		for i := range 19 {
			if _, err, ok := next(); !ok || err != nil {
				t.Fatalf("item %d: %v, %v", i, err, ok)
			}
		}
		if a.closed != 0 {
			t.Error("closed too early")
		}
		if _, err, ok := next(); ok {
			t.Errorf("one more: %v", err)
		}
		if got := names(c.Endpoints()); got != "b:admitted" || a.closed != 1 {
			t.Errorf("endpoints %s, closed %d times", got, a.closed)
		}
	})
}

// Close also closes endpoints that are draining.
func TestCloseWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		town, c := newTown(t, &strategy.Failover{}, hosts("a"), 0)
		a := town.at("a")[0]
		a.answer = hangs
		done := make(chan error)
		go func() { _, err := c.ID(t.Context()); done <- err }()
		synctest.Wait()
		if err := c.SetConfigs(hosts("b")); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if err := <-done; !errors.Is(err, client.ErrClosed) || a.closed != 1 {
			t.Errorf("got %v, closed %d times", err, a.closed)
		}
	})
}

// Changes of the endpoints do not disturb calls: none fails, and each listing is complete.
func TestMembershipProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var lists [][]string
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			lists = append(lists, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 5, rapid.ID[string]).Draw(rt, "hosts"))
		}
		hedged := rapid.Bool().Draw(rt, "hedged")
		synctest.Test(t, func(t *testing.T) {
			town := &town{answer: func(ctx context.Context, _ client.Op, n int) reply {
				return reply{after: -1, err: wait(ctx, time.Duration(1+n%7)*time.Millisecond)}
			}}
			opts := []Option{WithOpener(town.open)}
			if hedged {
				opts = append(opts, WithHedging())
			}
			c, err := NewFromConfigs(&strategy.LeastLoaded{}, hosts(lists[0]...), 0, opts...)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						if _, err := c.ID(t.Context()); err != nil {
							t.Error(err)
						}
						got, err := collect(t, c.StatusAll(t.Context(), 0, false), infoCid)
						if err != nil || len(got) != 20 {
							t.Errorf("%d items, %v", len(got), err)
						}
					}
				})
			}
			for _, list := range lists {
				time.Sleep(10 * time.Millisecond)
				if err := c.SetConfigs(hosts(list...)); err != nil {
					t.Error(err)
				}
			}
			close(done)
			wg.Wait()
			synctest.Wait()
			if n := len(c.Endpoints()); n != len(lists[len(lists)-1]) {
				t.Errorf("%d endpoints in the end: %s", n, names(c.Endpoints()))
			}
			last := lists[len(lists)-1]
			for name, fakes := range town.fakes {
				for i, f := range fakes {
					want := 1
					if i == len(fakes)-1 && slices.Contains(last, name) {
						want = 0
					}
					if f.closed != want {
						t.Errorf("%s was closed %d times, want %d", name, f.closed, want)
					}
				}
			}
			c.Close()
		})
	})
}
