//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// storm is the usual scenario: random faults under a random load, and the checks.
func storm(ctx context.Context, s *settings, c cluster, r *record) (err error) {
	probes, err := openEach(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(probes)) }()
	l, err := newLoad(s, c, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	in := &injector{
		cluster: c, probes: probes, settle: s.settle, rest: s.rest, outage: s.allowOutage,
		record: r, start: time.Now(), down: map[int]bool{}, back: map[int]time.Time{},
	}
	for i := range probes {
		if !in.await(ctx, i) {
			return fmt.Errorf("peer %d does not answer: %w", i, in.health(ctx, i))
		}
	}
	in.start = time.Now()
	faults := schedule(rand.New(rand.NewPCG(s.seed, 0)), s.duration, len(probes), c.harms(), s.allowOutage)
	loading, stop := context.WithTimeout(ctx, s.duration)
	defer stop()
	var active sync.WaitGroup
	active.Go(func() { in.run(ctx, faults) })
	l.run(loading, ctx)
	active.Wait()
	if ctx.Err() == nil {
		newCheck(l, probes).run(ctx)
	}
	return l.cleanUp(ctx, probes)
}

// openEach returns a client of each peer.
func openEach(c cluster) (all []client.Client, err error) {
	for _, cfg := range c.configs() {
		one, err := client.NewDefaultClient(cfg)
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
		all = append(all, one)
	}
	return all, nil
}

func closeAll(clients []client.Client) error {
	var errs []error
	for _, c := range clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
