package lbclient

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/strategy"
)

// peersOf returns the URLs of n servers that respond to GET /id like a peer in a cluster of
// three. If canned is true, they are raw servers that cost almost nothing, else servers of
// net/http.
func peersOf(b *testing.B, canned bool, n int) (urls []string) {
	doc := goldenID(b)
	for range n {
		if canned {
			urls = append(urls, "http://"+rawserver.Canned(b, rawserver.JSON(200, string(doc)).Pieces[0]).Addr())
			continue
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(doc)
		}))
		b.Cleanup(server.Close)
		urls = append(urls, server.URL)
	}
	return urls
}

func goldenID(b *testing.B) []byte {
	files, err := golden.Files()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		for _, c := range f.Cases {
			if body, known := c.Response.Body.Bytes(); known && f.Name == "crdt" && c.Name == "id" {
				return body
			}
		}
	}
	b.Fatal("there is no such case")
	return nil
}

// contenders returns two functions that make a call: ours calls ID of a load balancer, and
// floor sends the same request with net/http to the same servers in turn, with a large enough
// connection pool.
func contenders(b *testing.B, s strategy.LBStrategy, urls []string) (ours, floor func() error) {
	var cfgs []*config.Config
	for _, url := range urls {
		cfgs = append(cfgs, &config.Config{URL: url})
	}
	lb, err := NewFromConfigs(s, cfgs, 3)
	if err != nil {
		b.Fatal(err)
	}
	raw := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	b.Cleanup(func() { _ = lb.Close(); raw.CloseIdleConnections() })
	var turn atomic.Uint64
	return func() error {
			_, err := lb.ID(context.Background())
			return err
		}, func() error {
			resp, err := raw.Get(urls[turn.Add(1)%uint64(len(urls))] + "/id")
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			return err
		}
}

// BenchmarkID makes one call after another at the first of three peers, and
// BenchmarkIDParallel 32 at a time at all of them. The ratio compares the durations of
// alternating rounds, so that it is reliable even if the machine has other work.
func BenchmarkID(b *testing.B) { benchmarkID(b, 1, 1) }

func BenchmarkIDParallel(b *testing.B) { benchmarkID(b, 32, 3) }

func benchmarkID(b *testing.B, goroutines, peers int) {
	for _, sink := range []string{"canned", "net-http"} {
		urls := peersOf(b, sink == "canned", 3)
		var s strategy.LBStrategy = &strategy.RoundRobin{}
		if peers == 1 {
			s = &strategy.Failover{}
		}
		ours, _ := contenders(b, s, urls)
		_, floor := contenders(b, &strategy.RoundRobin{}, urls[:peers])
		for _, c := range []struct {
			name string
			do   func() error
		}{{"ours", ours}, {"floor", floor}} {
			b.Run(sink+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				if err := together(goroutines, b.N, c.do); err != nil {
					b.Fatal(err)
				}
			})
		}
		b.Run(sink+"/ratio", func(b *testing.B) {
			const round = 320
			var took [2]time.Duration
			for n := 0; n < b.N; n += round {
				for i, do := range []func() error{ours, floor} {
					began := time.Now()
					if err := together(goroutines, round, do); err != nil {
						b.Fatal(err)
					}
					took[i] += time.Since(began)
				}
			}
			b.ReportMetric(float64(took[0])/float64(took[1]), "ours/floor")
		})
	}
}

// together makes n calls concurrently, a limited number at a time.
func together(goroutines, n int, do func() error) (err error) {
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for g := range goroutines {
		wg.Go(func() {
			for i := g; i < n; i += goroutines {
				if err := do(); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wg.Wait()
	if e := failed.Load(); e != nil {
		return fmt.Errorf("call: %w", *e)
	}
	return nil
}
