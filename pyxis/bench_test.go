package pyxis_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// benchmark runs op from callers goroutines over one connection on loopback and
// reports operations per second.
func benchmark(b *testing.B, callers int, op func(c *pyxis.Client) error) {
	s := pyxistest.New(b, pyxistest.Options{})
	c := pyxis.NewClient(s.Addrs(), nil)
	defer c.Close()
	if err := c.Create(nil, "/bench", make([]byte, 64)); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for j := i; j < b.N; j += callers {
				if err := op(c); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	if _, accepted := s.Connections(); accepted != 1 {
		b.Errorf("%d connections", accepted)
	}
}

func BenchmarkRead(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			benchmark(b, callers, func(c *pyxis.Client) error {
				_, err := c.Read(nil, "/bench", nil)
				return err
			})
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	data := make([]byte, 64)
	benchmark(b, 64, func(c *pyxis.Client) error { return c.Write(nil, "/bench", data) })
}

// A connection has at most two goroutines. One-shot watchers have none,
// persistent watches use only the caller's, and a watcher has one while state
// events are queued for it.
func TestGoroutinesPerConnection(t *testing.T) {
	s := pyxistest.New(t, pyxistest.Options{})
	before := runtime.NumGoroutine()
	c := pyxis.NewClient(s.Addrs(), nil)
	defer c.Close()
	must(t, c.Create(nil, "/w", nil))
	for i := range 50 {
		if _, err := c.Read(nil, "/w", &pyxis.Watcher{Done: make(chan *watch.Event)}); err != nil {
			t.Fatal(i, err)
		}
	}
	// The server has two more goroutines for the connection.
	settled := func() bool { return runtime.NumGoroutine()-before <= 4 }
	for deadline := time.Now().Add(10 * time.Second); !settled(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines for one connection with 50 watchers, server included", runtime.NumGoroutine()-before)
		}
	}
}

// tree returns a service like the real one, which holds small answers back, and
// a client of it, with n nodes below /d.
func tree(b *testing.B, n int) (*pyxistest.Cluster, *pyxis.Client) {
	s := pyxistest.New(b, pyxistest.Options{Nagle: true})
	c := pyxis.NewClient(s.Addrs(), nil)
	b.Cleanup(func() { _ = c.Close() })
	must(b, c.Create(nil, "/d", nil))
	for i := range n {
		must(b, s.Create("/d/"+strconv.Itoa(i), make([]byte, 100)))
	}
	return s, c
}

// report reports percentiles of durations in milliseconds.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		at := took[(len(took)-1)*p/100]
		b.ReportMetric(float64(at)/1e6, fmt.Sprintf("p%d-ms", p))
	}
}

// BenchmarkEvent measures the time from a write of one client to the event at
// another one.
func BenchmarkEvent(b *testing.B) {
	s, c := tree(b, 1)
	writer := pyxis.NewClient(s.Addrs(), nil)
	defer writer.Close()
	w := &pyxis.Watcher{Done: make(chan *watch.Event, 1)}
	var took []time.Duration
	for b.Loop() {
		if _, err := c.Read(nil, "/d/0", w); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		must(b, writer.Write(nil, "/d/0", nil))
		<-w.Done
		took = append(took, time.Since(start))
	}
	report(b, took)
}

// BenchmarkFirstLook measures the first look of a watch of 1,001 nodes.
func BenchmarkFirstLook(b *testing.B) {
	_, c := tree(b, 1000)
	for b.Loop() {
		for u, err := range c.Watch(&pyxis.WatchOption{Recursive: true}, "/d") {
			if err != nil || len(u.Nodes) != 1001 {
				b.Fatal(len(u.Nodes), err)
			}
			break
		}
	}
}

// BenchmarkWatchOf1000 measures one change in a watched subtree of 1,001 nodes,
// until the caller has the new view.
func BenchmarkWatchOf1000(b *testing.B) {
	s, c := tree(b, 1000)
	next, stop := iter.Pull2(c.Watch(&pyxis.WatchOption{Recursive: true}, "/d"))
	defer stop()
	_, err, _ := next()
	must(b, err)
	s.ResetRequests()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		must(b, s.Write("/d/7", nil))
		u, err, _ := next()
		if err != nil || len(u.Nodes) != 1001 || len(u.Changes) != 1 {
			b.Fatal(len(u.Nodes), u.Changes, err)
		}
		took = append(took, time.Since(start))
	}
	report(b, took)
	b.ReportMetric(float64(s.Count(pyxistest.AllOps))/float64(len(took)), "requests/change")
}

// BenchmarkWatchersAtScale has 100 clients that watch 1,000 endpoints, of which
// one changes every second. It measures the time from a change until each of them
// has the new view, and what a change costs each of them.
func BenchmarkWatchersAtScale(b *testing.B) {
	const watchers = 100
	s, _ := tree(b, 1000)
	ctx, cancel := context.WithCancel(b.Context())
	arrived := make(chan time.Time, watchers)
	var running sync.WaitGroup
	for range watchers {
		c := pyxis.NewClient(s.Addrs(), nil)
		running.Go(func() {
			defer c.Close()
			for _, err := range c.WithContext(ctx).Watch(&pyxis.WatchOption{Recursive: true}, "/d") {
				if err == nil {
					arrived <- time.Now()
				}
			}
		})
	}
	wait := func(each func(time.Time)) {
		for range watchers {
			each(<-arrived)
		}
	}
	wait(func(time.Time) {})
	var took []time.Duration
	second := time.NewTicker(time.Second)
	defer second.Stop()
	requests := 0
	for i := 0; b.Loop(); i++ {
		<-second.C
		s.ResetRequests()
		start := time.Now()
		must(b, s.Write("/d/"+strconv.Itoa(i%1000), nil))
		wait(func(at time.Time) { took = append(took, at.Sub(start)) })
		requests += s.Count(pyxistest.AllOps)
	}
	report(b, took)
	b.ReportMetric(float64(requests)/float64(len(took)), "requests/watcher")
	cancel()
	running.Wait()
}
