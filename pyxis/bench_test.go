package pyxis_test

import (
	"iter"
	"runtime"
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

// BenchmarkWatchOf1000 measures one change in a watched subtree of 1000 nodes,
// until the caller has the new view.
func BenchmarkWatchOf1000(b *testing.B) {
	s := pyxistest.New(b, pyxistest.Options{})
	c := pyxis.NewClient(s.Addrs(), nil)
	defer c.Close()
	must(b, c.Create(nil, "/d", nil))
	for i := range 999 {
		must(b, s.Create("/d/"+strconv.Itoa(i), make([]byte, 100)))
	}
	next, stop := iter.Pull2(c.Watch(&pyxis.WatchOption{Recursive: true}, "/d"))
	defer stop()
	_, err, _ := next()
	must(b, err)
	for b.Loop() {
		must(b, s.Write("/d/7", nil))
		u, err, _ := next()
		if err != nil || len(u.Nodes) != 1000 || len(u.Changes) != 1 {
			b.Fatal(len(u.Nodes), u.Changes, err)
		}
	}
}
