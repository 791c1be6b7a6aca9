package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
)

// aging is a server in memory that knows the ages of its connections.
type aging struct {
	dials, open atomic.Int64
	oldest      time.Duration // at the beginning of a request
}

type bornKey struct{}

// start returns an endpoint for cfg. The response to a POST takes 25 minutes.
func (a *aging) start(t *testing.T, cfg *config.Config) *Endpoint {
	t.Helper()
	var mu sync.Mutex
	return overPipesTo(t, cfg, &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			a.oldest = max(a.oldest, time.Since(r.Context().Value(bornKey{}).(time.Time)))
			mu.Unlock()
			if r.Method == http.MethodPost {
				every(time.Minute, 25, w)
			}
		}),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			a.dials.Add(1)
			return context.WithValue(ctx, bornKey{}, time.Now())
		},
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				a.open.Add(1)
			case http.StateClosed, http.StateHijacked:
				a.open.Add(-1)
			}
		},
	})
}

// C9: a connection that was always busy lived as long as the server let it, so that a name
// that had moved to another machine was never looked up again.
func TestMaxConnAge(t *testing.T) {
	const ten = 10 * time.Minute
	for _, test := range []struct {
		addr   string
		maxAge time.Duration
		want   time.Duration // 0 for no limit
	}{
		{"/dns4/peer.test/tcp/9094", 0, ten},
		{"/dnsaddr/peer.test", 0, ten},
		{"/dns/peer.test/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf", 0, ten},
		{"/dns4/peer.test/tcp/9094", time.Minute, time.Minute},
		{"/dns4/peer.test/tcp/9094", -1, 0},
		{"/ip4/10.0.0.1/tcp/9094", 0, 0},
		{"/unix/a", 0, 0},
		{"/ip6/fe80::1/tcp/9094", time.Hour, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &aging{}
			ep := a.start(t, &config.Config{APIAddr: multiaddr.StringCast(test.addr), MaxConnAge: test.maxAge})
			const length = 2 * time.Hour
			for range int(length / (10 * time.Second)) {
				if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
			}
			dials := int64(1)
			if test.want > 0 {
				dials = int64(length / test.want)
				if a.oldest > test.want {
					t.Errorf("%s, %s: a connection was used at the age of %s", test.addr, test.maxAge, a.oldest)
				}
			}
			if n := a.dials.Load(); n < dials || n > dials+dials/4+1 || test.want == 0 && n != 1 {
				t.Errorf("%s, %s: %d connections, want about %d", test.addr, test.maxAge, n, dials)
			}
			synctest.Wait()
			if n := a.open.Load(); n != 1 {
				t.Errorf("%s, %s: %d connections are open at the end", test.addr, test.maxAge, n)
			}
		})
	}
}

// A URL and a host count as names or addresses, too.
func TestMaxConnAgeOfHosts(t *testing.T) {
	for host, want := range map[string]time.Duration{
		"peer.test": config.DefaultMaxConnAge, "peer.test:80": config.DefaultMaxConnAge, "10.0.0.1": 0, "[::1]:80": 0, "fe80::1%eth0": 0,
	} {
		cfg := &config.Config{Host: host}
		addr, err := cfg.Address()
		if err != nil {
			t.Fatal(err)
		}
		if got := maxConnAge(cfg, addr); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// An exchange on an old connection goes on undisturbed. Its connection closes when it has
// ended.
func TestMaxConnAgeCutsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &aging{}
		ep := a.start(t, &config.Config{Host: "peer.test"})
		long, err := do(t, t.Context(), ep, http.MethodPost, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			time.Sleep(time.Minute)
			if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := a.open.Load(); n != 2 {
			t.Errorf("%d connections are open, want that of the long exchange and another one", n)
		}
		if b, err := io.ReadAll(long.Body); err != nil || len(b) == 0 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		_ = long.Body.Close()
		synctest.Wait()
		if n := a.open.Load(); n != 0 { // the other one has been idle for too long
			t.Errorf("%d connections are open after the long exchange", n)
		}
	})
}

// A request that got the http.Transport just before it was replaced leaves no idle
// connection behind.
func TestLateRequestOfAnOldGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &aging{}
		ep := a.start(t, &config.Config{Host: "peer.test"})
		pool := ep.owned.pool
		old := pool.get()
		time.Sleep(time.Hour)
		if pool.get() == old {
			t.Fatal("it was not replaced")
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ep.BaseURL.JoinPath("/x").String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := old.RoundTrip(req)
		pool.done(old)
		if err := readAll(resp, err); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := a.open.Load(); n != 0 {
			t.Errorf("%d connections are open", n)
		}
	})
}
