package main

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

const (
	calls         = 300
	parallelCalls = 3_200
	goroutines    = 32
	// often is the number of rounds per count, because the turns are short.
	often   = 15
	retries = 3
)

// balanced is a load balancer over raw sinks that answer ID.
type balanced struct {
	client.Client
	sinks []*sink
}

func newBalanced(s strategy.LBStrategy, peers int) (*balanced, error) {
	docs, err := newDocuments()
	if err != nil {
		return nil, err
	}
	document, err := docs.id()
	if err != nil {
		return nil, err
	}
	b := &balanced{}
	var cfgs []*config.Config
	for range peers {
		s, err := serveRaw(document)
		if err != nil {
			return nil, err
		}
		b.sinks = append(b.sinks, s)
		cfg, err := s.config()
		if err != nil {
			return nil, err
		}
		cfgs = append(cfgs, cfg)
	}
	b.Client, err = lbclient.NewLBClient(s, cfgs, retries)
	return b, err
}

func (b *balanced) close() {
	b.Client.Close()
	for _, s := range b.sinks {
		s.close()
	}
}

func id(ctx context.Context, r *report) error {
	b, err := newBalanced(&strategy.Failover{}, 1)
	if err != nil {
		return err
	}
	defer b.close()
	r.often = often
	r.work(calls, "a call")
	url := b.sinks[0].url + "/id"
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error {
			return times(calls, func() error { _, err := b.ID(ctx); return err })
		}},
		contender{"floor", func(context.Context) error {
			return times(calls, func() error { return getAll(http.Get(url)) })
		}},
	)
	if err != nil {
		return err
	}
	r.keep()
	ours, floor := standings[0], standings[1]
	r.values["vs_floor"] = r.each(ours) / r.each(floor)
	r.values["allocs"] = ours.median.allocs / r.units
	r.values["floor_allocs"] = floor.median.allocs / r.units
	r.values["allocs_vs_floor"] = ours.median.allocs / floor.median.allocs
	return nil
}

func idParallel(ctx context.Context, r *report) error {
	b, err := newBalanced(&strategy.RoundRobin{}, 3)
	if err != nil {
		return err
	}
	defer b.close()
	// The default pool would keep only two connections per host.
	raw := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: goroutines, DisableCompression: true}}
	defer raw.CloseIdleConnections()
	var next atomic.Uint64
	r.often = often
	r.work(parallelCalls, "a call")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error {
			return parallel(func() error { _, err := b.ID(ctx); return err })
		}},
		contender{"floor", func(context.Context) error {
			return parallel(func() error {
				s := b.sinks[next.Add(1)%uint64(len(b.sinks))]
				return getAll(raw.Get(s.url + "/id"))
			})
		}},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["vs_floor"] = r.each(standings[1]) / r.each(standings[0])
	return nil
}

func times(n int, do func() error) error {
	for range n {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// parallel makes parallelCalls calls from several goroutines.
func parallel(do func() error) error {
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for range goroutines {
		wg.Go(func() {
			if err := times(parallelCalls/goroutines, do); err != nil {
				failed.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// getAll reads an answer to its end.
func getAll(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}
